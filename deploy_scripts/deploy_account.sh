#!/usr/bin/env bash
# Creates the role with which API Gateway writes the logs of an account's APIs in a region.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

readonly STACK=fleet-account

help() {
    cat <<'TEXT'
Usage: deploy_scripts/deploy_account.sh [REGION]

Sets the role with which API Gateway writes logs, for all APIs of the account in a region (the current one by default),
from deploy_scripts/account.yaml. Needed once for each region, before an API is deployed with AccessLogs=write. If the
account already has a role, that one is kept and nothing is changed. The role stays when the stack is
deleted, since other APIs may use it by then.
TEXT
}

case ${1:-} in
    -h | --help) help; exit 0 ;;
    -*) usage_error "unknown option: $1" ;;
esac
(($# <= 1)) || usage_error "too many arguments: $*"
[[ -z ${1:-} || $1 =~ ^[a-z]{2}(-[a-z]+)+-[0-9]$ ]] || usage_error "'$1' is not a region; one is like eu-west-1"

need_aws
check_account_in "${1:-$(current_region)}"

role=$(ask_aws apigateway get-account --query cloudwatchRoleArn --output text)
status=$(stack_status "$STACK")
if [[ -n $role && $role != None && -z $status ]]; then
    say "API Gateway already has a role in $AWS_REGION: $role. Nothing was changed; AccessLogs=write uses it."
    exit 0
fi
check_deployable "$STACK"
deploy_stack "$STACK" account.yaml --capabilities CAPABILITY_IAM --tags project=fleet-api
role=$(stack_output "$STACK" LogRoleArn)
say "API Gateway writes the logs of this account's APIs in $AWS_REGION with the role $role."
say "Next: deploy the API with AccessLogs=write"
