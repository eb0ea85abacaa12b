"""A MariaDB for a check, set up as deploy_scripts/database.yaml sets up Aurora. Needs mariadbd and mariadb."""

import getpass
import os

from programs import free_port, output_of

DATABASE = "ec2_inventory_db"
STRICT = "STRICT_TRANS_TABLES,STRICT_ALL_TABLES,ONLY_FULL_GROUP_BY,NO_ZERO_IN_DATE,NO_ZERO_DATE,ERROR_FOR_DIVISION_BY_ZERO,NO_ENGINE_SUBSTITUTION"
OPTIONS = [
    "--bind-address=127.0.0.1",
    "--character-set-server=utf8mb4",
    "--collation-server=utf8mb4_bin",
    "--default-time-zone=+00:00",
    f"--sql-mode={STRICT}",
]


class MariaDb:
    """A running MariaDB with the user fleet and an empty database."""

    def __init__(self, programs, under=()):
        """Starts it, by the command `under` if there is one."""
        folder = programs.folder / "mariadb"
        self.socket, self.port = folder / "socket", free_port()
        # A mariadbd that starts deletes all `#sql…` files of its temporary folder, those of other servers too.
        temporary = folder / "tmp"
        temporary.mkdir(parents=True)
        files = ["--no-defaults", f"--user={getpass.getuser()}", f"--datadir={folder}/data"]
        install = ["mariadb-install-db", *files, "--auth-root-authentication-method=normal", "--skip-test-db"]
        output_of(*install, env=os.environ | {"TMPDIR": str(temporary)})
        places = [f"--socket={self.socket}", f"--pid-file={folder}/pid", f"--tmpdir={temporary}", f"--port={self.port}"]
        self.program = programs.start("mariadb", [*under, "mariadbd", *files, *places, *OPTIONS])
        self.program.until(lambda: self.sql("SELECT 1"))
        user = "CREATE USER fleet@'%' IDENTIFIED BY 'fleet'; GRANT ALL ON *.* TO fleet@'%' WITH GRANT OPTION"
        self.sql(f"CREATE DATABASE {DATABASE}; {user}")
        self.url = f"mysql://fleet:fleet@127.0.0.1:{self.port}/{DATABASE}"

    def sql(self, statements, *database):
        """What the root user gets from statements, a row a line."""
        command = ["mariadb", "--no-defaults", f"--socket={self.socket}", "--user=root", "--batch", "--skip-column-names"]
        return output_of(*command, "--execute", statements, *database)
