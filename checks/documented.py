"""The commands in README.md and docs/, and who runs each.

A command is a line of a fenced block without a language, after `$ ` if the block shows output as well. A block with a
language is a file or a picture; one with a shell's language must follow a line that ends with the file's name, as in
`settings.env`:. Every command must match FOLLOWED, HERE, DEPLOYED or ELSEWHERE, in this order. An unmatched command is
an error, and so is a row that no document uses any more: checks/documents/test_documents.py.
"""

import os
import pty
import re
import subprocess
import tempfile

from conftest import ROOT

DOCUMENTS = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]

# Documents followed from beginning to end by a separate script.
FOLLOWED = {"docs/extending.md": "checks/extending/test_extending.py", "docs/two-regions.md": "checks/functions/test_edge.py"}
# Run by checks/documents/test_documents.py, which compares the output if the document shows it.
HERE = [
    r"curl .*localhost:3000",
    r"export AWS_ENDPOINT_URL=",
    r"printf %s .*resource-id\.txt$",
    r"cat > policy\.json ",
    r"aws (rds-data|application-autoscaling|cloudwatch) ",
]
# Run by checks/functions/test_deployed_documents.py, in the order of the documents: a command, and its expected output.
# Prompts are answered with yes.
DEPLOYED = [
    (r"sam deploy --config-env prod$", r"Successfully created/updated stack - fleet-api-prod"),
    (r"(ENDPOINT|KEY)=", r"^$"),
    (r'curl -H "x-api-key: \$KEY" ', r'^{"records":\['),
    (r"curl --aws-sigv4 ", r'^{"scalableTargetDimensionId":"1-23456789",'),
    (r'\.ci/api-requests "\$ENDPOINT" ', r" 0 answered otherwise than the contract says"),
    (r"MAX_CAPACITY=16 deploy_scripts/deploy_rds\.sh prod$", r"Aurora MySQL, 0\.5 to 16 ACUs, (.|\n)*The stack fleet-database-prod is deployed:"),
    (r"DB_CLUSTER_ARN=\S* DB_SECRET_ARN=\S* deploy_scripts/create_schema\.sh prod$", r"^  ec2\n  ec2_package$"),
    (r"deploy_scripts/deploy_api\.sh prod --parameter-overrides ", r"The stack fleet-api-prod is deployed:"),
    (r"DELETION_PROTECTION=false deploy_scripts/deploy_rds\.sh prod$", r"deletion protection false\.(.|\n)*The stack fleet-database-prod is deployed:"),
    (r"deploy_scripts/delete_all\.sh prod$", r"The stack fleet-api-prod in \S+ is deleted\.(.|\n)*The stack fleet-database-prod in \S+ is deleted\."),
]
# Also run there, for a later command of DEPLOYED.
ALSO_DEPLOYED = r"printf %s .*resource-id\.txt$"
# Run by another script: a command, the script, and the words in it that show this.
ELSEWHERE = [
    (r"(SCALING_MODE=production )?cargo run$", "checks/documents/test_documents.py", "SCALING_MODE"),
    (r"cargo test --workspace$", ".ci/run", "cargo test --workspace"),
    (r"sam validate --lint$", "checks/test_linters.py", '"validate", "--lint"'),
    (r"sam build$", "checks/built.py", '"build"'),
    (r"sam deploy$", "checks/functions/test_updates.py", "sam deploy"),
    (r"deploy_scripts/deploy_rds\.sh( && deploy_scripts/create_schema\.sh)?$", "checks/functions/conftest.py", "deploy_rds.sh dev"),
    (r"deploy_scripts/create_schema\.sh$", "checks/functions/conftest.py", "create_schema.sh dev"),
    (r"deploy_scripts/deploy_api\.sh$", "checks/functions/deployment.py", "deploy_api.sh dev"),
    (r"deploy_scripts/roll_back\.sh prod$", "checks/functions/test_updates.py", "roll_back.sh dev"),
    (r"deploy_scripts/delete_all\.sh$", "checks/functions/test_updates.py", "delete_all.sh dev"),
    (r"cargo run -- --aws-listen 172\.17\.0\.1:4566", "checks/functions/test_sam_local.py", "--aws-listen"),
    (r"deploy_scripts/create_schema\.sh prod --rotate (reader|writer)$", "checks/functions/test_schema.py", "--rotate writer"),
    (r"deploy_scripts/restore\.sh prod (inventory|dimensions) ", "checks/functions/test_restore_drill.py", "restore.sh dev"),
    (r"fleet-server export ", "crates/server/tests/it/transfer.rs", '"--sign"'),
    (r"sam local start-api$", "checks/functions/test_sam_local.py", "sam local start-api"),
    (r"cargo run -- --backend aws --functions books,authors$", "checks/platform/test_platform.py", '"--backend", "aws", "--functions", "books,authors"'),
    (r"docker build ", "checks/container/images.py", 'docker("build", "--quiet"'),
    (r"docker run --read-only ", "checks/container/test_container.py", '"--read-only", "--cap-drop"'),
    (r"deploy_scripts/push_image\.sh$", "checks/platform/test_platform.py", "push_image.sh"),
    (r"deploy_scripts/push_image\.sh prod$", "checks/platform/test_platform.py", 'engine.done("prod'),
    (r"deploy_scripts/deploy_services\.sh$", "checks/platform/test_platform.py", "deploy_services.sh dev --tag"),
    (r"(SERVICES_VPC_ID=\S* SERVICES_SUBNET_IDS=\S* )?deploy_scripts/deploy_services\.sh prod", "checks/platform/test_platform.py", "deploy_services.sh prod"),
    (r"deploy_scripts/deploy_pipeline\.sh ", "checks/platform/test_platform.py", "deploy_pipeline.sh --connection"),
    (r"deploy_scripts/deploy_github\.sh (dev|prod) --repository ", "checks/platform/test_platform.py", "deploy_github.sh prod --repository"),
    (r"aws cloudformation (delete-stack|wait stack-delete-complete) --stack-name fleet-pipeline$", "checks/platform/test_platform.py", '("fleet-pipeline", "fleet-deploy-dev", "fleet-deploy-prod")'),
    (r"aws cloudformation delete-stack --stack-name fleet-deploy-(dev|prod)$", "checks/platform/test_platform.py", '("fleet-pipeline", "fleet-deploy-dev", "fleet-deploy-prod")'),
    (r"deploy_scripts/smoke_test\.sh ", "checks/platform/test_platform.py", "smoke_test.sh"),
    (r"(EVENTS_URL=\S+ \\\n *)?cargo run -p simulate-scaling --example owner -- run ", "crates/simulate-scaling/tests/it/owner.rs", '"run"'),
    (r"cargo run -q -p simulate-scaling -- .*--check$", "crates/simulate-scaling/tests/it/breaches.rs", "--check"),
    (r"cargo run -q -p simulate-scaling -- ", "crates/simulate-scaling/tests/it/documents.rs", "cargo run -q -p simulate-scaling -- "),
    (r"deploy_scripts/deploy_scaling_target\.sh ", "checks/scaling/conftest.py", "deploy_scaling_target.sh"),
    (r"sam local invoke ", "checks/functions/test_sam_local.py", "sam local invoke"),
    (r"aws cloudformation deploy --stack-name fleet-scaling ", "checks/platform/test_platform.py", "cloudformation deploy --stack-name fleet-scaling "),
    (r"aws apigateway get-client-certificate ", "checks/platform/test_platform.py", "apigateway get-client-certificate "),
    (r"cargo build --release --locked$", ".ci/lib.sh", "cargo build --locked"),
    (r"install (-D )?-(m \d+ (target|deploy_scripts)/|d -m 755 /etc/fleet-server$)", "checks/systemd/test_systemd.py", 'follow("systemd-sysusers")'),
    (r"systemd-sysusers$", "checks/systemd/test_systemd.py", 'follow("systemd-sysusers")'),
    (r"systemctl (daemon-reload|(enable --now|status) fleet-server)$", "checks/systemd/test_systemd.py", 'block("systemctl enable")'),
    (r"journalctl --unit fleet-server --follow$", "checks/systemd/test_systemd.py", 'block("systemctl enable")'),
    (r"install -(d|m \d+) .*/etc/fleet-server/tls", "checks/systemd/test_systemd.py", 'follow("install -m 644 fullchain.pem")'),
    (r"openssl req -x509 ", "checks/systemd/machine.py", "openssl req -x509"),
    (r"cargo run -- --tls-cert ", "checks/self_hosting/test_tls.py", "--tls-cert"),
    (r"curl --cacert ", "checks/self_hosting/https.py", "--cacert"),
]
SHELLS = {"sh", "bash", "zsh", "shell", "console"}
FILE_BEFORE = re.compile(r"`[^`\n]*[./][^`\n]*`:\n+$")
# Lines of a fenced block that are not commands: output, a query for a console.
NO_COMMANDS = re.compile(r"^(Key  |Description  |Value  |\d{4}-\d\d-\d\dT)")
# Text that differs from run to run.
CHANGING = [
    (re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.0"), "DATE"),
    (re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"), "UUID"),
]


def commands(block):
    """The (command, output or None) pairs of a block."""
    lines = block.splitlines()
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


def blocks(document):
    """The (text before it, language, block) tuples of a document."""
    text = document.read_text()
    for found in re.finditer(r"^ *```(\w*)[^\n]*\n(.*?)^ *```$", text, re.S | re.M):
        yield text[: found.start()], found[1], found[2]


def all_commands():
    """The (document, number of the block, command, output or None) tuples of all documents."""
    for document in DOCUMENTS:
        for number, (_, language, block) in enumerate(blocks(document)):
            for command, printed in [] if language else commands(block):
                yield str(document.relative_to(ROOT)), number, command, printed


def hidden_commands():
    """The shell blocks that are not marked as files: nothing would run them."""
    for document in DOCUMENTS:
        for before, language, block in blocks(document):
            if language.lower() in SHELLS and not FILE_BEFORE.search(before):
                yield f"{document.relative_to(ROOT)}: {block.splitlines()[0]}\n    commands stand in a block without a language, and a file behind its `name`:"


def block(document, text):
    """The only block of the document that contains the text."""
    found = [block for _, _, block in blocks(ROOT / document) if text in block]
    assert len(found) == 1, f"{document} has {len(found)} blocks with {text}"
    return found[0]


class Shell:
    """Runs one command after another, each in the environment left by the earlier ones."""

    def __init__(self, folder, replacements, environment):
        self.folder, self.replacements, self.environment = folder, replacements, environment
        self.terminal, self.stdin = pty.openpty()

    def run(self, command):
        for old, new in self.replacements:
            command = command.replace(old, new)
        command = re.sub(r"^curl ", "curl --silent --show-error --fail-with-body ", command)
        # Answer every prompt with yes.
        os.write(self.terminal, b"yes\n")
        with tempfile.NamedTemporaryFile("r") as left:
            script = ["bash", "-c", f"set -ea\n{command}\nenv -0 >'{left.name}'"]
            done = subprocess.run(script, cwd=self.folder, env=self.environment, stdin=self.stdin, capture_output=True, text=True, check=False)
            if text := left.read():
                self.environment = dict(pair.split("=", 1) for pair in text.split("\0") if pair)
        return done


def same(text):
    for pattern, name in CHANGING:
        text = pattern.sub(name, text)
    return text.strip()


def run_here(shell, command, printed):
    """What is wrong with a command, or None."""
    done = shell.run(command)
    # An error is expected if the document shows it.
    if done.returncode and not ('"message":' in done.stdout and printed is not None):
        return f"ended with {done.returncode}: {done.stdout}{done.stderr}"
    if printed is not None and same(done.stdout) != same(printed):
        return f"written {printed}\n    printed {done.stdout}{done.stderr}"
    return None


def run_deployed(shell, command, expected):
    done = shell.run(command)
    if done.returncode:
        return f"ended with {done.returncode}: {done.stdout}{done.stderr}"
    if not re.search(expected, done.stdout, re.M):
        return f"printed {done.stdout}{done.stderr}\n    without {expected}"
    return None


def elsewhere(command, unused):
    """What is wrong with a command that another check should run, or None. Removes its rows from `unused`."""
    for part in command.split(" & "):
        row = next((row for row in ELSEWHERE if re.match(row[0], part)), None)
        if not row:
            return f"nothing runs {part}"
        unused.discard(row[0])
        if row[2] not in (ROOT / row[1]).read_text():
            return f"{row[1]} no longer runs it"
    return None


def first(rows, command, key=lambda row: row):
    """The first row whose pattern matches the command, or None."""
    return next((row for row in rows if re.match(key(row), command)), None)


def follow_here(shell, production):
    """Runs the commands in HERE; yields a message for each of the documents' commands that is wrong or never run.

    Commands after SCALING_MODE=production in a block use the server `production`.
    """
    unused = {*HERE, *(row[0] for row in DEPLOYED + ELSEWHERE), *FOLLOWED}
    before, replacements = None, shell.replacements
    for document, number, command, printed in all_commands():
        if before != (document, number):
            before, shell.replacements = (document, number), replacements
        if command.startswith("SCALING_MODE=production "):
            shell.replacements = [("localhost:3000", production), *replacements]
        problem = None
        if document in FOLLOWED:
            unused.discard(document)
        elif row := first(HERE, command):
            unused.discard(row)
            problem = run_here(shell, command, printed)
        elif row := first(DEPLOYED, command, lambda row: row[0]):
            unused.discard(row[0])
        else:
            problem = elsewhere(command, unused)
        if problem:
            yield f"{document}: {command.splitlines()[0]}\n    {problem}"
    yield from (f"no document uses {row} any longer" for row in sorted(unused))


def follow_deployed(shell):
    """Runs the commands in DEPLOYED, and yields a message for each that is wrong."""
    for document, _, command, _ in all_commands():
        if document in FOLLOWED:
            continue
        if first(HERE, command):
            if re.match(ALSO_DEPLOYED, command):
                shell.run(command)
        elif row := first(DEPLOYED, command, lambda row: row[0]):
            if problem := run_deployed(shell, command, row[1]):
                yield f"{document}: {command.splitlines()[0]}\n    {problem}"
