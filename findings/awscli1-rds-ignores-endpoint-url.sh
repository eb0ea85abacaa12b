#!/usr/bin/env bash
# AWS CLI 1 sends rds calls in us-east-1 to AWS although AWS_ENDPOINT_URL is set; other regions and services follow it.
set -euo pipefail
work=$(mktemp -d)
trap 'kill $(jobs -p) 2>/dev/null || true; rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check awscli==1.46.2
# Nothing leaves this machine: whatever would go to AWS goes to a proxy port that is closed.
env AWS_ACCESS_KEY_ID=any AWS_SECRET_ACCESS_KEY=any AWS_MAX_ATTEMPTS=1 AWS_CONFIG_FILE=/dev/null HTTPS_PROXY=http://127.0.0.1:9 \
    NO_PROXY=127.0.0.1 "$work/venv/bin/python" - "$work/venv/bin/aws" <<'PYTHON'
import http.server, os, subprocess, sys, threading

seen = []
class Endpoint(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        seen.append(self.headers["Host"])
        self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(500)
        self.send_header("Content-Length", "0")
        self.end_headers()
    def log_message(self, *_):
        pass

server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Endpoint)
threading.Thread(target=server.serve_forever, daemon=True).start()
environment = os.environ | {"AWS_ENDPOINT_URL": f"http://127.0.0.1:{server.server_port}"}
followed = {}
for region, *command in (("us-east-1", "rds", "describe-db-clusters"), ("eu-west-1", "rds", "describe-db-clusters"), ("us-east-1", "sns", "list-topics")):
    seen.clear()
    subprocess.run([sys.argv[1], *command, "--region", region], env=environment, capture_output=True, check=False)
    followed[f"{command[0]} in {region}"] = bool(seen)
print("awscli 1.46.2 follows AWS_ENDPOINT_URL:", followed)
sys.exit(list(followed.values()) != [False, True, True])
PYTHON
