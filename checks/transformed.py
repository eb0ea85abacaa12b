"""template.yaml as AWS sees it: transformed by SAM's own translator, with the values of given parameters inserted."""

import copy
import logging
import os
from pathlib import Path

from samcli.yamlhelper import yaml_parse
from samtranslator.translator.transform import transform

ROOT = Path(__file__).resolve().parent.parent
# The values of the pseudo parameters in a test.
PSEUDO = {
    "AWS::AccountId": "123456789012",
    "AWS::Partition": "aws",
    "AWS::Region": "us-east-1",
    "AWS::StackId": "arn:aws:cloudformation:us-east-1:123456789012:stack/fleet-api/1",
    "AWS::StackName": "fleet-api",
    "AWS::URLSuffix": "amazonaws.com",
}
ABSENT = object()
# It warns about feature flags that only AWS has.
logging.getLogger("samtranslator").setLevel(logging.ERROR)


class NoManagedPolicies:
    """SAM looks up AWS's managed policies in IAM; the template uses none of them by a short name."""

    def load(self):
        return {}


class Stack:
    """The resources that a template creates with the given parameters, in the form that CloudFormation gets them."""

    def __init__(self, template=None, **parameters):
        template = copy.deepcopy(template) if template else yaml_parse((ROOT / "template.yaml").read_text())
        for resource in template["Resources"].values():
            if resource["Type"] == "AWS::Serverless::Function":
                resource["Properties"]["CodeUri"] = "s3://bucket/key"
        unknown = parameters.keys() - template["Parameters"].keys()
        if unknown:
            raise KeyError(f"template.yaml has no parameter {', '.join(sorted(unknown))}")
        # SAM reads the partition from the region.
        os.environ.setdefault("AWS_DEFAULT_REGION", PSEUDO["AWS::Region"])
        given = {name: str(value) for name, value in parameters.items()}
        self.template = transform(template, dict(given), NoManagedPolicies())
        self.parameters = {name: found.get("Default") for name, found in self.template["Parameters"].items()} | given
        self.resources = {}
        for name, resource in self.template["Resources"].items():
            if self.holds(resource.get("Condition")):
                self.resources[name] = self.value(resource)

    def holds(self, condition):
        """Whether a condition, by name or as an expression, holds; no condition counts as true."""
        if condition is None:
            return True
        if isinstance(condition, str):
            return self.holds(self.template["Conditions"][condition])
        ((function, inner),) = condition.items()
        if function == "Condition":
            return self.holds(inner)
        if function == "Fn::Not":
            return not self.holds(inner[0])
        if function == "Fn::And":
            return all(self.holds(each) for each in inner)
        if function == "Fn::Or":
            return any(self.holds(each) for each in inner)
        if function == "Fn::Equals":
            left, right = (str(self.value(each)) for each in inner)
            return left == right
        if function == "Fn::Contains":
            texts, text = (self.value(each) for each in inner)
            return text in texts
        raise ValueError(f"conditions with {function} are not evaluated here")

    def value(self, found):
        """A value with parameters, pseudo parameters and `Fn::If` evaluated; other functions stay as they are."""
        if isinstance(found, list):
            values = (self.value(each) for each in found)
            return [each for each in values if each is not ABSENT]
        if not isinstance(found, dict):
            return found
        if set(found) == {"Fn::If"}:
            condition, then, otherwise = found["Fn::If"]
            return self.value(then if self.holds(condition) else otherwise)
        if set(found) == {"Ref"}:
            name = found["Ref"]
            if name == "AWS::NoValue":
                return ABSENT
            return self.parameters.get(name, PSEUDO.get(name, found))
        values = {name: self.value(each) for name, each in found.items()}
        return {name: each for name, each in values.items() if each is not ABSENT}

    def of_type(self, *types):
        """The (name, properties) of the resources of these types."""
        return [(name, found.get("Properties", {})) for name, found in self.resources.items() if found["Type"] in types]

    def functions(self):
        """The (name, properties) of the API's functions; the check before a release is not one of them."""
        return [(name, found) for name, found in self.of_type("AWS::Lambda::Function") if name != "ReleaseCheck"]

    def refusals(self):
        """The messages with which CloudFormation refuses these parameters, from the template's Rules."""
        for rule in self.template.get("Rules", {}).values():
            if self.holds(rule.get("RuleCondition")):
                for assertion in rule["Assertions"]:
                    if not self.holds(assertion["Assert"]):
                        yield assertion["AssertDescription"]

    def only(self, type_):
        """The properties of the only resource of a type."""
        ((_, properties),) = self.of_type(type_)
        return properties
