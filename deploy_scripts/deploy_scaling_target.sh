#!/usr/bin/env bash
# Makes a dimension of the API a scalable target of Application Auto Scaling.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

help() {
    cat <<'TEXT'
Usage: deploy_scripts/deploy_scaling_target.sh [dev|prod|local] DIMENSION_ID|URL

Registers a dimension of an environment's API (dev by default) with Application Auto Scaling, from
deploy_scripts/scaling_target.yaml and the settings of deploy_scripts/config-ENVIRONMENT.env: minimum and maximum,
target tracking and step scaling, a scheduled action, alarms, and a policy for what owns the resource. Can be run again at any time.
A URL names a dimension of another API, as in
https://API_ID.execute-api.us-east-1.amazonaws.com/prod/scalableTargetDimensions/1-23456789

Before changing anything it checks that the API exists in this region, and sends the dimension a request, signed as
Application Auto Scaling signs, to check that it keeps the contract.

Required permissions, besides CloudFormation's: application-autoscaling:*, cloudwatch:PutMetricAlarm, DescribeAlarms and
DeleteAlarms, iam:CreateServiceLinkedRole for custom-resource.application-autoscaling.amazonaws.com, iam:CreatePolicy,
GetPolicy, GetPolicyVersion, ListPolicyVersions, ListEntitiesForPolicy, CreatePolicyVersion, DeletePolicyVersion and
DeletePolicy, apigateway:GET, execute-api:Invoke and, with a topic for alarms, events:PutRule, DescribeRule, PutTargets,
RemoveTargets and DeleteRule.

local means `cargo run` and its local AWS endpoints: the same template and settings, without CloudFormation. The target, its
scheduled action, its policies and their alarms are put by the AWS CLI; all else is on AWS alone. Needs python3 with PyYAML.

  EXECUTE_API_ENDPOINT_URL   send that request here instead of to the dimension's own address: an emulator of AWS
TEXT
}

case ${1:-} in
    -h | --help) help; exit 0 ;;
    dev | prod | local) name=$1; shift ;;
    *) name=dev ;;
esac
(($# == 1)) || usage_error "say which dimension: an id such as 1-23456789, or a URL"
dimension=$1

readonly URL_FORM='^https://([a-z0-9]+)\.execute-api\.([a-z0-9-]+)\.amazonaws\.com(\.cn)?/[A-Za-z0-9_-]+/scalableTargetDimensions/([A-Za-z0-9._~%-]{1,255})$'
readonly LOCAL_FORM='^http://(localhost|127\.0\.0\.1|\[::1\])(:[0-9]+)?/scalableTargetDimensions/([A-Za-z0-9._~%-]{1,255})$'

# whole_number NAME...: exits unless each is a capacity or a number of seconds.
whole_number() {
    local name
    for name in "$@"; do
        [[ ${!name} =~ ^[0-9]{1,9}$ ]] || die "$name must be a whole number, and is '${!name}'. Set it in deploy_scripts/config-$environment.env."
    done
}

load_settings "$name" dev prod local
if [[ $environment == local ]]; then
    # Settings missing in config-local.env are those of dev.
    # shellcheck source=/dev/null
    source "$scripts_dir/config-dev.env"
fi
need_settings API_STACK SCALING_STACK SCALING_MIN_CAPACITY SCALING_MAX_CAPACITY SCALING_METRIC_NAMESPACE SCALING_METRIC_NAME \
    SCALING_METRIC_STATISTIC SCALING_TARGET_VALUE SCALING_OUT_COOLDOWN SCALING_IN_COOLDOWN SCALING_DISABLE_SCALE_IN \
    SCALING_SCHEDULE_TIMEZONE SCALING_SCHEDULED_MIN_CAPACITY SCALING_SCHEDULED_MAX_CAPACITY SCALING_TARGET_TRACKING \
    SCALING_STEP_OUT_UNITS SCALING_STEP_OUT_MORE_UNITS SCALING_STEP_OUT_PERIODS SCALING_STEP_IN_PERIODS
whole_number SCALING_MIN_CAPACITY SCALING_MAX_CAPACITY SCALING_OUT_COOLDOWN SCALING_IN_COOLDOWN SCALING_SCHEDULED_MIN_CAPACITY \
    SCALING_SCHEDULED_MAX_CAPACITY SCALING_STEP_OUT_UNITS SCALING_STEP_OUT_MORE_UNITS SCALING_STEP_OUT_PERIODS SCALING_STEP_IN_PERIODS
((10#$SCALING_MIN_CAPACITY <= 10#$SCALING_MAX_CAPACITY)) ||
    die "SCALING_MIN_CAPACITY ($SCALING_MIN_CAPACITY) must not be greater than SCALING_MAX_CAPACITY ($SCALING_MAX_CAPACITY)."
((10#$SCALING_SCHEDULED_MIN_CAPACITY <= 10#$SCALING_SCHEDULED_MAX_CAPACITY)) ||
    die "SCALING_SCHEDULED_MIN_CAPACITY ($SCALING_SCHEDULED_MIN_CAPACITY) must not be greater than SCALING_SCHEDULED_MAX_CAPACITY ($SCALING_SCHEDULED_MAX_CAPACITY)."
[[ $SCALING_TARGET_TRACKING == true || -n ${SCALING_SECOND_METRIC_NAME:-}${SCALING_STEP_OUT_THRESHOLD:-} ]] ||
    die "nothing would ever scale: set SCALING_TARGET_TRACKING=true, SCALING_SECOND_METRIC_NAME or SCALING_STEP_OUT_THRESHOLD in deploy_scripts/config-$environment.env."
[[ $dimension == *://* || $dimension =~ ^[A-Za-z0-9._~%-]{1,255}$ ]] ||
    die "'$dimension' is not a dimension id as it appears in a URL: percent-encode everything but letters, digits and - . _ ~"
if [[ $dimension == *://* && ! ($environment == local && $dimension =~ $LOCAL_FORM) ]]; then
    [[ $dimension =~ $URL_FORM ]] ||
        die "'$dimension' is not the address of a dimension. It must be like https://API_ID.execute-api.us-east-1.amazonaws.com/dev/scalableTargetDimensions/1-23456789."
fi
need_aws
need cargo "https://rustup.rs"

# check_dimension URL OPTION...: exits unless it meets the contract.
check_dimension() {
    local url=$1
    shift
    cargo run --quiet --manifest-path "$root_dir/Cargo.toml" --package simulate-scaling -- --endpoint "$url" --check "$@" ||
        die "the dimension does not answer as Application Auto Scaling needs it; the reason is above. Nothing was deployed."
}

# find_on_aws: sets resource_id and id, after checking that the API exists and the dimension meets the contract.
find_on_aws() {
    local status prefix api region answer asked
    check_account
    if [[ $dimension == *://* ]]; then
        resource_id=$dimension
    else
        status=$(stack_status "$API_STACK")
        [[ -n $status ]] ||
            die "there is no stack $API_STACK, so there is no dimension to scale. Run deploy_scripts/deploy_api.sh $environment first."
        prefix=$(stack_output "$API_STACK" ScalableTargetResourceIdPrefix)
        [[ -n $prefix ]] || die "the stack $API_STACK has no output ScalableTargetResourceIdPrefix. Run deploy_scripts/deploy_api.sh $environment again."
        resource_id=$prefix$dimension
    fi
    [[ $resource_id =~ $URL_FORM ]] || die "'$resource_id' is not an address that Application Auto Scaling can call."
    api=${BASH_REMATCH[1]} region=${BASH_REMATCH[2]} id=${BASH_REMATCH[4]}
    [[ $region == "$AWS_REGION" ]] ||
        die "the API is in $region, but the current region is $AWS_REGION. A target is registered in its API's region: set AWS_REGION=$region."
    if ! answer=$(aws apigateway get-rest-api --rest-api-id "$api" --query id --output text 2>&1); then
        [[ $answer != *NotFoundException* ]] || die "there is no API $api in $AWS_REGION, in the account of these credentials. Check the address."
        explain_aws "$answer"
    fi
    asked=$resource_id
    if [[ -n ${EXECUTE_API_ENDPOINT_URL:-} ]]; then
        asked=$EXECUTE_API_ENDPOINT_URL/scalableTargetDimensions/$id
    fi
    say "Checking the dimension with a request signed for execute-api."
    check_dimension "$asked" --sigv4 "$region"
}

# find_here: the same for the API of `cargo run`, which stands in for one on AWS.
find_here() {
    local checked
    need_settings API_URL AWS_ENDPOINT_URL
    need python3 "https://www.python.org"
    python3 -c 'import yaml' 2>/dev/null || die "python3 has no PyYAML. Get it with: pip install pyyaml"
    use_region "${AWS_REGION:-us-east-1}"
    id=${dimension##*/}
    resource_id=$API_URL/scalableTargetDimensions/$id
    [[ $dimension != *://* ]] || resource_id=$dimension
    say "Checking the dimension."
    if [[ $resource_id =~ $LOCAL_FORM ]]; then
        checked=$(check_dimension "$resource_id")
    else
        checked=$(check_dimension "$API_URL/scalableTargetDimensions/$id")
    fi
    # The rest is what AWS would refuse: a URL on this machine.
    say "${checked%%$'\n'*}"
}

if [[ $environment == local ]]; then find_here; else find_on_aws; fi

# macOS has no sha256sum.
sha256() { if command -v sha256sum >/dev/null; then sha256sum; else shasum -a 256; fi; }

# An id may contain dots and other punctuation, but a stack's name may not. The end of the name distinguishes ids that
# look the same without them, are cut off, or belong to another API: two dimensions in one stack would replace each
# other.
stack=$SCALING_STACK-$(printf '%s' "$id" | tr -c 'A-Za-z0-9-' '-' | cut -c1-80)-$(printf '%s' "$resource_id" | sha256 | cut -c1-8)
parameters=(
    "ResourceId=$resource_id"
    "MinCapacity=$SCALING_MIN_CAPACITY"
    "MaxCapacity=$SCALING_MAX_CAPACITY"
    "MetricNamespace=$SCALING_METRIC_NAMESPACE"
    "MetricName=$SCALING_METRIC_NAME"
    "MetricStatistic=$SCALING_METRIC_STATISTIC"
    "MetricDimensionName=${SCALING_METRIC_DIMENSION_NAME:-}"
    "MetricDimensionValue=${SCALING_METRIC_DIMENSION_VALUE:-}"
    "CapacityNamespace=${SCALING_CAPACITY_NAMESPACE:-}"
    "CapacityMetricName=${SCALING_CAPACITY_METRIC_NAME:-ActualCapacity}"
    "CapacityDimensionName=${SCALING_CAPACITY_DIMENSION_NAME-dimension}"
    "CapacityDimensionValue=${SCALING_CAPACITY_DIMENSION_VALUE:-$id}"
    "TargetTracking=$SCALING_TARGET_TRACKING"
    "SecondMetricName=${SCALING_SECOND_METRIC_NAME:-}"
    "SecondTargetValue=${SCALING_SECOND_TARGET_VALUE:-50}"
    "StepOutThreshold=${SCALING_STEP_OUT_THRESHOLD:-}"
    "StepOutUnits=$SCALING_STEP_OUT_UNITS"
    "StepOutMoreFrom=${SCALING_STEP_OUT_MORE_FROM:-20}"
    "StepOutMoreUnits=$SCALING_STEP_OUT_MORE_UNITS"
    "StepOutPeriods=$SCALING_STEP_OUT_PERIODS"
    "StepInThreshold=${SCALING_STEP_IN_THRESHOLD:-}"
    "StepInPeriods=$SCALING_STEP_IN_PERIODS"
    "TargetValue=$SCALING_TARGET_VALUE"
    "ScaleOutCooldown=$SCALING_OUT_COOLDOWN"
    "ScaleInCooldown=$SCALING_IN_COOLDOWN"
    "DisableScaleIn=$SCALING_DISABLE_SCALE_IN"
    "Schedule=${SCALING_SCHEDULE:-}"
    "ScheduleTimezone=$SCALING_SCHEDULE_TIMEZONE"
    "ScheduledMinCapacity=$SCALING_SCHEDULED_MIN_CAPACITY"
    "ScheduledMaxCapacity=$SCALING_SCHEDULED_MAX_CAPACITY"
    "AlarmTopicArn=${SCALING_ALARM_TOPIC_ARN:-}"
)
if [[ $environment == local ]]; then
    say "Putting to $AWS_ENDPOINT_URL what the stack $stack would have:"
    python3 "$scripts_dir/local_stack.py" "$scripts_dir/scaling_target.yaml" "$stack" "${parameters[@]}" | sed 's/^/  /' ||
        die "not all of it was put; the reason is above. Fix it, and run this script again."
    say "Next: publish $SCALING_METRIC_NAME every minute, and look: aws application-autoscaling describe-scaling-activities --service-namespace custom-resource"
    say "Take it back with: aws application-autoscaling deregister-scalable-target --cli-input-json" \
        "'{\"ServiceNamespace\": \"custom-resource\", \"ScalableDimension\": \"custom-resource:ResourceType:Property\", \"ResourceId\": \"$resource_id\"}'"
    exit
fi
check_deployable "$stack"
say "Deploying the stack $stack: $resource_id, $SCALING_MIN_CAPACITY to $SCALING_MAX_CAPACITY," \
    "$SCALING_METRIC_NAMESPACE $SCALING_METRIC_NAME at $SCALING_TARGET_VALUE${SCALING_SCHEDULE:+, $SCALING_SCHEDULE}."
deploy_stack "$stack" scaling_target.yaml --capabilities CAPABILITY_IAM --tags project=fleet-api "environment=$environment" --parameter-overrides \
    "${parameters[@]}"

say "The stack $stack is deployed:"
show_outputs "$stack"
say "Next: attach the policy OwnerPolicyArn to the role of what owns the resource, and publish $SCALING_METRIC_NAME every minute."
say "Take it back with: aws cloudformation delete-stack --region $AWS_REGION --stack-name $stack"
