"""What ministack's CloudFormation lacks for the templates of two regions; used by aws.py.

A replica of a global table is the same table seen from another region, so replication takes no time here. A global
database has members and a writer, but no data: SQL goes elsewhere (edge.py). Health checks are stored as declared, and
run by edge.py. ministack generates a value for every API key and requires none; here a key has the value it was created
with, and if EMULATOR_ASKS_FOR_API_KEYS is set, the inventory requires one from a usage plan.
"""

import json
import os
import re
from pathlib import Path

from ministack.core.responses import get_account_id, get_region, new_uuid
from ministack.services import apigateway_v1, dynamodb, rds, route53, secretsmanager


def asked(answer):
    """The response of an operation, or an exception with its message."""
    status, _, body = answer
    if status >= 300:
        raise ValueError(body)
    return body


# ---- DynamoDB ----


def replicas(properties):
    return {replica["Region"] for replica in properties.get("Replicas", [])} - {get_region()}


def global_table(create_table, delete_table):
    def spread(name, properties):
        for region in replicas(properties):
            dynamodb._tables.set_scoped(get_account_id(), region, name, dynamodb._tables[name])

    def create(logical_id, properties, stack):
        name, attributes = create_table(logical_id, properties, stack)
        spread(name, properties)
        return name, attributes

    def update(name, old, new, stack):
        for region in replicas(old) - replicas(new):
            dynamodb._tables.pop_scoped(get_account_id(), region, name, None)
        spread(name, new)
        return name, {"Arn": dynamodb._tables[name]["TableArn"]}

    def delete(name, properties):
        for region in replicas(properties):
            dynamodb._tables.pop_scoped(get_account_id(), region, name, None)
        delete_table(name, properties)

    return {"create": create, "update": update, "delete": delete}


# ---- Secrets Manager ----


def secret(create_secret):
    def create(logical_id, properties, stack):
        name, attributes = create_secret(logical_id, properties, stack)
        if regions := [{"Region": replica["Region"]} for replica in properties.get("ReplicaRegions", [])]:
            asked(secretsmanager._replicate_secret_to_regions({"SecretId": name, "AddReplicaRegions": regions}))
        # A Ref is the secret's ARN.
        return attributes["Arn"], attributes

    def delete(arn, properties):
        _, found = secretsmanager._resolve(arn)
        if found:
            secretsmanager._delete_replicas(found)
            secretsmanager._secrets.pop(found["Name"], None)

    return {"create": create, "delete": delete}


# ---- RDS ----


def create_global_cluster(logical_id, properties, stack):
    asked(rds._create_global_cluster({name: [value] for name, value in properties.items()}))
    return properties["GlobalClusterIdentifier"], {}


def delete_global_cluster(physical_id, properties):
    # As in CloudFormation: its own cluster leaves first.
    leave_global_database(rds._resolve_cluster_in_request_region(properties["SourceDBClusterIdentifier"]))
    asked(rds._delete_global_cluster({"GlobalClusterIdentifier": [physical_id]}))


def join_global_database(cluster, properties):
    if name := properties.get("GlobalClusterIdentifier"):
        found = rds._resolve_global_cluster(name)
        if not found:
            raise ValueError(f"Global cluster {name} not found.")
        rds._attach_cluster_to_global(found, rds._clusters[cluster], is_writer=False)


def leave_global_database(cluster):
    name = (cluster or {}).pop("GlobalClusterIdentifier", None)
    if name and (found := rds._resolve_global_cluster(name)):
        found["GlobalClusterMembers"] = [member for member in found["GlobalClusterMembers"] if member["DBClusterArn"] != cluster["DBClusterArn"]]


# ---- Route 53 ----


def health_config(properties):
    config = dict(properties["HealthCheckConfig"])
    for number in ("Port", "RequestInterval", "FailureThreshold", "HealthThreshold"):
        if number in config:
            config[number] = int(config[number])
    for flag in ("EnableSNI", "Inverted"):
        if flag in config:
            config[flag] = str(config[flag]).lower() == "true"
    return config


def create_health_check(logical_id, properties, stack):
    physical_id = new_uuid()
    route53._health_checks[physical_id] = {
        "id": physical_id,
        "caller_reference": f"{stack}-{logical_id}-{physical_id}",
        "config": health_config(properties),
        "version": 1,
    }
    return physical_id, {"HealthCheckId": physical_id}


def update_health_check(physical_id, old, new, stack):
    route53._health_checks[physical_id]["config"] = health_config(new)
    return physical_id, {"HealthCheckId": physical_id}


def delete_health_check(physical_id, properties):
    route53._health_checks.pop(physical_id, None)


# ---- API Gateway ----


def create_api_key(data):
    status, headers, body = create_api_key_of_ministack(data)
    made = json.loads(body)
    if value := data.get("value"):
        apigateway_v1._api_keys[made["id"]]["value"] = value
        body = json.dumps(made | {"value": value}).encode()
    return status, headers, body


async def execute(api_id, stage, method, path, headers, body, *rest):
    shown = apigateway_v1._header_ci(headers, "x-api-key")
    planned = {key for keys in apigateway_v1._usage_plan_keys.values() for key in keys}
    known = {key["value"] for key in apigateway_v1._api_keys.values() if key["enabled"] and key["id"] in planned}
    if path.startswith("/ec2") and shown not in known:
        return apigateway_v1._gw_error(403, "Forbidden")
    return await execute_of_ministack(api_id, stage, method, path, headers, body, *rest)


create_api_key_of_ministack = apigateway_v1._create_api_key
execute_of_ministack = apigateway_v1._handle_execute_in_scope


def add_to(handlers, named, forgotten):
    """Adds everything to ministack's handlers; `named` and `forgotten` are for resources that need only a name."""
    apigateway_v1._create_api_key = create_api_key
    if os.environ.get("EMULATOR_ASKS_FOR_API_KEYS"):
        apigateway_v1._handle_execute_in_scope = execute
    table, kept = handlers["AWS::DynamoDB::GlobalTable"], handlers["AWS::SecretsManager::Secret"]
    handlers["AWS::DynamoDB::GlobalTable"] = global_table(table["create"], table["delete"])
    handlers["AWS::SecretsManager::Secret"] = secret(kept["create"])
    # The versions that database.yaml allows may be newer than the emulator's list.
    database = (Path(__file__).parents[2] / "deploy_scripts/database.yaml").read_text(encoding="utf-8")
    rds.AURORA_MYSQL_ENGINE_VERSION_SET.update(re.findall(r"\b8\.[04]\.mysql_aurora\.[0-9.]*[0-9]", database))
    handlers["AWS::RDS::GlobalCluster"] = {"create": create_global_cluster, "delete": delete_global_cluster}
    handlers["AWS::Route53::HealthCheck"] = {"create": create_health_check, "update": update_health_check, "delete": delete_health_check}
    handlers["AWS::CloudFront::CachePolicy"] = {"create": named, "delete": forgotten}
