"""The pipelines and the containers: their templates, deployed by the scripts to an emulator of AWS, and the smoke test.

GitHub, a container engine and CodeConnections are replaced by stand-ins. Needs fleet-server as built by .ci/platform,
curl, and openssl.
"""

import json
import re
import subprocess
from pathlib import Path

import pytest
from conftest import EXPIRED, ROOT
from emulated import Emulated, copied, with_path
from programs import free_port
from samcli.cli.types import CfnParameterOverridesType

REPOSITORY, TAG = "example/fleet-api", "0123456789ab"
CONNECTION = "arn:aws:codeconnections:us-east-1:000000000000:connection/01234567-89ab-cdef-0123-456789abcdef"
PIPELINE = f"deploy_pipeline.sh --connection {CONNECTION} --repository {REPOSITORY}"
# A container engine with one image, which pushes to the emulated ECR.
ENGINE = """#!/bin/sh
echo "docker $*" >>"$0.log"
case $1 in
    version) echo 1 ;;
    image) case $3 in fleet-api:local) ;; fleet-api:built-here) [ -e "$0.built" ] ;; *) exit 1 ;; esac ;;
    build) touch "$0.built" ;;
    login) grep -q . ;;
    tag) ;;
    push)
        for last; do :; done
        name=${last#*/}
        exec aws ecr put-image --repository-name "${name%%:*}" --image-tag "${name#*:}" --image-manifest '{"schemaVersion": 2}' ;;
    *) exit 1 ;;
esac
"""


@pytest.fixture(scope="module")
def aws(tmp_path_factory):
    emulated = Emulated(tmp_path_factory.mktemp("platform"), "platform_aws.py")
    # CodeConnections is not in the emulator: a connection has the state in FLEET_CONNECTION.
    emulated.stand_in(
        "aws",
        f"""if [ -n "${{FLEET_AWS_ERROR:-}}" ]; then echo "An error occurred $FLEET_AWS_ERROR" >&2; exit 254; fi
if [ "$2" = get-connection ]; then printf '%s\\n' "${{FLEET_CONNECTION:-AVAILABLE\tGitHub}}"; exit; fi
exec {emulated.call_aws} "$@\"""",
    )
    yield emulated
    emulated.end()


class Engine:
    """push_image.sh with a stand-in for the container engine."""

    def __init__(self, aws):
        folder = aws.folder / "engine"
        folder.mkdir()
        self.aws, self.program, self.environment = aws, folder / "docker", with_path(aws, folder)
        self.program.write_text(ENGINE)
        self.program.chmod(0o755)

    def done(self, arguments):
        return self.aws.done(f"push_image.sh {arguments}", **self.environment)

    def refused(self, sentence, arguments, **environment):
        self.aws.refused(sentence, f"push_image.sh {arguments}", **(self.environment | environment))

    def calls(self, which):
        return [line for line in Path(f"{self.program}.log").read_text().splitlines() if line.startswith(f"docker {which} ")]


@pytest.fixture(scope="module")
def images(aws):
    """The registry, with two images."""
    aws.refused("there is no stack fleet-registry", f"deploy_services.sh dev --tag {TAG}")
    engine = Engine(aws)
    engine.pushed = engine.done(f"dev --image fleet-api:local --tag {TAG}")
    engine.again = engine.done(f"dev --image fleet-api:local --tag {TAG}")
    engine.pushes = len(engine.calls("push"))
    engine.done("prod --tag built-here")
    return engine


def test_an_image_that_cannot_be_pushed_is_refused(aws, images):
    aws.refused("no container engine answers", "push_image.sh dev --image x --tag y", DOCKER_HOST="unix:///nonexistent")
    images.refused("has no image nothing:here", "dev --image nothing:here --tag other")
    images.refused("is not a valid image tag", "dev --image fleet-api:local --tag 'a b'")
    images.refused("unknown option: --force", "--force")
    images.refused("there is no environment named 'test'", "test")
    images.refused("the AWS credentials have expired", f"dev --image fleet-api:local --tag {TAG}", FLEET_AWS_ERROR=EXPIRED)


def test_an_image_is_pushed_once_and_built_where_none_is_named(images):
    assert re.search(rf"^Pushed: .*/fleet-api:{TAG} \(sha256:", images.pushed, re.M), images.pushed
    assert "already exists; nothing was pushed" in images.again
    assert images.pushes == 1
    commit = subprocess.check_output(["git", "rev-parse", "HEAD"], cwd=ROOT, text=True).strip()
    wanted = f"docker build --platform linux/amd64 --tag fleet-api:built-here --build-arg FLEET_COMMIT={commit} "
    assert any(call.startswith(wanted) for call in images.calls("build")), images.calls("build")


@pytest.fixture(scope="module")
def network(aws):
    """A VPC with subnets a, b and c, and another one with the subnet d."""
    ec2 = aws.client("ec2")
    vpc, other = (ec2.create_vpc(CidrBlock=block)["Vpc"]["VpcId"] for block in ("10.1.0.0/16", "10.2.0.0/16"))
    places = {"a": (vpc, "10.1.0.0/24", "us-east-1a"), "b": (vpc, "10.1.1.0/24", "us-east-1b")}
    places |= {"c": (vpc, "10.1.2.0/24", "us-east-1a"), "d": (other, "10.2.0.0/24", "us-east-1b")}
    made = {
        name: ec2.create_subnet(VpcId=place, CidrBlock=block, AvailabilityZone=zone)["Subnet"]["SubnetId"]
        for name, (place, block, zone) in places.items()
    }
    return {"vpc": vpc} | made


@pytest.mark.parametrize(
    ("sentence", "arguments", "environment"),
    [
        ("there is no environment named 'test'", "test", {}),
        ("has no image with the tag nothing", "dev --tag nothing", {}),
        ("the AWS credentials have expired", f"dev --tag {TAG}", {"FLEET_AWS_ERROR": EXPIRED}),
        ("go together", f"dev --tag {TAG}", {"SERVICES_VPC_ID": "vpc-0123"}),
        ("MIN_TASKS (3) is more than MAX_TASKS (2)", f"dev --tag {TAG}", {"MIN_TASKS": "3"}),
    ],
)
def test_services_that_cannot_be_deployed_are_refused(aws, images, sentence, arguments, environment):
    aws.refused(sentence, f"deploy_services.sh {arguments}", **environment)


@pytest.mark.parametrize(
    ("sentence", "subnets"),
    [
        ("the subnet {d} of SERVICES_SUBNET_IDS is not in {vpc}", "{a},{d}"),
        ("two availability zones or more; these are all in us-east-1a", "{a},{c}"),
        ("subnet-00000000", "{a},subnet-00000000"),
    ],
)
def test_subnets_that_do_not_fit_are_refused(aws, images, network, sentence, subnets):
    given = {"SERVICES_VPC_ID": network["vpc"], "SERVICES_SUBNET_IDS": subnets.format(**network)}
    aws.refused(sentence.format(**network), f"deploy_services.sh dev --tag {TAG}", **given)


def test_services_are_deployed_and_changed(aws, images):
    aws.done(f"deploy_services.sh dev --tag {TAG}")
    aws.done("deploy_services.sh dev --tag built-here")
    types = ("ECS::Service", "EC2::VPCEndpoint", "ElasticLoadBalancingV2::ListenerRule")
    assert [aws.count("fleet-services-dev", f"AWS::{type_}") for type_ in types] == [2, 4, 2]
    assert aws.output("fleet-services-dev", "ImageUri").endswith(".dkr.ecr.us-east-1.amazonaws.com/fleet-api:built-here")
    balancers = aws.client("elbv2")
    name = aws.output("fleet-services-dev", "LoadBalancerDnsName")
    (balancer,) = (each for each in balancers.describe_load_balancers()["LoadBalancers"] if each["DNSName"] == name)
    (listener, *_) = balancers.describe_listeners(LoadBalancerArn=balancer["LoadBalancerArn"])["Listeners"]
    assert listener["DefaultActions"][0]["FixedResponseConfig"]["StatusCode"] == "404"
    assert "/api/authors/*" in json.dumps(balancers.describe_rules(ListenerArn=listener["ListenerArn"])["Rules"])


def test_services_are_deployed_in_a_vpc_that_is_there(aws, images, network):
    given = {"SERVICES_STACK": "fleet-services-vpc", "SERVICES_VPC_ID": network["vpc"], "SERVICES_SUBNET_IDS": "{a},{b}".format(**network)}
    aws.done("deploy_services.sh prod --tag built-here --parameter Cpu=512 --parameter Memory=1024", **given)
    assert (aws.count("fleet-services-vpc", "AWS::EC2::VPC"), aws.count("fleet-services-vpc", "AWS::ECS::Service")) == (0, 2)
    found = aws.client("cloudformation").describe_stack_resource(StackName="fleet-services-vpc", LogicalResourceId="BooksTask")
    name = found["StackResourceDetail"]["PhysicalResourceId"]
    task = aws.client("ecs").describe_task_definition(taskDefinition=name)["taskDefinition"]
    assert (task["cpu"], task["memory"], task["containerDefinitions"][0]["user"]) == ("512", "1024", "65532:65532")


def test_api_gateway_in_front_of_a_server_has_a_client_certificate(aws):
    template = "deploy_scripts/self_hosting.yaml --parameter-overrides ServerDomain=fleet.example.com"
    aws.cli(f"cloudformation deploy --stack-name fleet-scaling --template-file {template}")
    assert aws.count("fleet-scaling", "AWS::ApiGateway::Method") == 2
    certificate = aws.output("fleet-scaling", "ClientCertificateId")
    pem = aws.cli(f"apigateway get-client-certificate --client-certificate-id {certificate} --query pemEncodedCertificate --output text")
    command = ["openssl", "x509", "-noout", "-subject", "-nameopt", "RFC2253"]
    assert subprocess.check_output(command, input=pem, text=True).strip() == "subject=CN=ApiGateway,L=Seattle,C=US"


@pytest.mark.parametrize(
    ("sentence", "command", "environment"),
    [
        ("is not a connection ARN", f"deploy_pipeline.sh --connection my-connection --repository {REPOSITORY}", {}),
        ("is not a GitHub repository", f"deploy_pipeline.sh --connection {CONNECTION} --repository https://github.com/example/fleet-api", {}),
        ("a new pipeline needs --connection", f"deploy_pipeline.sh --repository {REPOSITORY}", {}),
        ("a new pipeline needs --repository", f"deploy_pipeline.sh --connection {CONNECTION}", {}),
        ("takes one region or two", f"{PIPELINE} --prod-regions us-east-1,us-west-2,eu-west-1", {}),
        ("names us-east-1 twice", f"{PIPELINE} --prod-regions us-east-1,us-east-1", {}),
        ("'here' is not a region", f"{PIPELINE} --dev-region here", {}),
        ("the connection is PENDING", PIPELINE, {"FLEET_CONNECTION": "PENDING\tGitHub"}),
        ("leads to Bitbucket, not to GitHub", PIPELINE, {"FLEET_CONNECTION": "AVAILABLE\tBitbucket"}),
        ("the AWS credentials have expired", PIPELINE, {"FLEET_AWS_ERROR": EXPIRED}),
        ("which repository?", "deploy_github.sh dev", {}),
        ("there is no environment named 'test'", f"deploy_github.sh test --repository {REPOSITORY}", {}),
        ("is not a GitHub repository", "deploy_github.sh dev --repository fleet-api", {}),
        ("are not the ids of an owner and a repository", f"deploy_github.sh dev --repository {REPOSITORY} --ids example", {}),
    ],
)
def test_a_pipeline_that_cannot_be_deployed_is_refused(aws, sentence, command, environment):
    aws.refused(sentence, command, **environment)


def test_a_pipeline_is_deployed_remembers_its_settings_and_is_deleted(aws):
    aws.done(f"{PIPELINE} --prod-regions us-east-1,us-west-2 --email somebody@example.com")
    assert (aws.count("fleet-pipeline", "AWS::CodeBuild::Project"), aws.count("fleet-pipeline", "AWS::SNS::Subscription")) == (4, 1)
    aws.done("deploy_pipeline.sh --branch release")
    (stack,) = aws.client("cloudformation").describe_stacks(StackName="fleet-pipeline")["Stacks"]
    settings = {each["ParameterKey"]: each["ParameterValue"] for each in stack["Parameters"]}
    assert (settings["SecondProdRegion"], settings["Branch"]) == ("us-west-2", "release")
    # The deployers are deleted before the roles that they use.
    for name in ("fleet-pipeline", "fleet-deploy-dev", "fleet-deploy-prod"):
        aws.delete(name)


def test_githubs_role_trusts_the_environment_of_its_repository_alone(aws):
    def trusted():
        role = aws.output("fleet-github-prod", "DeployRoleArn")
        document = aws.client("iam").get_role(RoleName=role.rpartition("/")[2])["Role"]["AssumeRolePolicyDocument"]
        return role, json.dumps(document)

    said = aws.done(f"deploy_github.sh prod --repository {REPOSITORY}")
    role, trusts = trusted()
    assert f"AWS_DEPLOY_ROLE_ARN = {role}" in said
    assert f'"repo:{REPOSITORY}:environment:prod"' in trusts and "*" not in trusts
    aws.done(f"deploy_github.sh prod --repository {REPOSITORY} --ids 123/4567")
    assert '"repo:example@123/fleet-api@4567:environment:prod"' in trusted()[1]
    aws.delete("fleet-github-prod")


@pytest.fixture(scope="module")
def api(aws):
    """The URL of a server, and of one with the services of a container."""
    here = aws.server("server", "--in-memory", "--aws-listen", "127.0.0.1:0")
    services = aws.server("services", "--backend", "aws", "--functions", "books,authors")
    aws.ready("server", f"{here}/v1/health")
    aws.ready("services", f"{services}/api/books/health")
    return here, services


def test_the_smoke_test_passes_an_api_of_the_commit(aws, api):
    said = subprocess.check_output(["curl", "--silent", f"{api[0]}/v1/metadata"], text=True)
    commit = json.loads(said)["commit"]
    aws.done(f"smoke_test.sh {api[0]}/ --commit {commit}")
    aws.done(f"smoke_test.sh {api[0]} --commit {commit[:12]}")


@pytest.mark.parametrize(
    ("sentence", "arguments"),
    [
        ('should say "commit":"0000000', "{api} --commit 0000000 --within 1"),
        ("answers 403, and should answer 200", "{api}/dev --within 0"),
        ("does not answer", "http://127.0.0.1:{free} --within 1"),
        ("is not the address of an API", "localhost:3000"),
        ("is not the address of an API", "'https://example.com/dev?stage=1'"),
        ("there is no stack fleet-api-dev", "--stack fleet-api-dev"),
        ("--commit needs", "{api} --commit HEAD"),
        ("which API?", ""),
        # The server responds to an unknown path as API Gateway does, so the balancer's 404 does not occur.
        ("/nothing-is-here answers 403, and should answer 404", "{services} --services --within 0"),
        ("/v1/health answers 403", "{services} --within 0"),
    ],
)
def test_the_smoke_test_refuses(aws, api, sentence, arguments):
    aws.refused(sentence, "smoke_test.sh " + arguments.format(api=api[0], services=api[1], free=free_port()))


class Deploy:
    """deploy_api.sh in a copy of the repository, with a sam that only records its arguments."""

    def __init__(self, aws, folder):
        self.aws, self.folder, self.arguments = aws, folder, folder / "sam.arguments"
        copied(folder, "deploy_scripts", "samconfig.toml", "template.yaml")
        (folder / "sam").mkdir()
        program = folder / "sam/sam"
        program.write_text(f'#!/bin/sh\nprintf "%s\\n" "$@" >"{self.arguments}"\nexit 1\n')
        program.chmod(0o755)

    def refused(self, sentence, options=""):
        self.aws.root = self.folder
        try:
            self.aws.refused(sentence, f"deploy_api.sh dev --no-build {options}", **with_path(self.aws, self.folder / "sam"))
        finally:
            self.aws.root = ROOT

    def parameters(self, options=""):
        """The arguments of sam, as sam parses them."""
        self.refused("was not deployed", options)
        told = self.arguments.read_text().splitlines()
        given = told[told.index("--parameter-overrides") + 1 :]
        return " ".join(f"{name}={value}" for name, value in CfnParameterOverridesType().convert(tuple(given), None, None).items())


def test_sam_is_told_every_parameter_and_no_cluster_but_one_that_is_named(aws, tmp_path):
    deploy = Deploy(aws, tmp_path)
    deploy.refused("so nothing is built")
    (tmp_path / ".aws-sam/build").mkdir(parents=True)
    (tmp_path / ".aws-sam/build/template.yaml").touch()
    (tmp_path / "database.yaml").write_text("Resources: {Topic: {Type: AWS::SNS::Topic}}")
    aws.cli(f"cloudformation deploy --stack-name fleet-database-dev --template-file {tmp_path}/database.yaml")

    file = tmp_path / "samconfig.toml"
    settings = re.search(r'^parameter_overrides = "(.*)"$', file.read_text(), re.M)[1]
    none = "DbClusterArn= DbSecretArn="
    own = "DbClusterArn=arn:aws:rds:us-east-1:000000000000:cluster:own DbSecretArn=arn:aws:secretsmanager:us-east-1:000000000000:secret:own"
    # The script adds the recipients of the alarms, from the settings, and the account's limit.
    told = "AlarmEmail=alarms@example.com AlarmTopicArn="
    limit = f"AccountConcurrency={aws.client('lambda').get_account_settings()['AccountLimit']['ConcurrentExecutions']}"
    cluster, secret = own.split()
    boundary = "PermissionsBoundaryArn=arn:aws:iam::000000000000:policy/fleet-api-dev-boundary"
    nobody = "AlarmEmail=none AlarmTopicArn=none AccountConcurrency=7"

    assert deploy.parameters() == f"{none} {settings} {told} {limit}"
    assert deploy.parameters("--parameter-overrides=StageName=dev") == f"{none} StageName=dev {told} {limit}"
    given = f"--parameter-overrides 'StageName=dev {cluster}' {secret}"
    assert deploy.parameters(given) == f"{own} StageName=dev {told} {limit}"
    given = "--role-arn arn:aws:iam::000000000000:role/execution --parameter-overrides StageName=dev"
    assert deploy.parameters(given) == f"{none} StageName=dev {told} {boundary} {limit}"
    assert deploy.parameters(f"--parameter-overrides '{nobody}'") == f"{none} {nobody}"
    text = file.read_text()
    file.write_text(text.replace('parameter_overrides = "', f'parameter_overrides = "{own} ScalingResourceName=\\"My Service\\" ', 1))
    assert deploy.parameters() == f"{own} ScalingResourceName=My Service {settings} {told} {limit}"
    file.write_text(re.sub(r"^parameter_overrides.*\n", "", text, flags=re.M))
    deploy.refused("samconfig.toml has no line parameter_overrides")
    aws.delete("fleet-database-dev")
