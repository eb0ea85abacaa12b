#!/usr/bin/env bash
# Creates or updates the pipeline on AWS.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

help() {
    cat <<'TEXT'
Usage: deploy_scripts/deploy_pipeline.sh --connection ARN --repository OWNER/NAME [OPTION...]

Creates the pipeline from GitHub to dev and prod (deploy_scripts/pipeline.yaml) in this region, and the roles that it
deploys with (deploy_scripts/deploy_roles.yaml, one stack per environment). Can be run again at any time; options that are
left out keep their earlier values.

  --connection ARN         the CodeConnections connection to GitHub, which must be AVAILABLE
  --repository OWNER/NAME  the repository on GitHub
  --branch NAME            the branch to deploy [default: main], at each push to it unless --tags says otherwise
  --tags PATTERN           start at a matching tag (v*, say) instead of at each push to the branch
  --dev-region REGION      where dev is [default: this region]
  --prod-regions REGION[,REGION]
                           where prod is, in this order [default: this region]
  --email ADDRESS          who is notified of failures and asked for approvals

Each region needs the environment's database first: deploy_scripts/deploy_rds.sh and create_schema.sh
TEXT
}

connection=""
repository=""
branch=""
tags=""
dev_region=""
prod_regions=""
email=""
while (($# > 0)); do
    case $1 in
        -h | --help) help; exit 0 ;;
        --connection | --repository | --branch | --tags | --dev-region | --prod-regions | --email)
            [[ -n ${2:-} ]] || usage_error "$1 needs a value"
            case $1 in
                --connection) connection=$2 ;;
                --repository) repository=$2 ;;
                --branch) branch=$2 ;;
                --tags) tags=$2 ;;
                --dev-region) dev_region=$2 ;;
                --prod-regions) prod_regions=$2 ;;
                --email) email=$2 ;;
            esac
            shift ;;
        *) usage_error "unknown argument: $1" ;;
    esac
    shift
done

# is_region TEXT: whether it looks like a region.
is_region() { [[ $1 =~ ^[a-z]{2}(-[a-z]+)+-[0-9]$ ]]; }

load_settings prod dev prod
need_settings PIPELINE_STACK
need_aws
[[ -z $connection || $connection =~ ^arn:[a-z-]+:(codeconnections|codestar-connections):[a-z0-9-]+:[0-9]{12}:connection/[0-9a-f-]{36}$ ]] ||
    usage_error "'$connection' is not a connection ARN: arn:aws:codeconnections:REGION:ACCOUNT:connection/ID"
[[ -z $repository || $repository =~ ^[A-Za-z0-9][A-Za-z0-9-]*/[A-Za-z0-9._-]+$ ]] ||
    usage_error "'$repository' is not a GitHub repository: OWNER/NAME, without https://github.com/"
[[ -z $dev_region ]] || is_region "$dev_region" || usage_error "'$dev_region' is not a region"
IFS=, read -r -a regions <<<"$prod_regions"
((${#regions[@]} <= 2)) || usage_error "--prod-regions takes one region or two"
for region in ${regions[@]+"${regions[@]}"}; do is_region "$region" || usage_error "'$region' is not a region"; done
if ((${#regions[@]} == 2)) && [[ ${regions[0]} == "${regions[1]}" ]]; then usage_error "--prod-regions names ${regions[0]} twice"; fi
check_account
check_deployable "$PIPELINE_STACK"
exists=$(stack_status "$PIPELINE_STACK")
if [[ -z $exists ]]; then
    [[ -n $connection ]] || die "a new pipeline needs --connection. Create one in the console (Developer Tools, Settings, Connections), and confirm it there."
    [[ -n $repository ]] || die "a new pipeline needs --repository OWNER/NAME."
fi

# With an unconfirmed connection the pipeline would fail at its first step.
if [[ -n $connection ]]; then
    service=$(cut -d : -f 3 <<<"$connection")
    state=$(ask_aws "$service" get-connection --connection-arn "$connection" --query 'Connection.[ConnectionStatus, ProviderType]' --output text)
    case $state in
        AVAILABLE*GitHub*) ;;
        AVAILABLE*) die "the connection leads to $(awk '{ print $2 }' <<<"$state"), not to GitHub. Create one for GitHub." ;;
        PENDING*) die "the connection is PENDING: nobody has confirmed it yet. Open Developer Tools, Settings, Connections in the console, choose it and press \"Update pending connection\"." ;;
        *) die "the connection is in the state $(awk '{ print $1 }' <<<"$state"). Look at it in the console: Developer Tools, Settings, Connections." ;;
    esac
fi

# ---- The roles, one stack per environment ----

declare -A roles
for name in dev prod; do
    # In a subshell, so that the settings of one environment do not leak into the other's.
    read -r stack api database < <(
        unset DEPLOY_ROLES_STACK API_STACK DATABASE_STACK
        load_settings "$name" dev prod
        need_settings DEPLOY_ROLES_STACK API_STACK DATABASE_STACK
        printf '%s %s %s\n' "$DEPLOY_ROLES_STACK" "$API_STACK" "$DATABASE_STACK"
    )
    roles[$name]=$stack
    deploy_roles "$stack" "$api" "$database"
done

# ---- The pipeline ----

# Only what was given: CloudFormation keeps the other values of an existing stack.
parameters=("DevRolesStackName=${roles[dev]}" "ProdRolesStackName=${roles[prod]}")
[[ -z $connection ]] || parameters+=("ConnectionArn=$connection")
[[ -z $repository ]] || parameters+=("Repository=$repository")
[[ -z $branch ]] || parameters+=("Branch=$branch")
[[ -z $branch || -n $tags ]] || parameters+=("TriggerOn=push")
[[ -z $tags ]] || parameters+=("TriggerOn=tag" "TriggerTags=$tags")
[[ -z $email ]] || parameters+=("NotificationEmail=$email")
if [[ -n $dev_region || -z $exists ]]; then parameters+=("DevRegion=${dev_region:-$AWS_REGION}"); fi
if [[ -n $prod_regions || -z $exists ]]; then
    parameters+=("ProdRegion=${regions[0]:-$AWS_REGION}" "SecondProdRegion=${regions[1]:-}")
fi
say "Deploying the stack $PIPELINE_STACK: the pipeline."
deploy_stack "$PIPELINE_STACK" pipeline.yaml --capabilities CAPABILITY_IAM --tags project=fleet-api \
    --parameter-overrides "${parameters[@]}"
say "The stack $PIPELINE_STACK is deployed:"
show_outputs "$PIPELINE_STACK"
if [[ -n $email ]]; then say "$email gets a message from AWS, and nothing more until its link is followed."; fi
