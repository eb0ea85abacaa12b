"""An environment on an emulated AWS: dev, deployed by the scripts, with the functions' own binaries and a real MariaDB.

CloudFormation, API Gateway, Lambda, DynamoDB, Secrets Manager and S3 are ministack's. SQL goes to MariaDB through the
local Data API, since ministack's needs a container engine.
"""

import json
import subprocess
import sys

import built
from botocore.exceptions import ClientError
from conftest import ROOT
from databases import SCHEMA, Database
from deployed import Deployed, ask
from emulated import REGION
from programs import SERVER, free_port

DATABASE_STACK, API_STACK = "fleet-database-dev", "fleet-api-dev"
ROLES = ("reader", "writer")


class Deployment(Deployed):
    def __init__(self, folder):
        restores = {"FLEET_RESTORE_CLUSTER": str(ROOT / "checks/stand_ins/restore_cluster"), "FLEET_RESTORE_FOLDER": str(folder)}
        super().__init__(folder, **restores)
        self.database = Database(self, "mysql", f"--log-bin={folder}/mysql/log", "--server-id=1", "--binlog-format=ROW")

    # ---- The database ----

    def start_data_api(self):
        """Makes the Data API map each secret to its user, as on AWS: each has separate endpoints behind it."""
        port, owner, data_api = free_port(), free_port(), free_port()
        self.cluster, self.data_api = self.output(DATABASE_STACK, "ClusterArn"), f"http://127.0.0.1:{data_api}"
        addresses = ["--listen", f"127.0.0.1:{port}", "--aws-listen", f"127.0.0.1:{owner}"]
        self.start(
            "fleet-server",
            [SERVER, "--data-dir", self.folder / "fleet", *addresses],
            DB_CLUSTER_ARN=self.cluster,
            DB_SECRET=self.output(DATABASE_STACK, "SecretArn"),
            FLEET_DATABASE_URL=f"mysql://fleet:fleet@127.0.0.1:{self.database.port}/{SCHEMA}",
        )
        self.ports = {name: free_port() for name in ("reader", "writer", "restored", "restored-reader", "restored-writer")}
        routes = [("restored", f"{DATABASE_STACK}/{role}", f"restored-{role}") for role in ROLES]
        routes += [("restored", "*", "restored"), *(("*", f"{DATABASE_STACK}/{role}", role) for role in ROLES)]
        words = [word for cluster, secret, name in routes for word in ("--route", cluster, secret, f"http://127.0.0.1:{self.ports[name]}")]
        owners = ["--owner", f"http://127.0.0.1:{owner}", "--port", str(data_api)]
        self.start("data-api", [sys.executable, ROOT / ".ci/emulator/data_api.py", *owners, *words])
        self.ready("fleet-server", f"http://127.0.0.1:{port}/v1/health")
        self.running["data-api"].until_listening(data_api)
        self.environment["AWS_ENDPOINT_URL_RDS_DATA"] = self.data_api
        self.clients["rds-data", REGION] = self.session().client("rds-data", REGION, endpoint_url=self.data_api)
        # The server creates the tables when it starts; here the script must do this.
        self.database.sql("DROP TABLE ec2_package, ec2, schema_version", SCHEMA)

    def connect(self, name, user, password, database):
        """Starts, or restarts, the endpoints with a name over a database."""
        program = f"data-api-{name}"
        if before := self.running.get(program):
            before.end()
        url = f"mysql://{user}:{password}@127.0.0.1:{database.port}/{SCHEMA}"
        command = [built.PROGRAMS / "fleet-local-aws", "--in-memory", "--listen", f"127.0.0.1:{self.ports[name]}", "--database", SCHEMA]
        self.start(program, command, LOCAL_AWS_DATABASE_URL=url).until_listening(self.ports[name])

    def connect_users(self, prefix="", database=None):
        for role in ROLES:
            self.connect(f"{prefix}{role}", f"fleet_{role}", self.password(role), database or self.database)

    def password(self, role):
        """The password in the secret of fleet_ROLE."""
        found = self.client("secretsmanager").get_secret_value(SecretId=f"{DATABASE_STACK}/{role}")
        return json.loads(found["SecretString"])["password"]

    def refusal(self, secret, statement):
        """Why the Data API refuses a statement to a secret; empty if it does not."""
        try:
            self.client("rds-data").execute_statement(resourceArn=self.cluster, secretArn=secret, database=SCHEMA, sql=statement)
        except ClientError as error:
            return str(error)
        return ""

    # ---- The API ----

    def deploy(self, overrides=""):
        """Runs deploy_api.sh with the settings of samconfig.toml, followed by others."""
        self.done(f"deploy_api.sh dev --parameter-overrides '{self.settings(self.data_api)}{overrides}'")

    def resource(self, name):
        found = self.client("cloudformation").describe_stack_resource(StackName=API_STACK, LogicalResourceId=name)
        return found["StackResourceDetail"]["PhysicalResourceId"]

    def ask_for_key(self):
        """Gets the key, with the command that the stack outputs."""
        self.key = self.shell(self.output(API_STACK, "ApiKeyCommand")).strip()
        self.base = self.address()

    def shell(self, command, **environment):
        """The output of a command, which must succeed."""
        given = self.environment | environment
        done = subprocess.run(
            command, shell=True, cwd=self.root, env=given, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, f"{command} ended with {done.returncode}: {done.stdout}{done.stderr}"
        return done.stdout

    def requests(self, *options):
        """A command that tests the API's whole contract."""
        return [ROOT / ".ci/api-requests", self.base, "--api-key", self.key, "--sign", REGION, *options]

    def instance(self, name, method="GET", **record):
        return ask(f"{self.base}/ec2/{name}", method, json.dumps(record) if record else None, key=self.key)

    def dimension(self, name, desired=None):
        """Reads or changes a dimension."""
        body = None if desired is None else json.dumps({"desiredCapacity": desired})
        return ask(f"{self.base}/scalableTargetDimensions/{name}", "PATCH" if body else "GET", body, signed_for=REGION).text
