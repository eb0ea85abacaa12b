#!/usr/bin/env bash
# Checks a deployed API for things that no emulator can check.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
source "$(dirname "${BASH_SOURCE[0]}")/lib_regions.sh"

help() {
    cat <<'TEXT'
Usage: deploy_scripts/verify_on_aws.sh [dev|prod]

Checks in the deployed API of an environment (dev by default) what only AWS itself can answer, and prints a row for each
check, with the expected and the actual value: encoded paths, API Gateway's own responses, who may call which route,
the limit of /v1/health/ready, TLS, the log line and the trace of a request, the alarms and their recipients. It only reads,
except for one write that is refused. The exit code is 1 if a row differs.

In a stack with JwtIssuer the inventory asks for tokens: TOKEN (environment) is one that it should accept.

Needs curl with --aws-sigv4 (7.75 or later) and credentials that may call the scaling endpoint and read the stack, its
logs, metrics and traces.
TEXT
}

name=dev
for argument in "$@"; do
    case $argument in
        -h | --help) help; exit 0 ;;
        -*) usage_error "unknown option: $argument" ;;
        *) name=$argument ;;
    esac
done

need_aws
need curl "apt-get install curl"
load_settings "$name" dev prod
need_settings API_STACK
check_account
check_stack "$AWS_REGION" "$API_STACK" "deploy_scripts/deploy_api.sh $environment"
# Tests use another URL than the stack's.
endpoint=${API_ENDPOINT:-}
if [[ -z $endpoint ]]; then endpoint=$(stack_output "$API_STACK" ApiEndpoint); fi
# With an issuer of tokens, tokens replace keys.
issuer=$(stack_parameter "$API_STACK" JwtIssuer)
caller="an API key"
refused_caller='403 {"code":"Forbidden","message":"*x-api-key*'
if [[ -n $issuer ]]; then
    caller="a token"
    refused_caller='401 {"code":"Unauthorized","message":"*authorization: Bearer*'
    [[ -n ${TOKEN:-} ]] || die "the inventory of $API_STACK asks for tokens of $issuer: give one in TOKEN."
fi
key_id=$(stack_output "$API_STACK" ApiKeyId)
key=$(ask_aws apigateway get-api-key --api-key "$key_id" --include-value --query value --output text)
log_group=$(stack_output "$API_STACK" LogGroupName)

work=$(mktemp -d "${TMPDIR:-/tmp}/fleet-verify.XXXXXX")
trap 'rm -rf "$work"' EXIT
# Keys are passed in files: every user of the machine can read a program's arguments.
(umask 077 && printf 'header = "x-api-key: %s"\n' "$key" >"$work/key")
if [[ -n $issuer ]]; then
    # Tokens that API Gateway passes to the authorizer, which must reject them: unsigned, and signed by nobody.
    unsigned="$(printf '{"alg":"none"}' | base64 | tr -d '=\n' | tr '+/' '-_').$(printf '{"iss":"%s"}' "$issuer" | base64 | tr -d '=\n' | tr '+/' '-_')."
    (
        umask 077
        printf 'header = "authorization: Bearer %s"\n' "$TOKEN" >"$work/key"
        printf 'header = "authorization: Bearer %s"\n' "$unsigned" >"$work/unsigned"
        printf 'header = "authorization: Bearer %sAAAA"\n' "${TOKEN%.*}." >"$work/forged"
    )
fi
credentials=$(aws configure export-credentials --format env-no-export 2>/dev/null || true)
if [[ -z $credentials ]]; then
    credentials="AWS_ACCESS_KEY_ID=${AWS_ACCESS_KEY_ID:-}
AWS_SECRET_ACCESS_KEY=${AWS_SECRET_ACCESS_KEY:-}
AWS_SESSION_TOKEN=${AWS_SESSION_TOKEN:-}"
fi
# of_credentials NAME
of_credentials() { sed -n "s/^$1=//p" <<<"$credentials"; }
(
    umask 077
    printf 'aws-sigv4 = "aws:amz:%s:execute-api"\nuser = "%s:%s"\n' "$AWS_REGION" "$(of_credentials AWS_ACCESS_KEY_ID)" \
        "$(of_credentials AWS_SECRET_ACCESS_KEY)" >"$work/signed"
    token=$(of_credentials AWS_SESSION_TOKEN)
    if [[ -n $token ]]; then printf 'header = "x-amz-security-token: %s"\n' "$token" >>"$work/signed"; fi
    printf 'aws-sigv4 = "aws:amz:%s:execute-api"\nuser = "AKIAIOSFODNN7EXAMPLE:wrong"\n' "$AWS_REGION" >"$work/stranger"
    : >"$work/nothing"
)

differ=0
row() {
    local verdict=same
    # shellcheck disable=SC2053 # what is expected is a pattern
    if [[ $3 != $2 ]]; then
        verdict=DIFFERS
        differ=1
    fi
    printf '%-7s  %s\n         expected  %s\n         seen      %s\n' "$verdict" "$1" "$2" "$3"
}

# ask WITH PATH [CURL OPTION...]: the status and the body on one line; the headers are in $work/headers.
ask() {
    local with=$1 path=$2
    shift 2
    curl --silent --show-error --max-time 35 --path-as-is --config "$work/$with" --dump-header "$work/headers" --output "$work/body" \
        --write-out '%{http_code} ' "$@" "$endpoint$path" 2>&1 || true
    tr -d '\n' <"$work/body" 2>/dev/null | cut -c 1-300 || true
}
header() { sed -n "s/^$1: *//Ip" "$work/headers" | tr -d '\r' | tail -1; }

say ""
say "---- Answers of API Gateway itself ----"
seen=$(ask nothing /nothing-is-here)
row "an unknown route" '403 {"message":"Missing Authentication Token"}' "$seen"
seen=$(ask stranger /scalableTargetDimensions/verify)
row "the same, signed with unknown credentials" '403 {"code":"Forbidden","message":"*SigV4*' "$seen"
[[ $seen != *arn:* ]] || row "that answer names no ARN" "no ARN" "an ARN"
seen=$(ask nothing /v1/health --request HEAD --head)
row "HEAD of a GET route" "403 *" "$seen"
head -c 10500000 /dev/zero | tr '\0' ' ' >"$work/large"
seen=$(ask key /ec2/verify-on-aws --request POST --data-binary "@$work/large")
row "a body of 10.5 MB" '413 {"code":"PayloadTooLarge",*' "$seen"

say ""
say "---- Who may call which route ----"
for route in "GET /ec2" "GET /ec2/verify-on-aws" "POST /ec2/verify-on-aws" "DELETE /ec2/verify-on-aws"; do
    seen=$(ask nothing "${route#* }" --request "${route% *}")
    row "$route without $caller" "$refused_caller" "$seen"
done
if [[ -n $issuer ]]; then
    for with in unsigned forged; do
        seen=$(ask $with /ec2)
        row "GET /ec2 with a token that is $with" "$refused_caller" "$seen"
    done
fi
for route in "GET /scalableTargetDimensions" "GET /scalableTargetDimensions/verify" "PATCH /scalableTargetDimensions/verify"; do
    for version in "" /v1; do
        seen=$(ask nothing "$version${route#* }" --request "${route% *}")
        row "${route% *} $version${route#* } without a signature" '403 {"message":"Missing Authentication Token"}' "$seen"
    done
done
for path in /api/books /api/books/1 /api/books/health /api/authors /api/authors/1 /api/authors/health /v1 /v1/metadata /v1/openapi.json /v1/health; do
    seen=$(ask nothing "$path")
    row "GET $path, without credentials" "200 *" "$seen"
done

say ""
say "---- Encodings ----"
for id in a%20b %C3%A9 verify%2Fon%2Faws; do
    seen=$(ask signed "/scalableTargetDimensions/$id")
    case $id in
        a%20b) expected='200 {"scalableTargetDimensionId":"a b",*' ;;
        %C3%A9) expected='200 {"scalableTargetDimensionId":"é",*' ;;
        *) expected='400 *' ;;
    esac
    row "the dimension $id, decoded once" "$expected" "$seen"
done
seen=$(ask nothing //api/books/1)
row "a doubled slash" "200 *" "$seen"

say ""
say "---- Access and limits ----"
seen=$(ask key "/ec2?limit=1")
row "the inventory with $caller" '200 {"records":*' "$seen"
for number in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do
    curl --silent --max-time 35 --output /dev/null --write-out '%{http_code} ' "$endpoint/v1/health/ready" >"$work/ready$number" &
done
wait
statuses=$(cat "$work"/ready*)
row "20 readiness checks at once: some are throttled" "*429*" "$statuses"
old_tls=$(curl --silent --tls-max 1.1 --tlsv1.0 --ciphers DEFAULT@SECLEVEL=0 --max-time 10 --output /dev/null --write-out '%{http_code}' "$endpoint/v1/health" 2>/dev/null || true)
row "TLS 1.1" "000" "$old_tls"

say ""
say "---- Logs and traces ----"
seen=$(ask nothing /api/books/1)
id=$(header x-amzn-requestid)
trace=$(header x-amzn-trace-id)
row "a request has an id" "????????-*" "$id"
lines=0
for _ in 1 2 3 4 5 6 7 8 9 10 11 12; do
    lines=$(aws logs filter-log-events --log-group-name "$log_group" --filter-pattern "{ \$.request_id = \"$id\" }" \
        --query 'length(events)' --output text 2>/dev/null | tail -1 || true)
    [[ $lines == 1 ]] && break
    sleep 5
done
row "its id finds exactly one line of the log" 1 "$lines"
row "its trace has an id" "*Root=1-*" "${trace:-none}"
policies=$(aws logs describe-index-policies --log-group-identifiers "$log_group" --query 'indexPolicies[0].policyDocument' --output text 2>/dev/null || true)
row "the log's indexed fields" "*request_id*" "$policies"

if [[ $trace == *Sampled=1* ]]; then
    trace_id=${trace#*Root=}
    traces=$(aws xray batch-get-traces --trace-ids "${trace_id%%;*}" --query 'length(Traces)' --output text 2>/dev/null || true)
    row "the sampled trace is in X-Ray" 1 "$traces"
fi

say ""
say "---- Metrics and releases ----"
# CloudWatch lists a new metric after up to a quarter of an hour.
metrics=$(ask_aws cloudwatch list-metrics --namespace "FleetApi/$API_STACK" --query 'Metrics[].MetricName' --output text)
row "metrics from the log's lines" "*Latency*Requests*" "$(tr '\t' '\n' <<<"$metrics" | sort -u | tr '\n' ' ')"
# Counted here: the AWS CLI reads a long list page by page, and applies a query to each.
resources=$(ask_aws cloudformation list-stack-resources --stack-name "$API_STACK" --query 'StackResourceSummaries[].[ResourceType]' --output text)
functions=$(grep -c '^AWS::Lambda::Version$' <<<"$resources" || true)
row "functions with an alias" "$functions" "$(grep -c '^AWS::Lambda::Alias$' <<<"$resources" || true)"
row "functions that CodeDeploy releases" "$functions" "$(grep -c '^AWS::CodeDeploy::DeploymentGroup$' <<<"$resources" || true)"

say ""
say "---- Alarms ----"
# shellcheck disable=SC2016 # a query has backquotes of its own
silent=$(ask_aws cloudwatch describe-alarms --alarm-name-prefix "$API_STACK-" --query 'MetricAlarms[?length(AlarmActions)==`0`].AlarmName' --output text)
row "metric alarms that notify nobody" "" "${silent/#None/}"
count=$(ask_aws cloudwatch describe-alarms --alarm-name-prefix "$API_STACK-" --query 'length(MetricAlarms)' --output text)
row "metric alarms" "[12][0-9]" "$count"
topic=$(ask_aws cloudwatch describe-alarms --alarm-name-prefix "$API_STACK-" --query 'MetricAlarms[0].AlarmActions[0]' --output text)
if [[ $topic == arn:* ]]; then
    told=$(ask_aws sns list-subscriptions-by-topic --topic-arn "$topic" --query 'Subscriptions[].SubscriptionArn' --output text)
    row "their recipient has confirmed the subscription" "arn:*" "$told"
fi

say ""
if ((differ)); then die "the rows marked DIFFERS are not as this project expects. See docs/operating.md and docs/deploying.md."; fi
say "All as expected."
