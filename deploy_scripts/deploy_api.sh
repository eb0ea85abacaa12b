#!/usr/bin/env bash
# Creates or updates the API's stack.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
source "$(dirname "${BASH_SOURCE[0]}")/lib_regions.sh"

help() {
    cat <<'TEXT'
Usage: deploy_scripts/deploy_api.sh [dev|prod] [--standby] [--yes] [--no-build] [SAM OPTION...]

Builds the functions and deploys the API of an environment (dev by default) with the settings of samconfig.toml, then
checks that it is healthy. Can be run again at any time: unchanged parts stay as they are, and the API keeps serving
requests meanwhile. Takes about 5 minutes the first time.

  --standby    to STANDBY_REGION, after the primary region and the database there; uses the replica of its table
  --yes        deploy without showing what will change first (prod asks otherwise)
  --no-build   deploy what sam build has left in .aws-sam/build, as a pipeline does with what it built and tested

Further options go to sam deploy, for example --parameter-overrides "StageName=dev ScalingMode=production". Pass your own
cluster (DbClusterArn) at each deployment: without it the API uses the one of deploy_rds.sh.
TEXT
}

case ${1:-} in -h | --help) help; exit 0 ;; esac
name=dev
if (($# > 0)) && [[ $1 != -* ]]; then
    name=$1
    shift
fi
options=()
build=true
confirms=true
executes=true
given=""
execution_role=""
role=primary
while (($# > 0)); do
    case $1 in
        --yes | --no-confirm-changeset)
            confirms=false
            options+=(--no-confirm-changeset) ;;
        --no-execute-changeset)
            executes=false
            options+=("$1") ;;
        --no-build) build=false ;;
        --standby) role=standby ;;
        --parameter-overrides)
            while (($# > 1)) && [[ $2 != -* ]]; do
                given+=" $2"
                shift
            done
            ;;
        --parameter-overrides=*) given+=" ${1#*=}" ;;
        --role-arn)
            execution_role=${2:-}
            options+=("$1") ;;
        *) options+=("$1") ;;
    esac
    shift
done

# The environment's parameters in samconfig.toml; parameters given on the command line replace all of them.
samconfig_parameters() {
    local found
    found=$(sed -n "/^\[$sam_environment\.global\.parameters\]/,/^\[/s/^parameter_overrides = \"\(.*\)\"\$/\1/p" "$root_dir/samconfig.toml" | sed 's/\\"/"/g')
    [[ -n $found ]] ||
        die "samconfig.toml has no line parameter_overrides = \"…\" under [$sam_environment.global.parameters]. Write it so, or give --parameter-overrides \"…\"."
    printf '%s' "$found"
}

# open_change_sets: the API stack's change sets that can still be executed, one per line.
open_change_sets() {
    local output status=0
    output=$(aws cloudformation list-change-sets --stack-name "$API_STACK" --output text \
        --query "Summaries[?ExecutionStatus=='AVAILABLE'].[ChangeSetId]" 2>&1) || status=$?
    if ((status == 0)); then
        [[ $output == None ]] || printf '%s' "$output"
    elif [[ $output != *"does not exist"* ]]; then
        explain_aws "$output"
    fi
}

need_aws
if $build; then
    need_sam
else
    need sam "pip install aws-sam-cli"
    [[ -e $root_dir/.aws-sam/build/template.yaml ]] || die "there is no .aws-sam/build/template.yaml, so nothing is built. Run sam build, or leave out --no-build."
fi
need curl "apt-get install curl"
load_settings "$name" dev prod
need_settings API_STACK DATABASE_STACK
if [[ $role == standby || -n ${STANDBY_REGION:-} ]]; then check_two_regions; fi
if [[ $role == standby ]]; then check_account_in "$STANDBY_REGION"; else check_account; fi
check_deployable "$API_STACK"

parameters=$given
if [[ -z $given ]]; then parameters=$(samconfig_parameters); fi
if [[ $parameters != *AlarmEmail[=,]* && $parameters != *AlarmTopicArn[=,]* ]]; then
    check_told
    parameters+=" AlarmEmail=\"$ALARM_EMAIL\" AlarmTopicArn=\"$ALARM_TOPIC_ARN\""
fi
standby=""
if [[ $role == standby ]]; then standby=" --standby"; fi
# The database comes first, since the API's stack imports its names.
if [[ $parameters != *DbClusterArn[=,]* ]]; then
    status=$(stack_status "$DATABASE_STACK")
    case $status in
        "") die "there is no stack $DATABASE_STACK${STANDBY_REGION:+ in $AWS_REGION}. Run deploy_scripts/deploy_rds.sh $environment$standby first, or name a cluster: --parameter-overrides \"DbClusterArn=…\"." ;;
        *_COMPLETE) ;;
        *) die "the stack $DATABASE_STACK is not ready ($status). Run deploy_scripts/deploy_rds.sh $environment$standby again." ;;
    esac
fi

# Two regions: the primary's stack creates the table with a replica, the standby's uses the replica.
if [[ $role == standby ]]; then
    # An existing stack knows its table, so the primary region, which may be the lost one, is only needed the first time.
    table=""
    deployed=$(stack_status "$API_STACK")
    if [[ -n $deployed ]]; then table=$(stack_output "$API_STACK" DimensionsTableName); fi
    if [[ -z $table ]]; then
        check_stack "$PRIMARY_REGION" "$API_STACK" "deploy_scripts/deploy_api.sh $environment"
        table=$(in_region "$PRIMARY_REGION" stack_output "$API_STACK" DimensionsTableName)
    fi
    replica=$(aws dynamodb describe-table --table-name "$table" --query Table.TableStatus --output text 2>&1) || {
        [[ $replica == *ResourceNotFound* ]] || explain_aws "$replica"
        die "the table $table has no replica in $STANDBY_REGION. Run deploy_scripts/deploy_api.sh $environment first, which creates it."
    }
    [[ $replica == ACTIVE || $replica == UPDATING ]] || die "the table $table is not ready in $STANDBY_REGION ($replica). Run this script again once it is."
    parameters+=" DimensionsTableName=$table InventoryRole=standby"
elif [[ -n ${STANDBY_REGION:-} && $parameters != *DimensionsTableName=* ]]; then
    check_consistency
    parameters+=" StandbyRegion=$STANDBY_REGION DimensionsConsistency=$DIMENSIONS_CONSISTENCY WitnessRegion=\"$WITNESS_REGION\""
elif [[ $role == primary && ${DIMENSIONS_CONSISTENCY:-EVENTUAL}${WITNESS_REGION:-} != EVENTUAL ]]; then
    check_consistency
fi
# A pipeline's role may only create roles within the boundary that deploy_roles.yaml created along with it.
if [[ $execution_role == arn:*:role/* && $parameters != *PermissionsBoundaryArn[=,]* ]]; then
    parameters+=" PermissionsBoundaryArn=${execution_role%%:role/*}:policy/$API_STACK-boundary"
fi
# API Gateway refuses a stage with an access log until the account has a role for it.
if [[ $parameters == *AccessLogs[=,]*write* && -z ${AWS_ENDPOINT_URL:-} ]]; then
    log_role=$(ask_aws apigateway get-account --query cloudwatchRoleArn --output text)
    [[ -n $log_role && $log_role != None ]] ||
        die "API Gateway has no role for writing access logs in $AWS_REGION. Run deploy_scripts/deploy_account.sh once, or give AccessLogs=none."
fi
# The limit for the alarm on concurrent executions: new accounts have ten, not the thousand that AWS documents.
if [[ $parameters != *AccountConcurrency[=,]* ]]; then
    concurrency=$(aws lambda get-account-settings --query AccountLimit.ConcurrentExecutions --output text 2>/dev/null) || concurrency=""
    if [[ $concurrency =~ ^[1-9][0-9]*$ ]]; then
        parameters+=" AccountConcurrency=$concurrency"
    else
        say "The account's limit on concurrent executions cannot be read (lambda:GetAccountSettings); the alarm keeps its current limit."
    fi
fi
# CloudFormation keeps the value of an omitted parameter, so a cluster that was set once would stay forever. As the
# first overrides, both are empty unless a later value replaces them; sam does not accept them without the quotes.
options+=(--parameter-overrides 'DbClusterArn="" DbSecretArn=""' "${parameters# }")

cd "$root_dir"
if $build; then
    say "Building the functions and deploying the stack $API_STACK."
    sam build --config-env "$sam_environment" ||
        die "the functions do not build. The compiler's message is above; nothing was deployed."
else
    say "Deploying the stack $API_STACK with the functions that were built before."
fi
# sam also exits with 0 if its question is answered with no. That leaves a change set that can still be executed,
# unlike one without changes or one that has been executed. A pipeline gets no question, and its role may not list
# change sets.
before=""
if $confirms; then before=$(open_change_sets); fi
if ! sam deploy --config-env "$sam_environment" --stack-name "$API_STACK" "${options[@]}"; then
    failed_resources "$API_STACK" >&2
    die "the stack $API_STACK was not deployed; CloudFormation rolls it back. The reasons are above: fix them, and run this script again."
fi

if ! $executes; then
    say "Nothing was changed: the change set of $API_STACK is ready to be executed, unless sam says above that there are no changes."
    exit 0
fi
if $confirms; then
    after=$(open_change_sets)
    left=$(comm -13 <(sort <<<"$before") <(sort <<<"$after"))
    [[ -z $left ]] || die "nothing was changed, since sam's question was not answered with y. Run this script again and answer y, or give --yes."
fi

say "The stack $API_STACK is deployed:"
show_outputs "$API_STACK"

# An emulator's gateway does not have AWS's URL.
if [[ -n ${AWS_ENDPOINT_URL:-} ]]; then exit 0; fi
endpoint=$(stack_output "$API_STACK" ApiEndpoint)
curl_options=()
# With client certificates the API's own URL is closed. The custom domain responds at its target, whatever DNS says yet.
target=$(stack_output "$API_STACK" DomainTarget)
truststore=""
if [[ -n $target ]]; then truststore=$(stack_parameter "$API_STACK" TruststoreUri); fi
if [[ -n $truststore ]]; then
    domain=$(stack_parameter "$API_STACK" DomainName)
    endpoint=https://$domain
    if [[ -z ${CLIENT_CERTIFICATE:-} || -z ${CLIENT_KEY:-} ]]; then
        say "$endpoint takes only callers with a client certificate, so its health was not checked. Point its record to $target, and check:"
        say "  curl --cert CERTIFICATE.pem --key KEY.pem $endpoint/v1/health"
        say "With CLIENT_CERTIFICATE and CLIENT_KEY set to these files this script does so itself."
        exit 0
    fi
    curl_options=(--cert "$CLIENT_CERTIFICATE" --key "$CLIENT_KEY" --connect-to "$domain:443:$target:443")
fi
ask() { curl --silent --show-error --fail --retry 5 --retry-all-errors --max-time 30 ${curl_options[@]+"${curl_options[@]}"} "$@"; }
ask "$endpoint/v1/health" >/dev/null ||
    die "the API is deployed, but $endpoint/v1/health does not answer. Look at its logs: $(stack_output "$API_STACK" LogsCommand)"
say "$endpoint/v1/health answers."
if ! ask "$endpoint/v1/health/ready" >/dev/null 2>&1; then
    say "$endpoint/v1/health/ready says that a store is not available yet:"
    curl --silent --max-time 30 ${curl_options[@]+"${curl_options[@]}"} "$endpoint/v1/health/ready" || true
    say ""
    say "If the tables and users do not exist yet, create them with deploy_scripts/create_schema.sh $environment."
fi
