"""A MariaDB for a check, set up as deploy_scripts/database.yaml sets up Aurora. Needs mariadbd and its client."""

import getpass
import os
import subprocess

from programs import free_port

SETTINGS = {
    "bind-address": "127.0.0.1",
    "max-connections": "4000",
    "character-set-server": "utf8mb4",
    "collation-server": "utf8mb4_bin",
    "default-time-zone": "+00:00",
    "sql-mode": "STRICT_TRANS_TABLES,STRICT_ALL_TABLES,ONLY_FULL_GROUP_BY,NO_ZERO_IN_DATE,NO_ZERO_DATE,ERROR_FOR_DIVISION_BY_ZERO,"
    "NO_ENGINE_SUBSTITUTION",
}
SCHEMA = "ec2_inventory_db"


class Database:
    """An empty ec2_inventory_db, and the user fleet with the password fleet.

    `aws` provides its folder and starts it: emulated.Emulated, or programs.Programs. `under` is a command that runs it.
    """

    def __init__(self, aws, name, *options, under=()):
        self.folder, self.socket, self.port = aws.folder / name, aws.folder / f"{name}.sock", free_port()
        # A starting mariadbd deletes all `#sql…` files in its temporary folder, those of other servers too.
        temporary = aws.folder / f"{name}-tmp"
        self.folder.mkdir()
        temporary.mkdir()
        here = ["--no-defaults", f"--user={getpass.getuser()}", f"--datadir={self.folder}"]
        install = ["mariadb-install-db", *here, "--auth-root-authentication-method=normal", "--skip-test-db"]
        done = subprocess.run(install, env=os.environ | {"TMPDIR": str(temporary)}, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
        places = {"socket": self.socket, "pid-file": aws.folder / f"{name}.pid", "tmpdir": temporary, "port": self.port}
        settings = [f"--{key}={value}" for key, value in (SETTINGS | places).items()]
        server = aws.start(name, [*under, "mariadbd", *here, *settings, *options])
        server.until(lambda: not self.refusal("SELECT 1"))
        self.url = f"mysql://fleet:fleet@127.0.0.1:{self.port}/{SCHEMA}"
        self.sql(f"CREATE DATABASE {SCHEMA}; CREATE USER fleet@'%' IDENTIFIED BY 'fleet'; GRANT ALL ON *.* TO fleet@'%' WITH GRANT OPTION")

    def client(self, statement, *options, **environment):
        command = ["mariadb", "--no-defaults", "--batch", "--skip-column-names", *options, "--execute", statement]
        return subprocess.run(command, env=os.environ | environment, capture_output=True, text=True, check=False)

    def sql(self, statement, *options):
        """The result of a statement of the administrator."""
        done = self.client(statement, f"--socket={self.socket}", "--user=root", *options)
        assert done.returncode == 0, f"{statement}: {done.stderr}"
        return done.stdout.strip()

    def refusal(self, statement, user="", password=""):
        """Why the statement of a user, or else the administrator's, is refused; empty if it is not."""
        if user:
            there = ["--host=127.0.0.1", f"--port={self.port}", f"--user={user}", SCHEMA]
            done = self.client(statement, *there, MYSQL_PWD=password)
        else:
            done = self.client(statement, f"--socket={self.socket}", "--user=root")
        return done.stderr if done.returncode else ""
