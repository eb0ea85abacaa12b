#!/usr/bin/env bash
# Lets GitHub Actions deploy, without keys.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

help() {
    cat <<'TEXT'
Usage: deploy_scripts/deploy_github.sh [dev|prod] --repository OWNER/NAME [--ids OWNER_ID/REPOSITORY_ID]

Lets the jobs of one environment of a GitHub repository deploy that environment: creates the roles that deploy
(deploy_scripts/deploy_roles.yaml) and the access to them (deploy_scripts/github_oidc.yaml), for .github/workflows/deploy.yml.
Prints the variables to set on GitHub. Can be run again at any time.

  --ids   the numeric ids of owner and repository: the OIDC subject of a repository that was created, renamed or moved
          since July 2026 contains them. To print them: gh api repos/OWNER/NAME --jq '"\(.owner.id)/\(.id)"'
TEXT
}

name=dev
repository=""
ids=""
while (($# > 0)); do
    case $1 in
        -h | --help) help; exit 0 ;;
        --repository)
            [[ -n ${2:-} ]] || usage_error "$1 needs a value"
            repository=$2
            shift ;;
        --ids)
            [[ -n ${2:-} ]] || usage_error "$1 needs a value"
            ids=$2
            shift ;;
        -*) usage_error "unknown option: $1" ;;
        *) name=$1 ;;
    esac
    shift
done

load_settings "$name" dev prod
need_settings GITHUB_STACK DEPLOY_ROLES_STACK API_STACK DATABASE_STACK
need_aws
[[ -n $repository ]] || usage_error "which repository? Give --repository OWNER/NAME"
[[ $repository =~ ^[A-Za-z0-9][A-Za-z0-9-]*/[A-Za-z0-9._-]+$ ]] ||
    usage_error "'$repository' is not a GitHub repository: OWNER/NAME, without https://github.com/"
[[ $ids =~ ^([0-9]+/[0-9]+)?$ ]] || usage_error "'$ids' are not the ids of an owner and a repository: two whole numbers with a / between them"
check_account
check_deployable "$GITHUB_STACK"

# An account has one provider for GitHub. It belongs to the stack that created it; all others use it.
provider=""
status=$(stack_status "$GITHUB_STACK")
if [[ -z $status ]]; then
    provider=$(ask_aws iam list-open-id-connect-providers --output text \
        --query "OpenIDConnectProviderList[?ends_with(Arn, '/token.actions.githubusercontent.com')].Arn | [0]")
    [[ $provider != None ]] || provider=""
    parameters=("ProviderArn=$provider")
else
    parameters=()
fi
# Only what was given: CloudFormation keeps the other values of an existing stack.
[[ -z $ids ]] || parameters+=("OwnerId=${ids%/*}" "RepositoryId=${ids#*/}")

deploy_roles "$DEPLOY_ROLES_STACK" "$API_STACK" "$DATABASE_STACK"
say "Deploying the stack $GITHUB_STACK: access for $repository, environment $environment."
deploy_stack "$GITHUB_STACK" github_oidc.yaml --capabilities CAPABILITY_IAM --tags project=fleet-api "environment=$environment" \
    --parameter-overrides "Repository=$repository" "EnvironmentName=$environment" "DeployRolesStackName=$DEPLOY_ROLES_STACK" ${parameters[@]+"${parameters[@]}"}

deploy_role=$(stack_output "$GITHUB_STACK" DeployRoleArn)
execution_role=$(stack_output "$DEPLOY_ROLES_STACK" ExecutionRoleArn)
say "Set these variables of the environment $environment on GitHub (Settings, Environments, $environment):"
say "  AWS_DEPLOY_ROLE_ARN = $deploy_role"
say "  AWS_EXECUTION_ROLE_ARN = $execution_role"
say "  AWS_REGIONS = $AWS_REGION    (or two, separated by a space)"
