#!/usr/bin/env bash
# MiniStack answers for a function whose runtime has ended only when the function's time is up, and names the time as the cause.
set -euo pipefail
work=$(mktemp -d)
trap 'kill $(jobs -p) 2>/dev/null || true; rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check boto3==1.44.8 ministack==1.4.21
port=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
BIND_HOST=127.0.0.1 GATEWAY_PORT=$port "$work/venv/bin/ministack" >"$work/log" 2>&1 &
for _ in $(seq 100); do curl --silent --fail --output /dev/null "http://127.0.0.1:$port/_ministack/health" && break || sleep 0.2; done
AWS_ACCESS_KEY_ID=any AWS_SECRET_ACCESS_KEY=any AWS_DEFAULT_REGION=us-east-1 "$work/venv/bin/python" - "$port" <<'PYTHON'
import io, json, sys, zipfile
import boto3

# Takes an event and ends without an answer, as a program does that runs into a fault.
BOOTSTRAP = """#!/bin/sh
curl --silent --output /dev/null "http://$AWS_LAMBDA_RUNTIME_API/2018-06-01/runtime/invocation/next"
exit 1
"""
package = io.BytesIO()
with zipfile.ZipFile(package, "w") as archive:
    file = zipfile.ZipInfo("bootstrap")
    file.external_attr = 0o755 << 16
    archive.writestr(file, BOOTSTRAP)
functions = boto3.client("lambda", endpoint_url=f"http://127.0.0.1:{sys.argv[1]}")
functions.create_function(
    FunctionName="f", Runtime="provided.al2023", Handler="bootstrap", Role="arn:aws:iam::000000000000:role/any", Code={"ZipFile": package.getvalue()}, Timeout=3
)
answer = functions.invoke(FunctionName="f", Payload=b"{}")
failure = json.load(answer["Payload"])
print("MiniStack 1.4.21, a runtime that ends with 1 after it has taken the event:", answer.get("FunctionError"), json.dumps(failure))
sys.exit("timed out after 3s" not in failure.get("errorMessage", ""))
PYTHON
