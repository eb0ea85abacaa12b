"""The server as users start it: the contract's requests, the AWS CLI, the printed example commands, a presigned URL.

Needs curl, the AWS CLI of .ci/lib.sh, and fleet-server as built by .ci/local-server.
"""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from botocore.auth import SigV4QueryAuth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from conftest import ROOT
from programs import CALLER, CREDENTIALS, REGION, Programs, Server, ask, output_of

DATABASE = ["--resource-arn", "arn:aws:rds:us-east-1:000000000000:cluster:fleet", "--database", "ec2_inventory_db"]
PACKAGE = {"package_name": "package-1", "package_version": "v1"}
INSTANCE = {"aws_region": "us-east-1", "aws_account": "123456789012", "packages": [PACKAGE]}


class LocalServer(Server):
    """A server that stores its data, and the AWS CLI for its endpoints."""

    def __init__(self, programs, *options):
        super().__init__(programs, "server", "--data-dir", programs.folder / "data", *options, **CALLER)
        # It requires signatures with these credentials. Its last output may come after its first response.
        self.program.until_printed("Ctrl-C")
        self.environment = programs.environment | CALLER | {"AWS_ENDPOINT_URL": self.endpoints}

    def aws(self, *arguments):
        """The output of the AWS CLI; parsed if it is JSON."""
        printed = output_of(Path(sys.executable).parent / "aws", *arguments, env=self.environment)
        return json.loads(printed) if printed else None


@pytest.fixture
def programs(tmp_path):
    programs = Programs(tmp_path)
    yield programs
    programs.end()


def filled(server):
    assert server.ask("/ec2/instance-002", "POST", INSTANCE)[0] == 200
    assert server.ask("/v1/scalableTargetDimensions/1-23456789", "PATCH", {"desiredCapacity": 2.0})[0] == 200


def test_it_keeps_the_contract(programs):
    output_of(ROOT / ".ci/api-requests", LocalServer(programs).url)


def test_the_aws_cli_works_with_the_local_endpoints(programs):
    server = LocalServer(programs)
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
def test_the_lines_to_try_work_as_they_are_printed(programs, access):
    server = LocalServer(programs, "--access", access)
    lines = server.program.text().partition("\nTry:\n")[2].partition("\nCtrl-C")[0].splitlines()
    assert len(lines) == 3, server.program.text()
    for again in (False, True):
        for line in lines:
            command = line.strip().replace("curl ", f"curl --silent --show-error --fail --output {programs.folder}/answer ", 1)
            done = subprocess.run(["bash", "-c", command], env=server.environment, capture_output=True, text=True, check=False)
            if again and "-X POST" in line:
                assert "error: 400" in done.stderr, f"{line} adds what is there already: {done.stderr}"
            else:
                assert done.returncode == 0, f"{line}: {done.stderr}"
    assert server.program.end() == 0


def test_a_presigned_address_is_good_for_its_path_alone(programs):
    server = LocalServer(programs, "--access", "template")
    request = AWSRequest("GET", f"{server.url}/v1/scalableTargetDimensions/a%20b?x=1")
    SigV4QueryAuth(Credentials(*CREDENTIALS.values()), "execute-api", REGION, expires=600).add_auth(request)
    assert ask(request.url)[0] == 200
    assert ask(request.url.replace("a%20b", "c"))[0] == 403
