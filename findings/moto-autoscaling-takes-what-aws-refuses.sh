#!/usr/bin/env bash
# moto takes scaling policies, bounds and schedules of a custom resource that Application Auto Scaling refuses.
set -euo pipefail
work=$(mktemp -d)
trap 'kill $(jobs -p) 2>/dev/null || true; rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check 'moto[applicationautoscaling,server]==5.2.5' boto3==1.44.8
AWS_ACCESS_KEY_ID=any AWS_SECRET_ACCESS_KEY=any AWS_DEFAULT_REGION=us-east-1 "$work/venv/bin/python" - <<'PYTHON'
import sys
import boto3
from botocore.exceptions import ClientError
from moto.server import ThreadedMotoServer

server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
server.start()
host, port = server.get_host_and_port()
client = boto3.client("application-autoscaling", endpoint_url=f"http://{host}:{port}")
target = {
    "ServiceNamespace": "custom-resource",
    "ResourceId": "https://example.execute-api.us-east-1.amazonaws.com/prod/scalableTargetDimensions/1",
    "ScalableDimension": "custom-resource:ResourceType:Property",
}
metric = {"PredefinedMetricSpecification": {"PredefinedMetricType": "ECSServiceAverageCPUUtilization"}}
policy = {"PolicyName": "p", "PolicyType": "TargetTrackingScaling", "TargetTrackingScalingPolicyConfiguration": {"TargetValue": 50.0, **metric}}
# What the service answers by its API reference: ObjectNotFoundException, then ValidationException three times.
calls = {
    "policy for a target that is not registered": lambda: client.put_scaling_policy(**policy, **target),
    "MinCapacity above MaxCapacity": lambda: client.register_scalable_target(MinCapacity=5, MaxCapacity=1, **target),
    "a metric of ECS for a custom resource": lambda: client.put_scaling_policy(**policy, **target),
    "a schedule that is no expression": lambda: client.put_scheduled_action(ScheduledActionName="s", Schedule="cron(tomorrow)", **target),
}
taken = []
for what, call in calls.items():
    try:
        call()
        taken.append(what)
    except ClientError as error:
        print("refused:", what, error.response["Error"]["Code"])
print("moto 5.2.5 takes:", *taken, sep="\n  ")
server.stop()
sys.exit(taken != list(calls))
PYTHON
