"""Point-in-time restores: ministack lacks those of clusters, and ignores the time for tables.

A table's state is stored after each write. A cluster's data is in a MariaDB that ministack does not know: the program
in $FLEET_RESTORE_CLUSTER restores it, with the new cluster's name and the time as arguments.
"""

import copy
import datetime
import json
import os
import subprocess
import time
from collections import defaultdict

from ministack.services import dynamodb, rds, secretsmanager

# (time, table, items), oldest first.
HISTORY = []


def now(days_ago=0):
    moment = datetime.datetime.now(datetime.timezone.utc) - datetime.timedelta(days=days_ago)
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def recorded(write):
    def handler(data):
        answer = write(data)
        table = data["TableName"].rpartition("/")[2]
        if table in dynamodb._tables:
            HISTORY.append((time.time(), table, copy.deepcopy(dict(dynamodb._tables[table]["items"]))))
        return answer

    return handler


def restore_table(data):
    answer = restore_table_of_ministack(data)
    if answer[0] == 200:
        moment = float(data.get("RestoreDateTime") or time.time())
        kept = [items for when, table, items in HISTORY if table == data["SourceTableName"] and when <= moment]
        dynamodb._tables[data["TargetTableName"]]["items"] = defaultdict(dict, copy.deepcopy(kept[-1] if kept else {}))
        dynamodb._update_counts(dynamodb._tables[data["TargetTableName"]])
    return answer


def describe_backups(data):
    status, headers, body = describe_backups_of_ministack(data)
    described = json.loads(body)
    recovery = described.get("ContinuousBackupsDescription", {}).get("PointInTimeRecoveryDescription", {})
    if "EarliestRestorableDateTime" in recovery:
        # ministack reports that only the present can be restored.
        recovery["EarliestRestorableDateTime"] -= 24 * 3600
    return status, headers, json.dumps(described).encode()


def restore_cluster(p):
    name, source = rds._p(p, "DBClusterIdentifier"), rds._p(p, "SourceDBClusterIdentifier")
    if source not in rds._clusters:
        return rds._error("DBClusterNotFoundFault", f"DBCluster {source} not found.", 404)
    subprocess.run([os.environ["FLEET_RESTORE_CLUSTER"], name, rds._p(p, "RestoreToTime") or now()], check=True, timeout=120)
    cluster = copy.deepcopy(rds._clusters[source])
    arn = cluster["DBClusterArn"].rpartition(":")[0] + f":{name}"
    cluster |= {
        "DBClusterIdentifier": name,
        "DBClusterArn": arn,
        "DBSubnetGroup": rds._p(p, "DBSubnetGroupName"),
        "DBClusterParameterGroup": rds._p(p, "DBClusterParameterGroupName"),
        # None of these are restored.
        "DBClusterMembers": [],
        "MasterUserSecret": None,
        "HttpEndpointEnabled": False,
        "DeletionProtection": False,
        "TagList": [],
    }
    rds._clusters[name] = cluster
    described = f"<RestoreDBClusterToPointInTimeResult><DBCluster>{rds._cluster_xml(cluster)}</DBCluster></RestoreDBClusterToPointInTimeResult>"
    return rds._xml(200, "RestoreDBClusterToPointInTimeResponse", described)


def modify_cluster(p):
    cluster = rds._clusters.get(rds._p(p, "DBClusterIdentifier"))
    if cluster and rds._p(p, "ManageMasterUserPassword") == "true" and not cluster.get("MasterUserSecret"):
        value = json.dumps({"username": cluster["MasterUsername"], "password": "emulated"})
        secret = secretsmanager.create_secret_in_process(f"rds!cluster-{cluster['DBClusterIdentifier']}", value)
        cluster["MasterUserSecret"] = {"SecretArn": secret, "SecretStatus": "active"}
    return modify_cluster_of_ministack(p)


def describe_clusters(p):
    for cluster in rds._clusters.values():
        cluster |= {"EarliestRestorableTime": now(days_ago=1), "LatestRestorableTime": now()}
    return describe_clusters_of_ministack(p)


restore_table_of_ministack = dynamodb._restore_table_to_point_in_time
describe_backups_of_ministack = dynamodb._describe_continuous_backups
modify_cluster_of_ministack = rds._ACTION_MAP["ModifyDBCluster"]
describe_clusters_of_ministack = rds._ACTION_MAP["DescribeDBClusters"]


def add():
    for write in ("_put_item", "_update_item", "_delete_item"):
        setattr(dynamodb, write, recorded(getattr(dynamodb, write)))
    dynamodb._restore_table_to_point_in_time = restore_table
    dynamodb._describe_continuous_backups = describe_backups
    rds._ACTION_MAP |= {
        "RestoreDBClusterToPointInTime": restore_cluster,
        "ModifyDBCluster": modify_cluster,
        "DescribeDBClusters": describe_clusters,
    }
