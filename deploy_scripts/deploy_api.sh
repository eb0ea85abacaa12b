#!/usr/bin/env bash
# Makes or updates the API's stack.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
source "$(dirname "${BASH_SOURCE[0]}")/lib_regions.sh"

help() {
    cat <<'TEXT'
Usage: deploy_scripts/deploy_api.sh [dev|prod] [--standby] [--yes] [--no-build] [SAM OPTION...]

Builds the functions and deploys the API of an environment (dev unless named) with the settings of samconfig.toml, then
asks it whether it is well. Can be run again at any time: what did not change stays as it is, and requests are answered
meanwhile. Takes about 5 minutes the first time.

  --standby    to STANDBY_REGION, after the primary region and the database there; with the replica of its table
  --yes        deploy without showing what will change first (prod asks otherwise)
  --no-build   deploy what sam build has left in .aws-sam/build, as a pipeline does with what it built and tested

Further options go to sam deploy, for example --parameter-overrides "StageName=dev ScalingMode=production".
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
given=""
role=primary
while (($# > 0)); do
    case $1 in
        --yes) options+=(--no-confirm-changeset) ;;
        --no-build) build=false ;;
        --standby) role=standby ;;
        --parameter-overrides)
            while (($# > 1)) && [[ $2 != -* ]]; do
                given+=" $2"
                shift
            done
            ;;
        *) options+=("$1") ;;
    esac
    shift
done

# The parameters that samconfig.toml has for the environment: those given on the command line replace all of them.
samconfig_parameters() {
    sed -n "/^\[$sam_environment\.global\.parameters\]/,/^\[/s/^parameter_overrides = \"\(.*\)\"\$/\1/p" "$root_dir/samconfig.toml"
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

standby=""
if [[ $role == standby ]]; then standby=" --standby"; fi
# The database comes first: the API's stack imports its names.
if [[ $given != *DbClusterArn=* ]]; then
    case $(stack_status "$DATABASE_STACK") in
        "") die "there is no stack $DATABASE_STACK${STANDBY_REGION:+ in $AWS_REGION}. Run deploy_scripts/deploy_rds.sh $environment$standby first, or name a cluster: --parameter-overrides \"DbClusterArn=… DbSecretArn=…\"." ;;
        *_COMPLETE) ;;
        *) die "the stack $DATABASE_STACK is not ready ($(stack_status "$DATABASE_STACK")). Run deploy_scripts/deploy_rds.sh $environment$standby again." ;;
    esac
fi

# Two regions: the primary's stack makes the table with a replica, the standby's takes the replica.
parameters=$given
if [[ -z $given && -n ${STANDBY_REGION:-} ]]; then parameters=$(samconfig_parameters); fi
if [[ $role == standby ]]; then
    check_stack "$PRIMARY_REGION" "$API_STACK" "deploy_scripts/deploy_api.sh $environment"
    table=$(in_region "$PRIMARY_REGION" stack_output "$API_STACK" DimensionsTableName)
    replica=$(aws dynamodb describe-table --table-name "$table" --query Table.TableStatus --output text 2>&1) || {
        [[ $replica == *ResourceNotFound* ]] || explain_aws "$replica"
        die "the table $table has no replica in $STANDBY_REGION. Run deploy_scripts/deploy_api.sh $environment first, which makes it."
    }
    [[ $replica == ACTIVE || $replica == UPDATING ]] || die "the table $table is not ready in $STANDBY_REGION ($replica). Run this script again once it is."
    parameters+=" DimensionsTableName=$table InventoryRole=standby"
elif [[ -n ${STANDBY_REGION:-} && $parameters != *DimensionsTableName=* ]]; then
    parameters+=" StandbyRegion=$STANDBY_REGION"
fi
if [[ -n $parameters ]]; then options+=(--parameter-overrides "${parameters# }"); fi

cd "$root_dir"
if $build; then
    say "Builds the functions, and deploys the stack $API_STACK."
    sam build --config-env "$sam_environment" ||
        die "the functions do not build. The compiler's message is above; nothing was deployed."
else
    say "Deploys the stack $API_STACK with the functions that are built."
fi
if ! sam deploy --config-env "$sam_environment" --stack-name "$API_STACK" ${options[@]+"${options[@]}"}; then
    failed_resources "$API_STACK" >&2
    die "the stack $API_STACK was not deployed; CloudFormation puts back what was there. The reasons are above: mend them, and run this script again."
fi

say "The stack $API_STACK is deployed:"
show_outputs "$API_STACK"

# An emulator's gateway is not at the address that AWS would give it.
if [[ -z ${AWS_ENDPOINT_URL:-} ]]; then
    endpoint=$(stack_output "$API_STACK" ApiEndpoint)
    curl --silent --show-error --fail --retry 5 --retry-all-errors --max-time 30 "$endpoint/v1/health" >/dev/null ||
        die "the API is deployed, but $endpoint/v1/health does not answer. Look at its logs: sam logs --stack-name $API_STACK"
    say "$endpoint/v1/health answers."
    if ! curl --silent --fail --retry 5 --retry-all-errors --max-time 30 "$endpoint/v1/health/ready" >/dev/null; then
        say "$endpoint/v1/health/ready says that a store is not there yet:"
        curl --silent --max-time 30 "$endpoint/v1/health/ready" || true
        say ""
        say "Make the tables with deploy_scripts/create_schema.sh $environment, unless that was done."
    fi
fi
