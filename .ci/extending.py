"""Follows docs/extending.md in a copy of the repository; see .ci/extending, which makes it.

A block without a language is commands. Any other is a file, or what changes in one, whose name the paragraph before the
block begins with.
"""

import argparse
import json
import os
import re
import signal
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "checks"))
from documented import Shell, commands, same  # noqa: E402

DOCUMENT = ROOT / "docs/extending.md"
# What takes too long in a copy, and what runs it instead.
NOT_HERE = {
    ".ci/run": "the document's own tests, and the checks of AFTERWARDS",
    "deploy_scripts/deploy_api.sh": "sam validate here; .ci/deploy-emulator deploys the functions that there are",
}
# The justfile's recipe, which is used without just.
RECIPE = 'new-function *OPTIONS:\n    .ci/new-function "$@"\n'
# The steps of .ci/run that look at what a new function needs.
SUBJECTS = " ".join(f"checks/test_{name}.py" for name in ("alarms", "data", "gateway", "releases", "roles", "template"))
AFTERWARDS = ["cargo fmt --all --check", f"python3 -B -m pytest -p no:cacheprovider --quiet {SUBJECTS}", ".ci/postman.py --check"]


def blocks(text):
    """The (paragraph before it, language, lines) of each block."""
    paragraph, found = "", []
    for part in re.split(r"^(```\w*\n.*?^```)$", text, flags=re.S | re.M):
        if part.startswith("```"):
            head, *lines = part.split("\n")
            found.append((paragraph, head[3:], lines[:-1]))
        else:
            paragraph = part.strip().split("\n\n")[-1]
    return found


def change(text, lines):
    """The text with the change of a diff block. Each part of it must fit the text at one place, by whole lines."""
    for hunk in re.split(r"^@@\n", "\n".join(lines) + "\n", flags=re.M):
        hunk = hunk.splitlines()
        old = "".join(line[1:] + "\n" for line in hunk if line[:1] != "+")
        new = "".join(line[1:] + "\n" for line in hunk if line[:1] != "-")
        fits = [found.start() for found in re.finditer("^" + re.escape(old), text, re.M)]
        if len(fits) != 1:
            raise ValueError(f"fits at {len(fits)} places:\n{old}")
        text = text[: fits[0]] + new + text[fits[0] + len(old) :]
    return text


class Reader:
    """Does what the document says."""

    def __init__(self, options):
        self.tree, self.options, self.server = Path(options.tree), options, None
        self.shell = Shell(self.tree, [("localhost:3000", options.listen)], dict(os.environ))
        self.done = 0

    def block(self, paragraph, language, lines):
        if not language:
            for command, printed in commands("\n".join(lines)):
                self.command(command, printed)
            return
        name = re.match(r"`([\w./-]+)`", paragraph)
        if not name:
            raise ValueError(f"the paragraph names no file: {paragraph}")
        file = self.tree / name[1]
        if language == "diff":
            file.write_text(change(file.read_text(), lines))
        elif file.exists():
            raise ValueError(f"{name[1]} exists already")
        else:
            file.write_text("\n".join(lines) + "\n")
        self.done += 1

    def command(self, command, printed=None):
        if command in NOT_HERE:
            print(f"  {command}: {NOT_HERE[command]}", flush=True)
            return
        began = time.monotonic()
        if command.startswith("just new-function "):
            if RECIPE not in (self.tree / "justfile").read_text():
                raise ValueError("the justfile's new-function is not .ci/new-function")
            command = command.replace("just new-function", ".ci/new-function", 1)
        if command == "cargo run":
            self.start()
        else:
            done = self.shell.run(command)
            if done.returncode:
                raise ValueError(f"{command} ended with {done.returncode}:\n{done.stdout}{done.stderr}")
            if printed is not None and same(done.stdout) != same(printed):
                raise ValueError(f"{command}\n    written {printed}\n    printed {done.stdout}")
            if command.startswith("cargo test") and not re.search(r"^test result: ok\. [1-9]", done.stdout, re.M):
                raise ValueError(f"{command} ran no test:\n{done.stdout}")
        self.done += 1
        print(f"  {command}: {time.monotonic() - began:.0f} s", flush=True)

    def start(self):
        # `cargo run` starts the only program of the only default member. On its own that package has other features than in
        # the workspace, and all of its dependencies would be built again; .ci/container builds it so.
        metadata = json.loads(subprocess.check_output(["cargo", "metadata", "--no-deps", "--format-version=1"], cwd=self.tree))
        programs = [
            target["name"]
            for package in metadata["packages"]
            if package["id"] in metadata["workspace_default_members"]
            for target in package["targets"]
            if target["kind"] == ["bin"]
        ]
        if programs != ["fleet-server"]:
            raise ValueError(f"cargo run: would choose among {programs}")
        subprocess.run(["cargo", "build", "--quiet", "--workspace", "--bins", "--tests"], cwd=self.tree, check=True)
        program = f"{metadata['target_directory']}/debug/fleet-server"
        started = [program, "--in-memory", "--listen", self.options.listen, "--aws-listen", self.options.aws_listen]
        self.server = subprocess.Popen(started, cwd=self.tree, stdout=subprocess.DEVNULL, start_new_session=True)
        for _ in range(150):
            try:
                urllib.request.urlopen(f"http://{self.options.listen}/v1/health", timeout=5)
                return
            except OSError:
                time.sleep(0.2)
        raise ValueError("cargo run: the server does not answer")

    def stop(self):
        if self.server:
            os.killpg(self.server.pid, signal.SIGTERM)
            self.server.wait()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("tree", help="the copy")
    parser.add_argument("listen", help="where its server listens")
    parser.add_argument("aws_listen", help="where its local AWS endpoints listen")
    reader = Reader(parser.parse_args())
    try:
        for paragraph, language, lines in blocks(DOCUMENT.read_text()):
            reader.block(paragraph, language, lines)
        for command in AFTERWARDS:
            reader.command(command)
    except (ValueError, subprocess.CalledProcessError) as error:
        print(f"docs/extending.md: {error}")
        return 1
    finally:
        reader.stop()
    print(f"docs/extending.md: {reader.done} steps done")
    return 0 if reader.done else 1


if __name__ == "__main__":
    sys.exit(main())
