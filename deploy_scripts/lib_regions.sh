# shellcheck shell=bash
# Shared by the scripts for two regions. Sourced after lib.sh, never run.

# Stacks with CloudFront and Route 53 resources live in this region.
# shellcheck disable=SC2034 # the scripts that source this file use it
readonly EDGE_REGION=us-east-1

# check_two_regions: exits unless the settings name two regions.
check_two_regions() {
    local name
    need_settings PRIMARY_REGION STANDBY_REGION
    for name in PRIMARY_REGION STANDBY_REGION; do
        [[ ${!name} =~ ^[a-z]{2}(-[a-z]+)+-[0-9]$ ]] || die "$name is '${!name}', which is not a region. It must be like eu-west-1."
    done
    [[ $PRIMARY_REGION != "$STANDBY_REGION" ]] || die "PRIMARY_REGION and STANDBY_REGION are both $PRIMARY_REGION. They must be two regions."
}

# The sets within which AWS makes a table strongly consistent:
# https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/V2globaltables_HowItWorks.html
readonly STRONG_SETS=("us-east-1 us-east-2 us-west-2" "eu-west-1 eu-west-2 eu-west-3 eu-central-1" "ap-northeast-1 ap-northeast-2 ap-northeast-3")

# check_consistency: exits if AWS would refuse the table in the settings, or would have to recreate it.
check_consistency() {
    local set region inside table state
    local -a regions
    case ${DIMENSIONS_CONSISTENCY:=EVENTUAL} in
        EVENTUAL)
            [[ -z ${WITNESS_REGION:-} ]] || die "WITNESS_REGION is for DIMENSIONS_CONSISTENCY=STRONG. Leave it empty, or set both." ;;
        STRONG)
            [[ -n ${STANDBY_REGION:-} ]] || die "DIMENSIONS_CONSISTENCY=STRONG is of a table in two regions. Set STANDBY_REGION, or EVENTUAL."
            need_settings WITNESS_REGION
            regions=("$PRIMARY_REGION" "$STANDBY_REGION" "$WITNESS_REGION")
            [[ $WITNESS_REGION != "$PRIMARY_REGION" && $WITNESS_REGION != "$STANDBY_REGION" ]] ||
                die "WITNESS_REGION is $WITNESS_REGION, which has the table already. It must be a third region."
            inside=false
            for set in "${STRONG_SETS[@]}"; do
                for region in "${regions[@]}"; do [[ " $set " == *" $region "* ]] || continue 2; done
                inside=true
            done
            $inside ||
                die "AWS makes no strongly consistent table in ${regions[*]}. All three must be of one set: $(printf '%s; ' "${STRONG_SETS[@]}" | sed 's/; $//')." ;;
        *) die "DIMENSIONS_CONSISTENCY is '$DIMENSIONS_CONSISTENCY'. It must be EVENTUAL or STRONG." ;;
    esac
    # A table's consistency cannot be changed after its creation.
    state=$(stack_status "$API_STACK") || exit
    [[ -n $state ]] || return 0
    table=$(stack_output "$API_STACK" DimensionsTableName) || exit
    [[ -n $table ]] || return 0
    # shellcheck disable=SC2016 # JMESPath's own quotes
    state=$(ask_aws dynamodb describe-table --table-name "$table" --query 'Table.MultiRegionConsistency || `EVENTUAL`' --output text) || exit
    [[ $state == "$DIMENSIONS_CONSISTENCY" ]] ||
        die "the table $table is $state, and AWS does not change that of a table that has data. Leave DIMENSIONS_CONSISTENCY=$state, or move to another table as docs/two-regions.md says (one truth in two regions)."
}

# region_of primary|standby
region_of() {
    local name=${1^^}_REGION
    printf '%s' "${!name}"
}

# api_id REGION: the API of the environment's stack there.
api_id() {
    in_region "$1" ask_aws cloudformation describe-stack-resource --stack-name "$API_STACK" --logical-resource-id Api \
        --query StackResourceDetail.PhysicalResourceId --output text
}

# api_endpoint REGION: the API's own URL there, as AWS reports it.
api_endpoint() { in_region "$1" stack_output "$API_STACK" ApiEndpoint; }

# api_address REGION: the URL for reaching the API there from this machine. An emulator's differs from AWS's.
api_address() {
    local endpoint host
    endpoint=$(api_endpoint "$1") || exit
    if [[ -n ${AWS_ENDPOINT_URL:-} ]]; then
        host=${endpoint#https://}
        printf '%s/_aws/execute-api/%s/%s' "$AWS_ENDPOINT_URL" "${host%%.*}" "${endpoint##*/}"
    else
        printf '%s' "$endpoint"
    fi
}

# public_address: the URL for reaching the shared address from this machine. Only an emulator, without DNS, has another.
public_address() { printf '%s' "${PUBLIC_ADDRESS:-https://$PUBLIC_NAME}"; }

# status_of ADDRESS: the HTTP status, or 000 without a response.
status_of() { curl --silent --output /dev/null --write-out '%{http_code}' --max-time 10 "$1" || true; }

# body_of ADDRESS: the body, whatever the status; empty without a response.
body_of() { curl --silent --max-time 10 "$1" || true; }

# json_text KEY: the text of a key in the JSON on standard input; empty if it does not exist.
json_text() { sed -n "s/.*\"$1\" *: *\"\([^\"]*\)\".*/\1/p" | sed -n 1p; }

# answering_region: the region where the shared address responds; empty without a response.
answering_region() { body_of "$(public_address)/v1/metadata" | json_text region; }

# writer_region ASKED_REGION: the region of the inventory's writer; empty without a global database.
writer_region() {
    local output status=0
    output=$(in_region "$1" aws ${AWS_ENDPOINT_URL:+--endpoint-url "$AWS_ENDPOINT_URL"} rds describe-global-clusters \
        --global-cluster-identifier "$GLOBAL_DATABASE" --output text \
        --query 'GlobalClusters[0].GlobalClusterMembers[?IsWriter].DBClusterArn | [0]' 2>&1) || status=$?
    if ((status == 0)); then
        [[ $output == None ]] || cut -d: -f4 <<<"$output"
    elif [[ $output != *GlobalClusterNotFound* ]]; then
        explain_aws "$output"
    fi
}

# member_in REGION ASKED_REGION: the ARN of the global database's cluster in a region; empty if it does not exist.
member_in() {
    local members
    members=$(in_region "$2" ask_rds describe-global-clusters --global-cluster-identifier "$GLOBAL_DATABASE" --output text \
        --query 'GlobalClusters[0].GlobalClusterMembers[].[DBClusterArn]') || exit
    grep ":rds:$1:" <<<"$members" || true
}

# check_stack REGION STACK HOW_TO_CREATE_IT
check_stack() {
    local status
    status=$(in_region "$1" stack_status "$2") || exit 1
    case $status in
        "") die "there is no stack $2 in $1. Run $3 first." ;;
        ROLLBACK_COMPLETE | *_FAILED | *_IN_PROGRESS) die "the stack $2 in $1 is not ready ($status). Run $3 again once it is." ;;
    esac
}
