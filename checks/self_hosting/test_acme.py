"""A certificate by ACME: pebble, the test server of Let's Encrypt, issues one, and another before that expires.

Needs pebble, openssl, curl, and fleet-server as built by .ci/self-hosting.
"""

import json

import pytest
from https import HOST, RSA, Certificates, HttpsServer
from programs import Programs, free_port, output_of

# The shortest lifetime, in seconds, that still shows both the first certificate and its renewal.
LIFETIME = 45


@pytest.fixture
def programs(tmp_path):
    programs = Programs(tmp_path)
    yield programs
    programs.end()


class Pebble:
    """The test server, with a separate name server that resolves all names to this machine."""

    def __init__(self, programs, certificates, tls_port):
        self.certificates, self.port, self.roots, names = certificates, free_port(), free_port(), free_port()
        folder = certificates.folder
        settings = {
            "listenAddress": f"127.0.0.1:{self.port}",
            "managementListenAddress": f"127.0.0.1:{self.roots}",
            "certificate": str(folder / "pebble.pem"),
            "privateKey": str(folder / "pebble.key"),
            "httpPort": 1,
            "tlsPort": tls_port,
            "ocspResponderURL": "",
            "externalAccountBindingRequired": False,
            "certificateValidityPeriod": LIFETIME,
        }
        (folder / "pebble.json").write_text(json.dumps({"pebble": settings}))
        nothing = ["-defaultIPv6", "", "-http01", "", "-https01", "", "-tlsalpn01", "", "-management", f"127.0.0.1:{free_port()}"]
        programs.start("names", ["pebble-challtestsrv", "-defaultIPv4", "127.0.0.1", "-dns01", f"127.0.0.1:{names}", *nothing])
        command = ["pebble", "-config", folder / "pebble.json", "-dnsserver", f"127.0.0.1:{names}"]
        pebble = programs.start("pebble", command, PEBBLE_VA_NOSLEEP="1")
        self.directory = f"https://localhost:{self.port}/dir"
        pebble.until(lambda: self.get(self.directory))
        (folder / "pebble-root.pem").write_text(self.get(f"https://localhost:{self.roots}/roots/0"))

    def get(self, url):
        return output_of("curl", "--silent", "--show-error", "--fail", "--cacert", self.certificates.folder / "server-ca.pem", url)


def test_a_certificate_is_issued_kept_over_a_restart_and_renewed(tmp_path, programs):
    certificates = Certificates(tmp_path)
    certificates.authority("server-ca")
    certificates.signed("pebble", "server-ca", "subjectAltName=DNS:localhost,IP:127.0.0.1", key=RSA, subject="localhost")
    port = free_port()
    pebble = Pebble(programs, certificates, port)
    names = ["--acme-domain", HOST, "--acme-domain", f"www.{HOST}", "--acme-email", "ops@example.com"]

    def start(name):
        # The CA's own certificate comes from an authority that the system does not trust.
        trust = {"SSL_CERT_FILE": str(tmp_path / "server-ca.pem")}
        options = ["--data-dir", tmp_path / "data", *names, "--acme-directory", pebble.directory]
        return HttpsServer(programs, certificates, *options, ca="pebble-root", name=name, port=port, **trust).ready()

    server = start("first")
    assert server.get("/v1/health", host=f"www.{HOST}") == '{"status":"ok"}'
    assert (tmp_path / "data/acme").stat().st_mode & 0o777 == 0o700
    first = server.fingerprint()
    assert server.program.end() == 0

    server = start("again")
    assert "using the saved certificate" in server.program.text(), "a second start asks for another certificate"
    server.program.until(lambda: server.fingerprint() != first and server.get("/v1/health"), 2 * LIFETIME)
    server.program.until_printed(f"got a certificate for {HOST}, www.{HOST} from")
