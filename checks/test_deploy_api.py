"""deploy_api.sh with stand-ins for sam, curl and AWS, and create_schema.sh with a paused cluster."""

import pytest
from conftest import ACCOUNT

NOBODY = {"ALARM_EMAIL": "none", "ALARM_TOPIC_ARN": "none"}
PROD = "deploy_api.sh prod"


@pytest.fixture
def deploy(scripts):
    """sam exits with 0 if the answer is no; the change set left behind, FLEET_LEFT, tells this from no changes."""
    scripts.aws(
        ACCOUNT,
        ("*StackStatus*", "echo UPDATE_COMPLETE"),
        ("*get-account-settings*", "echo 10"),
        ("*get-account*", 'echo "${FLEET_LOG_ROLE-arn:role}"'),
        ("*MultiRegionConsistency*", 'echo "${FLEET_TABLE:-EVENTUAL}"'),
        ("*list-change-sets*", 'cat "$0.sets"'),
        ("*DomainTarget*", 'echo "${FLEET_TARGET:-None}"'),
        ("*TruststoreUri*", "echo s3://bucket/ca.pem"),
        ("*DomainName*", "echo api.example.com"),
        ("*ApiEndpoint*", "echo https://a.execute-api.us-east-1.amazonaws.com/prod"),
        ("*describe-stacks*", 'echo "Answer = 42"'),
    )
    scripts.stand_in("sam", '[ -z "$FLEET_LEFT" ] || echo "$FLEET_LEFT" >>"$(dirname "$0")/aws.sets"')
    scripts.stand_in("cargo-lambda", ":")
    scripts.stand_in("curl", 'echo "$*" >>"$0.asked"')
    (scripts.programs / "aws.sets").write_text("arn:older\n")
    scripts.asked = scripts.programs / "curl.asked"
    return scripts


@pytest.mark.parametrize("script", ["deploy_rds", "deploy_api"])
@pytest.mark.parametrize("email", ["", "none"])
def test_a_prod_that_notifies_nobody_is_refused(deploy, script, email):
    deploy.refused("prod's alarms would notify nobody", f"{script}.sh prod", ALARM_EMAIL=email)


def test_a_deployment_without_changes_asks_the_api_for_its_health(deploy):
    assert "The stack fleet-api-prod is deployed:" in deploy.done(PROD, **NOBODY)
    assert "https://a.execute-api.us-east-1.amazonaws.com/prod/v1/health" in deploy.asked.read_text().split()


def test_with_client_certificates_the_domain_is_asked_and_only_with_one(deploy):
    """The API's own URL is closed then."""
    closed = NOBODY | {"FLEET_TARGET": "d-1.example.com"}
    assert "curl --cert CERTIFICATE.pem --key KEY.pem https://api.example.com/v1/health" in deploy.done(PROD, **closed)
    assert not deploy.asked.exists()
    deploy.done(PROD, **closed, CLIENT_CERTIFICATE="c.pem", CLIENT_KEY="k.pem")
    wanted = "--cert c.pem --key k.pem --connect-to api.example.com:443:d-1.example.com:443 https://api.example.com/v1/health\n"
    assert wanted in deploy.asked.read_text()


@pytest.mark.parametrize(
    ("sentence", "environment"),
    [
        ("DIMENSIONS_CONSISTENCY=STRONG is of a table in two regions", "DIMENSIONS_CONSISTENCY=STRONG"),
        ("DIMENSIONS_CONSISTENCY is 'strong'. It must be", "DIMENSIONS_CONSISTENCY=strong STANDBY_REGION=us-east-2"),
        ("WITNESS_REGION is for DIMENSIONS_CONSISTENCY=STRONG", "WITNESS_REGION=us-west-2 STANDBY_REGION=us-east-2"),
        ("WITNESS_REGION has no value", "DIMENSIONS_CONSISTENCY=STRONG STANDBY_REGION=us-east-2"),
        ("It must be a third region", "DIMENSIONS_CONSISTENCY=STRONG STANDBY_REGION=us-east-2 WITNESS_REGION=us-east-2"),
        (
            "AWS makes no strongly consistent table in us-east-1 eu-west-1 us-west-2. All three must be of one set",
            "DIMENSIONS_CONSISTENCY=STRONG STANDBY_REGION=eu-west-1 WITNESS_REGION=us-west-2",
        ),
        ("is EVENTUAL, and AWS does not change that", "DIMENSIONS_CONSISTENCY=STRONG STANDBY_REGION=us-east-2 WITNESS_REGION=us-west-2"),
        ("is STRONG, and AWS does not change that", "FLEET_TABLE=STRONG STANDBY_REGION=us-east-2"),
    ],
)
def test_a_table_that_aws_would_refuse_is_refused_before_anything_changes(deploy, sentence, environment):
    given = dict(pair.split("=") for pair in environment.split())
    deploy.refused(sentence, f"{PROD} --yes", PRIMARY_REGION="us-east-1", **NOBODY, **given)


def test_a_strongly_consistent_table_that_aws_makes_is_taken(deploy):
    regions = {"PRIMARY_REGION": "us-east-1", "STANDBY_REGION": "us-east-2", "WITNESS_REGION": "us-west-2"}
    deploy.done(PROD, FLEET_TABLE="STRONG", DIMENSIONS_CONSISTENCY="STRONG", **regions, **NOBODY)


def test_a_region_without_a_role_for_logs_is_refused(deploy):
    deploy.refused("API Gateway has no role for writing access logs in us-east-1", PROD, FLEET_LOG_ROLE="None", **NOBODY)


def test_a_no_to_the_changes_changes_nothing(deploy):
    deploy.refused("nothing was changed", PROD, FLEET_LEFT="arn:refused", **NOBODY)


def test_the_schema_waits_for_a_paused_cluster(scripts):
    scripts.stand_in("sleep", ":")
    resuming = "(DatabaseResumingException) when calling the ExecuteStatement operation: The Aurora DB instance is resuming"
    scripts.stand_in(
        "aws",
        f"""if [ ! -e "$0.woken" ]; then touch "$0.woken"; echo "An error occurred {resuming}" >&2; exit 254; fi
case "$*" in
    *get-secret-value*reader*) echo '{{"username":"fleet_reader","password":"p"}}' ;;
    *get-secret-value*) echo '{{"username":"fleet_writer","password":"p"}}' ;;
    *)
        sql=$(cat)
        case $sql in
            # Every migration is there.
            "SELECT checksum"*) echo "$(sha256sum "ddl/V000${{sql##* }}"__*.sql | cut -d ' ' -f 1) claim 2026-01-01 00:00:00" ;;
            "SELECT MAX(version), "*) echo "3 0" ;;
            # None here, so that each is looked at.
            "SELECT version, checksum"*) ;;
            "SELECT MAX(version) "*) echo 3 ;;
            "SHOW TABLES") echo ec2 ;;
        esac ;;
esac""",
    )
    database = {"DB_CLUSTER_ARN": "arn:aws:rds:us-east-1:123456789012:cluster:c", "DB_SECRET_ARN": "arn:aws:secretsmanager:us-east-1:123456789012:secret:s"}
    said = scripts.done("create_schema.sh", **database)
    for sentence in ("The cluster is waking", "at version 3. Its tables:", "ec2", "fleet_writer: SELECT ON"):
        assert sentence in said
