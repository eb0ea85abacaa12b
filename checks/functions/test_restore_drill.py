"""A restore: mistakes after a point in time, restore.sh to that point, and the API on the restored stores.

The emulator's cluster is a MariaDB, which checks/stand_ins/restore_cluster restores from a dump and its log;
.ci/emulator/restores.py has the rest that ministack lacks. Has the requirements of deployment.py, and needs
mariadb-dump and mariadb-binlog.
"""

import datetime
import json
import re
import subprocess
import time

import pytest
from databases import SCHEMA, Database

from functions.deployment import API_STACK

PACKAGE = {"package_name": "p", "package_version": "1"}


def back_up(aws):
    """The daily backup of the cluster; later writes are in the logs."""
    client = ["mariadb-dump", "--no-defaults", f"--socket={aws.database.socket}", "--user=root"]
    dump = subprocess.check_output([*client, "--single-transaction", "--flush-logs", "--databases", SCHEMA])
    (aws.folder / "dump.sql").write_bytes(dump)
    log = aws.database.sql("SHOW MASTER STATUS").split("\t")[0]
    (aws.folder / "logs-since-dump").write_text(f"{aws.database.folder / log}\n")


def write(aws):
    """Writes the data to restore, and then the mistakes; returns the time in between, in a separate second."""
    assert aws.instance("kept", "POST", aws_region="r", aws_account="a", packages=[PACKAGE]).status == 200
    aws.dimension("kept", 7.0)
    time.sleep(1.1)
    moment = datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
    time.sleep(1.1)
    assert aws.instance("kept", "DELETE").status == 200
    assert aws.instance("too-late", "POST", aws_region="r", aws_account="a").status == 200
    aws.database.sql("DROP TABLE ec2_package", SCHEMA)
    aws.dimension("kept", 9.0)
    aws.dimension("too-late", 9.0)
    return moment


def printed(name, said):
    """The command in a script's output."""
    return re.search(rf"^ *({name}.*)$", said, re.M)[1]


@pytest.fixture(scope="module")
def restored(api):
    """The API after restore.sh has restored both stores to the time before the mistakes."""
    api.table = api.output(API_STACK, "DimensionsTableName")
    # The template turns it on; ministack ignores that for a global table.
    recovery = {"PointInTimeRecoveryEnabled": True}
    api.client("dynamodb").update_continuous_backups(TableName=api.table, PointInTimeRecoverySpecification=recovery)
    back_up(api)
    moment = write(api)
    database = Database(api, "restored")
    api.connect("restored", "fleet", "fleet", database)
    at_once = {"RESTORE_POLL_SECONDS": "0.2"}
    api.of_inventory = api.done(f"restore.sh dev inventory --to {moment} --as restored", **at_once)
    api.of_dimensions = api.done(f"restore.sh dev dimensions --to {moment} --as restored-dimensions", **at_once)
    api.shell(printed("DB_CLUSTER_ARN=.*create_schema.sh", api.of_inventory))
    api.connect_users("restored-", database)
    cluster = f"{api.cluster.rpartition(':')[0]}:restored"
    api.deploy(f" DbClusterArn={cluster} DimensionsTableName=restored-dimensions")
    yield api
    # Back again, on a schema that contains its tables.
    api.database.sql("DROP TABLE ec2, schema_version", SCHEMA)
    api.done("create_schema.sh dev")
    api.deploy()


def test_it_says_what_it_restored(restored):
    assert re.search(r"restored, restored: schema version 3, [0-9]+ instances", restored.of_inventory), restored.of_inventory
    compared = rf"Dimensions: [0-9]+ in {restored.table} now, [0-9]+ in restored-dimensions"
    assert re.search(compared, restored.of_dimensions), restored.of_dimensions
    assert len((restored.folder / "restored-clusters").read_text().splitlines()) == 1, "the cluster was restored more than once"


def test_it_prints_how_to_switch_to_it(restored):
    assert re.search(r'DbClusterArn=arn:.*:cluster:restored"', restored.of_inventory), restored.of_inventory
    assert 'DimensionsTableName=restored-dimensions"' in restored.of_dimensions, restored.of_dimensions


def test_the_inventory_is_as_it_was_at_the_moment(restored):
    kept = json.loads(restored.instance("kept").text)
    assert kept["record_found"] and kept["record"]["packages"] == [PACKAGE]
    assert not json.loads(restored.instance("too-late").text)["record_found"]


def test_the_dimensions_are_as_they_were_at_the_moment(restored):
    assert '"desiredCapacity":7.0' in restored.dimension("kept")
    assert '"desiredCapacity":1.0' in restored.dimension("too-late")


def test_what_was_restored_takes_new_instances(restored):
    assert restored.instance("after", "POST", aws_region="r", aws_account="a").status == 200
