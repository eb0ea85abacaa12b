#!/usr/bin/env bash
# moto's RDS Data API answers any text with no records, and has no transactions: BeginTransaction is a 404 in HTML.
set -euo pipefail
work=$(mktemp -d)
trap 'kill $(jobs -p) 2>/dev/null || true; rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check 'moto[rdsdata,server]==5.2.5' boto3==1.44.8
AWS_ACCESS_KEY_ID=any AWS_SECRET_ACCESS_KEY=any AWS_DEFAULT_REGION=us-east-1 "$work/venv/bin/python" - <<'PYTHON'
import sys
import boto3
from botocore.exceptions import ClientError
from moto.server import ThreadedMotoServer

server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
server.start()
host, port = server.get_host_and_port()
client = boto3.client("rds-data", endpoint_url=f"http://{host}:{port}")
database = {
    "resourceArn": "arn:aws:rds:us-east-1:123456789012:cluster:none",
    "secretArn": "arn:aws:secretsmanager:us-east-1:123456789012:secret:none",
}
answers = [client.execute_statement(sql=sql, **database)["records"] for sql in ("SELECT 1", "no statement at all")]
try:
    begun = client.begin_transaction(**database)["transactionId"]
except ClientError as error:
    begun = error.response["Error"]["Code"], "html" in error.response["Error"]["Message"]
print("moto 5.2.5: records of SELECT 1 and of what is no SQL:", answers, "BeginTransaction:", begun)
server.stop()
sys.exit(answers != [[], []] or begun != ("404", True))
PYTHON
