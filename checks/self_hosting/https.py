"""Certificates as people create them with openssl, and a fleet-server that serves HTTPS with them."""

import subprocess

from programs import SERVER, free_port, output_of

HOST = "fleet.test"
EC = ("ec", "-pkeyopt", "ec_paramgen_curve:P-256")
RSA = ("rsa:2048",)
FOR_HOST = f"subjectAltName=DNS:{HOST}"


class Certificates:
    """A folder with NAME.pem and NAME.key for each certificate."""

    def __init__(self, folder):
        self.folder = folder

    def openssl(self, *arguments):
        return output_of("openssl", *arguments, cwd=self.folder)

    def authority(self, name):
        files = ["-keyout", f"{name}.key", "-out", f"{name}.pem"]
        self.openssl("req", "-x509", "-newkey", *EC, "-nodes", "-days", "30", "-subj", f"/CN={name}", *files)

    def signed(self, name, authority, extensions, key=EC, subject=HOST):
        """A certificate signed by an authority in this folder."""
        self.openssl("req", "-new", "-nodes", "-newkey", *key, "-subj", f"/CN={subject}", "-keyout", f"{name}.key", "-out", f"{name}.csr")
        (self.folder / f"{name}.ext").write_text(f"{extensions}\n")
        by = ["-CA", f"{authority}.pem", "-CAkey", f"{authority}.key", "-CAcreateserial"]
        self.openssl("x509", "-req", "-in", f"{name}.csr", *by, "-days", "20", "-extfile", f"{name}.ext", "-out", f"{name}.pem")

    def self_signed(self, name):
        """A certificate like API Gateway's: self-signed, RSA 2048.

        API Gateway's has no extension at all, which openssl would write as version 1; the tests of crates/server have
        an exact one.
        """
        (self.folder / "plain.cnf").write_text("[req]\ndistinguished_name=dn\n[dn]\n")
        subject = ["-subj", "/C=US/L=Seattle/CN=ApiGateway", "-addext", "subjectKeyIdentifier=hash"]
        files = ["-keyout", f"{name}.key", "-out", f"{name}.pem"]
        self.openssl("req", "-x509", "-config", "plain.cnf", "-newkey", *RSA, "-nodes", "-days", "365", *subject, *files)

    def fingerprint(self, name):
        return self.openssl("x509", "-in", f"{name}.pem", "-noout", "-fingerprint", "-sha256")

    def use(self, certificate, key):
        """Puts a pair where this folder's servers read theirs."""
        for name, source in (("cert.pem", f"{certificate}.pem"), ("key.pem", f"{key}.key")):
            file = self.folder / name
            file.write_bytes((self.folder / source).read_bytes())
            file.chmod(0o640)


class HttpsServer:
    """A fleet-server, and openssl and curl as its clients."""

    def __init__(self, programs, certificates, *options, under=(), ca="server-ca", name="server", port=None, **environment):
        self.certificates, self.ca, self.port = certificates, certificates.folder / f"{ca}.pem", port or free_port()
        self.url = f"https://{HOST}:{self.port}"
        listen = ["--listen", f"127.0.0.1:{self.port}", "--aws-listen", "127.0.0.1:0"]
        self.program = programs.start(name, [*under, SERVER, *listen, *options], **environment)

    def curl(self, path, *options, host=HOST):
        """The finished curl process for a path."""
        names = ["--resolve", f"{host}:{self.port}:127.0.0.1"]
        command = ["curl", "--silent", "--show-error", "--max-time", "20", "--cacert", self.ca, *names, *options]
        folder = self.certificates.folder
        return subprocess.run([*command, f"https://{host}:{self.port}{path}"], cwd=folder, capture_output=True, text=True, check=False)

    def get(self, path, *options, host=HOST):
        """The body of a successful response; an AssertionError otherwise."""
        done = self.curl(path, "--fail-with-body", *options, host=host)
        assert done.returncode == 0, f"{path}: {done.stdout}{done.stderr}"
        return done.stdout

    def status(self, path, *options):
        """The status of a response; 0 without one."""
        return int(self.curl(path, "--output", "/dev/null", "--write-out", "%{http_code}", *options).stdout)

    def ready(self):
        self.program.until(lambda: self.get("/v1/health"))
        return self

    def handshake(self, *options):
        """The exit code and the output of openssl's client."""
        trust = ["-CAfile", self.ca, "-verify_return_error"]
        command = ["openssl", "s_client", "-connect", f"127.0.0.1:{self.port}", "-servername", HOST, *trust, *options]
        done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
        return done.returncode, done.stdout + done.stderr

    def fingerprint(self):
        """The fingerprint of the certificate that it serves, whichever authority signed it."""
        command = ["openssl", "s_client", "-connect", f"127.0.0.1:{self.port}", "-servername", HOST]
        shown = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False).stdout
        return output_of("openssl", "x509", "-noout", "-fingerprint", "-sha256", input=shown)
