#!/usr/bin/env bash
# aurora-data-api knows PostgreSQL's names of types only: of MySQL's, a DATETIME stays a text, while a TIMESTAMP is a datetime.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check aurora-data-api==0.5.0 boto3==1.44.8
AWS_EC2_METADATA_DISABLED=true "$work/venv/bin/python" - <<'PYTHON'
import http.server, json, sys, threading
import aurora_data_api, boto3

COLUMNS = ("DATE", "2024-01-02"), ("TIMESTAMP", "2024-01-02 03:04:05"), ("DATETIME", "2024-01-02 03:04:05")

class DataApi(http.server.BaseHTTPRequestHandler):
    """Has one row of a table of Aurora MySQL, whose columns are called as their types."""

    def do_POST(self):
        self.rfile.read(int(self.headers["content-length"]))
        answer = {"transactionId": "t", "transactionStatus": "Transaction Committed", "numberOfRecordsUpdated": 0}
        if self.path == "/Execute":
            answer["columnMetadata"] = [{"name": name, "label": name, "typeName": name} for name, _ in COLUMNS]
            answer["records"] = [[{"stringValue": value} for _, value in COLUMNS]]
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
with aurora_data_api.connect(aurora_cluster_arn="arn:aws:rds:us-east-1:000000000000:cluster:c", database="d", rds_data_client=client,
                             secret_arn="arn:aws:secretsmanager:us-east-1:000000000000:secret:s") as connection:
    cursor = connection.cursor()
    cursor.execute("SELECT * FROM t")
    seen = [type(value).__name__ for value in cursor.fetchone()]
for (column, _), kind in zip(COLUMNS, seen):
    print(f"aurora-data-api 0.5.0: a {column} is a {kind}")
sys.exit(seen != ["date", "datetime", "str"])
PYTHON
