"""The workflows and buildspecs: pinned actions, one version of each tool, valid commands. Needs shellcheck.

`.ci/platform` runs actionlint on the workflows, and deploys the pipelines.
"""

import re
import subprocess
import tomllib

import pytest
import yaml
from conftest import ROOT
from findings import no_findings

FLOWS = {file: yaml.safe_load(file.read_text()) for file in sorted((ROOT / ".github/workflows").glob("*.yml"))}
SPECS = {file: yaml.safe_load(file.read_text()) for file in sorted((ROOT / "deploy_scripts").glob("buildspec-*.yml"))}
# Warnings about files that only the job's machine has, and variables that a job's environment sets.
NOT_HERE = "SC1090,SC1091,SC2154,SC2086"


def lines_of(spec):
    return [line for phase in spec["phases"].values() for line in phase["commands"]]


def commands():
    """The commands of each buildspec and of each job, as separate scripts."""
    for file, spec in SPECS.items():
        yield file.stem, "\n".join(map(str, lines_of(spec)))
    for file, flow in FLOWS.items():
        for name, job in flow["jobs"].items():
            yield f"{file.stem}-{name}", "\n".join(step["run"] for step in job["steps"] if "run" in step)


COMMANDS = dict(commands())


@pytest.mark.parametrize("name", COMMANDS)
def test_shellcheck_takes_the_commands_of(name, tmp_path):
    script = tmp_path / f"{name}.sh"
    script.write_text(f"#!/usr/bin/env bash\n{COMMANDS[name]}\n")
    done = subprocess.run(["shellcheck", "--exclude", NOT_HERE, script], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


@no_findings
def test_every_action_is_pinned_to_a_commit():
    for file in FLOWS:
        for number, line in enumerate(file.read_text().splitlines(), 1):
            if re.match(r" *- uses: ", line) and not re.search(r"@[0-9a-f]{40} # v[0-9.]+$", line):
                yield f"{file.name}:{number}: {line.strip()}"


@no_findings
def test_every_job_has_an_end():
    for file, flow in FLOWS.items():
        for name, job in flow["jobs"].items():
            if "timeout-minutes" not in job:
                yield f"{file.name}: the job {name} has no timeout-minutes"


@no_findings
def test_every_buildspec_is_text_and_used():
    assert SPECS
    pipeline = (ROOT / "deploy_scripts/pipeline.yaml").read_text()
    for file, spec in SPECS.items():
        if spec.get("version") != 0.2 or "build" not in spec["phases"]:
            yield f"{file.name}: not a buildspec of version 0.2 with a phase build"
        # A colon in a command would turn it into a mapping.
        yield from (f"{file.name}: {line!r} is not text" for line in lines_of(spec) if not isinstance(line, str))
        for name, value in spec["env"].get("variables", {}).items():
            if not isinstance(value, str):
                yield f"{file.name}: the variable {name} is not text"
        if not re.search(rf"BuildSpec: deploy_scripts/{file.name}\b", pipeline):
            yield f"{file.name}: pipeline.yaml does not use it"


@no_findings
def test_each_tool_has_one_version():
    variables = [(file, spec["env"].get("variables", {})) for file, spec in SPECS.items()]
    variables += [(file, flow.get("env", {})) for file, flow in FLOWS.items()]
    versions = [(file.name, name, value) for file, found in variables for name, value in found.items() if name.endswith("_VERSION")]
    assert versions
    sam = re.search(r"aws-sam-cli==([\d.]+)", (ROOT / ".ci/lib.sh").read_text())[1]
    for file, name, value in versions:
        if name == "SAM_VERSION" and value != sam:
            yield f"{file}: sam {value} is not .ci/lib.sh's {sam}"
    rust = {value for _, name, value in versions if name == "RUST_VERSION"}
    if len(rust) != 1:
        yield f"RUST_VERSION differs: {rust}"
    image = re.search(r"^ARG BUILD_IMAGE=rust:([\d.]+)-", (ROOT / "Dockerfile").read_text(), re.M)[1]
    least = tomllib.loads((ROOT / "Cargo.toml").read_text())["workspace"]["package"]["rust-version"]
    older = [int(part) for part in image.split(".")] < [int(part) for part in least.split(".")][:2]
    if older or not min(rust).startswith(f"{image}."):
        yield f"the Dockerfile builds with Rust {image}, the pipelines with {rust}, and Cargo.toml wants {least}"
