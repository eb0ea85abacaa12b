"""Scaling for an hour in the simulator: a server in production mode, the example owner and its workers, in a minute.

Meanwhile deploy_scaling_target.sh makes the server's own Application Auto Scaling scale another dimension. Needs
fleet-server, simulate-scaling and its example owner as built by .ci/scaling-target, and curl.
"""

import fcntl
import json
import subprocess
import time
import urllib.request

import boto3
import pytest
from programs import CREDENTIALS, PROGRAMS, REGION, free_port

from scaling.conftest import SCRIPT

ID, OF_ID = "an-hour", "an%2Dhour"
LOAD = ["--load", "spike(base=40, peak=230, at=10m, for=20m)", "--duration", "1h", "--speed", "60", "--give-up", "30m", "--json"]


class Production:
    """A server on this machine in production mode, and its local AWS endpoints."""

    def __init__(self, aws):
        self.aws, self.fleet = aws, aws.folder / "fleet"
        self.endpoints = f"http://127.0.0.1:{free_port()}"
        listens = ["--aws-listen", self.endpoints.removeprefix("http://")]
        self.url = aws.server("production", "--in-memory", *listens, SCALING_MODE="production")
        aws.ready("production", f"{self.url}/v1/health")
        self.here = {"AWS_ENDPOINT_URL": self.endpoints, "API_URL": self.url}

    def client(self, service):
        return boto3.Session(*CREDENTIALS.values()).client(service, REGION, endpoint_url=self.endpoints)

    def scaled(self, dimension, **settings):
        return self.aws.deployed(f"local {dimension}", **(self.here | settings))

    def policies(self):
        return self.client("application-autoscaling").describe_scaling_policies(ServiceNamespace="custom-resource")["ScalingPolicies"]

    def scheduled(self):
        found = self.client("application-autoscaling").describe_scheduled_actions(ServiceNamespace="custom-resource")
        return found["ScheduledActions"]

    def alarms(self):
        return self.client("cloudwatch").describe_alarms()["MetricAlarms"]

    def start_owner(self, name):
        owner = PROGRAMS / "examples/owner"
        dimensions = f"{self.url}/scalableTargetDimensions"
        return self.aws.start(name, [owner, "run", dimensions, self.fleet], EVENTS_URL=f"{self.url}/_events").process

    def workers(self):
        """How many workers of the dimension are alive: each holds its lock."""
        alive = 0
        for file in self.fleet.glob(f"{OF_ID}/worker-*.lock"):
            with file.open() as lock:
                try:
                    fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                except BlockingIOError:
                    alive += 1
        return alive


@pytest.fixture(scope="module")
def production(aws):
    server = Production(aws)
    yield server
    # Workers outlive their owner, and stop when none are wanted.
    for file in server.fleet.glob("*/wanted"):
        file.write_text("0\n")


@pytest.mark.parametrize(
    ("sentence", "arguments", "settings"),
    [
        ("MetricDimensionName needs MetricDimensionValue", "local here", {"SCALING_METRIC_DIMENSION_NAME": "Service"}),
        ("TargetValue is 0, and must be at least", "local here", {"SCALING_TARGET_VALUE": "0"}),
        ("take local as their environment", "dev here", {}),
    ],
)
def test_what_the_local_endpoints_cannot_scale_is_refused(aws, production, sentence, arguments, settings):
    aws.refused(sentence, f"{SCRIPT} {arguments}", **(production.here | settings))


def test_the_local_endpoints_have_what_the_template_describes(production):
    production.scaled(
        "here",
        SCALING_STEP_OUT_THRESHOLD="80",
        SCALING_STEP_IN_THRESHOLD="5",
        SCALING_SECOND_METRIC_NAME="Queue",
        SCALING_SCHEDULE="cron(0 8 ? * MON-FRI *)",
        SCALING_SCHEDULED_MIN_CAPACITY="4",
    )
    assert len(production.policies()) == 4
    assert [action["ScalableTargetAction"]["MinCapacity"] for action in production.scheduled()] == [4]
    production.scaled("here", SCALING_STEP_OUT_THRESHOLD="80")
    kept = "the local endpoints keep what the template no longer describes"
    assert (len(production.policies()), production.scheduled()) == (2, []), kept
    assert [alarm["Threshold"] for alarm in production.alarms()] == [80.0], kept


def test_the_local_endpoints_scale_by_metric_math(production):
    by_queue = {"SCALING_CAPACITY_NAMESPACE": "FleetApi/local", "SCALING_METRIC_NAME": "QueueLength", "SCALING_TARGET_VALUE": "10"}
    production.scaled("by-queue", **by_queue)
    (policy,) = (each for each in production.policies() if each["ResourceId"].endswith("by-queue"))
    metrics = policy["TargetTrackingScalingPolicyConfiguration"]["CustomizedMetricSpecification"]["Metrics"]
    assert any("total / IF(capacity < 1, 1, capacity)" in metric.get("Expression", "") for metric in metrics), metrics
    assert not any("Expression" in metric for alarm in production.alarms() for metric in alarm.get("Metrics", []))


def scaled_here(production):
    """The newest activity of the dimension scaled by the server's own Application Auto Scaling."""
    found = production.client("application-autoscaling").describe_scaling_activities(ServiceNamespace="custom-resource")
    newest = next(iter(found["ScalingActivities"]), {})
    return newest.get("Description") == "Setting desired capacity to 2." and newest["StatusCode"] == "Successful"


def test_an_hour_passes_though_the_owner_is_killed(aws, production):
    queue = production.fleet / OF_ID / "queue"
    queue.mkdir(parents=True)
    for job in range(200):
        (queue / str(job)).touch()
    owner = production.start_owner("owner")
    production.scaled("here", SCALING_STEP_OUT_THRESHOLD="80")
    # The first datapoint, of the current minute, is enough for the steps' alarm: one unit more.
    datum = {"MetricName": "Utilization", "Value": 90}
    production.client("cloudwatch").put_metric_data(Namespace="MyService", MetricData=[datum])
    dimension = f"{production.url}/scalableTargetDimensions/{ID}"
    command = [PROGRAMS / "simulate-scaling", "--endpoint", dimension, *LOAD]
    simulator = subprocess.Popen(command, env=aws.environment, stdout=subprocess.PIPE, text=True)
    # Killed in the middle, while another one continues.
    time.sleep(14)
    owner.kill()
    production.start_owner("second-owner")
    hour, _ = simulator.communicate(timeout=300)
    assert simulator.returncode == 0, f"the simulator found the hour wanting: {hour}"
    for words in ("Successfully set desired capacity to 5.", "Successfully set desired capacity to 1."):
        assert words in hour
    with urllib.request.urlopen(dimension) as answer:
        assert (json.load(answer)["actualCapacity"], production.workers()) == (1, 1)
    assert list(queue.iterdir()) == [], "the workers left jobs"
    deadline = time.monotonic() + 60
    while not scaled_here(production):
        assert time.monotonic() < deadline, "the local Application Auto Scaling did not scale"
        time.sleep(0.5)
