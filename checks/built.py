"""The functions in a copy of the sources, arranged as by `sam build`, for the checks that run them.

They are the programs built by `cargo test`, since the checks do not test their speed and size. With FLEET_RELEASE=1
`sam build` builds all of them, with their release profile.
"""

import os
import re
import shutil
import subprocess
import sys
import zipfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from conftest import ROOT

TARGET = Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target"))
PROGRAMS = TARGET / "debug"
SAM = Path(sys.executable).parent / "sam"
# Cargo takes a crate in a copy for the same as in the checkout, and the newer build of either for both. So a copy is
# built into another folder than the checkout.
RELEASE = TARGET / "ci-release"
AS_RELEASED = bool(os.environ.get("FLEET_RELEASE"))
QUICK = {"LTO": "off", "CODEGEN_UNITS": "16", "OPT_LEVEL": "0"}
# A copy that is built always has the same folder, so that whatever does not change is compiled once.
RELEASE_TREE = TARGET / "ci-tree"


def copy_tree(folder):
    """Copies the sources, without build results."""
    shutil.rmtree(folder, ignore_errors=True)
    unwanted = {ROOT / name for name in (".aws-sam", ".fleet", ".git", "target")}
    shutil.copytree(ROOT, folder, symlinks=True, ignore=lambda where, names: [name for name in names if Path(where, name) in unwanted])
    return folder


def symbols(program):
    return subprocess.run(["nm", program], capture_output=True, check=True, text=True).stdout


def has_aws_lc(program):
    """Whether a program contains AWS-LC; fails if AWS_LC_SYS_NO_JITTER_ENTROPY of .cargo/config.toml had no effect."""
    found = symbols(program)
    assert "jent_" not in found, f"{program.name} collects CPU jitter: its build did not read .cargo/config.toml"
    return "aws_lc_" in found


def arrange(tree):
    """Creates the tree's .aws-sam/build: a folder with a stripped `bootstrap` per function, and a template for them."""
    build, name, lines, programs = tree / ".aws-sam/build", "", [], {}
    for line in (tree / "template.yaml").read_text().splitlines():
        if found := re.fullmatch(r"  (\w+):", line):
            name = found[1]
        if found := re.fullmatch(r"( +CodeUri: )crates/functions/([\w-]+)", line):
            programs[name] = PROGRAMS / found[2]
            line = found[1] + name
        lines.append(line)

    def strip(name):
        (build / name).mkdir(parents=True)
        subprocess.run(["strip", "-o", build / name / "bootstrap", programs[name]], check=True)
        return has_aws_lc(programs[name])

    with ThreadPoolExecutor(2) as two:
        assert any(list(two.map(strip, programs))), "no function has AWS-LC, so whether it collects CPU jitter was not seen"
    (build / "template.yaml").write_text("\n".join(lines) + "\n")


def pack(build):
    """Makes the template refer to each function's folder as an archive, packed in the quickest way.

    `sam deploy` would pack the folders slowly and every time: ten seconds of processor time for all of them.
    """
    template = build / "template.yaml"

    def archive(folder):
        with zipfile.ZipFile(folder.with_suffix(".zip"), "w", zipfile.ZIP_DEFLATED, compresslevel=1) as packed:
            packed.write(folder / "bootstrap", "bootstrap")

    with ThreadPoolExecutor(2) as two:
        list(two.map(archive, (file.parent for file in build.glob("*/bootstrap"))))
    template.write_text(re.sub(r"^( +CodeUri: \w+)$", r"\1.zip", template.read_text(), flags=re.M))


def sam_build(tree, *options):
    """`sam build` in a tree, without optimisations, which take most of the time, unless FLEET_RELEASE is set."""
    environment = os.environ | {"CARGO_TARGET_DIR": str(RELEASE), "PATH": f"{SAM.parent}:{os.environ['PATH']}", "SAM_CLI_TELEMETRY": "0"}
    if not AS_RELEASED:
        environment |= {f"CARGO_PROFILE_RELEASE_{name}": value for name, value in QUICK.items()}
    done = subprocess.run([SAM, "build", *options], cwd=tree, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"sam build {' '.join(options)}: {done.stdout}{done.stderr}"


def functions(folder):
    """A copy of the sources whose .aws-sam/build contains the functions. The checkout's own .aws-sam is left alone."""
    tree = copy_tree(folder / "tree")
    if AS_RELEASED:
        sam_build(tree)
    else:
        arrange(tree)
    return tree
