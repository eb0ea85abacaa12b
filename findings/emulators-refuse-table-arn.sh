#!/usr/bin/env bash
# DynamoDB takes a table's ARN wherever it takes its name; moto and MiniStack refuse it, each with another error.
set -euo pipefail
work=$(mktemp -d)
trap 'kill $(jobs -p) 2>/dev/null || true; rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check 'moto[dynamodb,server]==5.2.5' boto3==1.44.8 ministack==1.4.21
port=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
BIND_HOST=127.0.0.1 GATEWAY_PORT=$port "$work/venv/bin/ministack" >"$work/log" 2>&1 &
for _ in $(seq 100); do curl --silent --fail --output /dev/null "http://127.0.0.1:$port/_ministack/health" && break || sleep 0.2; done
AWS_ACCESS_KEY_ID=any AWS_SECRET_ACCESS_KEY=any AWS_DEFAULT_REGION=us-east-1 "$work/venv/bin/python" - "$port" <<'PYTHON'
import sys
import boto3
from botocore.exceptions import ClientError
from moto.server import ThreadedMotoServer

def ask(url):
    """The error for a read by the ARN that the emulator itself gave to the table."""
    client = boto3.client("dynamodb", endpoint_url=url)
    schema = {"KeySchema": [{"AttributeName": "k", "KeyType": "HASH"}], "AttributeDefinitions": [{"AttributeName": "k", "AttributeType": "S"}]}
    made = client.create_table(TableName="by-arn", BillingMode="PAY_PER_REQUEST", **schema)
    try:
        client.get_item(TableName=made["TableDescription"]["TableArn"], Key={"k": {"S": "a"}})
        return None
    except ClientError as error:
        return error.response["Error"]["Code"]

server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
server.start()
moto = ask("http://{}:{}".format(*server.get_host_and_port()))
ministack = ask(f"http://127.0.0.1:{sys.argv[1]}")
print("moto 5.2.5:", moto)
print("MiniStack 1.4.21:", ministack)
server.stop()
sys.exit((moto, ministack) != ("ResourceNotFoundException", "ValidationException"))
PYTHON
