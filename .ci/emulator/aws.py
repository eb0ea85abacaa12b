"""Runs ministack with additions for template.yaml and deploy_scripts/*.yaml that ministack lacks.

Its CloudFormation supports neither subnet groups nor parameter groups of RDS, creates no secret for a cluster whose
password RDS manages, rejects alarms over several metrics and on logs, has no CodeDeploy (an alias moves at once, and
nothing calls the hooks), and stores a managed policy's document where its IAM does not look. It has no Application
Auto Scaling at all: a scalable target and its policy get their names and validation as in the service, but scale
nothing. What it lacks for two regions is in regions.py, for restores in restores.py, and for running functions in
lambda_runtime.py. The templates are deployed unchanged, so these are added here. The password in the secret is fixed:
it only opens the cluster that this process invents.
"""

import json

import lambda_runtime
import regions
import restores
from ministack import app
from ministack.services import iam, lambda_svc, rds, secretsmanager
from ministack.services.cloudformation import provisioners

HANDLERS = provisioners._RESOURCE_HANDLERS


def named(logical_id, properties, stack):
    """A resource of which only the name matters."""
    return provisioners._physical_name(stack, logical_id, lowercase=True, max_len=63), {}


def forgotten(physical_id, properties):
    """Nothing was stored, so there is nothing to delete."""


def secret_name(cluster):
    return f"rds!cluster-{cluster}"


def create_cluster(logical_id, properties, stack):
    cluster, attributes = create_cluster_of_ministack(logical_id, properties, stack)
    # ministack stores these two as the template writes them, and returns any non-empty text as true.
    for key in ("DeletionProtection", "StorageEncrypted"):
        rds._clusters[cluster][key] = str(properties.get(key, False)).lower() == "true"
    rds._clusters[cluster]["HttpEndpointEnabled"] = properties.get("EnableHttpEndpoint", False)
    regions.join_global_database(cluster, properties)
    attributes |= {"DBClusterArn": attributes["Arn"]}
    if str(properties.get("ManageMasterUserPassword", False)).lower() == "true":
        value = {"username": properties["MasterUsername"], "password": "emulated", "engine": "mysql", "host": "127.0.0.1", "port": 3306}
        name = secret_name(cluster)
        secret = secretsmanager.create_secret_in_process(name, json.dumps(value)) or secretsmanager._secrets[name]["ARN"]
        attributes |= {"MasterUserSecret.SecretArn": secret}
    return cluster, attributes


def delete_cluster(physical_id, properties):
    regions.leave_global_database(rds._clusters.get(physical_id))
    delete_cluster_of_ministack(physical_id, properties)
    secretsmanager._secrets.pop(secret_name(physical_id), None)


def create_function(logical_id, properties, stack):
    """ministack recreates a function to change it, and loses its versions and its alias until they are recreated."""
    before = dict(lambda_svc._functions.items())
    name, attributes = create_function_of_ministack(logical_id, properties, stack)
    if name in before:
        for key in ("versions", "aliases", "next_version"):
            lambda_svc._functions[name][key] = before[name][key]
    return name, attributes


def create_alarm(logical_id, properties, stack):
    if properties.get("Metrics"):
        return named(logical_id, properties, stack)
    return create_alarm_of_ministack(logical_id, properties, stack)


def create_scalable_target(logical_id, properties, stack):
    lowest, highest = int(properties["MinCapacity"]), int(properties["MaxCapacity"])
    if lowest > highest:
        raise ValueError("The maximum capacity must be greater than or equal to the minimum capacity.")
    if properties["ServiceNamespace"] == "custom-resource" and not properties["ResourceId"].startswith("https://"):
        raise ValueError(f"Unsupported service namespace, resource type or scalable dimension: {properties}")
    return f"{properties['ResourceId']}|{properties['ScalableDimension']}|{properties['ServiceNamespace']}", {}


def create_scaling_policy(logical_id, properties, stack):
    resource, separator, namespace = properties["ScalingTargetId"].rpartition("|")
    if properties["PolicyType"] == "StepScaling":
        is_valid = bool(properties["StepScalingPolicyConfiguration"]["StepAdjustments"])
    else:
        configuration = properties["TargetTrackingScalingPolicyConfiguration"]
        customized = configuration.get("CustomizedMetricSpecification", {})
        # Exactly one of several metrics must be followed.
        followed = [metric for metric in customized.get("Metrics", []) if str(metric.get("ReturnData", True)).lower() == "true"]
        predefined = configuration.get("PredefinedMetricSpecification", {}).get("PredefinedMetricType")
        has_metric = bool(customized.get("MetricName") or len(followed) == 1 or predefined)
        # A custom resource can only follow a custom metric.
        is_valid = float(configuration["TargetValue"]) > 0 and has_metric and not (predefined and namespace == "custom-resource")
    if not separator or not is_valid:
        raise ValueError(f"No scalable target registered, or no target, metric or steps: {properties}")
    return f"arn:aws:autoscaling:us-east-1:000000000000:scalingPolicy:{stack}:resource/{resource}:policyName/{properties['PolicyName']}", {}


def create_managed_policy(logical_id, properties, stack):
    arn, attributes = create_managed_policy_of_ministack(logical_id, properties, stack)
    policy = iam._policies[arn]
    policy["Versions"] = {version["VersionId"]: version | {"CreateDate": policy["CreateDate"]} for version in policy["PolicyVersions"]}
    return arn, attributes


create_managed_policy_of_ministack = HANDLERS["AWS::IAM::ManagedPolicy"]["create"]
create_cluster_of_ministack = HANDLERS["AWS::RDS::DBCluster"]["create"]
delete_cluster_of_ministack = HANDLERS["AWS::RDS::DBCluster"]["delete"]
create_function_of_ministack = HANDLERS["AWS::Lambda::Function"]["create"]
create_alarm_of_ministack = HANDLERS["AWS::CloudWatch::Alarm"]["create"]

HANDLERS["AWS::RDS::DBSubnetGroup"] = {"create": named, "delete": forgotten}
HANDLERS["AWS::RDS::DBClusterParameterGroup"] = {"create": named, "delete": forgotten}
HANDLERS["AWS::RDS::DBCluster"] = {"create": create_cluster, "delete": delete_cluster}
HANDLERS["AWS::ApplicationAutoScaling::ScalableTarget"] = {"create": create_scalable_target, "delete": forgotten}
HANDLERS["AWS::ApplicationAutoScaling::ScalingPolicy"] = {"create": create_scaling_policy, "delete": forgotten}
HANDLERS["AWS::IAM::ManagedPolicy"] = HANDLERS["AWS::IAM::ManagedPolicy"] | {"create": create_managed_policy}
HANDLERS["AWS::Lambda::Function"] = HANDLERS["AWS::Lambda::Function"] | {"create": create_function}
HANDLERS["AWS::CloudWatch::Alarm"] = HANDLERS["AWS::CloudWatch::Alarm"] | {"create": create_alarm}
# Nothing is created for these, so all that is tested is that the rest of the stack can refer to them.
for name in (
    "AWS::CloudWatch::LogAlarm",
    "AWS::CodeDeploy::Application",
    "AWS::CodeDeploy::DeploymentGroup",
    "AWS::Logs::MetricFilter",
    "AWS::Logs::QueryDefinition",
):
    HANDLERS.setdefault(name, {"create": named, "delete": forgotten})
regions.add_to(HANDLERS, named, forgotten)
restores.add()
lambda_runtime.add()

if __name__ == "__main__":
    app.main()
