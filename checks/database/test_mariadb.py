"""The inventory on a real MariaDB behind the local Data API: the tests and requests for SQLite, with the same results.

Needs mariadbd, mariadb, and the programs built by .ci/mariadb. FLEET_TEST_DIFFERENTIAL is the number of generated
statements that both engines run: 1,000 by default, 20,000 in the nightly run.
"""

import os
import re
import signal
import subprocess
from pathlib import Path

import pytest
from conftest import ROOT
from databases import SCHEMA, Database
from programs import Programs, Server, output_of, until

# local-aws's tests of the engine use the database in the URL; every other test has a separate one.
MODULES = ("mysql", "local", "paging", "plans", "ec2", "ambiguous", "concurrency", "deadlock", "exceptions", "ids", "sql")
API_REQUESTS = ROOT / ".ci/api-requests"
ROW = "'r', 'a', UTC_TIMESTAMP(), ''"


@pytest.fixture(scope="module")
def programs(tmp_path_factory):
    programs = Programs(tmp_path_factory.mktemp("programs"))
    yield programs
    programs.end()


@pytest.fixture(scope="module")
def database(programs):
    return Database(programs, "mariadb")


@pytest.fixture(scope="module")
def server(programs, database):
    """A server whose inventory is in the database."""
    return Server(programs, "server", FLEET_DATABASE_URL=database.url)


def rust_tests(modules, **environment):
    """The output of the tests in these modules, all of which must run and pass."""
    command = ["cargo", "test", "--locked", "--workspace", "--test", "it", "--", *(f"{name}::" for name in modules), "--show-output"]
    done = subprocess.run(command, cwd=ROOT, env=os.environ | environment, capture_output=True, text=True, timeout=1800, check=False)
    assert done.returncode == 0, done.stdout[-10_000:] + done.stderr[-2_000:]
    idle = [name for name in modules if not re.search(rf"^test {name}::.* ok$", done.stdout, re.M)]
    assert idle == [], "no test of these modules ran"
    assert re.findall(r"^not run:.*", done.stdout, re.M) == []
    return done.stdout


def test_the_tests_of_the_inventory_pass_on_it(database):
    rust_tests(MODULES, FLEET_TEST_DATABASE_URL=database.url)


def test_the_contracts_requests_are_answered_as_on_sqlite(server):
    output_of(API_REQUESTS, server.url)


@pytest.mark.parametrize(
    ("constraint", "statement"),
    [
        ("Data too long", f"INSERT INTO ec2 VALUES (REPEAT('x', 256), {ROW})"),
        ("foreign key constraint fails", "INSERT INTO ec2_package VALUES ('nobody', 'p', '1')"),
    ],
)
def test_the_database_itself_refuses(server, database, constraint, statement):
    with pytest.raises(AssertionError, match=constraint):
        database.sql(statement, SCHEMA)


def test_the_database_tells_ids_apart_by_case(server, database):
    database.sql(f"INSERT INTO ec2 VALUES ('I-A', {ROW}), ('i-a', {ROW})", SCHEMA)
    assert database.sql("SELECT COUNT(*) FROM ec2 WHERE aws_instance_id IN ('I-A', 'i-a')", SCHEMA).split() == ["2"]


def test_a_mariadb_that_the_endpoints_start_answers_as_sqlite_does():
    count = os.environ.get("FLEET_TEST_DIFFERENTIAL", "1000")
    printed = rust_tests(("mysql", "differential"), FLEET_TEST_DATABASE_URL="mariadb", FLEET_TEST_DIFFERENTIAL=count)
    assert re.search(r"^seed .* statements run by both", printed, re.M), "no generated statement ran"


def test_a_mariadb_that_the_server_starts_survives_a_kill_of_either(programs, tmp_path):
    def start(name):
        return Server(programs, name, "--engine", "mariadb", "--data-dir", tmp_path)

    def process():
        """The process of the server's MariaDB."""
        return Path("/proc") / (tmp_path / "mariadb/mariadb.pid").read_text().strip()

    def gone(mariadb):
        return not mariadb.exists() or "\nState:\tZ" in (mariadb / "status").read_text()

    server = start("first")
    output_of(API_REQUESTS, server.url)
    assert server.ask("/ec2/kept", "POST", {"aws_region": "us-east-1", "aws_account": "1"})[0] == 200
    killed = process()
    os.kill(int(killed.name), signal.SIGKILL)
    until(lambda: gone(killed))
    server.ready()
    orphaned = process()
    assert orphaned != killed
    assert server.program.end(signal.SIGKILL) == -signal.SIGKILL
    until(lambda: gone(orphaned))
    again = start("second")
    assert '"record_found":true' in again.ask("/ec2/kept")[1]
    stopped = process()
    assert again.program.end() == 0
    assert gone(stopped), "MariaDB outlived the stop of its server"
