"""A mistake cannot destroy prod's data, and prod's database is maintained as its version line requires."""

import re
import tomllib

from findings import no_findings
from samcli.yamlhelper import yaml_parse
from transformed import ROOT

DATABASE = yaml_parse((ROOT / "deploy_scripts/database.yaml").read_text())["Resources"]
PROD = dict(re.findall(r'^: "\$\{(\w+):=(.*)\}"$', (ROOT / "deploy_scripts/config-prod.env").read_text(), re.M))
PARAMETERS = tomllib.loads((ROOT / "samconfig.toml").read_text())["prod"]["global"]["parameters"]["parameter_overrides"]
TABLE = yaml_parse((ROOT / "template.yaml").read_text())["Resources"]["DimensionsTable"]
INSTANCES = [found["Properties"] for found in DATABASE.values() if found["Type"] == "AWS::RDS::DBInstance"]


@no_findings
def test_prods_data_is_protected():
    """prod's cluster and table cannot be deleted; the table outlives its stack, and the cluster leaves a snapshot."""
    if PROD["DELETION_PROTECTION"] != "true":
        yield "config-prod.env: DELETION_PROTECTION is not true"
    if "TableDeletionProtection=true" not in PARAMETERS.split():
        yield "samconfig.toml: prod lacks TableDeletionProtection=true"
    # The second one is in the standby region.
    here, standby = TABLE["Properties"]["Replicas"]
    for replica in (here, standby["Fn::If"][1]):
        if replica.get("DeletionProtectionEnabled") != {"Fn::If": ["ProtectsTable", True, False]}:
            yield f"template.yaml: TableDeletionProtection does not reach the replica {replica['Region']}"
        if replica["PointInTimeRecoverySpecification"] != {"PointInTimeRecoveryEnabled": True}:
            yield f"template.yaml: the replica {replica['Region']} has no point-in-time recovery"
    for resource, kept in ((TABLE, "Retain"), (DATABASE["Cluster"], "Snapshot")):
        if {resource.get("DeletionPolicy"), resource.get("UpdateReplacePolicy")} != {kept}:
            yield f"{resource['Type']}: its policies are not {kept}"


@no_findings
def test_the_database_is_kept_as_its_version_line_wants_it():
    """A reader in a second zone, no pause in prod, fixed windows, no upgrade out of the line, a slow-query log."""
    if float(PROD["MIN_CAPACITY"]) <= 0:
        yield "config-prod.env: MIN_CAPACITY lets the cluster pause"
    if PROD["READER"] != "true":
        yield "config-prod.env: READER is not true"
    for name in ("BACKUP_WINDOW", "MAINTENANCE_WINDOW"):
        if not PROD[name]:
            yield f"config-prod.env: {name} is empty"
    zones = [instance["AvailabilityZone"]["Fn::If"][1]["Fn::Select"][0] for instance in INSTANCES]
    if sorted(zones) != [0, 1]:
        yield f"database.yaml: the instances are in the zones {zones}"
    for instance in INSTANCES:
        if instance["AutoMinorVersionUpgrade"] is not False:
            yield "database.yaml: an instance upgrades itself, out of the long-term support line"
    cluster = DATABASE["Cluster"]["Properties"]
    for name in ("PreferredBackupWindow", "PreferredMaintenanceWindow"):
        if "Fn::If" not in cluster.get(name, {}):
            yield f"database.yaml: {name} is not a parameter's"
    parameters = DATABASE["ParameterGroup"]["Properties"]["Parameters"]
    if "slowquery" not in cluster["EnableCloudwatchLogsExports"] or parameters.get("slow_query_log") != 1:
        yield "database.yaml: the slow-query log is not written, or not exported"
