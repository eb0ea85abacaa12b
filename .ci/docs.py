"""Runs the commands of the documents; see .ci/docs, which starts what they need."""

import argparse
import os
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
DOCUMENTS = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
# What is no command: output, a query for a console.
NO_COMMANDS = re.compile(r"^(Key  |Description  |Value  |fields @|\d{4}-\d\d-\d\dT)")
# What differs from run to run.
CHANGING = [
    (re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.0"), "DATE"),
    (re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"), "UUID"),
]
# Run as they are, with the addresses of the servers under test.
RUN = re.compile(r"^(curl .*localhost:3000(?!/api/colours)|export AWS_ENDPOINT_URL=|aws rds-data |printf |cat > )")
# The AWS CLI checks the arguments and sends nothing.
CHECK = re.compile(r"^aws (application-autoscaling|cloudwatch) ")
# Who else runs it, and the words in that script which show that it does.
ELSEWHERE = [
    (r"(SCALING_MODE=production )?cargo run$", ".ci/docs", "fleet-server"),
    (r"cargo test --workspace$", ".ci/run", "cargo test --workspace"),
    (r"\.ci/run$", ".ci/run", ".ci/templates"),
    (r"sam validate --lint$", ".ci/templates", "sam validate --lint"),
    (r"sam build$", ".ci/deploy-emulator", "sam build"),
    (r"sam deploy$", ".ci/deploy-emulator", "sam deploy"),
    (r"deploy_scripts/deploy_rds\.sh( && deploy_scripts/create_schema\.sh)?$", ".ci/deploy-emulator", "deploy_scripts/deploy_rds.sh dev"),
    (r"deploy_scripts/create_schema\.sh$", ".ci/deploy-emulator", "deploy_scripts/create_schema.sh dev"),
    (r"deploy_scripts/deploy_api\.sh$", ".ci/deploy-emulator", "deploy_scripts/deploy_api.sh dev"),
    (r"deploy_scripts/delete_all\.sh$", ".ci/deploy-emulator", "deploy_scripts/delete_all.sh dev"),
    (r"cargo run -- --aws-listen 172\.17\.0\.1:4566", ".ci/sam-local", "--aws-listen"),
    (r"sam local start-api$", ".ci/sam-local", "sam local start-api"),
    (r"sam local invoke ", ".ci/sam-local", "sam local invoke"),
]
NEEDS_AWS = re.compile(r"--config-env prod|\.sh prod|^KEY=|x-api-key: \$KEY|--aws-sigv4")
# docs/extending.md makes a function that is not in the tree.
BY_HAND = re.compile(r"crates/functions/colours|localhost:3000/api/colours")


def commands(text):
    """The (command, what it prints or None) of a block."""
    lines = text.splitlines()
    indent = min((len(line) - len(line.lstrip()) for line in lines if line.strip()), default=0)
    lines = [line[indent:] for line in lines]
    prompts = any(line.startswith("$ ") for line in lines)
    found = []
    while lines:
        line = lines.pop(0)
        if prompts and not line.startswith("$ "):
            if line and found:
                found[-1][1].append(line)
            continue
        command = line.removeprefix("$ ")
        while command.endswith("\\"):
            command += "\n" + lines.pop(0)
        if end := re.search(r"<<'(\w+)'$", command):
            while not command.endswith("\n" + end.group(1)):
                command += "\n" + lines.pop(0)
        if command.strip() and not NO_COMMANDS.match(command):
            found.append((re.sub(r"\s+# .*$", "", command), []))
    return [(command, "\n".join(printed) if prompts else None) for command, printed in found]


def same(text):
    for pattern, name in CHANGING:
        text = pattern.sub(name, text)
    return text.strip()


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    for name in ("demo", "production", "endpoints", "folder"):
        parser.add_argument(f"--{name}", required=True)
    options = parser.parse_args()
    environment = dict(os.environ, AWS_DEFAULT_REGION="us-east-1", AWS_ACCESS_KEY_ID="any", AWS_SECRET_ACCESS_KEY="any")
    wrong, counts = [], {"run": 0, "checked": 0, "elsewhere": 0, "not run": 0}
    for document in DOCUMENTS:
        for language, block in re.findall(r"^ *```(\w*)\n(.*?)^ *```$", document.read_text(), re.S | re.M):
            server = options.demo
            # A block with a language is a file or a picture.
            for command, printed in [] if language else commands(block):
                where = f"{document.relative_to(ROOT)}: {command.splitlines()[0]}"
                if "SCALING_MODE=production" in command:
                    server = options.production
                if BY_HAND.search(command):
                    counts["not run"] += 1
                elif NEEDS_AWS.search(command):
                    counts["not run"] += 1
                    print(f"  needs an AWS account: {where}")
                elif RUN.match(command) or CHECK.match(command):
                    checked = bool(CHECK.match(command))
                    counts["checked" if checked else "run"] += 1
                    line = command.replace("localhost:3000", server).replace("127.0.0.1:4566", options.endpoints)
                    if line.startswith("curl "):
                        line = line.replace("curl ", "curl --silent --show-error --fail-with-body ", 1)
                    if line.startswith("export "):
                        environment |= dict(pair.split("=", 1) for pair in line.split()[1:])
                        continue
                    line += " --generate-cli-skeleton output" if checked else ""
                    done = subprocess.run(["bash", "-c", line], cwd=options.folder, env=environment, capture_output=True, text=True, check=False)
                    refused = '"message":' in done.stdout and printed is not None
                    if done.returncode and not refused:
                        wrong.append(f"{where}\n    ended with {done.returncode}: {done.stdout}{done.stderr}")
                    elif printed is not None and same(done.stdout) != same(printed):
                        wrong.append(f"{where}\n    written {printed}\n    printed {done.stdout}{done.stderr}")
                else:
                    plain = command.split(" & ")
                    for part in plain:
                        known = [(script, words) for pattern, script, words in ELSEWHERE if re.match(pattern, part)]
                        if not known:
                            wrong.append(f"{where}\n    nobody runs it")
                        elif known[0][1] not in (ROOT / known[0][0]).read_text():
                            wrong.append(f"{where}\n    {known[0][0]} no longer runs it")
                    counts["elsewhere"] += 1
    for text in wrong:
        print(text)
    print(", ".join(f"{count} {what}" for what, count in counts.items()) + f"; {len(wrong)} wrong")
    return bool(wrong) or counts["run"] == 0


if __name__ == "__main__":
    sys.exit(main())
