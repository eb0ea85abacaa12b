"""The API through `sam local start-api`, and each event in events/ through `sam local invoke`.

Needs a container engine with the functions' base image, the functions and fleet-server as for .ci/sam-local, and curl.
"""

import ipaddress
import json
import re
import subprocess
import urllib.request
from concurrent.futures import ThreadPoolExecutor

import built
import pytest
from conftest import ROOT
from programs import CALLER, SERVER, Programs, free_port, output_of
from samcli.yamlhelper import yaml_parse

# In this order, so that an event finds what an earlier method has left.
METHODS = ("POST", "PATCH", "GET", "DELETE")


class SamLocal:
    """sam in a copy of the sources with the built functions, and local AWS endpoints that its containers can reach."""

    def __init__(self, folder):
        self.tree = built.functions(folder)
        self.programs = Programs(self.tree)
        self.programs.environment |= CALLER
        # The address of this machine for containers.
        subnet = output_of("docker", "network", "inspect", "bridge", "--format", "{{(index .IPAM.Config 0).Subnet}}").strip()
        endpoints, api = f"{next(ipaddress.ip_network(subnet).hosts())}:{free_port()}", f"127.0.0.1:{free_port()}"
        server = self.programs.start("fleet-server", [SERVER, "--in-memory", "--listen", api, "--aws-listen", endpoints])
        server.until(lambda: is_healthy(f"http://{api}"))
        self.variables = folder / "env.json"
        settings = (ROOT / "events/env.local.json").read_text()
        self.variables.write_text(settings.replace(":4566", f":{endpoints.rpartition(':')[2]}"))

    def end(self):
        """Ends everything, and removes sam's containers, which it leaves behind when it is killed."""
        self.programs.end()
        logs = [file.read_text(errors="replace") for file in self.tree.glob("*.log")]
        if containers := re.findall(r"SAM_CONTAINER_ID: ([0-9a-f]+)", "".join(logs)):
            subprocess.run(["docker", "rm", "--force", *containers], capture_output=True, check=False)

    def command(self, *words):
        return [built.SAM, "local", *words, "--skip-pull-image", "--env-vars", self.variables]

    def routes(self):
        """The function for each (method, path)."""
        found = {}
        for name, resource in yaml_parse((self.tree / "template.yaml").read_text())["Resources"].items():
            if resource["Type"] == "AWS::Serverless::Function":
                for event in resource["Properties"].get("Events", {}).values():
                    found[event["Properties"]["Method"], event["Properties"]["Path"]] = name
        return found

    def invoke(self, function, event):
        """The status of a function's response to an event."""
        run = self.programs.start(event.stem, self.command("invoke", function, "--event", event))
        assert run.process.wait(300) == 0, f"sam local invoke {function} --event {event}: {run.text()}"
        found = re.findall(r'"statusCode": ?(\d+)', run.text())
        assert found, f"sam local invoke {function} --event {event}: {run.text()}"
        return int(found[-1])


def is_healthy(address):
    with urllib.request.urlopen(f"{address}/v1/health", timeout=60) as answer:
        return answer.status == 200


@pytest.fixture(scope="module")
def sam(tmp_path_factory):
    local = SamLocal(tmp_path_factory.mktemp("sam-local"))
    yield local
    local.end()


def test_the_api_keeps_its_contract(sam):
    # sam local start-api, as in the documents.
    port = free_port()
    api = sam.programs.start("start-api", sam.command("start-api", "--port", str(port)))
    api.until(lambda: is_healthy(f"http://127.0.0.1:{port}"), seconds=120)
    output_of(ROOT / ".ci/api-requests", f"http://127.0.0.1:{port}")
    api.end()


def test_each_event_is_answered_by_its_function(sam):
    events, routes = {method: [] for method in METHODS}, sam.routes()
    for file in sorted((ROOT / "events").glob("*-*.json")):
        event = json.loads(file.read_text())
        events[event["httpMethod"]].append((routes[event["httpMethod"], event["resource"]], file))
    # Each mostly waits for its container.
    with ThreadPoolExecutor(4) as four:
        for method in METHODS:
            statuses = list(four.map(lambda each: sam.invoke(*each), events[method]))
            assert statuses == [200] * len(events[method]), dict(zip(events[method], statuses, strict=True))
    assert all(events.values())
