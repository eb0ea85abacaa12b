# shellcheck shell=bash
# Shared by the deployment scripts. Sourced, never run.

# macOS ships bash 3.2, which would stop in the middle of a script at syntax that it does not support.
if ((BASH_VERSINFO[0] < 4)); then
    printf '%s needs bash 4 or later, and this is %s. On macOS: brew install bash\n' "$(basename "$0")" "$BASH_VERSION" >&2
    exit 1
fi

scripts_dir=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck disable=SC2034 # the scripts that source this file use it
root_dir=$(dirname "$scripts_dir")
script_name=$(basename "$0")

# The CLI must not page its output.
export AWS_PAGER="" SAM_CLI_TELEMETRY="${SAM_CLI_TELEMETRY:-0}"
# By default, version 1 of the CLI calls STS in us-east-1, which may be the lost region.
export AWS_STS_REGIONAL_ENDPOINTS=regional

say() { printf '%s\n' "$*"; }

# The exit code of `die` within $(...), so that a failure is reported once.
readonly SAID=86

# Exits with an error message that says what to do.
die() {
    printf '%s: %s\n' "$script_name" "$*" >&2
    if ((BASH_SUBSHELL > 0)); then
        exit "$SAID"
    fi
    exit 1
}

# Exits with a usage error.
usage_error() {
    printf '%s: %s\nTry: %s --help\n' "$script_name" "$*" "$0" >&2
    exit 2
}

# An unexpected failure still ends with a message. This also ends the script after `die` within $(...) has reported one.
on_error() {
    local status=$1 line=$2
    if ((status != SAID)); then
        printf '%s: failed at line %s (exit code %s). The error is above; fix it and run the script again.\n' \
            "$script_name" "$line" "$status" >&2
    fi
    if ((BASH_SUBSHELL > 0)); then
        exit "$SAID"
    fi
    exit 1
}
trap 'on_error $? $LINENO' ERR
set -E

# need TOOL WHERE_TO_GET_IT
need() {
    command -v "$1" >/dev/null || die "$1 is not installed. Get it with: $2"
}

need_aws() { need aws "https://docs.aws.amazon.com/cli/latest/userguide/getting-started-install.html (version 2)"; }

# How to sign in: version 1 of the CLI has no aws sso login.
how_to_sign_in() {
    case $(aws --version 2>/dev/null || true) in
        aws-cli/1.*) printf 'aws configure' ;;
        *) printf 'aws sso login, aws configure' ;;
    esac
}

need_sam() {
    need sam "pip install aws-sam-cli"
    need cargo "https://rustup.rs"
    need cargo-lambda "pip install cargo-lambda"
}

# Reads the settings of an environment: load_settings NAME KNOWN...
load_settings() {
    local name=$1 known
    shift
    for known in "$@"; do
        if [[ $name == "$known" ]]; then
            # shellcheck source=/dev/null
            source "$scripts_dir/config-$name.env"
            environment=$name
            # The environment's name in samconfig.toml: dev is sam's default.
            # shellcheck disable=SC2034 # the scripts that source this file use it
            sam_environment=${name/#dev/default}
            return
        fi
    done
    usage_error "there is no environment named '$name'. Choose one of: $*"
}

# need_settings NAME...: exits unless each has a value.
need_settings() {
    local name
    for name in "$@"; do
        [[ -n ${!name:-} ]] || die "$name has no value. Set it in deploy_scripts/config-$environment.env."
    done
}

# check_told: exits if prod has no recipient for its alarms, unless both settings are `none`. A rule in the template
# does the same for plain `sam deploy`.
check_told() {
    local email=${ALARM_EMAIL:-} topic=${ALARM_TOPIC_ARN:-}
    [[ $environment == prod ]] || return 0
    if [[ ${email/#none/} || ${topic/#none/} || $email$topic == nonenone ]]; then return 0; fi
    die "prod's alarms would notify nobody. Set ALARM_EMAIL or ALARM_TOPIC_ARN in deploy_scripts/config-prod.env; ALARM_EMAIL=none and ALARM_TOPIC_ARN=none if that is what you want."
}

# Runs the AWS CLI and prints its output; a failure becomes one sentence. It includes the CLI's own message, which
# names the operation and so distinguishes a missing permission from a wrong setting.
ask_aws() {
    local output status=0
    output=$(aws "$@" 2>&1) || status=$?
    if ((status == 0)); then
        printf '%s' "$output"
        return 0
    fi
    explain_aws "$output"
}

# ask_rds OPERATION...: like ask_aws. Version 1 of the AWS CLI does not read this service's endpoint from the environment.
ask_rds() {
    ask_aws ${AWS_ENDPOINT_URL:+--endpoint-url "$AWS_ENDPOINT_URL"} rds "$@"
}

# explain_aws ERROR_TEXT: exits with a message that says what to do.
explain_aws() {
    local text
    text=$(printf '%s' "$1" | tr '\n' ' ' | sed 's/^ *//; s/ *$//')
    case $text in
        *"The local AWS endpoints answer"*)
            die "${AWS_ENDPOINT_URL:-this} is the local AWS endpoints of this project, which do not have that service. Unset AWS_ENDPOINT_URL to go to AWS; create_schema.sh and deploy_scaling_target.sh take local as their environment." ;;
        *ExpiredToken* | *"has expired"* | *RequestExpired*)
            die "the AWS credentials have expired. Sign in again ($(how_to_sign_in), or new keys) and run this script again." ;;
        *"Unable to locate credentials"* | *NoCredentials*)
            die "there are no AWS credentials. Run $(how_to_sign_in), or set AWS_PROFILE." ;;
        *InvalidClientTokenId* | *UnrecognizedClient* | *SignatureDoesNotMatch* | *"security token included in the request is invalid"*)
            die "AWS does not know these credentials. Check AWS_PROFILE, or run aws configure." ;;
        *"You must specify a region"* | *NoRegion*)
            die "no AWS region is set. Set AWS_REGION, or run aws configure." ;;
        *"Could not connect to the endpoint"* | *"Connection refused"*)
            die "no answer from ${AWS_ENDPOINT_URL:-AWS}. Check the network, the region, and AWS_ENDPOINT_URL. ($text)" ;;
        *AccessDenied* | *"not authorized"*)
            die "these credentials lack a permission. Ask for the one named here: $text" ;;
        *)
            die "AWS refused: $text" ;;
    esac
}

# Prints the account and the region, or exits. Uses the environment's primary region if it has one.
check_account() { check_account_in "${PRIMARY_REGION:-$(current_region)}"; }

# check_account_in REGION
check_account_in() {
    local account
    use_region "$1"
    account=$(ask_aws sts get-caller-identity --query Account --output text)
    say "Account $account, region $AWS_REGION${environment:+, environment $environment}."
}

# use_region REGION: version 1 of the AWS CLI reads one of the variables, everything else the other.
use_region() {
    [[ -n $1 ]] || die "no AWS region is set. Set AWS_REGION, or run aws configure."
    export AWS_REGION=$1 AWS_DEFAULT_REGION=$1
}

current_region() {
    if [[ -n ${AWS_REGION:-} ]]; then
        printf '%s' "$AWS_REGION"
    elif [[ -n ${AWS_DEFAULT_REGION:-} ]]; then
        printf '%s' "$AWS_DEFAULT_REGION"
    else
        aws configure get region 2>/dev/null || true
    fi
}

# in_region REGION COMMAND...
in_region() {
    local -x AWS_REGION=$1 AWS_DEFAULT_REGION=$1
    shift
    "$@"
}

# Always assign a status or an output in a separate statement, x=$(stack_status NAME): if AWS does not respond,
# `die` only exits $(...), and a test, an argument or `local x=` would take that for an empty result.

# stack_state NAME: the stack's status as CloudFormation reports it, or nothing if the stack does not exist.
stack_state() {
    local output status=0
    output=$(aws cloudformation describe-stacks --stack-name "$1" --query 'Stacks[0].StackStatus' --output text 2>&1) || status=$?
    if ((status == 0)); then
        [[ $output == DELETE_COMPLETE ]] || printf '%s' "$output"
    elif [[ $output != *"does not exist"* ]]; then
        explain_aws "$output"
    fi
}

# stack_status NAME: like stack_state, but empty for a stack under review. Such a stack is empty, and stays so forever
# unless its change set is executed; sam and the AWS CLI deploy as if it did not exist.
stack_status() {
    local status
    status=$(stack_state "$1") || exit
    [[ $status == REVIEW_IN_PROGRESS ]] || printf '%s' "$status"
}

# stack_output STACK KEY: the value; empty if it does not exist.
stack_output() {
    local value
    value=$(ask_aws cloudformation describe-stacks --stack-name "$1" \
        --query "Stacks[0].Outputs[?OutputKey=='$2'].OutputValue | [0]" --output text) || exit
    [[ $value == None ]] || printf '%s' "$value"
}

# stack_parameter STACK NAME: the value that the stack was deployed with; empty if it does not exist.
stack_parameter() {
    local value
    value=$(ask_aws cloudformation describe-stacks --stack-name "$1" \
        --query "Stacks[0].Parameters[?ParameterKey=='$2'].ParameterValue | [0]" --output text) || exit
    [[ $value == None ]] || printf '%s' "$value"
}

# check_deployable STACK: exits if CloudFormation would refuse a deployment, and says what to do.
check_deployable() {
    local status
    status=$(stack_status "$1") || exit 1
    case $status in
        "" | *_COMPLETE)
            [[ $status != ROLLBACK_COMPLETE ]] ||
                die "the stack $1 failed when it was first created and cannot be updated. Delete it: aws cloudformation delete-stack --region $AWS_REGION --stack-name $1" ;;
        *_IN_PROGRESS) die "the stack $1 is being updated ($status). Wait until that has finished, and run this script again." ;;
        *) die "the stack $1 is in the state $status. See its events (aws cloudformation describe-stack-events --region $AWS_REGION --stack-name $1), then fix or delete it." ;;
    esac
}

# failed_resources STACK: why its last deployment failed, one line per resource.
failed_resources() {
    aws cloudformation describe-stack-events --stack-name "$1" --max-items 100 --output text \
        --query "StackEvents[?ends_with(ResourceStatus, '_FAILED')].[LogicalResourceId, ResourceStatusReason]" 2>/dev/null | grep -v '^None$' | head -5 || true
}

# deploy_stack STACK TEMPLATE OPTION...: creates or updates the stack of deploy_scripts/TEMPLATE; does nothing if it is up to
# date. The options are those of aws cloudformation deploy.
deploy_stack() {
    local stack=$1 template=$2
    shift 2
    if ! aws cloudformation deploy --stack-name "$stack" --template-file "$scripts_dir/$template" --no-fail-on-empty-changeset "$@"; then
        failed_resources "$stack" >&2
        die "the stack $stack in $AWS_REGION could not be deployed; CloudFormation rolls it back. The reasons are above: fix them${environment:+ (the settings are in deploy_scripts/config-$environment.env)}, and run this script again."
    fi
}

# delete_stack NAME: deletes it and waits until it is gone.
delete_stack() {
    local stack=$1 state
    state=$(stack_state "$stack") || exit 1
    if [[ -z $state ]]; then
        say "There is no stack $stack in $AWS_REGION."
        return
    fi
    say "Deleting the stack $stack in $AWS_REGION."
    ask_aws cloudformation delete-stack --stack-name "$stack" >/dev/null
    if ! aws cloudformation wait stack-delete-complete --stack-name "$stack"; then
        failed_resources "$stack" >&2
        die "the stack $stack could not be fully deleted; the reasons are above. Fix them, and run this script again."
    fi
    say "The stack $stack in $AWS_REGION is deleted."
}

# show_outputs STACK
show_outputs() {
    ask_aws cloudformation describe-stacks --stack-name "$1" --output text \
        --query "sort_by(Stacks[0].Outputs, &OutputKey)[].[join(' = ', [OutputKey, OutputValue])]" | sed 's/^/  /'
    say ""
}

# image_digest REPOSITORY TAG: the digest of an image in ECR, or nothing if it does not exist.
image_digest() {
    local output status=0
    output=$(aws ecr describe-images --repository-name "$1" --image-ids "imageTag=$2" --query 'imageDetails[0].imageDigest' --output text 2>&1) || status=$?
    if ((status == 0)); then
        [[ $output == None ]] || printf '%s' "$output"
    elif [[ $output != *ImageNotFound* && $output != *RepositoryNotFound* ]]; then
        explain_aws "$output"
    fi
}

# check_subnets VPC SUBNET,SUBNET...: exits unless they exist in that VPC, in two availability zones. Checks nothing
# if both are empty.
check_subnets() {
    local vpc=$1 subnets=$2 found zones wrong
    if [[ -z $vpc && -z $subnets ]]; then return; fi
    [[ -n $vpc && -n $subnets ]] || die "SERVICES_VPC_ID and SERVICES_SUBNET_IDS go together: give both, or neither for a VPC of their own."
    ask_aws ec2 describe-vpcs --vpc-ids "$vpc" --query 'Vpcs[0].VpcId' --output text >/dev/null
    # shellcheck disable=SC2086 # one argument a subnet
    found=$(ask_aws ec2 describe-subnets --subnet-ids ${subnets//,/ } --query 'Subnets[].[SubnetId, VpcId, AvailabilityZone]' --output text)
    wrong=$(awk -v vpc="$vpc" '$2 != vpc { print $1; exit }' <<<"$found")
    [[ -z $wrong ]] || die "the subnet $wrong of SERVICES_SUBNET_IDS is not in $vpc."
    zones=$(awk '{ print $3 }' <<<"$found" | sort -u | wc -l)
    ((zones >= 2)) || die "SERVICES_SUBNET_IDS must be in two availability zones or more; these are all in $(awk 'NR == 1 { print $3 }' <<<"$found")."
}

# deploy_roles STACK API_STACK DATABASE_STACK: deploys the roles that a pipeline uses to deploy an environment.
deploy_roles() {
    check_deployable "$1"
    say "Deploying the stack $1: the roles for deploying $2."
    deploy_stack "$1" deploy_roles.yaml --capabilities CAPABILITY_NAMED_IAM --tags project=fleet-api \
        --parameter-overrides "ApiStackName=$2" "DatabaseStackName=$3" "ClusterName=$(tr '[:upper:]' '[:lower:]' <<<"$3")-*"
}

# confirm QUESTION: true if the answer is yes. Without a terminal, the answer is no.
confirm() {
    local answer=""
    [[ -t 0 ]] || return 1
    read -r -p "$1 Type yes to go on: " answer
    [[ $answer == yes ]]
}
