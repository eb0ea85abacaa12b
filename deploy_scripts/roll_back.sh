#!/usr/bin/env bash
# Sends all requests back to the versions of the functions before the last deployment.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

help() {
    cat <<'TEXT'
Usage: deploy_scripts/roll_back.sh [dev|prod] [--undo]

Sends all requests back to the versions of the functions that answered before the last deployment of an environment (dev by
default), within seconds and without a build. A deployment that is still going on is cancelled instead, and CloudFormation takes
all of it back. Functions that the last deployment did not change stay as they are. Can be run again: it goes back one
deployment, not two. It changes which code and settings answer, not the database's schema and not the table.

  --undo   back to the newest versions

CloudFormation does not know of it. The next deployment publishes newer versions and moves the requests to them.
TEXT
}

name=dev
undo=false
for argument in "$@"; do
    case $argument in
        -h | --help) help; exit 0 ;;
        --undo) undo=true ;;
        -*) usage_error "unknown option: $argument" ;;
        *) name=$argument ;;
    esac
done

need_aws
load_settings "$name" dev prod
need_settings API_STACK
check_account

status=$(stack_status "$API_STACK")
case $status in
    "") die "there is no stack $API_STACK in $AWS_REGION." ;;
    UPDATE_IN_PROGRESS)
        if $undo; then die "the stack $API_STACK is being updated. Wait until that has finished."; fi
        ask_aws cloudformation cancel-update-stack --stack-name "$API_STACK" >/dev/null
        say "The deployment of $API_STACK is cancelled; CloudFormation takes it back. To wait for that:"
        say "  aws cloudformation wait stack-rollback-complete --region $AWS_REGION --stack-name $API_STACK"
        exit 0
        ;;
    *_IN_PROGRESS) die "the stack $API_STACK is being changed ($status). Wait until that has finished, and run this script again." ;;
esac

# Times are in UTC; their first 19 characters, down to the second, are the same in both versions of the AWS CLI.
deployed=$(ask_aws cloudformation describe-stacks --stack-name "$API_STACK" --query 'Stacks[0].LastUpdatedTime' --output text)
if [[ $deployed == None ]]; then die "the stack $API_STACK has only been deployed once, so there is nothing to go back to."; fi
deployed=${deployed:0:19}
aliases=$(ask_aws cloudformation list-stack-resources --stack-name "$API_STACK" --output text \
    --query "StackResourceSummaries[?ResourceType=='AWS::Lambda::Alias'].[PhysicalResourceId]")
moved=0
for alias in $aliases; do
    # arn:aws:lambda:REGION:ACCOUNT:function:NAME:ALIAS
    IFS=: read -r _ _ _ _ _ _ function live <<<"$alias"
    now=$(ask_aws lambda get-alias --function-name "$function" --name "$live" --query FunctionVersion --output text)
    versions=$(ask_aws lambda list-versions-by-function --function-name "$function" --output text \
        --query "Versions[?Version!='\$LATEST'].[Version, LastModified]")
    target=$(awk -v now="$now" -v deployed="$deployed" -v undo="$undo" '
        $1 == now { changed = substr($2, 1, 19) >= deployed }
        $1 + 0 > newest { newest = $1 + 0 }
        $1 + 0 < now + 0 && $1 + 0 > previous { previous = $1 + 0 }
        END { print undo == "true" ? newest : changed && previous ? previous : now }' <<<"$versions")
    [[ $target != "$now" ]] || continue
    ask_aws lambda update-alias --function-name "$function" --name "$live" --function-version "$target" \
        --routing-config AdditionalVersionWeights={} >/dev/null
    say "  $function: version $now -> $target"
    moved=$((moved + 1))
done
if ((moved == 0)); then
    reason="the versions before the last deployment ($deployed UTC) already answer, or it changed no function"
    if $undo; then reason="the newest versions already answer"; fi
    say "Nothing was moved: $reason."
    exit 0
fi
say "$moved functions of $API_STACK have moved. Look: deploy_scripts/smoke_test.sh --stack $API_STACK"
if ! $undo; then say "Back to the newest versions: deploy_scripts/roll_back.sh $environment --undo"; fi
