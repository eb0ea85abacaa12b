"""Two regions behind one name: databases, schema and APIs of both, one address and one key, and moving traffic.

The scripts for AWS run against an emulator. ministack stores what the templates declare, in two regions;
.ci/emulator/regions.py adds what it lacks, and .ci/emulator/edge.py stands in for CloudFront, Route 53 and Aurora's two
roles. CloudFront's own behaviour is not tested. Needs the functions and fleet-server as built by .ci/edge, and curl.

Each fixture deploys one more part. The tests are in the order of the parts, since some check what is refused before the
next part exists; those after the shared address is deployed restore the traffic, and the last ones delete everything.
"""

import json

import pytest
from deployed import ask
from emulated import with_path
from functions.two_regions import ACCOUNT, PRIMARY, REGIONS, STANDBY, Arguments, TwoRegions

EDGE = "deploy_edge.sh dev"
READY = {"status": "ok", "checks": {"dynamodb": "ok", "data_api": "ok", "secret": "ok"}}


@pytest.fixture(scope="module")
def aws(tmp_path_factory):
    regions = TwoRegions(tmp_path_factory.mktemp("edge"))
    yield regions
    regions.end()


@pytest.fixture(scope="module")
def one_region(aws):
    """The database and the API of one region, the usual beginning, with a dimension."""
    aws.environment |= {"PRIMARY_REGION": PRIMARY, "STANDBY_REGION": ""}
    aws.done("deploy_rds.sh dev")
    # The secret that RDS manages is replaced by one that can be replicated, so the API refers to it by name meanwhile.
    # Another check covers that deploy_rds.sh requires this: ministack does not report which stacks import an export.
    cluster, secret = (aws.output("fleet-database-dev", name) for name in ("ClusterArn", "SecretArn"))
    aws.deploy_api(parameters=f" DbClusterArn={cluster} DbSecretArn={secret}")
    assert aws.dimension(PRIMARY, '{"desiredCapacity":3.0}').status == 200
    aws.table = aws.output("fleet-api-dev", "DimensionsTableName")
    aws.environment["STANDBY_REGION"] = STANDBY
    return aws


@pytest.fixture(scope="module")
def databases(one_region):
    """The database in two regions, with its schema."""
    for command in ("deploy_rds.sh dev", "deploy_rds.sh dev --standby", "deploy_rds.sh dev --standby", "create_schema.sh dev"):
        one_region.done(command)
    return one_region


@pytest.fixture(scope="module")
def primary(databases):
    """The API of the primary region, whose table has a replica."""
    databases.deploy_api()
    return databases


@pytest.fixture(scope="module")
def certified(primary):
    """The zone and the certificates, and the settings that name them."""
    made = primary.client("route53").create_hosted_zone(Name="example.com", CallerReference="edge")
    primary.zone = made["HostedZone"]["Id"]

    def certificate(region, name):
        asked = primary.client("acm", region).request_certificate(DomainName=name, ValidationMethod="DNS")
        return asked["CertificateArn"]

    here, there = (certificate(region, "*.example.com") for region in REGIONS)
    primary.certificates = {"here": here, "there": there, "other": certificate(PRIMARY, "other.example.com")}
    primary.certificates["none"] = f"{here.rpartition('/')[0]}/00000000-0000-0000-0000-000000000000"
    primary.environment |= {"PUBLIC_NAME": "api.example.com", "ZONE_NAME": "example.com"}
    primary.environment |= {"EDGE_CERTIFICATE_ARN": here, "PRIMARY_CERTIFICATE_ARN": here, "STANDBY_CERTIFICATE_ARN": there}
    return primary


@pytest.fixture(scope="module")
def regions(certified):
    """The APIs of both regions."""
    certified.deploy_api("--standby")
    return certified


@pytest.fixture(scope="module")
def edge(regions):
    """The shared address."""
    regions.done(EDGE)
    return regions


@pytest.fixture(scope="module")
def keyed(edge):
    """The shared address, and one key."""
    edge.first_sync = edge.done("sync_api_key.sh dev")
    return edge


# ---- One region, and then the second ----


def test_the_account_has_a_role_for_the_logs_of_api_gateway(aws):
    aws.done(f"deploy_account.sh {PRIMARY}")
    aws.done(f"deploy_account.sh {PRIMARY}")
    assert "fleet-account" in aws.client("apigateway").get_account()["cloudwatchRoleArn"]


def test_two_regions_need_two_names(aws):
    aws.refused("PRIMARY_REGION has no value", "deploy_rds.sh dev --standby")
    aws.refused("PRIMARY_REGION has no value", EDGE)
    aws.refused("They must be two regions", "deploy_rds.sh dev", PRIMARY_REGION=PRIMARY, STANDBY_REGION=PRIMARY)


def test_the_second_region_needs_its_database_and_the_first_one_s(one_region):
    missing = "there is no stack fleet-database-dev in eu-west-1. Run deploy_scripts/deploy_rds.sh dev --standby first"
    one_region.refused(missing, "deploy_api.sh dev --standby")
    one_region.refused("has no global database fleet-dev yet", "deploy_rds.sh dev --standby")


def test_the_api_of_the_second_region_needs_a_replica_of_the_table(databases):
    command = f"deploy_api.sh dev --standby --parameter-overrides '{databases.parameters}'"
    databases.refused("has no replica in eu-west-1", command)


def test_the_table_that_gets_a_replica_is_the_same_one(primary):
    assert primary.output("fleet-api-dev", "DimensionsTableName") == primary.table


def test_the_functions_read_the_secret_that_has_a_replica(primary):
    # Nothing refers to the old secret any more, but CloudFormation would still keep it for the function.
    name = primary.function(PRIMARY, "Ec2InventoryAdd")
    settings = primary.client("lambda").get_function_configuration(FunctionName=name)["Environment"]["Variables"]
    assert settings["DB_SECRET"] == "fleet-database-dev/writer"


@pytest.mark.parametrize("region", REGIONS)
@pytest.mark.parametrize("role", ["reader", "writer"])
def test_the_secret_of_a_role_has_its_user_in_both_regions(primary, role, region):
    assert json.loads(primary.secret(region, f"fleet-database-dev/{role}"))["username"] == f"fleet_{role}"


# ---- Bad input is refused before anything changes ----


def test_the_one_address_needs_the_apis_of_both_regions(certified):
    missing = "there is no stack fleet-api-dev in eu-west-1. Run deploy_scripts/deploy_api.sh dev --standby first"
    certified.refused(missing, EDGE)


@pytest.mark.parametrize(
    ("sentence", "command", "environment"),
    [
        ("PUBLIC_NAME is api.example.com, which is not in the zone example.org", EDGE, {"ZONE_NAME": "example.org"}),
        (
            "there is no public hosted zone nowhere.example",
            EDGE,
            {"PUBLIC_NAME": "api.nowhere.example", "ZONE_NAME": "nowhere.example"},
        ),
        ("EDGE_CERTIFICATE_ARN is a certificate in eu-west-1, and one in us-east-1 is needed", EDGE, {"EDGE_CERTIFICATE_ARN": "{there}"}),
        (
            "STANDBY_CERTIFICATE_ARN is a certificate in us-east-1, and one in eu-west-1 is needed",
            EDGE,
            {"STANDBY_CERTIFICATE_ARN": "{here}"},
        ),
        ("EDGE_CERTIFICATE_ARN does not cover api.example.com; it covers other.example.com", EDGE, {"EDGE_CERTIFICATE_ARN": "{other}"}),
        ("EDGE_CERTIFICATE_ARN names a certificate that does not exist", EDGE, {"EDGE_CERTIFICATE_ARN": "{none}"}),
        ("which is not a certificate ARN", EDGE, {"EDGE_CERTIFICATE_ARN": "api.example.com"}),
        ("they must be two names", EDGE, {"ORIGIN_NAME": "api.example.com"}),
        ("STANDBY_REGION is 'nowhere', which is not a region", EDGE, {"STANDBY_REGION": "nowhere"}),
        ("there is no environment named 'test'", "deploy_edge.sh test", {}),
        ("there is no stack fleet-edge-dev in us-east-1, so there is nothing to route", "route_away.sh dev standby --yes", {}),
        ("say where: primary, standby or auto", "route_away.sh dev", {}),
        ("which is not an SNS topic in us-east-1", EDGE, {"EDGE_ALARM_TOPIC_ARN": f"arn:aws:sns:eu-west-1:{ACCOUNT}:ops"}),
        ("which is not a web ACL for CloudFront", EDGE, {"WEB_ACL_ARN": f"arn:aws:wafv2:us-east-1:{ACCOUNT}:regional/webacl/a/b"}),
        ("no answer from http://127.0.0.1:9", EDGE, {"AWS_ENDPOINT_URL": "http://127.0.0.1:9"}),
    ],
)
def test_what_cannot_be_deployed_is_refused(regions, sentence, command, environment):
    regions.refused(sentence, command, **{name: value.format(**regions.certificates) for name, value in environment.items()})


def test_a_name_that_is_taken_is_refused(regions):
    record = {"Name": "api.example.com", "Type": "A", "TTL": 60, "ResourceRecords": [{"Value": "192.0.2.1"}]}

    def change(action):
        batch = {"Changes": [{"Action": action, "ResourceRecordSet": record}]}
        regions.client("route53").change_resource_record_sets(HostedZoneId=regions.zone, ChangeBatch=batch)

    change("CREATE")
    regions.refused("the zone example.com already has a record of api.example.com (A)", EDGE)
    change("DELETE")


def test_a_region_that_does_not_answer_is_refused(regions):
    with regions.ill(STANDBY):
        regions.refused("the API in eu-west-1 does not answer", EDGE)


# ---- The shared address and its key ----


def test_the_one_address_answers_from_the_primary_region(edge):
    edge.done(EDGE)
    assert edge.answering_region() == PRIMARY
    unavailable = READY | {"checks": READY["checks"] | {"data_api": "unavailable"}}
    assert json.loads(ask(f"{edge.address(STANDBY)}/v1/health/ready").text) == unavailable
    assert json.loads(ask(f"{edge.address(PRIMARY)}/v1/health/ready").text) == READY


def test_the_status_is_of_both_regions(edge):
    said = edge.done("status.sh dev")
    assert f"primary {PRIMARY}" in said and f"standby {STANDBY}" in said, said
    assert f"answers from {PRIMARY}." in said, said


def test_one_key_is_good_in_both_regions(keyed):
    again = keyed.done("sync_api_key.sh dev")
    key = keyed.shared_key()
    assert len(key) == 40
    assert keyed.shared_key(STANDBY) == key
    assert key not in keyed.first_sync and key not in again
    for region in REGIONS:
        assert keyed.keys(region) == {key}
        assert ask(f"{keyed.address(region)}/ec2").status == 403


def test_the_inventory_is_written_in_the_primary_region(keyed):
    assert keyed.add("i-before") == 200
    refused = keyed.instance("i-before", keyed.address(STANDBY))
    assert refused.status == 503
    assert "retry-after" in refused.headers


def test_a_key_is_rotated_and_seen_by_nobody(keyed):
    old = keyed.shared_key()
    # It is not an argument of any running command either.
    with Arguments() as arguments:
        said = keyed.done("sync_api_key.sh dev --rotate")
    new = keyed.shared_key(STANDBY)
    assert new != old
    assert arguments.show("fleet-api-dev-shared-"), "the arguments of sync_api_key.sh's commands were not seen"
    assert not arguments.show(new) and not arguments.show(old)
    for region in REGIONS:
        assert keyed.keys(region) == {new, old}
    said += keyed.done("sync_api_key.sh dev --retire")
    assert new not in said and old not in said
    for region in REGIONS:
        assert keyed.keys(region) == {new}
        assert ask(f"{keyed.address(region)}/ec2", key=old).status == 403


# ---- Moving traffic by hand ----


def test_traffic_moves_by_hand_and_back_again(keyed):
    assert keyed.add("i-here") == 200
    keyed.refused("nothing was changed. Answer yes, or give --yes", "route_away.sh dev standby")
    assert keyed.answering_region() == PRIMARY
    keyed.done("route_away.sh dev standby --yes")
    assert keyed.answering_region() == STANDBY
    assert keyed.has("i-here")
    assert keyed.add("i-there") == 200
    # The report to a pipeline for the primary region meanwhile, and to a person who deploys by hand.
    keyed.refused("/v1/health/ready answers 503", f"smoke_test.sh {keyed.address(PRIMARY)} --within 0")
    keyed.done(f"smoke_test.sh {keyed.address(PRIMARY)} --not-ready")
    assert '"desiredCapacity":3.0' in keyed.dimension(STANDBY).text
    keyed.done(EDGE)
    assert keyed.answering_region() == STANDBY, "deploy_edge.sh moved the traffic"
    keyed.done("route_away.sh dev auto --yes")
    assert keyed.answering_region() == PRIMARY
    assert keyed.has("i-there")


def test_traffic_is_held_in_the_primary_region(keyed):
    keyed.done("route_away.sh dev primary --yes")
    keyed.done("route_away.sh dev auto --yes")


# ---- An unhealthy region: traffic moves by itself, and the inventory waits for a person ----


def test_traffic_leaves_a_region_that_is_ill(keyed, tmp_path):
    assert keyed.add("i-kept") == 200
    with keyed.ill(PRIMARY):
        assert keyed.answering_region() == STANDBY
        assert keyed.instance("i-kept").status == 503, "its inventory waits to be promoted"
        keyed.done("status.sh dev")
        keyed.refused("the API in us-east-1 does not answer", "route_away.sh dev primary --yes")
        keyed.done("route_away.sh dev standby --allow-data-loss --yes")
        assert keyed.has("i-kept")
        # Worse: the region does not respond at all. The standby region's API is deployed without it.
        lost = tmp_path / "aws"
        lost.write_text(
            f"""#!/bin/sh
if [ "$AWS_REGION" = {PRIMARY} ]; then echo 'Could not connect to the endpoint URL: "{PRIMARY}"' >&2; exit 255; fi
exec {keyed.call_aws} "$@"
"""
        )
        lost.chmod(0o755)
        keyed.deploy_api("--standby", **with_path(keyed, tmp_path))
        keyed.done(f"smoke_test.sh {keyed.address(STANDBY)}")
    keyed.done("route_away.sh dev auto --yes")
    assert keyed.answering_region() == PRIMARY


# ---- Deletion ----


def test_all_of_it_is_deleted_in_its_order(keyed):
    keyed.refused("api.example.com still leads to fleet-api-dev", "delete_all.sh dev --yes")
    keyed.done("delete_edge.sh dev --yes")
    keyed.done("delete_edge.sh dev --yes")
    keyed.refused("is still there in eu-west-1, so nothing was deleted", "delete_all.sh dev --yes")
    keyed.done("delete_all.sh dev --standby --yes")
    keyed.done("delete_all.sh dev --yes")
    assert [keyed.stacks_left(region) for region in REGIONS] == [set(), set()]
    records = keyed.client("route53").list_resource_record_sets(HostedZoneId=keyed.zone)["ResourceRecordSets"]
    assert {record["Type"] for record in records} <= {"NS", "SOA"}
