"""deploy_scripts/scaling_target.yaml on an emulator of AWS, deployed by deploy_scaling_target.sh.

CloudFormation, CloudWatch, IAM, EventBridge and API Gateway are ministack's. It has no Application Auto Scaling, so the
target and its policies are only validated and named there, and scale nothing: test_hour.py covers that. Needs
fleet-server and simulate-scaling as built by .ci/scaling-target, and curl.
"""

import hashlib
import json

import pytest

from scaling.conftest import SCRIPT

ID = "1-23456789"


@pytest.fixture(scope="module")
def base(aws):
    """The URL of an API in API Gateway, without its stack."""
    aws.rest_api = aws.client("apigateway").create_rest_api(name="fleet-api-dev")["id"]
    return f"https://{aws.rest_api}.execute-api.us-east-1.amazonaws.com/dev"


@pytest.fixture(scope="module")
def api(aws, base):
    """The API's stack, whose API is a server on this machine, and a topic."""
    template = aws.folder / "api.yaml"
    prefix = f"{base}/scalableTargetDimensions/"
    template.write_text(f"Resources: {{Topic: {{Type: AWS::SNS::Topic}}}}\nOutputs: {{ScalableTargetResourceIdPrefix: {{Value: {prefix}}}}}\n")
    aws.cli(f"cloudformation deploy --stack-name fleet-api-dev --template-file {template}")
    aws.environment["EXECUTE_API_ENDPOINT_URL"] = aws.demo
    (topic,) = aws.client("sns").list_topics()["Topics"]
    aws.topic = topic["TopicArn"]
    yield aws
    del aws.environment["EXECUTE_API_ENDPOINT_URL"]


class Stack:
    """The stack of a dimension, whose name ends with 8 digits derived from its URL."""

    def __init__(self, aws, base, id_):
        address = f"{base}/scalableTargetDimensions/{id_}"
        self.aws, self.name = aws, f"fleet-scaling-dev-{id_.replace('.', '-')}-{hashlib.sha256(address.encode()).hexdigest()[:8]}"

    def resource(self, name):
        found = self.aws.client("cloudformation").describe_stack_resource(StackName=self.name, LogicalResourceId=name)
        return found["StackResourceDetail"]["PhysicalResourceId"]

    def alarm(self, name):
        (found,) = self.aws.client("cloudwatch").describe_alarms(AlarmNames=[self.resource(name)])["MetricAlarms"]
        return found


@pytest.mark.parametrize(
    ("sentence", "arguments", "settings"),
    [
        ("say which dimension", "", {}),
        ("say which dimension", "dev", {}),
        ("is not a dimension id", "dev a/b", {}),
        ("is not the address of a dimension", "dev https://example.com/1", {}),
        (
            "SCALING_MIN_CAPACITY (5) must not be greater than SCALING_MAX_CAPACITY (4)",
            "dev 1",
            {"SCALING_MIN_CAPACITY": "5", "SCALING_MAX_CAPACITY": "4"},
        ),
        ("SCALING_SCHEDULED_MIN_CAPACITY (11) must not be greater", "dev 1", {"SCALING_SCHEDULED_MIN_CAPACITY": "11"}),
        ("SCALING_MAX_CAPACITY must be a whole number, and is 'many'", "dev 1", {"SCALING_MAX_CAPACITY": "many"}),
        ("nothing would ever scale", "dev 1", {"SCALING_TARGET_TRACKING": "false"}),
        ("there is no stack fleet-api-dev", "dev 1", {}),
        ("the API is in eu-central-1, but the current region is us-east-1", "dev {elsewhere}/scalableTargetDimensions/1", {}),
        ("there is no API nosuchapi in us-east-1", "dev {unknown}/scalableTargetDimensions/1", {}),
        ("Nothing was deployed", "dev {base}/scalableTargetDimensions/1", {"EXECUTE_API_ENDPOINT_URL": "http://127.0.0.1:9"}),
        ("answers a GET with 403", "dev {base}/scalableTargetDimensions/1", {"EXECUTE_API_ENDPOINT_URL": "{demo}/nowhere"}),
    ],
)
def test_what_cannot_be_scaled_is_refused(aws, base, sentence, arguments, settings):
    names = {"base": base, "demo": aws.demo, "elsewhere": base.replace("us-east-1", "eu-central-1")}
    names["unknown"] = base.replace(aws.rest_api, "nosuchapi")
    given = {name: value.format(**names) for name, value in settings.items()}
    aws.refused(sentence, f"{SCRIPT} {arguments.format(**names)}", **given)
    assert aws.state() == []


def test_a_dimension_is_scaled_by_its_id(api, base):
    assert "keeps the contract: actual capacity 1" in api.deployed(f"dev {ID}")
    api.deployed(ID)
    stack = Stack(api, base, ID)
    target = f"{base}/scalableTargetDimensions/{ID}|custom-resource:ResourceType:Property|custom-resource"
    assert stack.resource("ScalableTarget") == target
    alarm = stack.alarm("OverTargetAlarm")
    assert (alarm["Threshold"], alarm["EvaluationPeriods"]) == (50.0, 30)
    policy = api.client("iam").get_policy_version(PolicyArn=stack.resource("OwnerPolicy"), VersionId="v1")
    document = json.dumps(policy["PolicyVersion"]["Document"])
    for method in ("GET", "PATCH"):
        assert f"execute-api:us-east-1:000000000000:{api.rest_api}/dev/{method}/scalableTargetDimensions/{ID}" in document
    api.delete(stack.name)


def test_a_dimension_is_scaled_by_its_address_with_a_schedule_and_a_topic(api, base):
    api.deployed(
        f"dev {base}/scalableTargetDimensions/other",
        SCALING_SCHEDULE="cron(0 8 ? * MON-FRI *)",
        SCALING_SCHEDULED_MIN_CAPACITY="4",
        SCALING_ALARM_TOPIC_ARN=api.topic,
        SCALING_METRIC_DIMENSION_NAME="Service",
        SCALING_METRIC_DIMENSION_VALUE="mine",
    )
    stack = Stack(api, base, "other")
    assert stack.alarm("MetricMissingAlarm")["AlarmActions"][0] == api.topic
    api.delete(stack.name)


def test_a_dimension_is_scaled_by_a_queue_a_second_metric_and_steps(api, base):
    api.deployed(
        f"dev {base}/scalableTargetDimensions/queue",
        SCALING_CAPACITY_NAMESPACE="FleetApi/fleet-api-dev",
        SCALING_METRIC_NAME="QueueLength",
        SCALING_TARGET_VALUE="100",
        SCALING_SECOND_METRIC_NAME="Utilization",
        SCALING_STEP_OUT_THRESHOLD="1000",
        SCALING_STEP_OUT_MORE_FROM="500",
        SCALING_STEP_IN_THRESHOLD="10",
    )
    stack = Stack(api, base, "queue")
    out = stack.alarm("StepOutAlarm")
    assert out["AlarmActions"][0] == stack.resource("StepOutPolicy")
    assert (out["Threshold"], out["EvaluationPeriods"]) == (1000.0, 1)
    assert stack.alarm("StepInAlarm")["ComparisonOperator"] == "LessThanOrEqualToThreshold"
    # The emulator does not store alarms on metric math, so this shows only that they exist; cfn-lint checks them.
    for name in ("OverTargetPerUnitAlarm", "SecondScalingPolicy", "StepInPolicy"):
        assert stack.resource(name)
    api.delete(stack.name)


def test_ids_that_look_the_same_in_a_stack_s_name_have_their_own(api, base):
    stacks = {id_: Stack(api, base, id_) for id_ in ("a.b", "a-b")}
    for id_ in stacks:
        api.deployed(f"dev {id_}")
    for id_, stack in stacks.items():
        assert api.output(stack.name, "ResourceId") == f"{base}/scalableTargetDimensions/{id_}"
        api.delete(stack.name)
