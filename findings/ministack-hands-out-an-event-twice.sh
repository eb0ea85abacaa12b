#!/usr/bin/env bash
# A function with a custom runtime that polls for its next event in MiniStack gets the one again that it has just answered.
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

# The loop of every custom runtime, which finishes what it has begun when it is told to stop.
BOOTSTRAP = """#!/usr/bin/env python3
import json, os, signal, urllib.request
stopping = []
signal.signal(signal.SIGTERM, lambda *_: stopping.append(True))
base = f"http://{os.environ['AWS_LAMBDA_RUNTIME_API']}/2018-06-01/runtime/invocation"
handled = []
while not (stopping and len(handled) > 1):
    with urllib.request.urlopen(f"{base}/next") as event:
        handled.append(event.headers["Lambda-Runtime-Aws-Request-Id"])
    urllib.request.urlopen(f"{base}/{handled[-1]}/response", json.dumps(handled).encode()).read()
"""
package = io.BytesIO()
with zipfile.ZipFile(package, "w") as archive:
    file = zipfile.ZipInfo("bootstrap")
    file.external_attr = 0o755 << 16
    archive.writestr(file, BOOTSTRAP)
functions = boto3.client("lambda", endpoint_url=f"http://127.0.0.1:{sys.argv[1]}")
functions.create_function(
    FunctionName="f", Runtime="provided.al2023", Handler="bootstrap", Role="arn:aws:iam::000000000000:role/any", Code={"ZipFile": package.getvalue()}, Timeout=10
)
handled = json.load(functions.invoke(FunctionName="f", Payload=b"{}")["Payload"])
print(f"MiniStack 1.4.21: one invocation was handled {'more than once' if len(handled) > 1 else 'once'}, with {len(set(handled))} request id, and the last answer counts")
sys.exit(not (len(handled) > 1 and len(set(handled)) == 1))
PYTHON
