"""The commands in README.md and docs/ print the documented output, and each is run by a check: see documented.py.

Application Auto Scaling and CloudWatch are moto's, which stores what it is sent and validates it as AWS does. Needs
curl, the AWS CLI of .ci/lib.sh, moto in FLEET_MOTO, and fleet-server as built by .ci/docs.
"""

import os
import re
import sys

import documented
import pytest
from conftest import ROOT
from emulated import aws_cli
from findings import no_findings
from programs import CALLER, Programs, Server, ask, free_port, output_of


@pytest.fixture(scope="module")
def programs(tmp_path_factory):
    programs = Programs(tmp_path_factory.mktemp("documents"))
    try:
        yield programs
    finally:
        programs.end()


@pytest.fixture(scope="module")
def production(programs):
    """A server whose dimensions an owner scales."""
    return Server(programs, "production", SCALING_MODE="production")


@pytest.fixture(scope="module")
def shell(programs):
    """A shell in which the documents' server has another address, and the AWS CLI calls moto."""
    demo, moto = Server(programs, "demo", SCALING_MODE="demo"), f"127.0.0.1:{free_port()}"
    where = ["--host", "127.0.0.1", "--port", moto.rpartition(":")[2]]
    emulator = programs.start("moto", [os.environ["FLEET_MOTO"], ROOT / ".ci/emulator/moto_server.py", *where])
    emulator.until(lambda: ask(f"http://{moto}/moto-api/data.json")[0] == 200)
    cli = programs.folder / "bin/aws"
    cli.parent.mkdir()
    cli.write_text(f'#!/bin/sh\nexec {aws_cli(programs)} "$@"\n')
    cli.chmod(0o755)
    environment = programs.environment | CALLER | {"PATH": f"{cli.parent}:{os.environ['PATH']}"}
    environment |= {f"AWS_ENDPOINT_URL_{service}": f"http://{moto}" for service in ("APPLICATION_AUTO_SCALING", "CLOUDWATCH")}
    replacements = [("localhost:3000", demo.url.removeprefix("http://")), ("127.0.0.1:4566", demo.endpoints.removeprefix("http://"))]
    return documented.Shell(programs.folder, replacements, environment)


def test_the_commands_print_what_is_written(shell, production):
    wrong = list(documented.follow_here(shell, production.url.removeprefix("http://")))
    assert not wrong, "\n".join(["", *wrong])


@no_findings
def test_no_block_of_commands_is_hidden():
    return documented.hidden_commands()


@no_findings
def test_what_runs_elsewhere_is_run_there():
    for file in documented.FOLLOWED.values():
        if not (ROOT / file).exists():
            yield f"there is no {file}"
    if "follow_deployed(" not in (ROOT / (deployed := "checks/functions/test_deployed_documents.py")).read_text():
        yield f"{deployed} does not run what needs a deployed API"


def test_the_costs_are_what_their_script_prints():
    output_of(sys.executable, ROOT / "deploy_scripts/cost.py", "--check", ROOT / "docs/cost.md")


def test_the_owner_in_python_carries_out_an_order(programs, production):
    (text,) = re.findall(r"^```python\n(.*?)^```$", (ROOT / "docs/scaling.md").read_text(), re.S | re.M)
    file = programs.folder / "owner.py"
    file.write_text(text)
    owner = programs.start("owner", [sys.executable, file, f"{production.url}/scalableTargetDimensions"])
    path = "/scalableTargetDimensions/a%20fleet"
    assert production.ask(path, "PATCH", {"desiredCapacity": 3.0})[0] == 200
    owner.until(lambda: re.search('"actualCapacity":3.0,.*"scalingStatus":"Successful"', production.ask(path)[1]), seconds=30)
    assert "scales a fleet to 3.0" in owner.text()
