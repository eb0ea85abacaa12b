"""The environment dev, deployed part by part; shared by the steps of .ci/deploy-emulator. See deployment.py."""

import pytest

from functions.deployment import Deployment


@pytest.fixture(scope="session")
def aws(tmp_path_factory):
    """An emulated AWS with nothing deployed yet."""
    deployment = Deployment(tmp_path_factory.mktemp("deployment"))
    yield deployment
    deployment.end()


@pytest.fixture(scope="session")
def cluster(aws):
    """The database's stack, whose cluster has no tables."""
    aws.done("deploy_rds.sh dev")
    aws.start_data_api()
    return aws


@pytest.fixture(scope="session")
def schema(cluster):
    """The tables, and the functions' users."""
    cluster.first_schema = cluster.done("create_schema.sh dev")
    return cluster


@pytest.fixture(scope="session")
def api(schema):
    """The API of dev."""
    schema.connect_users()
    schema.done("package_api.sh dev")
    schema.deploy()
    schema.ask_for_key()
    return schema
