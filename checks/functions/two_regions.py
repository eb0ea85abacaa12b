"""Two regions of an emulated AWS, with a stand-in for what routes traffic to them."""

import contextlib
import json
import sys
import threading
import time
from pathlib import Path

from conftest import ROOT
from deployed import Deployed, ask
from programs import free_port

PRIMARY, STANDBY, ACCOUNT = "us-east-1", "eu-west-1", "000000000000"
REGIONS = (PRIMARY, STANDBY)
# What the scripts could change, besides the records of the zone.
STATE = {
    "cloudformation": ["describe_stacks"],
    "apigateway": ["get_api_keys", "get_domain_names"],
    "secretsmanager": ["list_secrets"],
    "rds": ["describe_global_clusters"],
    "route53": ["list_health_checks", "list_hosted_zones"],
    "acm": ["list_certificates"],
}
INSTANCE = '{"aws_region":"us-east-1","aws_account":"1"}'


class TwoRegions(Deployed):
    """The scripts for two regions, on an emulator that requires API keys.

    .ci/emulator/edge.py acts as CloudFront and Route 53, with the deployed records and health checks, and gives
    Aurora its two roles: SQL goes to a single fleet-server for both regions.
    """

    def __init__(self, folder):
        super().__init__(folder, EMULATOR_ASKS_FOR_API_KEYS="1")
        port, data_api, endpoints = free_port(), free_port(), free_port()
        self.public, self.data_api = f"http://127.0.0.1:{port}", f"http://127.0.0.1:{data_api}"
        server = self.server("fleet-server", "--in-memory", "--aws-listen", f"127.0.0.1:{endpoints}")
        names = {"aws": self.endpoint, "zone": "example.com", "name": "api.example.com", "port": port, "data-api-port": data_api}
        names |= {"data-api": f"http://127.0.0.1:{endpoints}", "cluster": f"arn:aws:rds:{PRIMARY}:{ACCOUNT}:cluster:fleet"}
        names |= {"secret": f"arn:aws:secretsmanager:{PRIMARY}:{ACCOUNT}:secret:fleet-db"}
        options = [text for name, value in names.items() for text in (f"--{name}", str(value))]
        self.start("edge", [sys.executable, ROOT / ".ci/emulator/edge.py", *options, "--regions", *REGIONS])
        self.ready("fleet-server", f"{server}/v1/health")
        self.environment |= {"PUBLIC_ADDRESS": self.public, "AWS_ENDPOINT_URL_RDS_DATA": self.data_api}
        self.parameters = self.settings(self.data_api)

    def deploy_api(self, options="", parameters="", **environment):
        self.done(f"deploy_api.sh dev {options} --yes --parameter-overrides '{self.parameters}{parameters}'", **environment)

    def state(self):
        found = []
        for region in REGIONS:
            for service, operations in STATE.items():
                for operation in operations:
                    answer = getattr(self.client(service, region), operation)()
                    answer.pop("ResponseMetadata")
                    for secret in answer.get("SecretList", []):
                        # Reading the secret changes it.
                        secret.pop("LastAccessedDate", None)
                    found.append((region, operation, answer))
        return found

    def stacks_left(self, region):
        found = self.client("cloudformation", region).list_stacks()["StackSummaries"]
        left = {each["StackName"] for each in found if each["StackStatus"] != "DELETE_COMPLETE"}
        return {name for name in left if name.startswith("fleet-") and name != "fleet-account"}

    def secret(self, region, name):
        return self.client("secretsmanager", region).get_secret_value(SecretId=name)["SecretString"]

    def function(self, region, name):
        """The name of the function whose name contains this."""
        found = self.client("lambda", region).get_paginator("list_functions").paginate()
        return next(each["FunctionName"] for page in found for each in page["Functions"] if name in each["FunctionName"])

    # ---- Requests ----

    def answering_region(self):
        return json.loads(ask(f"{self.public}/v1/metadata").text)["region"]

    def dimension(self, region, body=""):
        """Reads or changes the dimension `before` in a region."""
        address = f"{self.address(region)}/scalableTargetDimensions/before"
        return ask(address, "PATCH" if body else "GET", body, signed_for=region)

    def shared_key(self, region=PRIMARY):
        return self.secret(region, "fleet-api-dev/api-key")

    def keys(self, region):
        """The values of the keys that both regions share."""
        found = self.client("apigateway", region).get_api_keys(includeValues=True)["items"]
        return {each["value"] for each in found if each["name"].startswith("fleet-api-dev-shared-")}

    def instance(self, name, address=""):
        return ask(f"{address or self.public}/ec2/{name}", key=self.shared_key())

    def has(self, name):
        """Whether the inventory at the shared address contains an instance."""
        found = self.instance(name)
        return found.status == 200 and json.loads(found.text)["record_found"]

    def add(self, name):
        """Adds an instance at the shared address."""
        return ask(f"{self.public}/ec2/{name}", "POST", INSTANCE, self.shared_key()).status

    @contextlib.contextmanager
    def ill(self, region):
        """Meanwhile the current version of the region's Health function cannot start."""
        functions, name = self.client("lambda", region), self.function(region, "Health")
        live = {"FunctionName": name, "Name": "live"}
        before = functions.get_alias(**live)["FunctionVersion"]
        functions.update_function_configuration(FunctionName=name, Environment={"Variables": {}})
        functions.update_alias(**live, FunctionVersion=functions.publish_version(FunctionName=name)["Version"])
        yield
        functions.update_alias(**live, FunctionVersion=before)


class Arguments:
    """The arguments of commands that run meanwhile, as every user of the machine can see them."""

    def __enter__(self):
        self.seen, self.ended = set(), threading.Event()
        self.thread = threading.Thread(target=self.look, daemon=True)
        self.thread.start()
        return self

    def look(self):
        while not self.ended.is_set():
            for file in Path("/proc").glob("[0-9]*/cmdline"):
                with contextlib.suppress(OSError):
                    self.seen.add(file.read_bytes())
            time.sleep(0.02)

    def __exit__(self, *_):
        self.ended.set()
        self.thread.join()

    def show(self, text):
        return any(text.encode() in each for each in self.seen)
