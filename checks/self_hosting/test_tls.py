"""HTTPS as people set it up: certificates and keys created by openssl, with openssl and curl as clients.

The tests in crates/server/tests/it/tls/ cover how the server handles certificates, whatever created them. Needs
openssl, curl, and fleet-server as built by .ci/self-hosting.
"""

import pytest
from https import FOR_HOST, HOST, RSA, Certificates, HttpsServer
from programs import Programs, free_port, output_of

SCALING = "/scalableTargetDimensions/1-23456789"


@pytest.fixture(scope="module")
def certificates(tmp_path_factory):
    made = Certificates(tmp_path_factory.mktemp("certificates"))
    made.authority("server-ca")
    made.signed("rsa", "server-ca", FOR_HOST, key=RSA)
    made.signed("ec", "server-ca", FOR_HOST, key=("ec", "-pkeyopt", "ec_paramgen_curve:P-384"))
    made.openssl("rsa", "-traditional", "-in", "rsa.key", "-out", "rsa-pkcs1.key")
    made.openssl("ec", "-in", "ec.key", "-out", "ec-sec1.key")
    made.authority("client-ca")
    made.signed("client", "client-ca", "extendedKeyUsage=clientAuth", subject="scaler")
    made.authority("listed")
    made.self_signed("gateway")
    made.self_signed("stranger")
    return made


@pytest.fixture(scope="module")
def programs(tmp_path_factory):
    programs = Programs(tmp_path_factory.mktemp("programs"))
    yield programs
    programs.end()


@pytest.fixture(scope="module")
def server(certificates, programs):
    """A server that accepts the client certificates of client-ca, and two specific others."""
    certificates.use("rsa", "rsa")
    folder = certificates.folder
    (folder / "clients.pem").write_text("".join((folder / f"{name}.pem").read_text() for name in ("client-ca", "gateway", "listed")))
    pair = ["--tls-cert", folder / "cert.pem", "--tls-key", folder / "key.pem"]
    plain = free_port()
    server = HttpsServer(programs, certificates, "--in-memory", *pair, "--client-ca", folder / "clients.pem", "--http-redirect", f"127.0.0.1:{plain}")
    server.plain = plain
    return server.ready()


@pytest.mark.parametrize(
    ("certificate", "key", "head"),
    [
        ("rsa", "rsa", "BEGIN PRIVATE KEY"),
        ("rsa", "rsa-pkcs1", "BEGIN RSA PRIVATE KEY"),
        ("ec", "ec", "BEGIN PRIVATE KEY"),
        ("ec", "ec-sec1", "BEGIN EC PRIVATE KEY"),
    ],
)
def test_a_key_is_read_in_every_format_of_openssl(certificates, programs, certificate, key, head):
    folder = certificates.folder
    assert head in (folder / f"{key}.key").read_text()
    pair = ["--tls-cert", folder / f"{certificate}.pem", "--tls-key", folder / f"{key}.key"]
    server = HttpsServer(programs, certificates, "--in-memory", *pair, name=key).ready()
    assert server.fingerprint() == certificates.fingerprint(certificate)
    assert server.program.end() == 0


@pytest.mark.parametrize("version", ["-tls1_2", "-tls1_3"])
def test_this_version_of_tls_is_spoken(server, version):
    code, said = server.handshake(version, "-alpn", "h2,http/1.1")
    assert code == 0 and "Verify return code: 0 (ok)" in said and "ALPN protocol: http/1.1" in said, said


@pytest.mark.parametrize("version", ["-tls1", "-tls1_1"])
def test_an_older_version_of_tls_is_refused(server, version):
    code, said = server.handshake(version, "-cipher", "ALL:@SECLEVEL=0")
    assert code != 0 and ("alert protocol version" in said or "alert handshake failure" in said), said


@pytest.mark.parametrize("limit", [(), ("--tls-max", "1.2")])
def test_curl_is_known_by_its_certificate(server, limit):
    assert (server.status(SCALING, *limit), server.status("/api/books", *limit)) == (403, 200)
    for name in ("client", "gateway", "listed"):
        shown = ["--cert", f"{name}.pem", "--key", f"{name}.key"]
        assert server.status(SCALING, *limit, *shown) == 200, name
    assert 'client="C=US, L=Seattle, CN=ApiGateway"' in server.program.text()
    refused = server.curl("/api/books", *limit, "--cert", "stranger.pem", "--key", "stranger.key")
    assert refused.returncode != 0 and not refused.stdout, "a stranger's certificate is taken"


def test_curl_follows_the_redirect_and_then_keeps_to_https(server, certificates):
    names = [option for port in (server.plain, server.port) for option in ("--resolve", f"{HOST}:{port}:127.0.0.1")]
    kept = certificates.folder / "hsts"
    followed = ["curl", "--silent", "--show-error", "--fail", "--location", "--cacert", server.ca, "--hsts", kept, *names]
    assert output_of(*followed, f"http://{HOST}:{server.plain}/v1/health") == '{"status":"ok"}'
    assert HOST in kept.read_text()
