"""Programs that a check starts and that end with it, and free ports for them."""

import json
import os
import signal
import socket
import subprocess
import time
import urllib.request
from pathlib import Path
from urllib.error import HTTPError

from conftest import ROOT

# The programs built by build_all in .ci/lib.sh.
PROGRAMS = Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target")) / "debug"
SERVER = PROGRAMS / "fleet-server"

REGION = "us-east-1"
# Fake credentials, for endpoints that accept any.
CREDENTIALS = {"AWS_ACCESS_KEY_ID": "any", "AWS_SECRET_ACCESS_KEY": "any"}
# The environment for callers of such endpoints: whatever account this machine is signed in to, nothing goes there.
CALLER = CREDENTIALS | {
    "AWS_REGION": REGION,
    "AWS_DEFAULT_REGION": REGION,
    "AWS_EC2_METADATA_DISABLED": "true",
    "AWS_CONFIG_FILE": os.devnull,
    "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
    "AWS_PAGER": "",
}


def free_port():
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return found.getsockname()[1]


def output_of(*command, **options):
    """The output of a command, which must succeed."""
    done = subprocess.run(command, capture_output=True, text=True, check=False, **options)
    assert done.returncode == 0, f"{' '.join(map(str, command))} ended with {done.returncode}: {done.stdout}{done.stderr}"
    return done.stdout


def ask(url, method="GET", body=None):
    """The status and body of a response. The request's body is the given value as JSON."""
    request = urllib.request.Request(url, method=method, data=None if body is None else json.dumps(body).encode())
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:
            return answer.status, answer.read().decode()
    except HTTPError as error:
        return error.code, error.read().decode()


def until(holds, seconds=60, alive=lambda: None, text=lambda: ""):
    """Waits until `holds()` is true, and returns its result. OSError and failed assertions in it count as not yet."""
    deadline, problem = time.monotonic() + seconds, None
    while time.monotonic() < deadline:
        try:
            if found := holds():
                return found
        except (OSError, AssertionError) as error:
            problem = error
        alive()
        time.sleep(0.1)
    raise AssertionError(f"not within {seconds} s: {problem or holds}\n{text()}")


class Program:
    """A running program, in a process group with its children. Its output is in a file."""

    def __init__(self, log, command, environment, folder):
        self.log = log
        with log.open("w") as file:
            self.process = subprocess.Popen(
                command, cwd=folder, env=environment, stdin=subprocess.DEVNULL, stdout=file, stderr=file, start_new_session=True
            )

    def text(self):
        """Its output so far."""
        return self.log.read_text(errors="replace")

    def until(self, holds, seconds=60):
        """Waits until `holds()` is true while it runs, and returns the result."""

        def alive():
            assert self.process.poll() is None, f"it ended with {self.process.returncode}: {self.text()}"

        return until(holds, seconds, alive, self.text)

    def until_printed(self, text, seconds=60):
        """Waits until it has printed the text."""
        self.until(lambda: text in self.text(), seconds)

    def until_listening(self, port, seconds=60):
        """Waits until a port of this machine accepts connections."""

        def listens():
            with socket.create_connection(("127.0.0.1", port), 5):
                return True

        self.until(listens, seconds)

    def end(self, how=signal.SIGTERM, to=None):
        """Sends a signal to the program, or to the process id `to`, and returns its exit code."""
        os.kill(to or self.process.pid, how)
        return self.process.wait(60)

    def kill(self):
        """Kills it and its children, whatever they are doing."""
        try:
            os.killpg(self.process.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        self.process.wait()


class Programs:
    """The programs of one check, in a separate folder, without AWS credentials or fleet-server's options."""

    def __init__(self, folder):
        # The running programs by name, and all that were started.
        self.folder, self.running, self.started = folder, {}, []
        self.environment = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "FLEET_"))}

    def start(self, name, command, **environment):
        """Starts a program, instead of one with this name that has ended; its output is in NAME.log."""
        program = self.running[name] = Program(self.folder / f"{name}.log", command, self.environment | environment, self.folder)
        self.started.append(program)
        return program

    def end(self):
        for program in reversed(self.started):
            program.kill()


class Server:
    """A running fleet-server, which stores nothing unless options are given, and its local AWS endpoints."""

    def __init__(self, programs, name, *options, **environment):
        api, endpoints = f"127.0.0.1:{free_port()}", f"127.0.0.1:{free_port()}"
        self.url, self.endpoints = f"http://{api}", f"http://{endpoints}"
        command = [SERVER, *(options or ["--in-memory"]), "--listen", api, "--aws-listen", endpoints]
        self.program = programs.start(name, command, **environment)
        self.ready()

    def ready(self):
        """Waits until it and its stores respond."""
        self.program.until(lambda: self.ask("/v1/health/ready")[0] == 200, seconds=90)

    def ask(self, path, method="GET", body=None):
        return ask(f"{self.url}{path}", method, body)
