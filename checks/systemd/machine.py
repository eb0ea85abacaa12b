"""A container in which systemd is process 1, with only a loopback network, and a fleet-server in it."""

import os
import re
import shutil
import subprocess
import uuid
from pathlib import Path

import documented
from conftest import ROOT
from programs import SERVER

DOCUMENT = "docs/self-hosting.md"
DATA = "/var/lib/fleet-server"
FILES = "deploy_scripts/self_hosting"
# The repository in the container, where root follows the document.
FOLDER = "/root/fleet"
HAS_SYSTEMD = Path("/run/systemd/system").is_dir()
PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


def block(text):
    """The document's block that contains the text."""
    return documented.block(DOCUMENT, text)


class Machine:
    def __init__(self, programs, debian):
        """Starts a container with a copy of a Debian's files."""
        self.programs, self.tree, self.nspawn = programs, programs.folder / "tree", None
        subprocess.run(["cp", "--archive", "--reflink=auto", debian, self.tree], check=True)
        built = self.tree / FOLDER[1:] / "target/release"
        built.mkdir(parents=True)
        shutil.copy(SERVER, built)
        shutil.copytree(ROOT / FILES, self.tree / FOLDER[1:] / FILES)
        name = f"fleet-{uuid.uuid4().hex[:8]}"
        self.command = ["systemd-nspawn", f"--directory={self.tree}", f"--machine={name}", "--private-network", "--register=no"]
        self.command += ["--link-journal=no", "--console=pipe"]
        if not HAS_SYSTEMD:
            # There is no service manager to create a scope.
            self.command.append("--keep-unit")
        self.switch_on()

    def switch_on(self):
        self.nspawn = self.programs.start("machine", [*self.command, "--boot"])
        # "degraded" is caused by a Debian unit that cannot run in a container.
        self.nspawn.until(lambda: self.run("systemctl", "is-system-running").stdout.strip() in ("running", "degraded"))

    def switch_off(self):
        """Ends every process in the container at once, as a power cut does; systemd-nspawn then removes its mounts."""
        os.kill(self.leader() or self.nspawn.process.pid, 9)
        self.nspawn.process.wait(60)

    def end(self):
        if self.nspawn and self.nspawn.process.poll() is None:
            self.switch_off()
        if not HAS_SYSTEMD:
            # The control groups, which it would remove.
            pattern = r"/sys/fs/cgroup/[a-z]+/\(payload\|supervisor\)\(/.*\)?"
            remove = ["-exec", "rmdir", "--ignore-fail-on-non-empty", "{}", "+"]
            subprocess.run(["find", "/sys/fs/cgroup", "-depth", "-type", "d", "-regex", pattern, *remove], capture_output=True, check=False)

    def leader(self):
        """The container's process 1, by its id outside; 0 without one."""
        found = subprocess.run(["pgrep", "--parent", str(self.nspawn.process.pid)], capture_output=True, text=True, check=False).stdout
        return int(found.split()[0]) if found.split() else 0

    def run(self, *command):
        """A finished command, run as root in the repository's folder in the container."""
        enter = ["nsenter", "--target", str(self.leader()), "--mount", "--uts", "--ipc", "--net", "--pid", f"--wdns={FOLDER}"]
        clean = ["env", "--ignore-environment", f"PATH={PATH}", "HOME=/root", "LANG=C.UTF-8"]
        return subprocess.run([*enter, *clean, *command], stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=120, check=False)

    def done(self, *command):
        """The output of a command in the container, which must succeed."""
        done = self.run(*command)
        assert done.returncode == 0, f"{' '.join(command)} ended with {done.returncode}: {done.stdout}{done.stderr}"
        return done.stdout.strip()

    def follow(self, text):
        """Runs the document's block that contains the text."""
        return self.done("bash", "-euxc", block(text))

    def control(self, *arguments):
        """systemctl, which must succeed."""
        done = self.run("systemctl", *arguments)
        assert done.returncode == 0, f"systemctl {' '.join(arguments)}: {done.stderr}{self.logged()}"

    def logged(self):
        """The service's journal since the machine's last start."""
        return self.done("journalctl", "--unit", "fleet-server", "--boot", "--output", "cat", "--no-pager")

    def property(self, name):
        return self.done("systemctl", "show", "--value", "--property", name, "fleet-server")


class Service:
    """The service on the machine, called by curl from within."""

    def __init__(self, machine):
        self.machine = machine

    def curl(self, path, *options, keyed=True):
        """The finished curl process for an https or http path, with the API key created by the first start."""
        file = self.machine.tree / DATA[1:] / "api-keys"
        key = ["--header", f"x-api-key: {file.read_text().split()[-1]}"] if keyed and file.exists() else []
        url = path if path.startswith("http") else f"https://localhost{path}"
        return self.machine.run("curl", "--silent", "--show-error", "--max-time", "20", "--cacert", "cert.pem", *key, *options, url)

    def get(self, path, *options):
        """The body of a successful response; an AssertionError otherwise."""
        done = self.curl(path, "--fail-with-body", *options)
        assert done.returncode == 0, f"{path}: {done.stdout}{done.stderr}"
        return done.stdout

    def status(self, path, **options):
        return self.curl(path, "--output", "/dev/null", "--write-out", "%{http_code} %{redirect_url}", **options).stdout.strip()

    def ready(self):
        self.machine.nspawn.until(lambda: self.get("/v1/health"))

    def add(self, id_):
        package = '{"package_name":"kept","package_version":"v1"}'
        self.get(f"/ec2/{id_}", "--data", f'{{"aws_region":"eu-west-1","aws_account":"123456789012","packages":[{package}]}}')

    def keeps(self, id_):
        """Checks that it responds, and still has an instance."""
        self.ready()
        assert '"kept"' in self.get(f"/ec2/{id_}")

    def process(self):
        return self.machine.property("MainPID")

    def status_of_the_kernel(self, name):
        """A field of the process in /proc."""
        return re.search(rf"^{name}:\s+(\S+)", self.machine.done("cat", f"/proc/{self.process()}/status"), re.M)[1]

    def within(self, *command):
        """A finished command, run as the service's user with the service's view of files."""
        user, group = self.machine.done("id", "--user", "fleet-server"), self.machine.done("id", "--group", "fleet-server")
        identity = ["setpriv", "--reuid", user, "--regid", group, "--clear-groups"]
        return self.machine.run("nsenter", "--target", self.process(), "--mount", *identity, *command)

    def certificate(self):
        """Creates cert.pem and key.pem in the repository's folder with the document's command; returns the
        fingerprint."""
        (command,) = re.findall(r"^openssl req -x509 .*$", block("openssl req -x509"), re.M)
        self.machine.done("bash", "-euc", command)
        return self.machine.done("openssl", "x509", "-in", "cert.pem", "-noout", "-fingerprint", "-sha256")

    def serves(self):
        """The fingerprint of the certificate that it serves."""
        connect = "openssl s_client -connect 127.0.0.1:443 -servername localhost </dev/null 2>/dev/null"
        return self.machine.done("bash", "-c", f"{connect} | openssl x509 -noout -fingerprint -sha256")
