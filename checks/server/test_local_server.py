"""The server as its users start it: the contract's requests, the AWS CLI, the lines that it prints to try, a presigned address.

Needs curl, the AWS CLI of .ci/lib.sh, and fleet-server as .ci/local-server has it built.
"""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from botocore.auth import SigV4QueryAuth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from conftest import ROOT
from programs import SERVER, ask, free_port, until

DATABASE = ["--resource-arn", "arn:aws:rds:us-east-1:000000000000:cluster:fleet", "--database", "ec2_inventory_db"]
PACKAGE = {"package_name": "package-1", "package_version": "v1"}
INSTANCE = {"aws_region": "us-east-1", "aws_account": "123456789012", "packages": [PACKAGE]}


class Server:
    def __init__(self, folder):
        self.folder, self.api, self.endpoints, self.process = folder, f"http://127.0.0.1:{free_port()}", f"http://127.0.0.1:{free_port()}", None
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "FLEET_"))}
        nobody = {"AWS_ACCESS_KEY_ID": "any", "AWS_SECRET_ACCESS_KEY": "any", "AWS_EC2_METADATA_DISABLED": "true"}
        files = {"AWS_CONFIG_FILE": os.devnull, "AWS_SHARED_CREDENTIALS_FILE": os.devnull}
        self.environment = kept | nobody | files | {"AWS_DEFAULT_REGION": "us-east-1", "AWS_ENDPOINT_URL": self.endpoints}

    def start(self, *options):
        self.log = self.folder / "server.log"
        addresses = ["--listen", self.api.removeprefix("http://"), "--aws-listen", self.endpoints.removeprefix("http://")]
        with self.log.open("w") as log:
            self.process = subprocess.Popen(
                [SERVER, "--data-dir", self.folder / "data", *addresses, *options], stdout=log, stderr=log, env=self.environment
            )
        # What it says comes after its first answer may.
        until(lambda: ask(f"{self.api}/v1/health")[0] == 200 and "Ctrl-C" in self.log.read_text(), text=self.log.read_text)

    def end(self, how):
        """Its exit code after a signal."""
        self.process.send_signal(how)
        return self.process.wait(30)

    def aws(self, *arguments):
        """What the AWS CLI prints; as JSON where it is told to."""
        command = [Path(sys.executable).parent / "aws", *arguments]
        done = subprocess.run(command, env=self.environment, capture_output=True, text=True, check=False)
        assert done.returncode == 0, f"aws {' '.join(arguments)}: {done.stderr}"
        return json.loads(done.stdout) if done.stdout else None


@pytest.fixture
def server(tmp_path):
    server = Server(tmp_path)
    yield server
    if server.process and server.process.poll() is None:
        server.end(signal.SIGKILL)


def filled(server):
    assert ask(f"{server.api}/ec2/instance-002", "POST", INSTANCE)[0] == 200
    assert ask(f"{server.api}/v1/scalableTargetDimensions/1-23456789", "PATCH", {"desiredCapacity": 2.0})[0] == 200


def test_it_keeps_the_contract(server):
    server.start()
    done = subprocess.run([ROOT / ".ci/api-requests", server.api], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_aws_cli_works_with_the_local_endpoints(server):
    server.start()
    filled(server)
    secret = server.aws("secretsmanager", "describe-secret", "--secret-id", "fleet-db")["ARN"]
    assert '"username"' in server.aws("secretsmanager", "get-secret-value", "--secret-id", secret)["SecretString"]
    database = [*DATABASE, "--secret-arn", secret]

    def sql(statement, *options):
        return server.aws("rds-data", "execute-statement", *database, "--sql", statement, *options)

    as_json = sql("SELECT aws_instance_id, aws_region FROM ec2", "--format-records-as", "JSON")["formattedRecords"]
    assert as_json == '[{"aws_instance_id":"instance-002","aws_region":"us-east-1"}]'
    of_account = "name=a,value={stringValue=123456789012}"
    records = sql("SELECT aws_instance_id FROM ec2 WHERE aws_account = :a", "--parameters", of_account)["records"]
    assert records == [[{"stringValue": "instance-002"}]]
    transaction = server.aws("rds-data", "begin-transaction", *database)["transactionId"]
    assert sql("DELETE FROM ec2", "--transaction-id", transaction)["numberOfRecordsUpdated"] == 1
    server.aws("rds-data", "rollback-transaction", *DATABASE[:2], "--secret-arn", secret, "--transaction-id", transaction)
    assert sql("SELECT COUNT(*) FROM ec2")["records"] == [[{"longValue": 1}]]
    assert server.aws("dynamodb", "list-tables")["TableNames"] == ["fleet-dimensions"]
    items = server.aws("dynamodb", "scan", "--table-name", "fleet-dimensions")["Items"]
    assert [item["scalableTargetDimensionId"]["S"] for item in items if item["desiredCapacity"]["S"] == "2.0"] == ["1-23456789"]


@pytest.mark.parametrize("access", ["open", "template"])
def test_the_lines_to_try_work_as_they_are_printed(server, access):
    server.start("--access", access)
    lines = server.log.read_text().partition("\nTry:\n")[2].partition("\nCtrl-C")[0].splitlines()
    assert len(lines) == 3, server.log.read_text()
    for again in (False, True):
        for line in lines:
            command = line.strip().replace("curl ", f"curl --silent --show-error --fail --output {server.folder}/answer ", 1)
            done = subprocess.run(["bash", "-c", command], env=server.environment, capture_output=True, text=True, check=False)
            if again and "-X POST" in line:
                assert "error: 400" in done.stderr, f"{line} adds what is there already: {done.stderr}"
            else:
                assert done.returncode == 0, f"{line}: {done.stderr}"
    assert server.end(signal.SIGTERM) == 0


def test_a_presigned_address_is_good_for_its_path_alone(server):
    server.start("--access", "template")
    request = AWSRequest("GET", f"{server.api}/v1/scalableTargetDimensions/a%20b?x=1")
    SigV4QueryAuth(Credentials("any", "any"), "execute-api", "us-east-1", expires=600).add_auth(request)
    assert ask(request.url)[0] == 200
    assert ask(request.url.replace("a%20b", "c"))[0] == 403
