"""Checks of templates, settings and scripts, one file per subject: `just check gateway` only runs test_gateway.py.

The first lines of each file name its requirements besides the Python packages in .ci/lib.sh (SAM_TOOLS). A check
fails if they are missing.
"""

import os
import signal
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
ACCOUNT = ("*get-caller-identity*", "echo 123456789012")
EXPIRED = "(ExpiredToken) when calling the GetCallerIdentity operation: The security token included in the request is expired"


def pytest_configure():
    """Makes a signal end what the tests have started, as Ctrl-C does: background jobs of a shell ignore SIGINT."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.default_int_handler)


@pytest.fixture(scope="session")
def say(request):
    """Prints a line, even if the test passes."""
    capture = request.config.pluginmanager.getplugin("capturemanager")

    def line(text):
        with capture.global_and_fixture_disabled():
            print(f"\n{text}", flush=True)

    return line


class Scripts:
    """Runs the scripts in deploy_scripts/ with stand-ins for the programs that they call, and without credentials."""

    def __init__(self, folder):
        self.folder, self.programs, self.root = folder, folder / "bin", ROOT
        self.programs.mkdir()
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "DB_", "FLEET_", "ALARM_"))}
        self.environment = kept | {"PATH": f"{self.programs}:{os.environ['PATH']}", "AWS_REGION": "us-east-1"}
        # Unless a check sets something else, AWS refuses everything, with FLEET_AWS_ERROR.
        self.stand_in("aws", 'echo "An error occurred $FLEET_AWS_ERROR" >&2\nexit 254')

    def stand_in(self, name, text):
        """Makes the scripts call this instead of a program."""
        file = self.programs / name
        file.write_text(f"#!/bin/sh\n{text}\n")
        file.chmod(0o755)

    def aws(self, *answers):
        """Makes AWS respond to a call with the first pattern that fits its arguments: (pattern, shell command)."""
        cases = [*answers, ("*", 'echo "unexpected call: $*" >&2; exit 254')]
        self.stand_in("aws", "\n".join(['case "$*" in', *(f"    {pattern}) {command} ;;" for pattern, command in cases), "esac"]))

    def run(self, command, **environment):
        """Runs a script; returns its exit code and all its output."""
        done = subprocess.run(
            f"deploy_scripts/{command}",
            shell=True,
            cwd=self.root,
            env=self.environment | environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        return done.returncode, done.stdout

    def done(self, command, **environment):
        """The output of a command, which must succeed."""
        code, said = self.run(command, **environment)
        assert code == 0, f"{command} ended with {code}: {said}"
        return said

    def refused(self, sentence, command, **environment):
        """Checks that the command fails deliberately, with this message."""
        code, said = self.run(command, **environment)
        assert code != 0, f"{command} goes on: {said}"
        assert sentence in said and "failed at line" not in said, f"{command} should say '{sentence}', and says: {said}"


@pytest.fixture
def scripts(tmp_path):
    return Scripts(tmp_path)
