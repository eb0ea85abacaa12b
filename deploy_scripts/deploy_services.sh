#!/usr/bin/env bash
# Creates or updates the stack with books and authors in containers.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

help() {
    cat <<'TEXT'
Usage: deploy_scripts/deploy_services.sh [dev|prod] [OPTION...]

Deploys books and authors as Fargate services behind an internal load balancer and an HTTP API
(deploy_scripts/services.yaml), with the settings of deploy_scripts/config-ENVIRONMENT.env, then checks that they
are healthy. Can be run again at any time: new tasks take over when they are healthy, and a deployment whose tasks do not
become healthy is rolled back. Takes about 6 minutes the first time.

  --tag TAG                   the image to deploy [default: the commit's first 12 characters]
  --parameter NAME=VALUE      another parameter of the template; may be repeated

The image comes first: deploy_scripts/push_image.sh
TEXT
}

name=dev
tag=""
parameters=()
while (($# > 0)); do
    case $1 in
        -h | --help) help; exit 0 ;;
        --tag | --parameter)
            [[ -n ${2:-} ]] || usage_error "$1 needs a value"
            if [[ $1 == --tag ]]; then
                tag=$2
            else
                [[ $2 == *=* ]] || usage_error "--parameter needs NAME=VALUE, not '$2'"
                parameters+=("$2")
            fi
            shift ;;
        -*) usage_error "unknown option: $1" ;;
        *) name=$1 ;;
    esac
    shift
done

load_settings "$name" dev prod
need_settings SERVICES_STACK REGISTRY_STACK MIN_TASKS MAX_TASKS SERVICES_LOG_RETENTION_IN_DAYS SERVICES_DELETION_PROTECTION
((MIN_TASKS <= MAX_TASKS)) || die "MIN_TASKS ($MIN_TASKS) is more than MAX_TASKS ($MAX_TASKS). Fix deploy_scripts/config-$environment.env."
need_aws
need curl "apt-get install curl"
if [[ -z $tag ]]; then
    commit=$(git -C "$root_dir" rev-parse HEAD 2>/dev/null) || die "this folder is not a git checkout, so there is no commit to look for. Give --tag."
    tag=${commit:0:12}
fi
check_account

# ---- Check the prerequisites before anything changes ----

check_deployable "$SERVICES_STACK"
status=$(stack_status "$REGISTRY_STACK")
[[ -n $status ]] || die "there is no stack $REGISTRY_STACK, so there is no image. Run deploy_scripts/push_image.sh $environment first."
repository_name=$(stack_output "$REGISTRY_STACK" RepositoryName)
digest=$(image_digest "$repository_name" "$tag")
[[ -n $digest ]] || die "the repository $repository_name has no image with the tag $tag. Run deploy_scripts/push_image.sh $environment, or give --tag."
check_subnets "$SERVICES_VPC_ID" "$SERVICES_SUBNET_IDS"

# ---- Deploy ----

say "Deploying the stack $SERVICES_STACK: books and authors of $repository_name:$tag, $MIN_TASKS to $MAX_TASKS tasks each, in ${SERVICES_VPC_ID:-a VPC of their own}."
deploy_stack "$SERVICES_STACK" services.yaml --capabilities CAPABILITY_IAM --tags project=fleet-api "environment=$environment" --parameter-overrides \
    "RepositoryName=$repository_name" \
    "ImageTag=$tag" \
    "VpcId=$SERVICES_VPC_ID" \
    "SubnetIds=$SERVICES_SUBNET_IDS" \
    "MinTasks=$MIN_TASKS" \
    "MaxTasks=$MAX_TASKS" \
    "LogRetentionInDays=$SERVICES_LOG_RETENTION_IN_DAYS" \
    "DeletionProtection=$SERVICES_DELETION_PROTECTION" \
    ${parameters[@]+"${parameters[@]}"}

say "The stack $SERVICES_STACK is deployed:"
show_outputs "$SERVICES_STACK"

# An emulator's gateway does not have AWS's URL.
if [[ -z ${AWS_ENDPOINT_URL:-} ]]; then
    endpoint=$(stack_output "$SERVICES_STACK" ApiEndpoint)
    "$scripts_dir/smoke_test.sh" "$endpoint" --services
fi
