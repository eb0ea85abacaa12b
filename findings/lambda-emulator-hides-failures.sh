#!/usr/bin/env bash
# AWS's Lambda runtime emulator, as sam ships it: no error header, DryRun runs the function, the trace header is lost.
set -euo pipefail
work=$(mktemp -d)
trap 'kill $(jobs -p) 2>/dev/null || true; rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check aws-sam-cli==1.170.0
cat >"$work/bootstrap" <<'PYTHON'
#!/usr/bin/env python3
import http.client, json, os, sys
api, runs = os.environ["AWS_LAMBDA_RUNTIME_API"], 0
def call(method, path, body=None):
    connection = http.client.HTTPConnection(api)
    connection.request(method, f"/2018-06-01/runtime/invocation/{path}", body)
    answer = connection.getresponse()
    return answer, answer.read()
while True:
    event, body = call("GET", "next")
    runs += 1
    seen = {"runs": runs, "trace": event.getheader("Lambda-Runtime-Trace-Id")}
    failed = body == b'"fail"'
    call("POST", f"{event.getheader('Lambda-Runtime-Aws-Request-Id')}/{'error' if failed else 'response'}", json.dumps({"errorType": "Failed"} if failed else seen))
PYTHON
chmod +x "$work/bootstrap"
"$work/venv/bin/python" - "$work" <<'PYTHON'
import glob, http.client, json, platform, socket, subprocess, sys, time

def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]

work, port = sys.argv[1], free_port()
arch = "arm64" if platform.machine() in ("arm64", "aarch64") else "x86_64"
emulator = glob.glob(f"{work}/venv/lib/*/site-packages/samcli/local/rapid/aws-lambda-rie-{arch}")[0]
command = [emulator, "--runtime-interface-emulator-address", f"127.0.0.1:{port}", "--runtime-api-address", f"127.0.0.1:{free_port()}", f"{work}/bootstrap"]
running = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
def invoke(event, **headers):
    for _ in range(100):
        try:
            connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
            connection.request("POST", "/2015-03-31/functions/function/invocations", json.dumps(event), {k.replace("_", "-"): v for k, v in headers.items()})
            answer = connection.getresponse()
            return answer.status, answer.getheader("X-Amz-Function-Error"), json.loads(answer.read())
        except ConnectionRefusedError:
            time.sleep(0.1)
trace = "Root=1-5759e988-bd862e3fe1be46a994272793;Sampled=1"
seen = [invoke("ok", X_Amzn_Trace_Id=trace), invoke("fail"), invoke("dry", X_Amz_Invocation_Type="DryRun")]
running.terminate()
print("emulator of aws-sam-cli 1.170.0:", *seen, sep="\n  ")
sys.exit(seen != [(200, None, {"runs": 1, "trace": None}), (200, None, {"errorType": "Failed"}), (200, None, {"runs": 3, "trace": None})])
PYTHON
