#!/usr/bin/env bash
# cfn-lint passes three templates that CloudFormation, CloudWatch and API Gateway refuse by their documents.
set -euo pipefail
work=$(mktemp -d)
trap 'kill $(jobs -p) 2>/dev/null || true; rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check cfn-lint==1.58.0
"$work/venv/bin/python" - "$work" <<'PYTHON'
import json, pathlib, subprocess, sys

work = pathlib.Path(sys.argv[1])
metrics = [
    {"Id": f"m{i}", "ReturnData": False, "MetricStat": {"Stat": "Sum", "Period": 60, "Metric": {"Namespace": "N", "MetricName": f"m{i}"}}}
    for i in range(11)
]
total = {"Id": "total", "Expression": "SUM(METRICS())", "ReturnData": True}
alarm = {"ComparisonOperator": "GreaterThanThreshold", "EvaluationPeriods": 1, "Threshold": 0, "Metrics": [total, *metrics]}
api = {"Name": "a", "EndpointConfiguration": {"Types": ["REGIONAL"]}, "SecurityPolicy": "SecurityPolicy_TLS13_1_2_PFS_PQ_2025_09"}
joined = {"Fn::Equals": [{"Fn::Join": ["", [{"Ref": "A"}, {"Ref": "A"}]]}, "aa"]}
templates = {
    # docs: "Rule-specific intrinsic functions" has no Fn::Join.
    "Fn::Join in Rules": {
        "Parameters": {"A": {"Type": "String"}},
        "Rules": {"R": {"Assertions": [{"Assert": joined, "AssertDescription": "equal"}]}},
        "Resources": {"T": {"Type": "AWS::SNS::Topic"}},
    },
    # docs: an alarm on a metric math expression has at most 10 metrics.
    "an alarm of 11 metrics": {"Resources": {"A": {"Type": "AWS::CloudWatch::Alarm", "Properties": alarm}}},
    # docs: policies whose names begin with SecurityPolicy_ need EndpointAccessMode.
    "SecurityPolicy_… without EndpointAccessMode": {"Resources": {"Api": {"Type": "AWS::ApiGateway::RestApi", "Properties": api}}},
}
passed = []
for name, template in templates.items():
    file = work / "template.json"
    file.write_text(json.dumps({"AWSTemplateFormatVersion": "2010-09-09"} | template))
    lint = subprocess.run([work / "venv/bin/cfn-lint", "-i", "I", "--", file], capture_output=True, text=True, check=False)
    print(f"cfn-lint 1.58.0, {name}: exit code {lint.returncode} {lint.stdout.strip()}")
    passed.append(lint.returncode == 0)
sys.exit(not all(passed))
PYTHON
