#!/usr/bin/env bash
# awswrangler reads a DATETIME or TIME of whole seconds as such, fails on one with a fraction, as a DATETIME(3) may
# have, and leaves a TIMESTAMP a text.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check awswrangler==3.17.1 boto3==1.44.8
AWS_EC2_METADATA_DISABLED=true AWS_ACCESS_KEY_ID=any AWS_SECRET_ACCESS_KEY=any AWS_DEFAULT_REGION=us-east-1 "$work/venv/bin/python" - <<'PYTHON'
import http.server, json, os, sys, threading

class DataApi(http.server.BaseHTTPRequestHandler):
    """Has one row with one column, whose type and value have their turn."""
    column = ("", "")

    def do_POST(self):
        self.rfile.read(int(self.headers["content-length"]))
        name, value = self.column
        metadata = [{"name": "c", "label": "c", "typeName": name}]
        body = json.dumps({"columnMetadata": metadata, "records": [[{"stringValue": value}]], "numberOfRecordsUpdated": 0}).encode()
        self.send_response(200)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass

server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), DataApi)
threading.Thread(target=server.serve_forever, daemon=True).start()
os.environ["AWS_ENDPOINT_URL"] = f"http://127.0.0.1:{server.server_port}"
import awswrangler

connection = awswrangler.data_api.rds.connect("arn:aws:rds:us-east-1:000000000000:cluster:c", "d", "arn:aws:secretsmanager:us-east-1:000000000000:secret:s")
seen = []
for DataApi.column in (("DATETIME", "2024-01-02 03:04:05"), ("TIMESTAMP", "2024-01-02 03:04:05"), ("TIME", "03:04:05"),
                       ("DATETIME", "2024-01-02 03:04:05.678"), ("TIME", "03:04:05.678")):
    try:
        value = awswrangler.data_api.rds.read_sql_query("SELECT c FROM t", connection)["c"][0]
        seen.append(type(value).__name__)
    except ValueError as error:
        seen.append(str(error))
    print("awswrangler 3.17.1, {} {}:".format(*DataApi.column), seen[-1])
sys.exit(seen[:3] != ["Timestamp", "str", "time"] or seen[3:] != ["unconverted data remains: .678"] * 2)
PYTHON
