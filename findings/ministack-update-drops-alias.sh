#!/usr/bin/env bash
# A stack update that changes a function makes MiniStack forget the versions and aliases that the stack does not own.
set -euo pipefail
work=$(mktemp -d)
trap 'kill $(jobs -p) 2>/dev/null || true; rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check boto3==1.44.8 ministack==1.4.21
port=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
BIND_HOST=127.0.0.1 GATEWAY_PORT=$port "$work/venv/bin/ministack" >"$work/log" 2>&1 &
for _ in $(seq 100); do curl --silent --fail --output /dev/null "http://127.0.0.1:$port/_ministack/health" && break || sleep 0.2; done
AWS_ACCESS_KEY_ID=any AWS_SECRET_ACCESS_KEY=any AWS_DEFAULT_REGION=us-east-1 "$work/venv/bin/python" - "$port" <<'PYTHON'
import json, sys
import boto3
from botocore.exceptions import ClientError

endpoint = f"http://127.0.0.1:{sys.argv[1]}"
stacks, functions = (boto3.client(name, endpoint_url=endpoint) for name in ("cloudformation", "lambda"))

def template(memory):
    properties = {
        "FunctionName": "f", "Runtime": "python3.12", "Handler": "index.handler", "MemorySize": memory,
        "Role": "arn:aws:iam::000000000000:role/any", "Code": {"ZipFile": "def handler(event, context):\n    return 1\n"},
    }
    return json.dumps({"Resources": {"F": {"Type": "AWS::Lambda::Function", "Properties": properties}}})

stacks.create_stack(StackName="s", TemplateBody=template(128))
stacks.get_waiter("stack_create_complete").wait(StackName="s", WaiterConfig={"Delay": 1})
version = functions.publish_version(FunctionName="f")["Version"]
functions.create_alias(FunctionName="f", Name="live", FunctionVersion=version)
stacks.update_stack(StackName="s", TemplateBody=template(256))
stacks.get_waiter("stack_update_complete").wait(StackName="s", WaiterConfig={"Delay": 1})
try:
    seen = functions.get_alias(FunctionName="f", Name="live")["FunctionVersion"]
except ClientError as error:
    seen = error.response["Error"]["Code"]
versions = [one["Version"] for one in functions.list_versions_by_function(FunctionName="f")["Versions"]]
print(f"MiniStack 1.4.21, after the update: the alias -> {seen}, the versions {versions}; before, version {version}")
sys.exit((seen, versions) != ("ResourceNotFoundException", ["$LATEST"]))
PYTHON
