#!/usr/bin/env bash
# pydataapi asks for continueAfterTimeout in each statement, unless told otherwise; the Data API's default is false, and
# its reference recommends it for DDL. After 45 s the caller has an error, and the statement goes on.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check pydataapi==0.4.24 boto3==1.44.8
AWS_EC2_METADATA_DISABLED=true "$work/venv/bin/python" - <<'PYTHON'
import http.server, json, sys, threading
import boto3
from pydataapi import DataAPI

class DataApi(http.server.BaseHTTPRequestHandler):
    """Updates one row, and remembers what the request said of a timeout."""
    said = []

    def do_POST(self):
        DataApi.said.append(json.loads(self.rfile.read(int(self.headers["content-length"]))).get("continueAfterTimeout"))
        body = json.dumps({"numberOfRecordsUpdated": 1, "generatedFields": []}).encode()
        self.send_response(200)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass

server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), DataApi)
threading.Thread(target=server.serve_forever, daemon=True).start()
client = boto3.client("rds-data", "us-east-1", endpoint_url=f"http://127.0.0.1:{server.server_port}",
                      aws_access_key_id="any", aws_secret_access_key="any")
arns = {"resource_arn": "arn:aws:rds:us-east-1:000000000000:cluster:c", "secret_arn": "arn:aws:secretsmanager:us-east-1:000000000000:secret:s"}
sql = "UPDATE t SET n = n + 1"
client.execute_statement(resourceArn=arns["resource_arn"], secretArn=arns["secret_arn"], sql=sql)
api = DataAPI(**arns, client=client)
api.execute(sql)
api.execute(sql, continue_after_timeout=False)
for caller, said in zip(("boto3 1.44.8", "pydataapi 0.4.24", "pydataapi, continue_after_timeout=False"), DataApi.said):
    print(f"{caller}: continueAfterTimeout is {said}")
sys.exit(DataApi.said != [None, True, False])
PYTHON
