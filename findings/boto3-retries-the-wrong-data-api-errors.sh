#!/usr/bin/env bash
# boto3 gives up on the Data API's error that asks for another try, and repeats a write after one that leaves its outcome open.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check boto3==1.44.8
AWS_EC2_METADATA_DISABLED=true "$work/venv/bin/python" - <<'PYTHON'
import http.server, json, sys, threading
import boto3
from botocore.config import Config
from botocore.exceptions import ClientError

class DataApi(http.server.BaseHTTPRequestHandler):
    """Fails every call with the error whose turn it is, with the status that the service model gives it."""
    status, error, calls = 0, "", 0

    def do_POST(self):
        DataApi.calls += 1
        self.rfile.read(int(self.headers["content-length"]))
        body = json.dumps({"message": "an error"}).encode()
        self.send_response(self.status)
        self.send_header("x-amzn-ErrorType", self.error)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass

server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), DataApi)
threading.Thread(target=server.serve_forever, daemon=True).start()
arns = {"resourceArn": "arn:aws:rds:us-east-1:000000000000:cluster:c", "secretArn": "arn:aws:secretsmanager:us-east-1:000000000000:secret:s"}
endpoint = {"endpoint_url": f"http://127.0.0.1:{server.server_port}", "aws_access_key_id": "any", "aws_secret_access_key": "any"}
calls = {}
for DataApi.status, DataApi.error in ((400, "DatabaseResumingException"), (504, "DatabaseUnavailableException"), (500, "InternalServerErrorException")):
    for mode in ("legacy", "standard", "adaptive"):
        DataApi.calls = 0
        client = boto3.client("rds-data", "us-east-1", **endpoint, config=Config(retries={"mode": mode, "total_max_attempts": 2}))
        try:
            client.execute_statement(**arns, sql="INSERT INTO t (n) VALUES (1)")
        except ClientError:
            calls[DataApi.error, mode] = DataApi.calls
for (error, mode), count in calls.items():
    print(f"boto3 1.44.8, {mode}, at most two attempts: an INSERT that meets {error} is sent {count} time(s)")
sys.exit(any(count != (1 if "Resuming" in error else 2) for (error, _), count in calls.items()) or len(calls) != 9)
PYTHON
