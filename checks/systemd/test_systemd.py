"""docs/self-hosting.md, followed in a container in which systemd is process 1.

The commands are the document's; the unit, its user, its settings and its drop-ins are those in
deploy_scripts/self_hosting/. Each test finds the service running, and leaves it running. Needs root, systemd-nspawn,
nsenter, pgrep, MariaDB, fleet-server as built by .ci/systemd, and in FLEET_DEBIAN the files of a Debian.
"""

import os
import re

import pytest
from conftest import ROOT
from databases import SCHEMA, Database
from machine import DATA, DOCUMENT, FILES, Machine, Service, block
from programs import Programs

SETTINGS = "/etc/fleet-server"


@pytest.fixture(scope="module")
def machine(tmp_path_factory):
    programs = Programs(tmp_path_factory.mktemp("machine"))
    machine = Machine(programs, os.environ["FLEET_DEBIAN"])
    yield machine
    machine.end()
    programs.end()


@pytest.fixture(scope="module")
def service(machine):
    """The service, installed and started as documented, with an instance that every start must find again."""
    # The program was built outside.
    machine.done("ln", "-s", "/bin/true", "/usr/local/bin/cargo")
    machine.follow("systemd-sysusers")
    service = Service(machine)
    service.certificate()
    machine.done("cp", "cert.pem", "fullchain.pem")
    machine.done("cp", "key.pem", "privkey.pem")
    machine.follow("install -m 644 fullchain.pem")
    for command in block("systemctl enable").splitlines():
        if command.endswith("--follow"):
            # It would not end by itself.
            said = machine.done("bash", "-c", f"timeout 30 {command} | grep --max-count=1 'answers on https://'")
            assert said, "the journal does not say that the server answers"
        else:
            machine.done("bash", "-euc", command)
    service.ready()
    service.add("of-the-test")
    return service


def test_it_is_enabled_and_answers_by_https_to_whom_it_should(machine, service):
    assert machine.property("ActiveState") == "active"
    machine.done("systemctl", "is-enabled", "--quiet", "fleet-server")
    assert service.status("http://localhost/ec2") == "308 https://localhost/ec2"
    assert service.status("/ec2", keyed=False) == "403"
    assert service.status("/scalableTargetDimensions/x") == "403"
    assert machine.done("stat", "--format", "%a %U", f"{DATA}/api-keys") == "600 fleet-server"
    service.keeps("of-the-test")


def test_it_runs_as_its_own_user_with_one_capability(machine, service):
    assert service.status_of_the_kernel("Uid") == machine.done("id", "--user", "fleet-server")
    # CAP_NET_BIND_SERVICE is bit 10.
    found = {name: service.status_of_the_kernel(name) for name in ("CapEff", "CapPrm", "CapBnd", "CapAmb", "NoNewPrivs", "Seccomp")}
    assert found == dict.fromkeys(("CapEff", "CapPrm", "CapBnd", "CapAmb"), "0000000000000400") | {"NoNewPrivs": "1", "Seccomp": "2"}


def test_it_can_write_to_its_data_and_its_own_temporary_files_alone(machine, service):
    # Folders that it cannot read are not writable either.
    skipped = ["-path", "/proc", "-prune", "-o", "-path", f"{DATA}/*", "-prune", "-o"]
    found = service.within("find", "/", *skipped, "(", "-type", "d", "-o", "-type", "f", ")", "-writable", "-print").stdout
    assert sorted(found.split()) == ["/tmp", DATA, "/var/tmp"]
    probe = service.within("sh", "-c", f"echo seen >/tmp/of-the-service && echo seen >{DATA}/probe && rm {DATA}/probe")
    assert probe.returncode == 0, probe.stderr
    assert machine.run("test", "-e", "/tmp/of-the-service").returncode == 1, "the service's /tmp is everybody's"
    for path in ("/usr/local/bin", "/etc", "/run", "/dev/shm", "/var/log"):
        done = machine.run("nsenter", "--target", service.process(), "--mount", "touch", f"{path}/probe")
        assert done.returncode != 0 and "Read-only file system" in done.stderr, f"even root where the service runs: {path}: {done.stderr}"
    assert machine.done("stat", "--format", "%a %U", DATA) == "700 fleet-server"


def test_its_exposure_is_what_the_document_says(machine, service):
    last = machine.done("systemd-analyze", "security", "--no-pager", "fleet-server").splitlines()[-1]
    (written,) = re.findall(r"rates its exposure ([0-9.]+)", (ROOT / DOCUMENT).read_text())
    assert f" {written} OK" in last


def test_a_renewal_by_the_documents_hook_is_taken_up_by_the_same_process(machine, service):
    process, first = service.process(), service.serves()
    renewed = service.certificate()
    machine.done("mkdir", "/root/lineage")
    machine.done("cp", "cert.pem", "/root/lineage/fullchain.pem")
    machine.done("cp", "key.pem", "/root/lineage/privkey.pem")
    (machine.tree / "root/hook").write_text(block("RENEWED_LINEAGE"))
    machine.done("env", "RENEWED_LINEAGE=/root/lineage", "sh", "-eu", "/root/hook")
    machine.control("reload", "fleet-server")
    machine.nspawn.until(lambda: service.serves() == renewed)
    assert first != renewed, "openssl made the same certificate again"
    machine.control("reload", "fleet-server")
    machine.nspawn.until(lambda: "the certificates are unchanged" in machine.logged())
    assert service.process() == process


def test_it_is_started_again_after_a_kill(machine, service):
    process, restarts = service.process(), int(machine.property("NRestarts"))
    machine.done("sh", "-c", f"kill -KILL {process}")

    def restarted():
        active = machine.property("ActiveState") == "active" and service.process() != process
        return active and int(machine.property("NRestarts")) == restarts + 1

    machine.nspawn.until(restarted)
    assert machine.property("RestartUSec") == "2s"
    service.keeps("of-the-test")


def test_a_stop_ends_it_with_success(machine, service):
    machine.control("stop", "fleet-server")
    # The code 1 is CLD_EXITED: it exited by itself.
    found = [machine.property(name) for name in ("Result", "ExecMainCode", "ExecMainStatus", "ActiveState")]
    assert found == ["success", "1", "0", "inactive"]
    machine.control("start", "fleet-server")
    service.keeps("of-the-test")


def test_it_starts_with_the_machine_after_a_power_cut(machine, service):
    machine.switch_off()
    machine.switch_on()
    service.keeps("of-the-test")


@pytest.fixture
def drop_in(machine, service):
    """Installs a drop-in as documented, and restores the settings afterwards."""
    folder = "/etc/systemd/system/fleet-server.service.d"
    machine.done("cp", "--archive", SETTINGS, "/root/settings")

    def install(name):
        machine.done("install", "-D", "-m", "644", f"{FILES}/{name}.conf", f"{folder}/{name}.conf")
        machine.control("daemon-reload")
        machine.control("restart", "fleet-server")

    yield install
    machine.done("rm", "-r", folder, SETTINGS)
    machine.done("mv", "/root/settings", SETTINGS)
    machine.control("daemon-reload")
    machine.control("restart", "fleet-server")
    machine.done("cp", f"{SETTINGS}/tls/cert.pem", "cert.pem")
    service.keeps("of-the-test")


def test_the_key_can_be_roots_alone(machine, service, drop_in):
    tls = f"{SETTINGS}/tls"
    machine.done("chown", "root:root", f"{tls}/key.pem")
    machine.done("chmod", "600", f"{tls}/key.pem")
    machine.done("sed", "-i", "/^FLEET_TLS_/d", f"{SETTINGS}/fleet-server.env")
    drop_in("tls-key")
    service.keeps("of-the-test")
    assert service.within("cat", f"{tls}/key.pem").returncode != 0, "the service can read the key that is root's alone"
    renewed = service.certificate()
    machine.done("install", "-m", "644", "cert.pem", f"{tls}/cert.pem")
    machine.done("install", "-m", "600", "key.pem", f"{tls}/key.pem")
    machine.control("restart", "fleet-server")
    service.keeps("of-the-test")
    assert service.serves() == renewed


def test_callers_sign_with_the_pair_that_is_roots_alone(machine, service, drop_in):
    callers = machine.tree / SETTINGS[1:] / "callers"
    callers.write_text("[default]\naws_access_key_id = fleet-callers\naws_secret_access_key = secret-of-the-test\n")
    callers.chmod(0o600)
    drop_in("callers")
    service.ready()
    signature = ["--aws-sigv4", "aws:amz:us-east-1:execute-api", "--user"]
    route = "/scalableTargetDimensions/x"
    assert '"scalableTargetDimensionId":"x"' in service.get(route, *signature, "fleet-callers:secret-of-the-test")
    refused = service.curl(route, "--fail-with-body", *signature, "fleet-callers:another")
    assert refused.returncode != 0 and "signature" in refused.stdout
    assert service.within("cat", f"{SETTINGS}/callers").returncode != 0


@pytest.fixture
def database(machine, service, tmp_path_factory):
    """A MariaDB in the container's network, reachable only from there."""
    programs = Programs(tmp_path_factory.mktemp("database"))
    yield Database(programs, "mariadb", under=["nsenter", "--target", str(machine.leader()), "--net"])
    programs.end()


def test_the_inventory_can_be_in_mariadb(machine, service, database, drop_in):
    file = machine.tree / SETTINGS[1:] / "database-url"
    file.write_text(f"{database.url}\n")
    file.chmod(0o600)
    drop_in("database-url")
    service.ready()
    assert service.get("/ec2/of-the-test") == '{"record":{},"record_found":false}'
    service.add("in-mariadb")
    assert database.sql("SELECT aws_instance_id FROM ec2", SCHEMA).split() == ["in-mariadb"]
    machine.control("restart", "fleet-server")
    service.keeps("in-mariadb")
    environment = machine.done("cat", f"/proc/{service.process()}/environ")
    assert "FLEET_DATABASE_URL_FILE" in environment and "mysql://" not in environment
