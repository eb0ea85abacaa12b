"""restore.sh, with a stand-in for the AWS CLI that has clusters and tables."""

import shutil

import pytest
from conftest import ROOT

TO = "--to 2026-11-27T10:30:00Z"
INVENTORY = (
    "restored, new: schema version 3, 5 instances, the newest of 2026-11-27 10:29:58 UTC",
    "cannot be looked at",
    "DbClusterArn=arn:aws:rds:us-east-1:123456789012:cluster:new",
    "DB_SECRET_ARN='arn:aws:secretsmanager:us-east-1:123456789012:secret:new'",
)
DIMENSIONS = ("Dimensions: 3 in old-table now, 2 in new.", 'DimensionsTableName=new"')
REFUSED = "cannot be restored: it must be between"


@pytest.fixture
def restore(scripts):
    """Runs restore.sh after earlier runs, whose restored resources are in `kept`."""
    shutil.copy(ROOT / "checks/stand_ins/aws_that_restores", scripts.programs / "aws")
    scripts.kept = scripts.folder / "restored"
    scripts.kept.mkdir()
    scripts.environment |= {"KEPT": str(scripts.kept), "RESTORE_POLL_SECONDS": "0"}
    return scripts


def calls(restore):
    return (restore.kept / "calls").read_text().splitlines()


@pytest.mark.parametrize(
    ("command", "sentences"),
    [
        (f"restore.sh prod inventory {TO} --as new", INVENTORY),
        ("restore.sh prod inventory --snapshot last --as new", INVENTORY),
        (f"restore.sh dev dimensions {TO} --as new", DIMENSIONS),
        ("restore.sh prod dimensions --as new", DIMENSIONS),
    ],
)
def test_it_says_what_it_restored_and_goes_on_where_a_run_ended(restore, command, sentences):
    said = restore.done(command)
    for sentence in sentences:
        assert sentence in said
    # With a point in time, a run may end after any of its calls: nothing is restored twice.
    for call in range(1, len(calls(restore)) if TO in command else 1):
        shutil.rmtree(restore.kept)
        restore.kept.mkdir()
        restore.run(command, STOP_AFTER=str(call))
        restore.done(command)
        restored = [each for each in calls(restore) if "restore-table" in each or "restore-db-cluster" in each]
        assert len(restored) == 1, f"after call {call}: {restored}"


@pytest.mark.parametrize(
    ("command", "sentence"),
    [
        ("restore.sh prod inventory --to 2026-11-19T10:30:00Z", REFUSED),
        ("restore.sh prod dimensions --to 2026-12-01T00:00:00Z", REFUSED),
        ("restore.sh prod inventory --to yesterday", "It must be UTC"),
    ],
)
def test_a_moment_that_is_none_is_refused(restore, command, sentence):
    restore.refused(sentence, command)


def test_without_a_stack_the_snapshot_or_the_table_is_named(restore):
    (restore.kept / "no-stacks").touch()
    restore.refused("Restore its last snapshot: --snapshot NAME", "restore.sh prod inventory")
    restore.refused("Name its table, which stayed: --table NAME", "restore.sh prod dimensions")
    assert DIMENSIONS[0] in restore.done("restore.sh prod dimensions --table old-table --as new")
    assert "restored, new: schema version 3" in restore.done("restore.sh prod inventory --snapshot last --as new")
