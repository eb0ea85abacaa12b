#!/usr/bin/env bash
# Two emulators of DynamoDB keep numbers as text: moto returns them as sent, and in both a set holds 1 and 1.0 apart.
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
    """What a number comes back as, and what adding 1.0 to the set {1} does. DynamoDB answers 1, 100 and the set {1}."""
    client = boto3.client("dynamodb", endpoint_url=url)
    schema = {"KeySchema": [{"AttributeName": "k", "KeyType": "HASH"}], "AttributeDefinitions": [{"AttributeName": "k", "AttributeType": "S"}]}
    client.create_table(TableName="numbers", BillingMode="PAY_PER_REQUEST", **schema)
    key = {"k": {"S": "a"}}
    client.put_item(TableName="numbers", Item={**key, "x": {"N": "1.0"}, "y": {"N": "1e2"}, "set": {"NS": ["1"]}})
    item = client.get_item(TableName="numbers", Key=key)["Item"]
    change = {"UpdateExpression": "ADD #s :v", "ExpressionAttributeNames": {"#s": "set"}, "ExpressionAttributeValues": {":v": {"NS": ["1.0"]}}}
    try:
        added = client.update_item(TableName="numbers", Key=key, ReturnValues="ALL_NEW", **change)["Attributes"]["set"]["NS"]
    except ClientError as error:
        added = error.response["Error"]["Code"]
    return item["x"]["N"], item["y"]["N"], added

server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
server.start()
moto = ask("http://{}:{}".format(*server.get_host_and_port()))
ministack = ask(f"http://127.0.0.1:{sys.argv[1]}")
print("moto 5.2.5:", moto)
print("MiniStack 1.4.21:", ministack)
server.stop()
sys.exit(moto != ("1.0", "1e2", ["1", "1.0"]) or ministack != ("1", "100", "ValidationException"))
PYTHON
