#!/usr/bin/env bash
# awswrangler's RdsDataApi means to wait for a paused cluster: it sends a malformed request 30 times, 15 s long, and gives up at once
# on DatabaseResumingException, which is what a paused cluster answers.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check awswrangler==3.17.1 boto3==1.44.8
AWS_EC2_METADATA_DISABLED=true AWS_ACCESS_KEY_ID=any AWS_SECRET_ACCESS_KEY=any AWS_DEFAULT_REGION=us-east-1 \
    "$work/venv/bin/python" - 2>/dev/null <<'PYTHON'
import http.server, json, os, sys, threading

class DataApi(http.server.BaseHTTPRequestHandler):
    """Fails every call with the error whose turn it is, with the status that the service model gives it."""
    error, calls = "", 0

    def do_POST(self):
        DataApi.calls += 1
        self.rfile.read(int(self.headers["content-length"]))
        body = json.dumps({"message": "an error"}).encode()
        self.send_response(400)
        self.send_header("x-amzn-ErrorType", self.error)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass

server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), DataApi)
threading.Thread(target=server.serve_forever, daemon=True).start()
os.environ["AWS_ENDPOINT_URL"] = f"http://127.0.0.1:{server.server_port}"
import awswrangler

calls = {}
for DataApi.error in ("BadRequestException", "DatabaseResumingException"):
    DataApi.calls = 0
    connection = awswrangler.data_api.rds.connect("arn:aws:rds:us-east-1:000000000000:cluster:c", "d", "arn:aws:secretsmanager:us-east-1:000000000000:secret:s")
    try:
        awswrangler.data_api.rds.read_sql_query("SELECT 1", connection)
    except Exception:
        calls[DataApi.error] = DataApi.calls
for error, count in calls.items():
    print(f"awswrangler 3.17.1: a SELECT that meets {error} is sent {count} time(s)")
sys.exit(calls != {"BadRequestException": 30, "DatabaseResumingException": 1})
PYTHON
