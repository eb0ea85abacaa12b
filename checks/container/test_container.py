"""The image of the Dockerfile, run as Fargate does: not as root, on a read-only file system, without privileges, and
stopped by SIGTERM.

Only the server is in the container's network, and requests come from within it. Needs root, nsenter, curl, ss, nm, a
container engine with BuildKit, and the images or FLEET_DEBIAN from .ci/container.
"""

import json
import re
import subprocess
from pathlib import Path
from typing import NamedTuple

import images
import pytest
from images import IMAGE, PROFILE, docker, inspected
from programs import output_of, until


class Answer(NamedTuple):
    status: int
    text: str


class Container:
    """The image as it runs on Fargate."""

    def __init__(self, *options):
        restricted = ["--read-only", "--cap-drop", "ALL", "--security-opt", "no-new-privileges", "--memory", "512m", "--network", "none"]
        self.name = docker("run", "--detach", *restricted, *options, IMAGE)

    def process(self):
        return inspected(self.name, ".State.Pid")

    def inside(self, *command):
        """The output of a command of this machine, run in the container's network."""
        return output_of("nsenter", "--target", self.process(), "--net", *command)

    def ask(self, path):
        told = ["--silent", "--max-time", "10", "--write-out", "\n%{http_code}"]
        text, _, status = self.inside("curl", *told, f"http://127.0.0.1:8080{path}").rpartition("\n")
        return Answer(int(status), text)

    def ready(self, path):
        until(lambda: self.ask(path).status == 200, seconds=30, text=self.log)
        return self

    def log(self):
        done = subprocess.run(["docker", "logs", self.name], capture_output=True, text=True, check=False)
        return done.stdout + done.stderr

    def of_the_kernel(self, name):
        """A field of the process in /proc."""
        return re.search(rf"^{name}:\s+(.*)$", Path(f"/proc/{self.process()}/status").read_text(), re.M)[1].split()

    def stop(self):
        """Stops it with SIGTERM; returns the exit code."""
        docker("stop", "--time", "20", self.name)
        return inspected(self.name, ".State.ExitCode")

    def remove(self):
        docker("rm", "--force", self.name)


@pytest.fixture(scope="module")
def commit(tmp_path_factory, say):
    """The commit from which the image was built; builds the image now."""
    return images.build(tmp_path_factory.mktemp("image"), say)


@pytest.fixture(scope="module")
def server(commit):
    container = Container()
    try:
        yield container.ready("/api/books/health")
    finally:
        container.remove()


def test_the_image_has_its_user_and_commit(commit):
    assert inspected(IMAGE, ".Config.User") == "65532:65532"
    assert inspected(IMAGE, 'index .Config.Labels "org.opencontainers.image.revision"') == commit


@pytest.mark.skipif(PROFILE != "dev", reason="other builds are stripped and show no symbols")
def test_its_program_has_aws_lc_without_cpu_jitter(commit, tmp_path):
    # The symbols that AWS_LC_SYS_NO_JITTER_ENTROPY in .cargo/config.toml removes.
    created = docker("create", IMAGE)
    docker("cp", f"{created}:/usr/local/bin/fleet-server", str(tmp_path))
    docker("rm", created)
    symbols = output_of("nm", tmp_path / "fleet-server")
    assert "aws_lc_" in symbols, "the image's program has no AWS-LC"
    assert "jent_" not in symbols, "the build of the image does not read .cargo/config.toml: its AWS-LC collects CPU jitter"


def test_it_runs_without_privileges(server):
    assert server.of_the_kernel("Uid") == ["65532"] * 4
    assert server.of_the_kernel("Gid") == ["65532"] * 4
    assert server.of_the_kernel("CapEff") == ["0000000000000000"]


def test_it_listens_at_all_addresses(server):
    assert " 0.0.0.0:8080 " in server.inside("ss", "--tcp", "--listening", "--numeric", "--no-header")


@pytest.mark.parametrize("service", ["books", "authors"])
def test_it_serves_the_services_without_a_store(server, service):
    health = server.ask(f"/api/{service}/health")
    assert health.status == 200 and json.loads(health.text)["service"] == service, health
    assert server.ask(f"/api/{service}").status == 200
    assert server.ask(f"/api/{service}/0").status == 404


@pytest.mark.parametrize("path", ["/ec2", "/v1/health", "/docs", "/"])
def test_it_serves_nothing_else(server, path):
    assert server.ask(path) == Answer(403, '{"message":"Missing Authentication Token"}')


def test_its_log_is_json_with_a_line_for_each_request(server):
    assert '"route":"/api/books/health"' in server.log()


def test_a_stop_ends_it_with_success(server):
    # The last test that uses it.
    assert server.stop() == "0"


def test_it_can_be_the_task_of_one_service(commit):
    container = Container("--env", "FLEET_FUNCTIONS=authors")
    try:
        assert container.ready("/api/authors/health").ask("/api/books").status == 403
        assert container.stop() == "0"
    finally:
        container.remove()


def test_a_failed_start_says_why_and_ends(commit):
    command = ["docker", "run", "--rm", "--read-only", "--network", "none", "--env", "FLEET_FUNCTIONS=films", IMAGE]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode != 0, "an unknown function does not stop the start"
    assert re.search("possible values: .*books, authors", done.stdout + done.stderr), done.stdout + done.stderr
