"""What no linter checks about alarms: that each can fire, notifies somebody, and has a line in docs/operating.md."""

import json
import math
import re
from collections import Counter

from findings import no_findings
from samcli.yamlhelper import yaml_parse
from transformed import ROOT, Stack

METRIC, LOG = "AWS::CloudWatch::Alarm", "AWS::CloudWatch::LogAlarm"
# "An alarm based on a metric math expression can refer to at most 10 metrics" (Amazon CloudWatch user guide).
MOST_METRICS = 10
TOPIC = "arn:aws:sns:us-east-1:123456789012:existing"
# Parameters that create every alarm.
ALL = {"StageName": "prod", "AlarmEmail": "ops@example.com", "AlarmTopicArn": TOPIC, "StandbyRegion": "eu-west-1", "ScalingMode": "production", "JwtIssuer": "https://issuer.example", "JwtAudience": "fleet"}


def all_alarms():
    """The (file, name, properties) of the alarms in every template; template.yaml's after SAM's transformation."""
    for name, alarm in Stack(**ALL).of_type(METRIC, LOG):
        yield "template.yaml", name, alarm
    for file in sorted((ROOT / "deploy_scripts").glob("*.yaml")):
        for name, found in yaml_parse(file.read_text())["Resources"].items():
            if found["Type"] in (METRIC, LOG):
                yield file.name, name, found["Properties"]


@no_findings
def test_no_alarm_refers_to_too_many_metrics():
    """No alarm refers to more metrics than CloudWatch accepts."""
    for file, name, alarm in all_alarms():
        count = sum("MetricStat" in metric for metric in alarm.get("Metrics", []))
        if count > MOST_METRICS:
            yield f"{file}: {name} refers to {count} metrics; CloudWatch takes {MOST_METRICS}. Split it."


@no_findings
def test_each_function_is_in_one_alarm_on_errors_and_one_on_throttles():
    """Each function's errors and throttles are in one alarm each, except the authorizer's errors (refusals are
    errors)."""
    stack = Stack(**ALL)
    for metric in ("Errors", "Throttles"):
        watched = Counter()
        for _, alarm in stack.of_type(METRIC):
            for each in alarm.get("Metrics", []):
                found = each.get("MetricStat", {}).get("Metric", {})
                if (found.get("Namespace"), found.get("MetricName")) == ("AWS/Lambda", metric):
                    watched[found["Dimensions"][0]["Value"]["Ref"]] += 1
        for name, _ in stack.functions():
            wanted = 0 if (name, metric) == ("JwtAuthorizer", "Errors") else 1
            if watched[name] != wanted:
                yield f"{name}: its {metric} are in {watched[name]} alarms, not in {wanted}"
    (metric,) = stack.resources["AuthorizerFailuresMetric"]["Properties"]["MetricTransformations"]
    alarm = stack.resources["AuthorizerFailuresAlarm"]["Properties"]
    if (metric["MetricNamespace"], metric["MetricName"]) != (alarm["Namespace"], alarm["MetricName"]):
        yield "AuthorizerFailuresAlarm is not on what AuthorizerFailuresMetric counts"


@no_findings
def test_every_alarm_notifies_somebody():
    """Every alarm of the API notifies the given address and topic, with its tags, but not while the stack starts."""
    for name, alarm in Stack(**ALL).of_type(METRIC, LOG):
        for actions in ("AlarmActions", "OKActions"):
            if alarm.get(actions) != [{"Ref": "AlarmTopic"}, TOPIC]:
                yield f"{name}: {actions} are not AlarmEmail's topic and AlarmTopicArn"
        if not alarm.get("WarmUpConfiguration", {}).get("WarmUpPeriodDurationInMinutes"):
            yield f"{name} has no WarmUpConfiguration, so a first deployment may wake somebody"
        if not alarm.get("ActionConfiguration", {}).get("AlarmTagsPropagation", {}).get("Enabled"):
            yield f"{name} has no AlarmTagsPropagation, so its message does not say of which environment it is"
    topic = Stack(**ALL).only("AWS::SNS::Topic")
    if topic["Subscription"] != [{"Protocol": "email", "Endpoint": ALL["AlarmEmail"]}]:
        yield "AlarmTopic does not mail to AlarmEmail"
    for given in ({}, {"AlarmTopicArn": TOPIC}, {"AlarmEmail": "none", "AlarmTopicArn": "none"}):
        if Stack(**given).of_type("AWS::SNS::Topic"):
            yield f"there is a topic without an address to mail to: {given}"


@no_findings
def test_a_prod_that_notifies_nobody_is_refused():
    """prod without a recipient is refused, unless both parameters say none."""
    refused = lambda **given: any("would notify nobody" in sentence for sentence in Stack(**given).refusals())
    for given, wanted in (
        ({"StageName": "prod"}, True),
        ({"StageName": "prod", "AlarmEmail": "none"}, True),
        ({"StageName": "prod", "AlarmTopicArn": "none"}, True),
        ({"StageName": "prod", "AlarmEmail": "none", "AlarmTopicArn": "none"}, False),
        ({"StageName": "prod", "AlarmEmail": "ops@example.com"}, False),
        ({"StageName": "prod", "AlarmTopicArn": TOPIC}, False),
        ({"StageName": "dev"}, False),
    ):
        if refused(**given) != wanted:
            yield f"template.yaml {'takes' if wanted else 'refuses'} {given}"


@no_findings
def test_every_operation_has_an_alarm():
    """TableErrorsAlarm counts the functions' operations, since DynamoDB has no metric over all of them."""
    stack = Stack()
    allowed, watched = set(), set()
    for _, role in stack.of_type("AWS::IAM::Role"):
        # A stream's operations have separate metrics.
        if "lambda.amazonaws.com" not in repr(role["AssumeRolePolicyDocument"]):
            continue
        allowed |= set(re.findall(r"'dynamodb:(\w+)'", repr(role.get("Policies", []))))
    for metric in dict(stack.of_type(METRIC))["TableErrorsAlarm"]["Metrics"]:
        for dimension in metric.get("MetricStat", {}).get("Metric", {}).get("Dimensions", []):
            if dimension["Name"] == "Operation":
                watched.add(dimension["Value"])
    for name in sorted(allowed ^ watched):
        yield f"dynamodb:{name} is in one of the functions' permissions and TableErrorsAlarm alone"


def percentile(values, percent):
    """The value at that rank, as CloudWatch computes it for few samples."""
    return sorted(values)[math.ceil(len(values) * percent / 100) - 1]


def fires(alarm, periods):
    """Whether an alarm on one metric fires within an hour; each period has the samples that the metric got in it."""
    statistic = alarm.get("ExtendedStatistic") or alarm["Statistic"]
    of = {"Average": lambda samples: sum(samples) / len(samples), "Sum": sum, "p99": lambda samples: percentile(samples, 99)}[statistic]
    if alarm["TreatMissingData"] != "notBreaching" or alarm["ComparisonOperator"] != "GreaterThanThreshold":
        raise ValueError("only alarms that take missing data as good are played here")
    if alarm.get("EvaluateLowSampleCountPercentile") == "ignore":
        periods = [samples if len(samples) >= 1000 else [] for samples in periods]
    breaching = [bool(samples) and of(samples) > alarm["Threshold"] for samples in periods]
    window, needed = alarm["EvaluationPeriods"], alarm.get("DatapointsToAlarm", alarm["EvaluationPeriods"])
    return any(sum(breaching[end - window : end]) >= needed for end in range(window, len(breaching) + 1))


@no_findings
def test_every_alarm_can_fire():
    """The alarms on responses fire at ten requests an hour and at a thousand a second, but not for one bad request."""
    alarms = dict(Stack(**ALL).of_type(METRIC))
    for name, good, bad in (("LatencyAlarm", 20, 20_000), ("ServerErrorsAlarm", 0, 1), ("ClientErrorsAlarm", 0, 1)):
        # An hour of five-minute periods: a request every six minutes, or 300,000 per period, with one sample per 300.
        seldom = lambda sample: [[sample] if period % 6 != 5 else [] for period in range(12)]
        share = 0.6 if name == "ClientErrorsAlarm" else 0.02
        often = [[bad] * int(1000 * share) + [good] * int(1000 * (1 - share))] * 12
        once = seldom(good)
        once[3] = [bad]
        for wanted, what, periods in (
            (True, "ten requests an hour, all bad", seldom(bad)),
            (True, f"a thousand a second, {share:.0%} bad", often),
            (False, "ten requests an hour, one bad", once),
            (False, "a thousand a second, all good", [[good] * 1000] * 12),
        ):
            if fires(alarms[name], periods) != wanted:
                yield f"{name} {'does not fire' if wanted else 'fires'}: {what}"


@no_findings
def test_what_waits_too_long_is_watched():
    """Waiting dimensions are only measured and alarmed on in production mode, and not if no minutes are set."""
    kinds = ("AWS::Events::Rule", "AWS::Lambda::Permission", METRIC)
    names = lambda **given: {name for name, _ in Stack(**given).of_type(*kinds) if name.startswith("Pending")}
    for given, wanted in (
        ({"ScalingMode": "production"}, {"PendingWatch", "PendingWatchPermission", "PendingAlarm"}),
        ({"ScalingMode": "production", "PendingAlarmMinutes": 0}, set()),
        ({"ScalingMode": "demo"}, set()),
    ):
        if (found := names(**given)) != wanted:
            yield f"with {given} there is {found or 'nothing'} of the watch"
    stack = Stack(ScalingMode="production", PendingAlarmMinutes=7)
    alarm = dict(stack.of_type(METRIC))["PendingAlarm"]
    (metric,) = [each["MetricStat"]["Metric"] for each in alarm["Metrics"] if "MetricStat" in each]
    namespaces = {repr(function["Environment"]["Variables"]["METRICS_NAMESPACE"]) for _, function in stack.functions()}
    if str(alarm["Threshold"]) != "7" or namespaces != {repr(metric["Namespace"])}:
        yield "PendingAlarm is not on what the functions measure, or not after PendingAlarmMinutes"


@no_findings
def test_every_alarm_has_a_line_in_the_document():
    """Every alarm has a line in docs/operating.md with what to do, and every line belongs to an alarm."""
    text = (ROOT / "docs/operating.md").read_text()
    lines = Counter(re.findall(r"^\| `(\w+Alarm)` \|(?: [^|]+ \|){3}$", text, re.M))
    found = Counter(name for _, name, _ in all_alarms())
    for name in sorted(found.keys() ^ lines.keys()):
        yield f"{name} is in one of the templates and the tables of docs/operating.md alone"


@no_findings
def test_the_dashboard_is_json():
    """The dashboard's text is valid JSON, which CloudFormation does not check; every metric in it names its region."""
    text, variables = Stack().only("AWS::CloudWatch::Dashboard")["DashboardBody"]["Fn::Sub"]
    for name in set(re.findall(r"\$\{([\w:]+)\}", text)) - variables.keys():
        if not name.startswith("AWS::") and name not in Stack().resources and name not in Stack().parameters:
            yield f"Dashboard: ${{{name}}} is not in the template"
    try:
        widgets = json.loads(text)["widgets"]
    except ValueError as error:
        yield f"Dashboard is not JSON: {error}"
        return
    places = Counter((widget["x"], widget["y"]) for widget in widgets)
    yield from (f"Dashboard has {count} widgets at {place}" for place, count in places.items() if count > 1)
