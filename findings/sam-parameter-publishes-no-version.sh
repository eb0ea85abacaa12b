#!/usr/bin/env bash
# With AutoPublishAlias, even with AutoPublishAliasAllProperties, a changed parameter publishes no version of a function.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check aws-sam-translator==1.115.0
AWS_DEFAULT_REGION=us-east-1 "$work/venv/bin/python" - 2>/dev/null <<'PYTHON'
import sys
from samtranslator.parser.parser import Parser
from samtranslator.translator.translator import Translator

def version(value, memory=128):
    """The logical id of the version that is published: CloudFormation publishes another one when this changes."""
    template = {
        "AWSTemplateFormatVersion": "2010-09-09",
        "Transform": "AWS::Serverless-2016-10-31",
        "Parameters": {"Mode": {"Type": "String"}},
        "Resources": {
            "Function": {
                "Type": "AWS::Serverless::Function",
                "Properties": {
                    "Runtime": "provided.al2023",
                    "Handler": "bootstrap",
                    "CodeUri": "s3://bucket/code",
                    "MemorySize": memory,
                    "AutoPublishAlias": "live",
                    "AutoPublishAliasAllProperties": True,
                    "Environment": {"Variables": {"MODE": {"Ref": "Mode"}}},
                },
            }
        },
    }
    made = Translator({}, Parser()).translate(template, {"Mode": value})
    (logical,) = [name for name, one in made["Resources"].items() if one["Type"] == "AWS::Lambda::Version"]
    return logical

same = version("demo") == version("production")
other = version("demo") != version("demo", memory=256)
print(f"aws-sam-translator 1.115.0: a parameter in the environment changes, and the version stays: {same}; a property in the template changes, and it does not: {other}")
sys.exit(not (same and other))
PYTHON
