#!/usr/bin/env bash
# pydataapi's batch_execute commits a transaction of its own and then goes on to name it: the next statement is refused.
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
    """Answers as the Data API's reference says: a transaction that has ended is not found."""
    asked = []

    def do_POST(self):
        transaction = json.loads(self.rfile.read(int(self.headers["content-length"]))).get("transactionId")
        DataApi.asked.append((self.path, transaction))
        ended = ("/CommitTransaction", transaction) in DataApi.asked[:-1] and transaction
        answers = {"/BeginTransaction": {"transactionId": "t"}, "/CommitTransaction": {"transactionStatus": "Transaction Committed"}}
        answer = answers.get(self.path, {"updateResults": [{"generatedFields": []}], "numberOfRecordsUpdated": 1, "generatedFields": []})
        body = json.dumps({"message": f"Transaction {transaction} is not found"} if ended else answer).encode()
        self.send_response(404 if ended else 200)
        if ended:
            self.send_header("x-amzn-ErrorType", "TransactionNotFoundException")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass

server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), DataApi)
threading.Thread(target=server.serve_forever, daemon=True).start()
client = boto3.client("rds-data", "us-east-1", endpoint_url=f"http://127.0.0.1:{server.server_port}",
                      aws_access_key_id="any", aws_secret_access_key="any")
api = DataAPI(resource_arn="arn:aws:rds:us-east-1:000000000000:cluster:c", database="d", client=client,
              secret_arn="arn:aws:secretsmanager:us-east-1:000000000000:secret:s")
api.execute("UPDATE t SET n = 1")
api.batch_execute("INSERT INTO t (n) VALUES (:n)", [{"n": 1}])
try:
    api.execute("UPDATE t SET n = 2")
    seen = "updates"
except Exception as error:
    seen = type(error).__name__
print("pydataapi 0.4.24 asks:", *(f"{path[1:]} in {transaction}" for path, transaction in DataApi.asked), sep="\n  ")
print("the last of them:", seen)
sys.exit(seen != "TransactionNotFoundException" or [transaction for _, transaction in DataApi.asked] != [None, None, "t", "t", "t"])
PYTHON
