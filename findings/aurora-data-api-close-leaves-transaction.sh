#!/usr/bin/env bash
# aurora-data-api's connection.close() sends nothing: the transaction that its first cursor began stays open, with its locks.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check aurora-data-api==0.5.0 boto3==1.44.8
AWS_EC2_METADATA_DISABLED=true "$work/venv/bin/python" - <<'PYTHON'
import contextlib, http.server, json, sys, threading
import aurora_data_api, boto3

class DataApi(http.server.BaseHTTPRequestHandler):
    """Answers as the Data API's reference says, and remembers what it was asked for."""
    asked = []

    def do_POST(self):
        self.rfile.read(int(self.headers["content-length"]))
        DataApi.asked.append(self.path)
        answers = {"/BeginTransaction": {"transactionId": "t"}, "/CommitTransaction": {"transactionStatus": "Transaction Committed"}}
        answer = answers.get(self.path, {"numberOfRecordsUpdated": 1, "generatedFields": []})
        body = json.dumps(answer).encode()
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
arns = {"aurora_cluster_arn": "arn:aws:rds:us-east-1:000000000000:cluster:c", "secret_arn": "arn:aws:secretsmanager:us-east-1:000000000000:secret:s"}

def asked_by(manage):
    DataApi.asked = []
    with manage(aurora_data_api.connect(**arns, database="d", rds_data_client=client)) as connection:
        connection.cursor().execute("UPDATE t SET n = 1")
    return DataApi.asked

closing, within = asked_by(contextlib.closing), asked_by(lambda connection: connection)
print("aurora-data-api 0.5.0, closed after an UPDATE:", *closing)
print("its own context manager:", *within)
begun = ["/BeginTransaction", "/Execute"]
sys.exit(closing != begun or within != [*begun, "/CommitTransaction"])
PYTHON
