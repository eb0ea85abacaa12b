"""Linters for templates, workflows, the Dockerfile and scripts. Needs shellcheck, and .ci/templates' scanners."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import ROOT
from findings import no_findings

TARGET = Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target"))
TEMPLATES = ["template.yaml", *(f"deploy_scripts/{file.name}" for file in sorted((ROOT / "deploy_scripts").glob("*.yaml")))]
SCRIPTS = sorted((ROOT / "deploy_scripts").glob("*.sh"))
# Functions that call AWS, and end with `die` if AWS does not respond.
ASKS = r"(in_region \S+ )?(stack_state|stack_status|stack_output|stack_parameter|image_digest|ask_aws|ask_rds|member_in|version_of|value_in|keys)\b"


def shell_files():
    for file in (*SCRIPTS, *sorted((ROOT / ".ci").iterdir()), *sorted((ROOT / "checks/stand_ins").iterdir())):
        if file.is_file() and re.search(r"^#!.*bash|^# shellcheck shell=bash", file.read_text(), re.M):
            yield str(file.relative_to(ROOT))


BESIDE = Path(sys.executable).parent
LINTERS = {
    "sam": [BESIDE / "sam", "validate", "--lint"],
    "cfn-lint": [BESIDE / "cfn-lint", "--include-checks", "I", "--", *TEMPLATES],
    "checkov": [TARGET / "ci-venv-checkov/bin/checkov", "--config-file", ".checkov.yaml", *(word for file in TEMPLATES for word in ("--file", file))],
    "zizmor": [TARGET / "ci-venv-scanners/bin/zizmor", "--offline", "--no-progress", "--quiet", "--strict-collection", ".github"],
    "hadolint": [TARGET / "ci-venv-scanners/bin/hadolint", "Dockerfile"],
    "shellcheck": ["shellcheck", *shell_files()],
}


@pytest.mark.parametrize("name", LINTERS)
def test_nothing_is_found_by(name):
    environment = {"AWS_DEFAULT_REGION": "us-east-1", **os.environ}
    done = subprocess.run(LINTERS[name], cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


@no_findings
def test_a_failure_to_ask_aws_is_no_empty_answer():
    """`die` only ends $(...): the output of $(...) must be assigned in a separate line first, and tested after that."""
    taken = re.compile(rf"(\[\[ ((?! \]\]).)*|case |local \w+=\"?|\b(if|elif|while|until) (! )?)\$\({ASKS}|\b(if|elif|while|until) (! )?{ASKS}")
    for file in SCRIPTS:
        for number, line in enumerate(file.read_text().splitlines(), 1):
            if taken.search(line):
                yield f"{file.name}:{number}: {line}"


@no_findings
def test_every_script_says_how_to_use_it():
    for file in SCRIPTS:
        if os.access(file, os.X_OK):
            name = f"deploy_scripts/{file.name}"
            help_ = subprocess.run([name, "--help"], cwd=ROOT, capture_output=True, text=True, check=False).stdout
            if not re.search(rf"^Usage: {name}", help_, re.M):
                yield f"{name} --help does not say how to use it"
