#!/usr/bin/env bash
# aws-sam-translator drops CloudFormation's word for a streaming answer, and any other word, without a message.
set -euo pipefail
work=$(mktemp -d)
trap 'kill $(jobs -p) 2>/dev/null || true; rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check aws-sam-translator==1.115.0
AWS_DEFAULT_REGION=us-east-1 "$work/venv/bin/python" - 2>/dev/null <<'PYTHON'
import sys
from samtranslator.parser.parser import Parser
from samtranslator.translator.translator import Translator

def mode(word):
    """What the method's integration says after the transform."""
    event = {"Type": "Api", "Properties": {"Path": "/a", "Method": "get", "ResponseTransferMode": word}}
    function = {"Runtime": "provided.al2023", "Handler": "bootstrap", "CodeUri": "s3://bucket/key", "Events": {"Get": event}}
    template = {"Resources": {"Function": {"Type": "AWS::Serverless::Function", "Properties": function}}}
    resources = Translator({}, Parser()).translate(template, {})["Resources"].values()
    api = next(r for r in resources if r["Type"] == "AWS::ApiGateway::RestApi")
    method = api["Properties"]["Body"]["paths"]["/a"]["get"]
    return method["x-amazon-apigateway-integration"].get("responseTransferMode")

seen = {word: mode(word) for word in ("RESPONSE_STREAM", "STREAM", "NO_SUCH_WORD")}
print("aws-sam-translator 1.115.0:", seen)
sys.exit(seen != {"RESPONSE_STREAM": "STREAM", "STREAM": None, "NO_SUCH_WORD": None})
PYTHON
