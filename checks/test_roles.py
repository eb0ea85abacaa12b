"""What a pipeline's roles must be able to do, and must not."""

import fnmatch

from cfnlint.schema import PROVIDER_SCHEMA_MANAGER
from findings import no_findings
from samcli.yamlhelper import yaml_parse
from transformed import ROOT, Stack

# Parameters that create every resource of template.yaml.
ALL = {
    "AccessLogs": "write", "AlarmEmail": "ops@example.com", "DomainCertificateArn": "arn", "DomainName": "api.example.com",
    "KeyQuotaPerMonth": 1, "PermissionsBoundaryArn": "arn:aws:iam::123456789012:policy/b", "ReservedConcurrency": 1, "ScalingMode": "production",
    "AllowedAddresses": "192.0.2.0/24", "JwtAudience": "fleet", "JwtIssuer": "https://issuer.example", "StandbyRegion": "eu-west-1", "TruststoreUri": "s3://bucket/ca.pem", "WebAclArn": "arn",
}  # fmt: skip
# Permissions that the handlers of AWS's resource types declare, in the schemas shipped with cfn-lint, for features that
# the template does not use.
UNUSED = {
    "AWS::ApiGateway::RestApi": {"apigateway:UpdateRestApiPolicy": "the API has no resource policy"},
    "AWS::CodeDeploy::DeploymentGroup": {"codedeploy:RegisterOnPremisesInstance": "functions alone"},
    "AWS::DynamoDB::GlobalTable": {
        "application-autoscaling:*": "paid by the request",
        "cloudwatch:PutMetricData": "the handler's own metrics",
        "dynamodb:*ResourcePolicy": "none",
        "dynamodb:*KinesisStreamingDestination": "none",
        "dynamodb:DeleteTable*": "the state outlives every deployment",
        "dynamodb:DisassociateTableReplica": "as above",
        "dynamodb:UpdateContributorInsights": "off",
        "dynamodb:UpdateTableReplicaAutoScaling": "paid by the request",
        "dynamodb:UpdateTimeToLive": "none",
        "kinesis:*": "none",
        "kms:*": "the policy of AWS's own key allows them to callers of DynamoDB",
    },
    "AWS::IAM::Policy": {"iam:*UserPolicy": "a role's alone", "iam:*GroupPolicy": "as above"},
    "AWS::IAM::Role": {"iam:DeleteRolePermissionsBoundary": "a boundary stays"},
    "AWS::Lambda::Alias": {"lambda:*ProvisionedConcurrencyConfig": "none; what is read is allowed"},
    "AWS::Lambda::Function": {
        "ec2:*": "no VPC",
        "elasticfilesystem:*": "no file system",
        "kms:*": "no key of our own",
        "lambda:*CodeSigningConfig": "unsigned; what is read is allowed",
        "lambda:AssociateRuntimeAlias": "none",
        "lambda:GetLayerVersion": "no layer",
        "lambda:PassCapacityProvider": "none",
        "lambda:Put*Config": "left as they are",
        "s3:GetObjectVersion": "an object without a version",
        "s3files:*": "no file system",
    },
    "AWS::Lambda::Version": {
        "lambda:PutProvisionedConcurrencyConfig": "none; what is read is allowed",
        "lambda:Put*Config": "left as they are",
    },
    "AWS::Logs::LogGroup": {
        "firehose:*": "no delivery",
        "logs:*KmsKey": "no key of our own",
        "logs:*DataProtectionPolicy": "none; what is read is allowed",
        "logs:CreateLogDelivery": "no delivery",
        "logs:*ResourcePolicy": "none",
        "logs:PutBearerTokenAuthentication": "off",
        "logs:PutLogGroupDeletionProtection": "off",
        "s3:REST.PUT.OBJECT": "no delivery",
    },
    "AWS::Pipes::Pipe": {
        "firehose:*": "no delivery of logs",
        "kms:*": "no key of our own",
        "logs:*": "the pipe writes no log",
        "s3:*": "no delivery of logs",
    },
    "AWS::SNS::Topic": {"sns:PutDataProtectionPolicy": "none"},
    "AWS::WAFv2::WebACL": {"payments:GetConnectedAccount": "no rule group that is paid for"},
    "AWS::WAFv2::WebACLAssociation": {
        f"{service}:*": "the web ACL is an API's"
        for service in ("amplify", "apprunner", "appsync", "bedrock-agentcore", "cognito-idp", "ec2", "elasticloadbalancing")
    } | {"wafv2:*PermissionPolicy": "the web ACL is the account's own"},
}  # fmt: skip


def as_list(found):
    return found if isinstance(found, list) else [found]


def resources_of_roles():
    return yaml_parse((ROOT / "deploy_scripts/deploy_roles.yaml").read_text())["Resources"]


def statements():
    (policy,) = resources_of_roles()["ExecutionRole"]["Properties"]["Policies"]
    return policy["PolicyDocument"]["Statement"]


def matches(action, patterns):
    return any(fnmatch.fnmatchcase(action.lower(), pattern.lower()) for pattern in patterns)


@no_findings
def test_the_execution_role_has_every_permission():
    """The execution role has each permission that the handlers of the template's resource types use."""
    allowed = [action for statement in statements() for action in as_list(statement["Action"])]
    used = set()
    for type_ in sorted({resource["Type"] for resource in Stack(**ALL).resources.values()}):
        handlers = PROVIDER_SCHEMA_MANAGER.get_resource_schema("us-east-1", type_).schema.get("handlers", {})
        if not handlers:
            yield f"{type_} has no handlers in cfn-lint's schema"
        unused = UNUSED.get(type_, {})
        for handler in ("create", "read", "update", "delete"):
            for action in handlers.get(handler, {}).get("permissions", []):
                if not matches(action, allowed):
                    used |= {(type_, pattern) for pattern in unused if matches(action, [pattern])}
                    if not matches(action, unused):
                        yield f"{type_}: the execution role may not {action} ({handler})"
    for type_, patterns in UNUSED.items():
        for pattern in patterns:
            if (type_, pattern) not in used:
                yield f"{type_}: nothing is left out by {pattern} any longer"


@no_findings
def test_the_boundary_cannot_be_lifted():
    """The execution role writes roles only within the boundary, which it cannot lift and which suffices for all
    roles."""
    boundary = resources_of_roles()["Boundary"]["Properties"]["PolicyDocument"]["Statement"]
    for statement in statements():
        for action in as_list(statement["Action"]):
            bounded = statement.get("Condition", {}).get("StringEquals", {}).get("iam:PermissionsBoundary") == {"Ref": "Boundary"}
            if action in ("iam:CreateRole", "iam:PutRolePolicy", "iam:AttachRolePolicy", "iam:PutRolePermissionsBoundary") and not bounded:
                yield f"{action} is allowed without the boundary"
            if action in ("iam:DeleteRolePermissionsBoundary", "iam:CreatePolicyVersion", "iam:CreateUser", "iam:*", "*"):
                yield f"{action} lifts the boundary"
    most = [action for statement in boundary for action in as_list(statement["Action"])]
    for statement in boundary:
        for action in as_list(statement["Action"]):
            if action.startswith("iam:") or action.endswith("*"):
                yield f"the boundary allows {action}"
    for name, policy in Stack(**ALL).of_type("AWS::IAM::Policy"):
        for statement in policy["PolicyDocument"]["Statement"]:
            for action in as_list(statement["Action"]):
                if not matches(action, most):
                    yield f"{name} allows {action}, which the boundary does not allow"
    for name, role in Stack(**ALL).of_type("AWS::IAM::Role"):
        if role.get("PermissionsBoundary") != ALL["PermissionsBoundaryArn"]:
            yield f"{name} is made without PermissionsBoundaryArn"
        for policy in role.get("Policies", []):
            for statement in policy["PolicyDocument"]["Statement"]:
                for action in as_list(statement["Action"]):
                    if not matches(action, most):
                        yield f"{name} needs {action}, which the boundary does not allow"
