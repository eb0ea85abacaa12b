#!/usr/bin/env bash
# DynamoDB takes a table's ARN wherever it takes its name; MiniStack refuses the one that it gave itself.
set -euo pipefail
work=$(mktemp -d)
trap 'kill $(jobs -p) 2>/dev/null || true; rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check boto3==1.44.8 ministack==1.4.21
port=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
BIND_HOST=127.0.0.1 GATEWAY_PORT=$port "$work/venv/bin/ministack" >"$work/log" 2>&1 &
for _ in $(seq 100); do curl --silent --fail --output /dev/null "http://127.0.0.1:$port/_ministack/health" && break || sleep 0.2; done
AWS_ACCESS_KEY_ID=any AWS_SECRET_ACCESS_KEY=any AWS_DEFAULT_REGION=us-east-1 "$work/venv/bin/python" - "$port" <<'PYTHON'
import sys
import boto3
from botocore.exceptions import ClientError

client = boto3.client("dynamodb", endpoint_url=f"http://127.0.0.1:{sys.argv[1]}")
schema = {"KeySchema": [{"AttributeName": "k", "KeyType": "HASH"}], "AttributeDefinitions": [{"AttributeName": "k", "AttributeType": "S"}]}
arn = client.create_table(TableName="by-arn", BillingMode="PAY_PER_REQUEST", **schema)["TableDescription"]["TableArn"]
try:
    client.get_item(TableName=arn, Key={"k": {"S": "a"}})
    seen = None
except ClientError as error:
    seen = error.response["Error"]["Code"]
print("MiniStack 1.4.21, a read by", arn, "->", seen)
sys.exit(seen != "ValidationException")
PYTHON
