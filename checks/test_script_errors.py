"""The messages of the deployment scripts when AWS refuses, or when they are called incorrectly."""

import pytest
from conftest import ACCOUNT, EXPIRED

TWO_REGIONS = {
    "PRIMARY_REGION": "us-east-1",
    "STANDBY_REGION": "eu-west-1",
    "PUBLIC_NAME": "api.example.com",
    "ZONE_NAME": "example.com",
    "EDGE_CERTIFICATE_ARN": "arn",
    "PRIMARY_CERTIFICATE_ARN": "arn",
    "STANDBY_CERTIFICATE_ARN": "arn",
}
OF_TWO_REGIONS = ("deploy_edge", "sync_api_key", "delete_edge")
OF_ONE = ("deploy_rds", "create_schema", "deploy_api", "delete_all", "package_api", "roll_back", "verify_on_aws")
DATABASE = {
    "DB_CLUSTER_ARN": "arn:aws:rds:us-east-1:123456789012:cluster:c",
    "DB_SECRET_ARN": "arn:aws:secretsmanager:us-east-1:123456789012:secret:s",
}


@pytest.mark.parametrize("script", OF_TWO_REGIONS + OF_ONE)
def test_expired_credentials_and_an_unknown_environment_are_named(scripts, script):
    settings = TWO_REGIONS if script in OF_TWO_REGIONS else {}
    scripts.refused("the AWS credentials have expired", f"{script}.sh dev", FLEET_AWS_ERROR=EXPIRED, **settings)
    scripts.refused("there is no environment named 'test'", f"{script}.sh test", **settings)


@pytest.mark.parametrize(
    ("sentence", "command", "environment"),
    [
        ("STANDBY_REGION has no value", "route_away.sh dev standby", {"STANDBY_REGION": ""}),
        ("the AWS credentials have expired", "route_away.sh dev standby", {"FLEET_AWS_ERROR": EXPIRED}),
        ("exclude each other", "route_away.sh dev standby --keep-database --allow-data-loss", {}),
        ("exclude each other", "sync_api_key.sh dev --rotate --retire", {}),
        ("is not a region", "deploy_account.sh nowhere", {}),
    ],
)
def test_a_command_for_two_regions_says_what_is_wrong(scripts, sentence, command, environment):
    scripts.refused(sentence, command, **(TWO_REGIONS | environment))


def test_a_region_that_does_not_answer_is_shown_as_such(scripts):
    error = "Could not connect to the endpoint URL"
    scripts.refused("does not answer", "status.sh dev", FLEET_AWS_ERROR=error, PUBLIC_ADDRESS="http://127.0.0.1:9", **TWO_REGIONS)


@pytest.mark.parametrize(
    "command",
    [
        "delete_edge.sh dev --yes",
        "delete_all.sh dev --yes",
        "create_schema.sh dev",
        "smoke_test.sh --stack fleet-api-dev",
        "deploy_services.sh dev --tag t",
        "deploy_github.sh dev --repository o/n",
        "deploy_edge.sh dev",
        "sync_api_key.sh dev",
    ],
)
def test_credentials_that_expire_on_the_way_are_no_missing_stack(scripts, command):
    error = EXPIRED.replace("GetCallerIdentity", "DescribeStacks")
    scripts.aws(ACCOUNT, ("*", f'echo "An error occurred {error}" >&2; exit 254'))
    scripts.refused("the AWS credentials have expired", command, **TWO_REGIONS)


def test_a_stack_under_review_can_be_deleted(scripts):
    """A stack whose change set was never executed."""
    scripts.aws(ACCOUNT, ("*StackStatus*", "echo REVIEW_IN_PROGRESS"), ("*delete-stack* | *stack-delete-complete*", ":"))
    assert "The stack fleet-edge-dev in us-east-1 is deleted." in scripts.done("delete_edge.sh dev --yes", **TWO_REGIONS)
    scripts.refused("there is no stack fleet-api-dev in us-east-1", "sync_api_key.sh dev", **TWO_REGIONS)


def test_a_database_whose_secret_is_imported_joins_no_global_database(scripts):
    scripts.aws(
        ACCOUNT,
        ("*StackStatus*", "echo CREATE_COMPLETE"),
        ("*SecretArn*Value*", "echo 'arn:aws:secretsmanager:us-east-1:123456789012:secret:rds!cluster-1-a'"),
        ("*ClusterArn*", "echo arn:aws:rds:us-east-1:123456789012:cluster:c"),
        ("*list-imports*--export-name*", "echo fleet-api-dev"),
    )
    scripts.refused("the stack fleet-api-dev imports the secret that RDS manages", "deploy_rds.sh dev", **TWO_REGIONS)


@pytest.mark.parametrize(
    ("error", "sentence", "command", "environment"),
    [
        ("Unable to locate credentials", "there are no AWS credentials", "deploy_rds.sh prod", {"ALARM_EMAIL": "ops@example.com"}),
        (
            "(AccessDenied) when calling the DescribeStacks operation: User: x is not authorized to perform: cloudformation:DescribeStacks",
            "lack a permission",
            "deploy_rds.sh",
            {},
        ),
        (
            f"(HttpEndpointNotEnabledException) when calling the ExecuteStatement operation: HttpEndpoint is not enabled for resource {DATABASE['DB_CLUSTER_ARN']}",
            f"the cluster has no Data API. Turn it on: aws rds enable-http-endpoint --region us-east-1 --resource-arn {DATABASE['DB_CLUSTER_ARN']}",
            "create_schema.sh",
            DATABASE,
        ),
        ("", "DB_SECRET_ARN has no value", "create_schema.sh", DATABASE | {"DB_SECRET_ARN": ""}),
    ],
)
def test_an_error_of_aws_becomes_a_sentence(scripts, error, sentence, command, environment):
    scripts.refused(sentence, command, FLEET_AWS_ERROR=error, **environment)
