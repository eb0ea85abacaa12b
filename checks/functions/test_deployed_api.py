"""The API of dev, deployed: its stack's outputs, its contract, and what each function may do in the database.

Has the requirements of deployment.py: the functions and servers as built by .ci/deploy-emulator, MariaDB, and curl.
"""

import subprocess

import pytest
from emulated import REGION

from functions.deployment import API_STACK

READS = "SELECT COUNT(*) FROM ec2 LEFT JOIN ec2_package USING (aws_instance_id) JOIN schema_version"
WRITES = ["INSERT INTO ec2 VALUES ('limited', 'r', 'a', UTC_TIMESTAMP(), '')", "DELETE FROM ec2 WHERE aws_instance_id = 'limited'"]
WRITES_OF_PACKAGES = ["INSERT INTO ec2_package VALUES ('x', 'p', '1')", "DELETE FROM ec2_package"]
FORBIDDEN = [
    "UPDATE ec2 SET aws_region = ''",
    "DROP TABLE ec2_package",
    "TRUNCATE TABLE ec2",
    "ALTER TABLE ec2 ADD n INT",
    "CREATE TABLE other (n INT)",
    "DELETE FROM schema_version",
    "CREATE USER other",
    "SELECT * FROM mysql.global_priv",
]
WRITERS = ("Ec2InventoryAdd", "Ec2InventoryRemove")


def test_the_functions_are_packaged(api):
    assert (api.root / ".aws-sam/packaged-dev.yaml").stat().st_size > 0


def test_the_stack_says_where_the_api_is(api):
    endpoint = f"https://{api.resource('Api')}.execute-api.{REGION}.amazonaws.com/dev"
    assert api.output(API_STACK, "ApiEndpoint") == endpoint
    assert api.output(API_STACK, "ScalableTargetResourceIdPrefix") == f"{endpoint}/scalableTargetDimensions/"


def test_the_stack_s_command_prints_the_key(api):
    assert len(api.key) >= 20


def test_the_deployed_api_keeps_its_contract(api):
    done = subprocess.run(api.requests(), env=api.environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("name", [*WRITERS, "Ec2InventoryGet", "Ec2InventoryList", "Health"])
def test_a_function_does_in_the_database_what_it_must_and_nothing_else(api, name):
    # The secret assigned to it; it can read no other.
    settings = api.client("lambda").get_function_configuration(FunctionName=api.resource(name))
    secret = settings["Environment"]["Variables"]["DB_SECRET"]
    allowed = [READS, *(WRITES if name in WRITERS else [])]
    for statement in allowed:
        refusal = api.refusal(secret, statement)
        assert not refusal, f"{name} may not {statement}: {refusal}"
    for statement in FORBIDDEN + ([] if name in WRITERS else WRITES + WRITES_OF_PACKAGES):
        refusal = api.refusal(secret, statement)
        assert "denied" in refusal, f"{name}, {statement}: {refusal or 'done'}"
