"""An emulated AWS for the deployment scripts, and servers on this machine."""

import shlex
import shutil
import subprocess
import sys
import urllib.request

import boto3
from conftest import ROOT, Scripts
from programs import CALLER, CREDENTIALS, REGION, SERVER, Programs, free_port


def aws_cli(programs):
    """The command for an AWS CLI call; .ci/aws_cli.py has imported the CLI once for all calls."""
    file = programs.folder / "aws-cli"
    programs.start("aws-cli", [sys.executable, ROOT / ".ci/aws_cli.py", file]).until(file.exists)
    return shlex.join(["env", f"FLEET_AWS_CLI={file}", sys.executable, "-ISB", str(ROOT / ".ci/aws_call.py")])


class Emulated(Programs, Scripts):
    """Runs the scripts against .ci/emulator/PROGRAM.

    A refusal must leave the stacks as they were.
    """

    def __init__(self, folder, program, **settings):
        Programs.__init__(self, folder)
        Scripts.__init__(self, folder)
        self.clients, port = {}, free_port()
        self.endpoint = f"http://127.0.0.1:{port}"
        # prod is not deployed without a recipient of its alarms.
        self.environment |= CALLER | {"ALARM_EMAIL": "alarms@example.com"}
        # The functions' environment is the emulator's and their own, so it must not name another AWS, and must state
        # that this emulator decodes path parameters.
        settings |= {"FLEET_PATH_PARAMETERS": "decoded", "BIND_HOST": "127.0.0.1", "GATEWAY_PORT": str(port), "TMPDIR": str(folder)}
        self.start("emulator", [sys.executable, ROOT / ".ci/emulator" / program], **settings)
        self.call_aws = aws_cli(self)
        self.stand_in("aws", f'exec {self.call_aws} "$@"')
        # The scripts' waits are short here.
        self.stand_in("sleep", f"exec {shutil.which('sleep')} 0.2")
        self.ready("emulator", f"{self.endpoint}/_ministack/health")
        self.environment["AWS_ENDPOINT_URL"] = self.endpoint

    def ready(self, name, url):
        """Waits until a program responds."""

        def answers():
            with urllib.request.urlopen(url, timeout=5):
                return True

        self.running[name].until(answers)

    def server(self, name, *options, **environment):
        """The URL of a new fleet-server."""
        address = f"127.0.0.1:{free_port()}"
        self.start(name, ["env", "--unset=AWS_ENDPOINT_URL", SERVER, *options, "--listen", address], **environment)
        return f"http://{address}"

    def end(self):
        # An emulator ends the functions that it has started.
        for program in self.started:
            program.process.terminate()
        for program in self.started:
            try:
                program.process.wait(10)
            except subprocess.TimeoutExpired:
                pass
        super().end()

    def client(self, service, region=REGION):
        if (service, region) not in self.clients:
            self.clients[service, region] = self.session().client(service, region, endpoint_url=self.endpoint)
        return self.clients[service, region]

    def session(self):
        return boto3.Session(*CREDENTIALS.values())

    def state(self):
        """The state that a refusal must leave unchanged."""
        found = self.client("cloudformation").list_stacks()["StackSummaries"]
        return sorted((each["StackName"], str(each.get("LastUpdatedTime"))) for each in found if each["StackStatus"] != "DELETE_COMPLETE")

    def refused(self, sentence, command, **environment):
        before = self.state()
        super().refused(sentence, command, **environment)
        assert self.state() == before, f"{command} was refused, and changed something"

    def output(self, stack, key, region=REGION):
        (found,) = self.client("cloudformation", region).describe_stacks(StackName=stack)["Stacks"]
        return {each["OutputKey"]: each["OutputValue"] for each in found["Outputs"]}[key]

    def count(self, stack, type_):
        """The number of resources of a type in a stack."""
        found = self.client("cloudformation").describe_stack_resources(StackName=stack)["StackResources"]
        return sum(each["ResourceType"] == type_ for each in found)

    def cli(self, arguments):
        """The output of an AWS CLI command."""
        done = subprocess.run(f"aws {arguments}", shell=True, cwd=ROOT, env=self.environment, capture_output=True, text=True, check=False)
        assert done.returncode == 0, f"aws {arguments}: {done.stderr}"
        return done.stdout

    def delete(self, stack):
        self.cli(f"cloudformation delete-stack --stack-name {stack}")
        self.cli(f"cloudformation wait stack-delete-complete --stack-name {stack}")


def with_path(scripts, folder):
    """The environment in which the programs in a folder take precedence."""
    return {"PATH": f"{folder}:{scripts.environment['PATH']}"}


def copied(folder, *names):
    """A copy of some of the repository's files."""
    for name in names:
        source = ROOT / name
        (shutil.copytree if source.is_dir() else shutil.copy)(source, folder / name)
    return folder
