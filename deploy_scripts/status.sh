#!/usr/bin/env bash
# Shows both regions, their health, and where traffic is going.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
source "$(dirname "${BASH_SOURCE[0]}")/lib_regions.sh"

help() {
    cat <<'TEXT'
Usage: deploy_scripts/status.sh [dev|prod]

Shows the two regions of an environment (dev by default) side by side: the stack, the health of the API and its
stores, the running version, the location of the inventory's writer, the table's replica, and Route 53's view of the region;
then where traffic goes. Changes nothing. Whatever cannot be determined is shown as "no answer".

The exit code is 1 if the shared address does not answer.
TEXT
}

case ${1:-} in -h | --help) help; exit 0 ;; esac
(($# <= 1)) || usage_error "too many arguments: $*"

need_aws
need curl "apt-get install curl"
load_settings "${1:-dev}" dev prod
check_two_regions
need_settings API_STACK EDGE_STACK PUBLIC_NAME GLOBAL_DATABASE
use_region "$PRIMARY_REGION"

# A region that is down must not delay the report on the other one.
readonly PATIENCE=(--cli-connect-timeout 5 --cli-read-timeout 10)
export AWS_MAX_ATTEMPTS=1

# ask REGION SERVICE ARGUMENT...: the text, "none" if it does not exist, "no answer" if it cannot be determined.
ask() {
    local region=$1 output
    local -a endpoint=()
    shift
    if [[ $1 == rds && -n ${AWS_ENDPOINT_URL:-} ]]; then endpoint=(--endpoint-url "$AWS_ENDPOINT_URL"); fi
    if output=$(in_region "$region" aws "${PATIENCE[@]}" ${endpoint[@]+"${endpoint[@]}"} --output text "$@" 2>&1); then
        [[ $output != None && -n $output ]] || output=none
    elif [[ $output == *"does not exist"* || $output == *NotFound* ]]; then
        output=none
    else
        output="no answer"
    fi
    printf '%s' "$output"
}

output_of() { ask "$1" cloudformation describe-stacks --stack-name "$2" --query "Stacks[0].Outputs[?OutputKey=='$3'].OutputValue | [0]"; }

row() { printf '%-20s%-24s%s\n' "$@"; }

declare -A seen
# look WHICH: collects everything about a region.
look() {
    local which=$1 region endpoint address ready metadata table writer health reports
    region=$(region_of "$which")
    seen[$which.stack]=$(ask "$region" cloudformation describe-stacks --stack-name "$API_STACK" --query 'Stacks[0].StackStatus')
    endpoint=$(output_of "$region" "$API_STACK" ApiEndpoint)
    address=$endpoint
    if [[ -n ${AWS_ENDPOINT_URL:-} && $endpoint == https://* ]]; then
        address=${endpoint#https://}
        address=$AWS_ENDPOINT_URL/_aws/execute-api/${address%%.*}/${endpoint##*/}
    fi
    ready=""
    metadata=""
    seen[$which.health]="no answer"
    seen[$which.ready]="no answer"
    if [[ $address == http* ]]; then
        seen[$which.health]=$(status_of "$address/v1/health" | sed 's/^000$/no answer/')
        seen[$which.ready]=$(status_of "$address/v1/health/ready" | sed 's/^000$/no answer/')
        ready=$(body_of "$address/v1/health/ready")
        metadata=$(body_of "$address/v1/metadata")
    fi
    for store in dynamodb data_api secret; do seen[$which.$store]=$(json_text "$store" <<<"$ready"); done
    seen[$which.version]=$(json_text version <<<"$metadata")
    seen[$which.commit]=$(json_text commit <<<"$metadata" | cut -c1-12)
    writer=$(ask "$region" rds describe-global-clusters --global-cluster-identifier "$GLOBAL_DATABASE" \
        --query 'GlobalClusters[0].GlobalClusterMembers[].[DBClusterArn, IsWriter]')
    case $writer in
        none | "no answer") seen[$which.inventory]=$writer ;;
        *) seen[$which.inventory]=$(awk -v region=":rds:$region:" 'index($1, region) { print $2 == "True" ? "writer" : "reader" }' <<<"$writer") ;;
    esac
    table=$(output_of "$region" "$API_STACK" DimensionsTableName)
    seen[$which.table]="no answer"
    if [[ $table != "no answer" ]]; then seen[$which.table]=$(ask "$region" dynamodb describe-table --table-name "$table" --query Table.TableStatus); fi
    health=$(output_of "$EDGE_REGION" "$EDGE_STACK" "${which^}HealthCheckId")
    seen[$which.check]=$health
    if [[ $health != none && $health != "no answer" ]]; then
        reports=$(ask "$EDGE_REGION" route53 get-health-check-status --health-check-id "$health" --query 'HealthCheckObservations[].[StatusReport.Status]')
        case $reports in
            none | "no answer") seen[$which.check]="no answer" ;;
            *) seen[$which.check]="well for $(grep -c ^Success <<<"$reports" || true) of $(wc -l <<<"$reports") places" ;;
        esac
    fi
}
look primary
look standby

say "Fleet API, environment $environment, $(public_address)"
say ""
row "" "primary $PRIMARY_REGION" "standby $STANDBY_REGION"
while IFS='|' read -r key title; do
    row "$title" "${seen[primary.$key]:--}" "${seen[standby.$key]:--}"
done <<'TEXT'
stack|stack
health|/v1/health
ready|/v1/health/ready
dynamodb|  dynamodb
data_api|  data_api
secret|  secret
version|version
commit|commit
inventory|inventory
table|table
check|Route 53
TEXT
say ""

traffic=$(output_of "$EDGE_REGION" "$EDGE_STACK" TrafficTo)
case $traffic in
    none) say "There is no stack $EDGE_STACK in $EDGE_REGION, so nothing leads to the regions. Run deploy_scripts/deploy_edge.sh $environment." ;;
    "no answer") say "CloudFormation in $EDGE_REGION does not answer, so the traffic setting is unknown. The health checks and records work without it." ;;
    auto) say "Traffic follows the health checks (auto)." ;;
    *) say "Traffic goes to the $traffic region, $(region_of "$traffic"), whatever the health checks say." ;;
esac
answering=$(answering_region)
if [[ -z $answering ]]; then
    say "$(public_address) does not answer."
    exit 1
fi
say "$(public_address) answers from $answering."
