"""The systemd unit and its files, checked by systemd-analyze; and whether the unit allows the server's system calls.

.ci/systemd runs the unit. Needs systemd-analyze, strace, openssl, curl, and fleet-server as built by .ci/self-hosting.
"""

import os
import re
import shutil
import signal
import subprocess
from pathlib import Path

import pytest
from conftest import ROOT
from https import FOR_HOST, HOST, Certificates, HttpsServer
from programs import SERVER, Programs, free_port, output_of

FILES = ROOT / "deploy_scripts/self_hosting"
UNIT = FILES / "fleet-server.service"
DROP_INS = sorted(FILES.glob("*.conf"))
# The maximum exposure reported by systemd-analyze, in tenths: 0 is none, 100 is everything.
EXPOSURE = 20
SCALING = "/scalableTargetDimensions/1-23456789"


@pytest.fixture(scope="module")
def system(tmp_path_factory):
    """A root folder with systemd's own units, the server and its unit."""
    root = tmp_path_factory.mktemp("system")
    for folder in ("etc/systemd/system", "usr/local/bin", "bin", "lib"):
        (root / folder).mkdir(parents=True)
    shutil.copytree("/lib/systemd", root / "lib/systemd", symlinks=True)
    shutil.copy(UNIT, root / "etc/systemd/system")
    shutil.copy(SERVER, root / "usr/local/bin")
    shutil.copy(shutil.which("sh"), root / "bin/sh")
    return root


@pytest.mark.parametrize("drop_in", [None, *DROP_INS], ids=lambda file: file.name if file else "alone")
def test_the_unit_is_well_formed(system, drop_in):
    folder = system / "etc/systemd/system/fleet-server.service.d"
    shutil.rmtree(folder, ignore_errors=True)
    if drop_in:
        folder.mkdir()
        shutil.copy(drop_in, folder)
    command = ["systemd-analyze", "verify", f"--root={system}", "--man=no", "--recursive-errors=no", "fleet-server.service"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    said = done.stdout + done.stderr
    assert done.returncode == 0 and "fleet-server" not in said, said


def test_the_unit_leaves_little_exposed():
    output_of("systemd-analyze", "security", "--offline=true", "--no-pager", f"--threshold={EXPOSURE}", UNIT)


def test_the_user_of_the_unit_is_well_formed():
    output_of("systemd-sysusers", "--dry-run", FILES / "fleet-server.sysusers")


def test_every_variable_of_the_example_is_an_option():
    known = output_of(SERVER, "--help")
    names = re.findall(r"^(?:# )?([A-Z_]+)=", (FILES / "fleet-server.env").read_text(), re.M)
    assert len(names) > 5 and [name for name in names if name not in known] == []


def filtered(name):
    """The system calls in one of systemd's sets, including nested sets."""
    found = set()
    for line in output_of("systemd-analyze", "syscall-filter", "--no-pager", name).splitlines():
        if call := re.match(r" +([@a-z0-9_-]+)", line):
            found |= filtered(call[1]) if call[1].startswith("@") else {call[1]}
    return found


def system_calls_of_a_life(folder):
    """The system calls of a server that serves HTTPS, gets new certificates, and stops during a request."""
    certificates, programs = Certificates(folder), Programs(folder)
    certificates.authority("server-ca")
    certificates.self_signed("gateway")
    for name in ("first", "renewed"):
        certificates.signed(name, "server-ca", FOR_HOST)
    certificates.use("first", "first")
    plain = free_port()
    options = ["--data-dir", folder / "data", "--tls-cert", folder / "cert.pem", "--tls-key", folder / "key.pem"]
    options += ["--client-ca", folder / "gateway.pem", "--http-redirect", f"127.0.0.1:{plain}"]
    calls = folder / "calls"
    strace = ["strace", "--follow-forks", "--quiet=all", f"--output={calls}"]
    try:
        server = HttpsServer(programs, certificates, *options, under=strace).ready()
        tracer = server.program.process.pid
        process = int(Path(f"/proc/{tracer}/task/{tracer}/children").read_text())
        server.get("/ec2/i-1", "--data", '{"aws_region":"r","aws_account":"a","packages":[{"package_name":"p","package_version":"1"}]}')
        output_of("curl", "--silent", "--fail", "--header", f"Host: {HOST}", f"http://127.0.0.1:{plain}/")
        certificates.use("renewed", "renewed")
        server.program.until_printed("new connections use the new certificates")
        certificates.use("first", "renewed")
        os.kill(process, signal.SIGHUP)
        server.program.until_printed("keeping the current certificates: The private key")
        # A slow body keeps a request in progress.
        options = ["--cert", "gateway.pem", "--key", "gateway.key", "--header", "Expect:", "--request", "PATCH", "--upload-file", "-"]
        command = ["curl", "--silent", "--cacert", server.ca, "--resolve", f"{HOST}:{server.port}:127.0.0.1", *options, server.url + SCALING]
        with subprocess.Popen(command, cwd=folder, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as asking:
            asking.stdin.write('{"desiredCapacity":')
            asking.stdin.flush()
            server.program.until(lambda: 'client="C=US, L=Seattle, CN=ApiGateway"' in server.program.text())
            os.kill(process, signal.SIGTERM)
            server.program.until_printed("stopping")
            answer, _ = asking.communicate("5.0}", timeout=60)
        assert '"desiredCapacity":5.0' in answer
        assert server.program.process.wait(60) == 0
    finally:
        programs.end()
    return set(re.findall(r"^\d+ +([a-z0-9_]+)\(", calls.read_text(errors="replace"), re.M))


def test_the_unit_allows_what_the_server_asks_of_the_kernel(tmp_path):
    used = system_calls_of_a_life(tmp_path)
    assert len(used) > 20, f"strace saw only {used}"
    allowed, denied = filtered("@system-service"), filtered("@privileged") | filtered("@resources")
    # SQLite calls fchown only if it runs as root, as here.
    assert (used - allowed | used & denied) - {"fchown"} == set()
