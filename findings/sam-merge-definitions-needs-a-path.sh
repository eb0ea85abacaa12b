#!/usr/bin/env bash
# MergeDefinitions with an empty `paths` in DefinitionBody drops the routes of all events; with any path there they are merged.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check aws-sam-translator==1.115.0
AWS_DEFAULT_REGION=us-east-1 "$work/venv/bin/python" - 2>/dev/null <<'PYTHON'
import sys
from samtranslator.parser.parser import Parser
from samtranslator.translator.translator import Translator

def routes(paths):
    """The paths that SAM gives API Gateway, of a function with an event for GET /one."""
    event = {"Type": "Api", "Properties": {"RestApiId": {"Ref": "Api"}, "Path": "/one", "Method": "GET"}}
    body = {"openapi": "3.0.1", "info": {"title": "t", "version": "1"}, "paths": paths}
    template = {
        "AWSTemplateFormatVersion": "2010-09-09",
        "Transform": "AWS::Serverless-2016-10-31",
        "Resources": {
            "Api": {"Type": "AWS::Serverless::Api", "Properties": {"StageName": "live", "MergeDefinitions": True, "DefinitionBody": body}},
            "Function": {
                "Type": "AWS::Serverless::Function",
                "Properties": {"Runtime": "python3.12", "Handler": "index.handler", "InlineCode": "1", "Events": {"One": event}},
            },
        },
    }
    made = Translator({}, Parser()).translate(template, {})
    return sorted(made["Resources"]["Api"]["Properties"]["Body"]["paths"])

empty, other = routes({}), routes({"/two": {}})
print(f"aws-sam-translator 1.115.0: with paths: {{}} the API has the routes {empty}; with paths: {{/two: {{}}}} {other}")
sys.exit((empty, other) != ([], ["/one", "/two"]))
PYTHON
