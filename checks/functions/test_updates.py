"""The release build, an update in place under requests, the rollback to the previous versions, and the deletion.

Has the requirements of deployment.py, and needs cargo. The size is measured without optimisations, which would take
minutes; with FLEET_RELEASE=1 it is measured for every function as deployed to AWS.
"""

import contextlib
import io
import re
import shutil
import subprocess
import time
import zipfile

import built
import pytest
from deployed import ask

MB = 1_000_000
# The limits of a zipped function with AWS clients, and without. Health has every client, so no other function is
# larger; Books has none.
WITH_CLIENTS, WITHOUT = (3.5 * MB, 1.2 * MB) if built.AS_RELEASED else (8 * MB, 1.8 * MB)
LIMITS = {"Health": WITH_CLIENTS, "Books": WITHOUT}


def sam_build(name):
    built.sam_build(built.RELEASE_TREE, "--build-dir", f".aws-sam/build-{name}", name)
    return built.RELEASE_TREE / f".aws-sam/build-{name}/{name}/bootstrap"


def zipped_size(program):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.write(program, "bootstrap")
    return buffer.tell()


@pytest.fixture(scope="module")
def release():
    """The programs of two functions, from `sam build` itself."""
    built.copy_tree(built.RELEASE_TREE)
    yield {name: sam_build(name) for name in LIMITS}
    shutil.rmtree(built.RELEASE_TREE)


@pytest.mark.parametrize("name", LIMITS)
def test_a_release_is_small(release, name):
    assert zipped_size(release[name]) <= LIMITS[name]


if built.AS_RELEASED:

    def test_every_function_that_is_deployed_is_small(api):
        sizes = {file.parent.name: zipped_size(file) for file in (api.root / ".aws-sam/build").glob("*/bootstrap")}
        assert len(sizes) >= 12
        assert {name: size for name, size in sizes.items() if size > LIMITS.get(name, WITH_CLIENTS)} == {}


def test_sam_build_reads_the_settings_of_cargo(release):
    # The programs are stripped, so this checks the newest library that they are linked with.
    libraries = built.RELEASE.glob("**/release/build/aws-lc-sys-*/**/lib*crypto.a")
    newest = max(libraries, key=lambda file: file.stat().st_mtime)
    found = built.symbols(newest)
    assert "RAND_bytes" in found, f"{newest} is not AWS-LC"
    assert "jent_" not in found, f"sam build does not read .cargo/config.toml: {newest} collects CPU jitter"


@contextlib.contextmanager
def asked_meanwhile(api, folder):
    """Requests the API all the time meanwhile; each response must be a 200."""
    end = folder / "updated"
    asking = subprocess.Popen(api.requests("--until", end), env=api.environment, stdout=subprocess.PIPE, text=True)
    try:
        yield
        # A while longer, since something may break only after an update.
        time.sleep(2)
    finally:
        end.touch()
        said, _ = asking.communicate(timeout=120)
    assert asking.returncode == 0, f"requests failed during the update: {said}"


@pytest.fixture(scope="module")
def updated(api, release, tmp_path_factory):
    """The API with a changed function and other settings, deployed over the previous version."""
    folder = tmp_path_factory.mktemp("update")
    books = built.RELEASE_TREE / "crates/functions/books/src/books.json"
    books.write_text(re.sub(r'"publisher": *"[^"]*"', '"publisher": "Updated in place"', books.read_text(), count=1))
    build = folder / "build"
    shutil.copytree(api.root / ".aws-sam/build", build)
    shutil.copy(sam_build("Books"), build / "Books/bootstrap")
    built.pack(build)
    settings = api.settings(api.data_api).replace("ScalingMode=demo", "ScalingMode=production")
    with asked_meanwhile(api, folder):
        files = f"--config-file {api.root}/samconfig.toml --template-file {build}/template.yaml"
        api.shell(f"sam deploy {files} --parameter-overrides '{settings}'")
    return api


def has_new_code(api):
    return "Updated in place" in ask(f"{api.base}/api/books/1").text


def status_after(api, name, looks):
    """The scaling status of a dimension after a change and a number of reads."""
    api.dimension(name, 3.0)
    found = [api.dimension(name) for _ in range(looks)][-1]
    return re.search(r'"scalingStatus":"(\w+)"', found)[1]


def test_an_update_brings_the_changed_code(updated):
    assert has_new_code(updated)


def test_an_update_brings_the_changed_settings(updated):
    assert status_after(updated, "updated", looks=2) == "Pending", "in demo mode it would be done by then"


def test_a_deployment_is_taken_back_once_and_brought_forward_again(updated):
    updated.done("roll_back.sh dev")
    assert not has_new_code(updated)
    assert status_after(updated, "rolled-back", looks=1) == "InProgress", "the demo mode is not back"
    assert "Nothing was moved" in updated.done("roll_back.sh dev")
    updated.done("roll_back.sh dev --undo")
    assert has_new_code(updated)


def test_the_environment_is_deleted(updated):
    updated.refused("nothing was deleted", "delete_all.sh dev")
    updated.done("delete_all.sh dev --yes")
    updated.done("delete_all.sh dev --yes")
    left = {name for name, _ in updated.state() if name.startswith("fleet-")}
    assert not left
