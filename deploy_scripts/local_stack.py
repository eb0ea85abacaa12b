"""Applies deploy_scripts/scaling_target.yaml to the local AWS endpoints, which have no CloudFormation.

    python3 local_stack.py TEMPLATE STACK PARAMETER=VALUE...

Evaluates the template as CloudFormation does (parameters with their rules, conditions, Ref, If and Sub), and turns the
target, its scheduled actions, its policies and their alarms into requests of the AWS CLI. Whatever an earlier run has
created and the template no longer describes is deleted. Other resources exist only on AWS; they are listed at the end.
"""

import json
import re
import subprocess
import sys

import yaml

PREFIX = "AWS::ApplicationAutoScaling::"
# CloudFormation converts texts to numbers and booleans where a resource requires them.
NUMBERS, TRUTHS = {"Threshold"}, {"DisableScaleIn"}


class NoValue:
    """AWS::NoValue: as if the entry did not exist."""


class Function:
    """An intrinsic function and its argument."""

    def __init__(self, name, argument):
        self.name, self.argument = name, argument


class Loader(yaml.SafeLoader):
    """YAML with CloudFormation's tags."""


def function(loader, name, node):
    if isinstance(node, yaml.ScalarNode):
        return Function(name, loader.construct_scalar(node))
    return Function(name, loader.construct_sequence(node, deep=True))


Loader.add_multi_constructor("!", function)


def stop(sentence):
    sys.exit(f"local_stack.py: {sentence}")


class Template:
    """A template with the values of its parameters; `made` contains the Ref value of each created resource."""

    def __init__(self, path, stack, given):
        with open(path, encoding="utf-8") as file:
            self.document = yaml.load(file, Loader)
        self.known = {"AWS::NoValue": NoValue, "AWS::StackName": stack}
        for name, rules in self.document["Parameters"].items():
            self.known[name] = parameter(name, rules, given)
        unknown = given.keys() - self.document["Parameters"].keys()
        if unknown:
            stop(f"the template has no parameter {', '.join(sorted(unknown))}.")
        for rule in self.document.get("Rules", {}).values():
            if self.value(rule.get("RuleCondition", True)):
                for one in rule["Assertions"]:
                    if not self.value(one["Assert"]):
                        stop(one["AssertDescription"])

    def value(self, node):
        if isinstance(node, dict):
            entries = ((key, self.value(entry)) for key, entry in node.items())
            return {key: typed(key, entry) for key, entry in entries if entry is not NoValue}
        if isinstance(node, list):
            return [entry for entry in map(self.value, node) if entry is not NoValue]
        return self.call(node.name, node.argument) if isinstance(node, Function) else node

    def call(self, name, argument):
        if name == "Ref":
            if argument not in self.known:
                stop(f"!Ref {argument} is not known on this machine.")
            return self.known[argument]
        if name == "If":
            condition, yes, no = argument
            return self.value(yes if self.holds(condition) else no)
        if name == "Condition":
            return self.holds(argument)
        if name == "Sub":
            return re.sub(r"\$\{([^}]+)\}", lambda match: str(self.call("Ref", match[1])), argument)
        values = [self.value(one) for one in argument]
        if name == "Equals":
            return str(values[0]) == str(values[1])
        if name == "Not":
            return not values[0]
        if name in ("And", "Or"):
            return all(values) if name == "And" else any(values)
        return stop(f"!{name} is not worked out on this machine.")

    def holds(self, condition):
        return self.value(self.document["Conditions"][condition])

    def resources(self, kind):
        """The resources of a type: logical id, whether it exists with these parameters, and its properties."""
        for logical, resource in self.document["Resources"].items():
            if resource["Type"] == kind:
                has = "Condition" not in resource or self.holds(resource["Condition"])
                yield logical, has, resource["Properties"]


def parameter(name, rules, given):
    value = given.get(name, rules.get("Default"))
    if value is None:
        stop(f"the parameter {name} has no value.")
    text = str(value)
    # The rule for a resource id is for AWS, where it is a URL of API Gateway.
    pattern = rules.get("AllowedPattern") if name != "ResourceId" else None
    if pattern and not re.fullmatch(pattern, text):
        stop(f"the parameter {name} is '{text}', and {rules.get('ConstraintDescription', f'must match {pattern}')}.")
    if text not in map(str, rules.get("AllowedValues", [text])):
        stop(f"the parameter {name} is '{text}', and must be one of {', '.join(map(str, rules['AllowedValues']))}.")
    if rules["Type"] != "Number":
        return text
    try:
        number = float(text)
    except ValueError:
        stop(f"the parameter {name} is '{text}', and must be a number.")
    if number < rules.get("MinValue", number):
        stop(f"the parameter {name} is {text}, and must be at least {rules['MinValue']}.")
    if number > rules.get("MaxValue", number):
        stop(f"the parameter {name} is {text}, and must be at most {rules['MaxValue']}.")
    return int(number) if number.is_integer() else number


def typed(key, value):
    if key in NUMBERS and isinstance(value, str):
        return float(value)
    return value == "true" if key in TRUTHS and isinstance(value, str) else value


def aws(service, operation, request):
    command = ["aws", service, operation, "--output", "json", "--cli-input-json", json.dumps(request)]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        stop(f"{operation}: {' '.join(done.stderr.split())}")
    return json.loads(done.stdout or "{}")


def names(node, key):
    """The values of `key` anywhere in a part of the template, whichever conditions hold."""
    if isinstance(node, Function):
        node = node.argument
    if isinstance(node, dict):
        if key in node:
            yield node[key]
        node = list(node.values())
    if isinstance(node, list):
        for one in node:
            yield from names(one, key)


def main(path, stack, *parameters):
    template = Template(path, stack, dict(one.split("=", 1) for one in parameters))
    scaling = "application-autoscaling"

    ((logical, _, raw),) = template.resources(PREFIX + "ScalableTarget")
    target = template.value(raw)
    actions = target.pop("ScheduledActions", [])
    place = {key: target[key] for key in ("ServiceNamespace", "ScalableDimension", "ResourceId")}
    aws(scaling, "register-scalable-target", target)
    print(f"{target['ResourceId']} from {target['MinCapacity']} to {target['MaxCapacity']}")
    template.known[logical] = target["ResourceId"]

    there = aws(scaling, "describe-scheduled-actions", place)["ScheduledActions"]
    gone = set(names(raw, "ScheduledActionName")) - {action["ScheduledActionName"] for action in actions}
    for name in gone & {action["ScheduledActionName"] for action in there}:
        aws(scaling, "delete-scheduled-action", {**place, "ScheduledActionName": name})
        print(f"scheduled action {name}: deleted")
    for action in actions:
        aws(scaling, "put-scheduled-action", {**place, **action})
        print(f"scheduled action {action['ScheduledActionName']}: {action['Schedule']}")

    there = {policy["PolicyName"] for policy in aws(scaling, "describe-scaling-policies", place)["ScalingPolicies"]}
    for logical, has, raw in template.resources(PREFIX + "ScalingPolicy"):
        name = template.value(raw["PolicyName"])
        if has:
            policy = template.value(raw)
            del policy["ScalingTargetId"]
            template.known[logical] = aws(scaling, "put-scaling-policy", {**place, **policy})["PolicyARN"]
            print(f"policy {name}")
        elif name in there:
            aws(scaling, "delete-scaling-policy", {**place, "PolicyName": name})
            print(f"policy {name}: deleted")

    # Alarms that invoke no policy would notify nobody here.
    made, absent = set(template.known), []
    for logical, has, raw in template.resources("AWS::CloudWatch::Alarm"):
        actions = raw["AlarmActions"]
        invokes = isinstance(actions, list) and all(action.argument in made for action in actions)
        if has and invokes:
            aws("cloudwatch", "put-metric-alarm", {"AlarmName": f"{stack}-{logical}", **template.value(raw)})
            print(f"alarm {stack}-{logical}")
        elif has:
            absent.append(logical)
        else:
            aws("cloudwatch", "delete-alarms", {"AlarmNames": [f"{stack}-{logical}"]})
    for kind in {resource["Type"] for resource in template.document["Resources"].values()}:
        if not kind.startswith(PREFIX) and kind != "AWS::CloudWatch::Alarm":
            absent += [logical for logical, has, _ in template.resources(kind) if has]
    print(f"On AWS alone: {', '.join(sorted(absent))}.")


if __name__ == "__main__":
    main(*sys.argv[1:])
