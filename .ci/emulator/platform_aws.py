"""Runs ministack with additions for the templates of the pipeline and of the containers that ministack lacks.

CloudFormation gets only a name for each type here. Nothing is created, so all that is tested is that the rest of the
stack can use the template's references. `--list` prints the types.
"""

import sys

import aws
import client_certificates
from ministack import app
from ministack.core.responses import get_account_id
from ministack.services import ecr

PROVIDER = "token.actions.githubusercontent.com"


def provider(logical_id, properties, stack):
    """A reference to an identity provider is its ARN."""
    return f"arn:aws:iam::{get_account_id()}:oidc-provider/{PROVIDER}", {}


def create_repository(logical_id, properties, stack):
    """ministack creates a repository to which no image can be pushed."""
    name, attributes = create_repository_of_ministack(logical_id, properties, stack)
    ecr._images[name] = []
    return name, attributes


create_repository_of_ministack = aws.HANDLERS["AWS::ECR::Repository"]["create"]
aws.HANDLERS["AWS::ECR::Repository"] = aws.HANDLERS["AWS::ECR::Repository"] | {"create": create_repository}

client_certificates.add_to(aws.HANDLERS)

NOT_CARRIED = {
    "AWS::ApiGatewayV2::VpcLink": aws.named,
    "AWS::CodePipeline::Pipeline": aws.named,
    "AWS::EC2::SecurityGroupEgress": aws.named,
    "AWS::IAM::OIDCProvider": provider,
}

if __name__ == "__main__":
    missing = [name for name in NOT_CARRIED if name not in aws.HANDLERS]
    if sys.argv[1:] == ["--list"]:
        print("\n".join(missing))
        sys.exit()
    for name in missing:
        aws.HANDLERS[name] = {"create": NOT_CARRIED[name], "delete": aws.forgotten}
    app.main()
