"""The database and its schema: create_schema.sh resumes where a run ended, and its users have only necessary rights.

Has the requirements of deployment.py: the functions and servers as built by .ci/deploy-emulator, MariaDB, and curl. The
first tests check what is refused before the database is deployed.
"""

from concurrent.futures import ThreadPoolExecutor

import pytest
from conftest import ROOT
from databases import SCHEMA
from emulated import with_path

SCRIPT = "create_schema.sh dev"
MIGRATIONS = sorted(file.name for file in (ROOT / "ddl").glob("V*.sql"))
# What neither user may do.
FORBIDDEN = [
    "UPDATE ec2 SET aws_region = ''",
    "DROP TABLE ec2_package",
    "CREATE TABLE other (n INT)",
    "TRUNCATE TABLE ec2",
    "DELETE FROM schema_version",
    f"GRANT SELECT ON {SCHEMA}.* TO fleet_writer",
    "SELECT * FROM mysql.global_priv",
]


@pytest.mark.parametrize(
    ("sentence", "command"),
    [
        ("no environment named 'test'", "deploy_rds.sh test"),
        ("there is no stack fleet-database-dev", SCRIPT),
        ("there is no stack fleet-database-dev", "deploy_api.sh dev"),
    ],
)
def test_nothing_is_deployed_before_the_database(aws, sentence, command):
    aws.refused(sentence, command)


def test_the_database_can_be_deployed_again(cluster):
    cluster.done("deploy_rds.sh dev")


def test_the_schema_is_created_once(schema):
    tables = schema.first_schema.partition("Its tables:\n")[2].split()
    assert tables[:3] == ["ec2", "ec2_package", "schema_version"], schema.first_schema
    schema.done(SCRIPT)
    assert is_whole(schema)


def undo_last_migration(aws):
    aws.database.sql("DROP INDEX ec2_by_region_and_account ON ec2; DELETE FROM schema_version WHERE version = 3", SCHEMA)


def is_whole(aws):
    applied = aws.database.sql("SELECT COUNT(*) FROM schema_version WHERE applied_utc IS NOT NULL", SCHEMA)
    return int(applied) == len(MIGRATIONS) == 3 and "ec2_by_region_and_account" in aws.database.sql("SHOW CREATE TABLE ec2", SCHEMA)


# The claim of the last migration, and its statement. Before them: the table, the version, a check of all and of this.
@pytest.mark.parametrize("last", [5, 6])
def test_a_run_that_ended_is_resumed(schema, tmp_path, last):
    # It ends its script after a number of Data API calls, which have taken effect.
    program, calls = tmp_path / "aws", tmp_path / "calls"
    program.write_text(
        f"""#!/bin/sh
{schema.call_aws} "$@" || exit
[ "$1" = rds-data ] || exit 0
echo call >>{calls}
[ "$(wc -l <{calls})" -lt {last} ] || {{ echo "stopped here" >&2; exit 1; }}
"""
    )
    program.chmod(0o755)
    undo_last_migration(schema)
    code, said = schema.run(SCRIPT, **with_path(schema, tmp_path))
    assert code != 0 and "stopped here" in said, f"create_schema.sh did not end after call {last}: {said}"
    schema.done(SCRIPT, SCHEMA_CLAIM_SECONDS="1")
    assert is_whole(schema)


def test_two_runs_at_once_apply_a_migration_once(schema):
    undo_last_migration(schema)
    with ThreadPoolExecutor(2) as two:
        said = "".join(two.map(schema.done, [SCRIPT, SCRIPT]))
    assert is_whole(schema)
    assert said.count(f"{MIGRATIONS[-1]}: applied") == 1, said


def test_a_schema_for_newer_functions_is_refused(schema):
    schema.database.sql("UPDATE schema_version SET oldest_functions = 9 WHERE version = 3", SCHEMA)
    schema.refused("needs functions that know version 9", SCRIPT)
    schema.database.sql("UPDATE schema_version SET oldest_functions = 0 WHERE version = 3", SCHEMA)


def may(aws, role, statement):
    refusal = aws.database.refusal(statement, f"fleet_{role}", aws.password(role))
    assert not refusal, f"fleet_{role} may not {statement}: {refusal}"


def may_not(aws, role, statement):
    refusal = aws.database.refusal(statement, f"fleet_{role}", aws.password(role))
    assert "denied" in refusal, f"fleet_{role}, {statement}: {refusal or 'done'}"


@pytest.mark.parametrize("role", ["reader", "writer"])
def test_a_user_reads_and_changes_no_table(schema, role):
    may(schema, role, "SELECT COUNT(*) FROM ec2 JOIN ec2_package USING (aws_instance_id)")
    for statement in FORBIDDEN:
        may_not(schema, role, statement)


def test_only_the_writer_writes(schema):
    for statement in ("INSERT INTO ec2 VALUES ('u', 'r', 'a', UTC_TIMESTAMP(), '')", "DELETE FROM ec2 WHERE aws_instance_id = 'u'"):
        may_not(schema, "reader", statement)
        may(schema, "writer", statement)


def test_a_password_is_rotated(schema):
    old = schema.password("writer")
    schema.done(f"{SCRIPT} --rotate writer")
    assert schema.password("writer") != old
    may(schema, "writer", "SELECT 1")
    # A rotation that was interrupted between its two steps is repaired by the next run.
    schema.database.sql("ALTER USER fleet_reader@'%' IDENTIFIED BY 'another'")
    schema.done(SCRIPT)
    assert schema.database.refusal("SELECT 1", "fleet_writer", old), "the old password is still taken"
    may(schema, "reader", "SELECT 1")
