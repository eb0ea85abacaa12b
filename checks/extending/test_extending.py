"""docs/extending.md, followed in a copy of the repository: its files, its changes, its commands, and their output.

A block without a language contains commands. Any other is a file or a change to one; the paragraph before the block
begins with the file's name. Needs cargo, sam, and the workspace as built by .ci/extending.
"""

import json
import os
import re
import shutil
import sys
import time
from pathlib import Path

import built
import documented
import pytest
from conftest import ROOT
from programs import CALLER, Programs, ask, free_port, output_of

DOCUMENT = ROOT / "docs/extending.md"
# Commands that take too long in a copy, and what runs them instead.
NOT_HERE = {
    ".ci/run": "the document's own tests, and the checks of AFTERWARDS",
    "deploy_scripts/deploy_api.sh": "sam validate here; .ci/deploy-emulator deploys the functions that there are",
}
# The justfile's recipe, run without just.
RECIPE = 'new-function *OPTIONS:\n    .ci/new-function "$@"\n'
# The steps of .ci/run that check the requirements of a new function.
SUBJECTS = [f"checks/test_{name}.py" for name in ("alarms", "data", "gateway", "releases", "roles", "template")]
AFTERWARDS = {
    "format": ["cargo", "fmt", "--all", "--check"],
    "template": [sys.executable, "-B", "-m", "pytest", "-p", "no:cacheprovider", "--quiet", *SUBJECTS],
    "collection": [".ci/postman.py", "--check"],
}
# The copy, always in the same folder, since the programs built in it contain its path.
TREE = built.TARGET / "ci-extending"


def blocks(text):
    """The (paragraph before it, language, lines) tuples of each block."""
    paragraph, found = "", []
    for part in re.split(r"^(```\w*\n.*?^```)$", text, flags=re.S | re.M):
        if part.startswith("```"):
            head, *lines = part.split("\n")
            found.append((paragraph, head[3:], lines[:-1]))
        else:
            paragraph = part.strip().split("\n\n")[-1]
    return found


def change(text, lines):
    """Applies the change of a diff block to the text. Each of its parts must match whole lines in exactly one place."""
    for hunk in re.split(r"^@@\n", "\n".join(lines) + "\n", flags=re.M):
        hunk = hunk.splitlines()
        old = "".join(line[1:] + "\n" for line in hunk if line[:1] != "+")
        new = "".join(line[1:] + "\n" for line in hunk if line[:1] != "-")
        fits = [found.start() for found in re.finditer("^" + re.escape(old), text, re.M)]
        if len(fits) != 1:
            raise ValueError(f"fits at {len(fits)} places:\n{old}")
        text = text[: fits[0]] + new + text[fits[0] + len(old) :]
    return text


def built_already(name, target):
    """Provides another target folder with the checkout's files, without copying those that cargo replaces entirely.

    Files that cargo writes into are copied; they are small. Cargo takes a crate in the copy for the same as in the
    checkout: with one target folder, the checkout would be left with programs that serve colours.
    """

    def shared(source, copy):
        if Path(source).suffix != ".d" and os.stat(source).st_size > 100_000:
            os.link(source, copy)
        else:
            shutil.copy2(source, copy)

    shutil.copytree(built.PROGRAMS / name, target / "debug" / name, symlinks=True, copy_function=shared)


def shared_files(target):
    """The size and modification time of each file that the copy and the checkout still share."""
    found = {}
    for file in (target / "debug").rglob("*"):
        original = built.PROGRAMS / file.relative_to(target / "debug")
        if file.is_file() and not file.is_symlink() and original.exists() and original.samefile(file):
            found[file] = (file.stat().st_size, file.stat().st_mtime_ns)
    return found


class Reader:
    """Follows the document."""

    def __init__(self, programs, say):
        self.programs, self.say, self.listen, self.done = programs, say, f"127.0.0.1:{free_port()}", 0
        environment = programs.environment | CALLER | {"CARGO_TARGET_DIR": str(TREE / "target")}
        # sam is beside this Python.
        environment["PATH"] = f"{built.SAM.parent}:{environment['PATH']}"
        self.shell = documented.Shell(TREE, [("localhost:3000", self.listen)], environment)

    def block(self, paragraph, language, lines):
        if not language:
            for command, printed in documented.commands("\n".join(lines)):
                self.command(command, printed)
            return
        name = re.match(r"`([\w./-]+)`", paragraph)
        assert name, f"the paragraph names no file: {paragraph}"
        file = TREE / name[1]
        if language == "diff":
            file.write_text(change(file.read_text(), lines))
        else:
            assert not file.exists(), f"{name[1]} exists already"
            file.write_text("\n".join(lines) + "\n")
        self.done += 1

    def command(self, command, printed=None):
        if command in NOT_HERE:
            self.say(f"{command}: {NOT_HERE[command]}")
            return
        began = time.monotonic()
        if command.startswith("just new-function "):
            assert RECIPE in (TREE / "justfile").read_text(), "the justfile's new-function is not .ci/new-function"
            command = command.replace("just new-function", ".ci/new-function", 1)
        if command == "cargo run":
            self.start()
        else:
            done = self.shell.run(command)
            assert done.returncode == 0, f"{command} ended with {done.returncode}:\n{done.stdout}{done.stderr}"
            if printed is not None:
                assert documented.same(done.stdout) == documented.same(printed), command
            if command.startswith("cargo test"):
                assert re.search(r"^test result: ok\. [1-9]", done.stdout, re.M), f"{command} ran no test:\n{done.stdout}"
        self.done += 1
        self.say(f"{command}: {time.monotonic() - began:.0f} s")

    def cargo(self, *words):
        return output_of("cargo", *words, cwd=TREE, env=self.shell.environment)

    def start(self):
        # `cargo run` starts the only program of the only default member. Built separately, that package would have
        # other features than in the workspace, and all of its dependencies would be rebuilt; .ci/container builds it
        # that way.
        metadata = json.loads(self.cargo("metadata", "--no-deps", "--format-version=1"))
        programs = [
            target["name"]
            for package in metadata["packages"]
            if package["id"] in metadata["workspace_default_members"]
            for target in package["targets"]
            if target["kind"] == ["bin"]
        ]
        assert programs == ["fleet-server"], f"cargo run: would choose among {programs}"
        # With any of the tests it has the features of the document's `cargo test --workspace`.
        self.cargo("build", "--quiet", "--profile", "test", "--workspace", "--bin", "fleet-server", "--test", "telemetry")
        server = [TREE / "target/debug/fleet-server", "--in-memory", "--listen", self.listen, "--aws-listen", "127.0.0.1:0"]
        self.programs.start("server", server).until(lambda: ask(f"http://{self.listen}/v1/health")[0] == 200)


@pytest.fixture(scope="module")
def reader(tmp_path_factory, say):
    """A reader with a copy of the repository in which the dependencies are already built."""
    programs = Programs(tmp_path_factory.mktemp("extending"))
    built.copy_tree(TREE)
    for name in ("build", ".fingerprint", "deps"):
        built_already(name, TREE / "target")
    shared = shared_files(TREE / "target")
    assert shared, "every file was copied"
    # These contain the folder in which they were compiled.
    for file in TREE.glob("crates/**/*.rs"):
        if "CARGO_MANIFEST_DIR" in file.read_text():
            file.touch()
    try:
        yield Reader(programs, say)
        changed = [file for file, state in shared_files(TREE / "target").items() if shared.get(file, state) != state]
        assert not changed, f"the checkout's programs changed with the copy's: {changed}"
    finally:
        programs.end()
        shutil.rmtree(TREE, ignore_errors=True)


@pytest.fixture(scope="module")
def followed(reader):
    """The copy, in which the document was followed to its end."""
    for paragraph, language, lines in blocks(DOCUMENT.read_text()):
        reader.block(paragraph, language, lines)
    return reader


def test_the_document_works_as_written(followed):
    assert followed.done


@pytest.mark.parametrize("name", AFTERWARDS)
def test_its_functions_are_as_the_others(followed, name):
    output_of(*AFTERWARDS[name], cwd=TREE, env=followed.shell.environment)
