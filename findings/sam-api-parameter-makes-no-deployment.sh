#!/usr/bin/env bash
# A parameter that changes an API's definition makes no deployment of it: the stage goes on with the definition before.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check aws-sam-translator==1.115.0
AWS_DEFAULT_REGION=us-east-1 "$work/venv/bin/python" - 2>/dev/null <<'PYTHON'
import sys
from samtranslator.parser.parser import Parser
from samtranslator.translator.translator import Translator

def deployment(value, description="d"):
    """The logical id of the stage's deployment: CloudFormation makes another one when this changes."""
    method = {"x-amazon-apigateway-integration": {"type": "http", "httpMethod": "GET", "uri": {"Ref": "Origin"}}}
    info = {"title": "t", "version": "1", "description": description}
    body = {"openapi": "3.0.1", "info": info, "paths": {"/one": {"get": method}}}
    template = {
        "AWSTemplateFormatVersion": "2010-09-09",
        "Transform": "AWS::Serverless-2016-10-31",
        "Parameters": {"Origin": {"Type": "String"}},
        "Resources": {"Api": {"Type": "AWS::Serverless::Api", "Properties": {"StageName": "live", "DefinitionBody": body}}},
    }
    made = Translator({}, Parser()).translate(template, {"Origin": value})
    (logical,) = [name for name, one in made["Resources"].items() if one["Type"] == "AWS::ApiGateway::Deployment"]
    return logical

same = deployment("https://a.example") == deployment("https://b.example")
other = deployment("https://a.example") != deployment("https://a.example", description="e")
print(f"aws-sam-translator 1.115.0: a parameter in the definition changes, and the deployment stays: {same}; the definition's text changes, and it does not: {other}")
sys.exit(not (same and other))
PYTHON
