"""The Postman collection, run by newman: it passes, and leaves the store unchanged.

Needs newman in FLEET_NEWMAN, and fleet-server as built by .ci/postman.
"""

import os
import re
import subprocess
import sys

import pytest
from conftest import ROOT
from programs import Programs, Server, output_of

COLLECTION, LOCAL = "events/fleet.postman_collection.json", "events/local.postman_environment.json"
INSTANCE = {"aws_region": "us-east-1", "aws_account": "123456789012"}


@pytest.fixture
def server(tmp_path):
    """A server with an empty store."""
    programs = Programs(tmp_path)
    try:
        yield Server(programs, "server")
    finally:
        programs.end()


def run(*options):
    """Runs the whole collection."""
    reporter = ["--color", "off", "--reporters", "cli", "--reporter-cli-no-success-assertions", "--reporter-cli-no-banner", "--bail"]
    command = [os.environ["FLEET_NEWMAN"], "run", COLLECTION, *options, *reporter]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, f"{done.stdout[-5000:]}{done.stderr}"
    # The numbers of executed and failed tests.
    requests, assertions = (re.search(rf"{what} │ +(\d+) │ +(\d+)", done.stdout) for what in ("requests", "assertions"))
    assert int(requests[1]) > 0 and int(assertions[1]) > 0, done.stdout


def stored(server):
    """Other users' data: a run must leave it alone, although the document's examples have the same ids."""
    return server.ask("/ec2?limit=100"), server.ask("/_ui/state")


def test_the_collection_is_what_the_document_makes():
    output_of(sys.executable, ROOT / ".ci/postman.py", "--check")


def test_it_passes_on_an_empty_store_with_its_own_variables(server):
    run("--env-var", f"baseUrl={server.url}")
    assert server.ask("/ec2") == (200, '{"records":[]}'), "the run left an instance behind"


def test_it_passes_twice_and_leaves_what_others_store(server):
    assert server.ask("/ec2/instance-002", "POST", INSTANCE)[0] == 200
    assert server.ask("/v1/scalableTargetDimensions/1-23456789", "PATCH", {"desiredCapacity": 3.0})[0] == 200
    before = stored(server)
    # A slash at the end of the address does no harm.
    run("--environment", LOCAL, "--env-var", f"baseUrl={server.url}/")
    run("--environment", LOCAL, "--env-var", f"baseUrl={server.url}")
    assert stored(server) == before
