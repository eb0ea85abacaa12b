"""What no linter knows about releases: a changed setting is published, callers use the alias, and the hook works."""

import io
import json
import re
import sys
import types

from findings import no_findings
from transformed import Stack

# "Description: Maximum: 256" of AWS::Lambda::Version.
LONGEST_DESCRIPTION = 256
# Parameters that a version does not contain, or that nobody changes in a stack.
NOT_PUBLISHED = {
    "AwsEndpointUrl": "an emulator's",
    "DataApiEndpointUrl": "an emulator's",
    "ReservedConcurrency": "a function's, not a version's",
}
# The longest values that the template accepts, if neither MaxLength nor AllowedValues defines them.
LONGEST = {
    "DatabaseStackName": "s" * 66,
    "DbClusterArn": f"arn:aws:rds:us-east-1:123456789012:cluster:{'c' * 63}",
    "DbName": "d" * 32,
    "DbSecretArn": f"arn:aws:secretsmanager:us-east-1:123456789012:secret:{'s' * 66}",
    "DimensionsTableName": "t" * 60,
}
ISSUER = {"JwtIssuer": "https://issuer.example", "JwtAudience": "fleet"}
ALL = {"ScalingMode": "production", "ReleaseType": "Canary10Percent15Minutes", **ISSUER}


def parameters_in(value, template):
    """The parameters that a value depends on, including those in its conditions."""
    found = set()
    if isinstance(value, list):
        for each in value:
            found |= parameters_in(each, template)
    elif isinstance(value, dict):
        for key, inner in value.items():
            if key == "Ref" and inner in template["Parameters"]:
                found.add(inner)
            elif key == "Condition" and isinstance(inner, str):
                found |= parameters_in(template["Conditions"][inner], template)
            elif key == "Fn::If":
                found |= parameters_in([template["Conditions"][inner[0]], *inner[1:]], template)
            elif key == "Fn::Sub":
                text, variables = inner if isinstance(inner, list) else (inner, {})
                named = set(re.findall(r"\$\{(\w+)\}", text)) - variables.keys()
                found |= (named & template["Parameters"].keys()) | parameters_in(variables, template)
            else:
                found |= parameters_in(inner, template)
    return found


def text_of(value):
    """The value of joins, splits and selections, as CloudFormation evaluates them."""
    if not isinstance(value, dict):
        return value
    ((function, inner),) = value.items()
    if function == "Fn::Join":
        return inner[0].join(text_of(each) for each in inner[1])
    if function == "Fn::Split":
        return text_of(inner[1]).split(inner[0])
    if function == "Fn::Select":
        return text_of(inner[1])[int(inner[0])]
    raise ValueError(f"{function} is not evaluated here")


def versions_of(stack):
    """The properties of each function's version, by the function's name."""
    return {version["FunctionName"]["Ref"]: version for _, version in stack.of_type("AWS::Lambda::Version")}


@no_findings
def test_a_changed_setting_is_published():
    """Each function publishes a version for a changed parameter: SAM detects changed code and templates, not
    parameter values."""
    template = Stack().template
    versions = {}
    for resource in template["Resources"].values():
        if resource["Type"] == "AWS::Lambda::Version":
            versions[resource["Properties"]["FunctionName"]["Ref"]] = resource["Properties"]
    for name, _ in Stack(**ISSUER).functions():
        # A name is not one of a version's settings.
        properties = {key: value for key, value in template["Resources"][name]["Properties"].items() if key != "FunctionName"}
        uses = parameters_in(properties, template) - NOT_PUBLISHED.keys()
        published = parameters_in(versions.get(name, {}).get("Description", {}), template)
        for parameter in sorted(uses - published):
            yield f"{name}: a changed {parameter} reaches no caller: VersionDescription does not name it"
        # Lambda does not publish an unchanged version.
        for parameter in sorted(published - uses):
            yield f"{name}: a changed {parameter} fails the release: VersionDescription names it, and the function does not have it"
    yield from descriptions_that_are_too_long(template["Parameters"])


def descriptions_that_are_too_long(parameters):
    longest = dict(LONGEST)
    for name, value in LONGEST.items():
        pattern = parameters[name]["AllowedPattern"]
        if not re.fullmatch(pattern, value) or re.fullmatch(pattern, value + value[-1]):
            yield f"{name}: the longest value is no longer {len(value)} characters long"
    for name, parameter in parameters.items():
        if name not in longest and "MaxLength" in parameter:
            longest[name] = "x" * parameter["MaxLength"]
        elif name.startswith(("Scaling", "Dimension", "Architecture", "Keep", "Inventory")) and "AllowedValues" in parameter:
            longest[name] = max(parameter["AllowedValues"], key=len)
    for without in ((), ("DbClusterArn", "DbSecretArn"), ("DbClusterArn",), ("DbSecretArn",)):
        given = longest | dict.fromkeys(without, "")
        for name, version in versions_of(Stack(**given)).items():
            length = len(text_of(version["Description"]))
            if length > LONGEST_DESCRIPTION:
                yield f"{name}: VersionDescription may have {length} characters; Lambda takes {LONGEST_DESCRIPTION}"


@no_findings
def test_callers_call_the_alias():
    """Callers of a function use its alias, which a release moves."""
    stack = Stack(**ALL)
    for name, _ in stack.functions():
        around = re.compile(rf"'Fn::GetAtt': \['{name}', 'Arn'\]|\$\{{{name}(\.Arn)?\}}|'FunctionName': \{{'Ref': '{name}'\}}")
        for kind in ("AWS::ApiGateway::RestApi", "AWS::Events::Rule", "AWS::Lambda::Permission", "AWS::Pipes::Pipe"):
            for caller, properties in stack.of_type(kind):
                if around.search(repr(properties)):
                    yield f"{caller} calls {name} around its alias"


@no_findings
def test_releases_move_the_alias_after_the_check():
    """CodeDeploy moves each alias after the check, and back if an error alarm fires during a gradual release."""
    for kind, watched in (("AllAtOnce", False), ("Canary10Percent15Minutes", True)):
        stack = Stack(ReleaseType=kind, **ISSUER)
        groups = dict(stack.of_type("AWS::CodeDeploy::DeploymentGroup"))
        aliases = {found["Properties"]["FunctionName"]["Ref"]: found for found in stack.resources.values() if found["Type"] == "AWS::Lambda::Alias"}
        for name, _ in stack.functions():
            alias = aliases.get(name, {})
            policy = alias.get("UpdatePolicy", {}).get("CodeDeployLambdaAliasUpdate", {})
            if alias.get("Properties", {}).get("Name") != "live" or policy.get("BeforeAllowTrafficHook") != {"Ref": "ReleaseCheck"}:
                yield f"{name} has no alias that is released after ReleaseCheck"
                continue
            group = groups[policy["DeploymentGroupName"]["Ref"]]
            if group["DeploymentConfigName"] not in ({"Fn::Sub": f"CodeDeployDefault.Lambda{kind}"}, f"CodeDeployDefault.Lambda{kind}"):
                yield f"{name} is released by {group['DeploymentConfigName']}, not {kind}"
            alarms = {alarm["Name"]["Ref"] for alarm in group["AlarmConfiguration"].get("Alarms", [])}
            if bool(alarms) != watched or (watched and not {"ServerErrorsAlarm", "InventoryErrorsAlarm", "ScalingErrorsAlarm", "ServiceErrorsAlarm"} <= alarms):
                yield f"{name}: {kind} watches {sorted(alarms)}"
            if "DEPLOYMENT_STOP_ON_ALARM" not in group["AutoRollbackConfiguration"]["Events"]:
                yield f"{name} does not go back on an alarm"


class Client:
    """AWS, as the hook sees it: the version `broken` fails in the given way."""

    def __init__(self, broken, reported):
        self.broken, self.reported, self.called = broken, reported, []

    def invoke(self, FunctionName, Payload):
        self.called.append(FunctionName)
        if json.loads(Payload) != {}:
            raise AssertionError("the hook does not send a ping")
        body, error = {"statusCode": 200}, {}
        if FunctionName == "v2" and self.broken:
            body, error = self.broken
        return {"Payload": io.BytesIO(json.dumps(body).encode()), **error}

    def put_lifecycle_event_hook_execution_status(self, deploymentId, lifecycleEventHookExecutionId, status):
        self.reported.append((deploymentId, lifecycleEventHookExecutionId, status))


@no_findings
def test_the_hook_calls_every_new_version_and_reports():
    """The hook calls every function's new version, and reports any failure."""
    stack = Stack(**ISSUER)
    hook = dict(stack.of_type("AWS::Lambda::Function"))["ReleaseCheck"]
    called = {each["Ref"] for each in hook["Environment"]["Variables"]["VERSIONS"]["Fn::Join"][1]}
    for name, _ in stack.of_type("AWS::Lambda::Version"):
        if name not in called:
            yield f"ReleaseCheck does not call {name}"
    for policy in ("ReleaseCheckPolicy", "ReleasePolicy"):
        allowed = repr(stack.resources[policy])
        for name, _ in stack.functions():
            if f"${{{name}.Arn}}*" not in allowed:
                yield f"{policy} does not name {name}"
    for broken, expected, calls in (
        (None, "Succeeded", ["v1", "v2", "v3"]),
        (({"errorType": "Runtime.ExitError"}, {"FunctionError": "Unhandled"}), "Failed", ["v1", "v2"]),
        (({"statusCode": 500}, {}), "Failed", ["v1", "v2"]),
        (({"statusCode": 200}, {"FunctionError": "Unhandled"}), "Failed", ["v1", "v2"]),
        (("no object", {}), "Failed", ["v1", "v2"]),
    ):
        reported = []
        client = Client(broken, reported)
        module = types.ModuleType("boto3")
        module.client = lambda _, client=client: client
        scope, before = {}, sys.modules.get("boto3")
        sys.modules["boto3"] = module
        try:
            exec(compile(hook["Code"]["ZipFile"], "ReleaseCheck", "exec"), scope)
            scope["os"] = types.SimpleNamespace(environ={"VERSIONS": "v1 v2 v3"})
            scope["handler"]({"DeploymentId": "d-1", "LifecycleEventHookExecutionId": "e-1"}, None)
        except (RuntimeError, AttributeError):
            if expected == "Succeeded":
                raise
        finally:
            sys.modules.pop("boto3")
            if before:
                sys.modules["boto3"] = before
        if reported != [("d-1", "e-1", expected)] or client.called != calls:
            yield f"ReleaseCheck reports {reported} after {client.called} where a version answers {broken}"
