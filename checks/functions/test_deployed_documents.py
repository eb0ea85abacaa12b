"""The documents' commands for a deployed API, and for prod from deployment to deletion: documented.DEPLOYED.

Has the requirements of deployment.py: the functions and servers as built by .ci/deploy-emulator, MariaDB, and curl.
"""

import pytest
from documented import Shell, follow_deployed

from functions.deployment import API_STACK, DATABASE_STACK


@pytest.fixture(scope="module")
def prod(api):
    """The database of prod."""
    api.done("deploy_rds.sh prod")
    yield api
    # Both environments share the one MariaDB here, whose users now have the passwords of prod's secrets.
    api.done("create_schema.sh dev")


def test_prod_is_protected_from_deletion(prod):
    prod.refused("is protected from deletion", "delete_all.sh prod")


def test_the_commands_of_the_documents_work(prod):
    endpoints = f"AwsEndpointUrl={prod.endpoint} DataApiEndpointUrl={prod.data_api}"
    secret = prod.output(DATABASE_STACK, "SecretArn")
    replaced = {
        "resource-id.txt": f"{prod.folder}/resource-id.txt",
        "https://API_ID.execute-api.us-east-1.amazonaws.com/dev": prod.base,
        " --on-aws": "",
        "--api-key … ": f"--api-key {prod.output(API_STACK, 'ApiKeyId')} ",
        "DB_CLUSTER_ARN=arn:… DB_SECRET_ARN=arn:…": f"DB_CLUSTER_ARN={prod.cluster} DB_SECRET_ARN={secret}",
        "DbClusterArn=arn:…": f"DbClusterArn={prod.cluster} DbSecretArn={secret} {endpoints}",
    }
    wrong = list(follow_deployed(Shell(prod.root, list(replaced.items()), prod.environment)))
    assert not wrong, "\n".join(wrong)
