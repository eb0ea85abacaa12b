"""An emulated AWS to which the scripts deploy the built functions."""

import re
import urllib.request
from typing import NamedTuple
from urllib.error import HTTPError

import built
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from emulated import Emulated
from programs import CREDENTIALS, REGION


class Answer(NamedTuple):
    status: int
    text: str
    headers: dict


def ask(address, method="GET", body=None, key="", signed_for=""):
    """Sends one request, with an API key, or signed for a region."""
    headers = {"x-api-key": key} if key else {}
    data = body.encode() if body else None
    if signed_for:
        request = AWSRequest(method, address, headers, data)
        SigV4Auth(Credentials(*CREDENTIALS.values()), "execute-api", signed_for).add_auth(request)
        headers = dict(request.headers)
    try:
        with urllib.request.urlopen(urllib.request.Request(address, data, headers, method=method), timeout=60) as answer:
            return Answer(answer.status, answer.read().decode(), {name.lower(): value for name, value in answer.headers.items()})
    except HTTPError as error:
        return Answer(error.code, error.read().decode(), {name.lower(): value for name, value in error.headers.items()})


class Deployed(Emulated):
    """Runs the scripts in a copy of the sources, with the built functions."""

    def __init__(self, folder, **settings):
        super().__init__(folder, "aws.py", **settings)
        self.root = built.functions(folder)
        built.pack(self.root / ".aws-sam/build")
        # The functions count as built.
        self.stand_in("sam", f'if [ "$1" = build ]; then [ -e "{self.root}/.aws-sam/build/template.yaml" ]; else exec {built.SAM} "$@"; fi')
        # The folder of cargo-lambda, which nothing calls here.
        self.environment |= {"SAM_CLI_TELEMETRY": "0", "PATH": f"{self.environment['PATH']}:{built.SAM.parent}"}

    def run(self, command, **environment):
        code, said = super().run(command, **environment)
        # sam prints a line for each part of an upload.
        return code, "".join(line for line in said.splitlines(keepends=True) if "\tUploading to " not in line)

    def settings(self, data_api):
        """The parameters of samconfig.toml for dev, and the emulator's endpoints."""
        found = re.search(r'^parameter_overrides = "(.*)"$', (self.root / "samconfig.toml").read_text(), re.M)
        return f"{found[1]} AwsEndpointUrl={self.endpoint} DataApiEndpointUrl={data_api}"

    def address(self, region=REGION, stack="fleet-api-dev"):
        """The emulator's URL of a stack's API."""
        host, _, stage = self.output(stack, "ApiEndpoint", region).removeprefix("https://").partition("/")
        return f"{self.endpoint}/_aws/execute-api/{host.partition('.')[0]}/{stage}"
