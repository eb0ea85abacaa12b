#!/usr/bin/env bash
# aurora-data-api reads a result that is too large in pages, by PostgreSQL's cursors: on MySQL, the error that arrives is about that SQL.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check aurora-data-api==0.5.0 boto3==1.44.8
AWS_EC2_METADATA_DISABLED=true "$work/venv/bin/python" - <<'PYTHON'
import http.server, json, sys, threading
import aurora_data_api, boto3

class DataApi(http.server.BaseHTTPRequestHandler):
    """Aurora MySQL with a table of more than 1 MiB: DECLARE is for stored programs there, and a syntax error elsewhere."""
    statements = []

    def do_POST(self):
        statement = json.loads(self.rfile.read(int(self.headers["content-length"]))).get("sql")
        answer = {"transactionId": "t"}
        if statement:
            DataApi.statements.append(statement)
            wrong = "You have an error in your SQL syntax" if statement.startswith("DECLARE") else "Database returned more than the allowed response size limit"
            answer = {"message": wrong}
        body = json.dumps(answer).encode()
        self.send_response(400 if statement else 200)
        if statement:
            self.send_header("x-amzn-ErrorType", "BadRequestException")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass

server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), DataApi)
threading.Thread(target=server.serve_forever, daemon=True).start()
client = boto3.client("rds-data", "us-east-1", endpoint_url=f"http://127.0.0.1:{server.server_port}",
                      aws_access_key_id="any", aws_secret_access_key="any")
connection = aurora_data_api.connect(aurora_cluster_arn="arn:aws:rds:us-east-1:000000000000:cluster:c", database="d", rds_data_client=client,
                                     secret_arn="arn:aws:secretsmanager:us-east-1:000000000000:secret:s")
try:
    connection.cursor().execute("SELECT * FROM large")
    seen = "rows"
except Exception as error:
    seen = str(error)
first, *paging = (statement.split() for statement in DataApi.statements)
print("aurora-data-api 0.5.0 sends", " ".join(first), "and then", *(" ".join([words[0], "…", *words[2:]]) for words in paging))
print("and raises:", seen)
sys.exit([words[:1] + words[2:5] for words in paging] != [["DECLARE", "SCROLL", "CURSOR", "FOR"]] or "SQL syntax" not in seen)
PYTHON
