#!/usr/bin/env bash
# Creates or updates the shared address of both regions.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
source "$(dirname "${BASH_SOURCE[0]}")/lib_regions.sh"

help() {
    cat <<'TEXT'
Usage: deploy_scripts/deploy_edge.sh [dev|prod]

Puts the APIs of an environment's two regions (dev by default) behind one name: the regional names in each region from
deploy_scripts/regional_domain.yaml, then CloudFront, the failover records of Route 53 and the health checks from
deploy_scripts/edge.yaml in us-east-1. Before changing anything it checks the hosted zone, the certificates, the stacks of
both regions and that both APIs answer. Takes about 10 minutes the first time, and can be run again at any time: traffic
stays as route_away.sh set it.

The settings are in deploy_scripts/config-ENVIRONMENT.env: PRIMARY_REGION, STANDBY_REGION, PUBLIC_NAME, ORIGIN_NAME,
ZONE_NAME, EDGE_CERTIFICATE_ARN, PRIMARY_CERTIFICATE_ARN, STANDBY_CERTIFICATE_ARN. See docs/two-regions.md.
TEXT
}

case ${1:-} in -h | --help) help; exit 0 ;; esac
(($# <= 1)) || usage_error "too many arguments: $*"

# covers PATTERN NAME: whether a certificate's name, which may begin with "*.", covers a name.
covers() { [[ $2 == "$1" || ($1 == "*."* && $2 == *.* && ${2#*.} == "${1#\*.}") ]]; }

# check_certificate SETTING REGION NAME...: exits unless it exists, is issued, and covers the names.
check_certificate() {
    local setting=$1 region=$2 arn=${!1} found name covered pattern
    shift 2
    [[ $arn =~ ^arn:[a-z-]+:acm:([a-z0-9-]+):[0-9]{12}:certificate/[A-Za-z0-9-]+$ ]] || die "$setting is '$arn', which is not a certificate ARN."
    [[ ${BASH_REMATCH[1]} == "$region" ]] ||
        die "$setting is a certificate in ${BASH_REMATCH[1]}, and one in $region is needed. Request one there: aws acm request-certificate --region $region --validation-method DNS --domain-name '*.$ZONE_NAME'"
    # shellcheck disable=SC2016 # the CLI's own quotes
    found=$(in_region "$region" aws acm describe-certificate --certificate-arn "$arn" --output text \
        --query 'Certificate.[Status, join(`,`, SubjectAlternativeNames || [DomainName])]' 2>&1) || {
        [[ $found == *ResourceNotFound* ]] || explain_aws "$found"
        die "$setting names a certificate that does not exist in $region: $arn"
    }
    [[ ${found%%[[:space:]]*} == ISSUED ]] ||
        die "$setting is not issued yet (${found%%[[:space:]]*}). Put the record that ACM asks for into the zone, wait, and run this script again."
    for name in "$@"; do
        covered=false
        for pattern in $(tr ',' ' ' <<<"${found#*[[:space:]]}"); do
            ! covers "$pattern" "$name" || covered=true
        done
        $covered || die "$setting does not cover $name; it covers ${found#*[[:space:]]}. Request one for it in $region, or for '*.${name#*.}'."
    done
}

# check_api REGION OPTION: exits unless the API's stack exists and responds, and is ready on a first deployment. Later
# the inventory's writer may be in the other region, and the traffic setting stays as it is.
check_api() {
    local region=$1 option=$2 address status
    check_stack "$region" "$API_STACK" "deploy_scripts/deploy_api.sh $environment$option"
    address=$(api_address "$region")
    status=$(status_of "$address/v1/health")
    [[ $status == 200 ]] ||
        die "the API in $region does not answer: $address/v1/health gave ${status/000/no answer}. Look at its logs, or deploy it again with deploy_scripts/deploy_api.sh $environment$option."
    status=$(status_of "$address/v1/health/ready")
    if [[ $status != 200 ]]; then
        status="the API in $region is not ready, so no traffic would go there: $address/v1/health/ready gave ${status/000/no answer}. It names the store: $(body_of "$address/v1/health/ready")"
        [[ -n $edge ]] || die "$status"
        say "Warning: $status"
    fi
}

need_aws
need curl "apt-get install curl"
load_settings "${1:-dev}" dev prod
check_two_regions
need_settings API_STACK EDGE_STACK DOMAIN_STACK PUBLIC_NAME ORIGIN_NAME ZONE_NAME EDGE_CERTIFICATE_ARN PRIMARY_CERTIFICATE_ARN STANDBY_CERTIFICATE_ARN
[[ $PUBLIC_NAME != "$ORIGIN_NAME" ]] || die "PUBLIC_NAME and ORIGIN_NAME are both $PUBLIC_NAME. One leads to CloudFront and the other to a region, so they must be two names."
for name in PUBLIC_NAME ORIGIN_NAME; do
    [[ ${!name} =~ ^[a-z0-9-]+(\.[a-z0-9-]+)+$ ]] || die "$name is '${!name}', which is not a host name. It must be like api.example.com, in lower case."
    [[ ${!name} == "${ZONE_NAME%.}" || ${!name} == *".${ZONE_NAME%.}" ]] || die "$name is ${!name}, which is not in the zone $ZONE_NAME (ZONE_NAME)."
done
[[ -z ${EDGE_ALARM_TOPIC_ARN:-} || $EDGE_ALARM_TOPIC_ARN == arn:*:sns:$EDGE_REGION:* ]] ||
    die "EDGE_ALARM_TOPIC_ARN is $EDGE_ALARM_TOPIC_ARN, which is not an SNS topic in $EDGE_REGION, where the metrics of CloudFront and Route 53 are."
[[ -z ${WEB_ACL_ARN:-} || $WEB_ACL_ARN == arn:*:wafv2:$EDGE_REGION:*:global/webacl/* ]] ||
    die "WEB_ACL_ARN is $WEB_ACL_ARN, which is not a web ACL for CloudFront: those are global ones, in $EDGE_REGION."
check_account

say "Checking the prerequisites."
zone=$(ask_aws route53 list-hosted-zones-by-name --dns-name "${ZONE_NAME%.}." --output text \
    --query "HostedZones[?Name=='${ZONE_NAME%.}.' && Config.PrivateZone==\`false\`].Id | [0]")
[[ $zone == /hostedzone/* ]] ||
    die "there is no public hosted zone $ZONE_NAME in this account. Check ZONE_NAME, or create it: aws route53 create-hosted-zone --name $ZONE_NAME --caller-reference \"\$(date +%s)\""
zone=${zone#/hostedzone/}
check_certificate EDGE_CERTIFICATE_ARN "$EDGE_REGION" "$PUBLIC_NAME"
check_certificate PRIMARY_CERTIFICATE_ARN "$PRIMARY_REGION" "$PUBLIC_NAME" "$ORIGIN_NAME"
check_certificate STANDBY_CERTIFICATE_ARN "$STANDBY_REGION" "$PUBLIC_NAME" "$ORIGIN_NAME"
edge=$(in_region "$EDGE_REGION" stack_status "$EDGE_STACK")
check_api "$PRIMARY_REGION" ""
check_api "$STANDBY_REGION" " --standby"
table=$(in_region "$STANDBY_REGION" stack_output "$API_STACK" DimensionsTableName)
found=$(in_region "$PRIMARY_REGION" stack_output "$API_STACK" DimensionsTableName)
[[ $table == "$found" ]] ||
    die "the API in $STANDBY_REGION has its own table, $table, so the two regions would give different answers. Deploy it with deploy_scripts/deploy_api.sh $environment --standby."
for region in "$PRIMARY_REGION" "$STANDBY_REGION"; do in_region "$region" check_deployable "$DOMAIN_STACK"; done
in_region "$EDGE_REGION" check_deployable "$EDGE_STACK"
traffic=auto
if [[ -n $edge ]]; then
    traffic=$(in_region "$EDGE_REGION" stack_output "$EDGE_STACK" TrafficTo)
else
    for name in "$PUBLIC_NAME" "$ORIGIN_NAME"; do
        found=$(ask_aws route53 list-resource-record-sets --hosted-zone-id "$zone" --output text \
            --query "ResourceRecordSets[?Name=='$name.' && (Type=='A' || Type=='AAAA' || Type=='CNAME')].[Type]")
        [[ -z $found || $found == None ]] ||
            die "the zone $ZONE_NAME already has a record of $name ($(tr '\n' ' ' <<<"$found" | sed 's/ *$//')), which the stack $EDGE_STACK would create. Delete it, or choose another name."
    done
fi

# deploy STACK TEMPLATE PARAMETER...
deploy() {
    say "Deploying the stack $1 in $AWS_REGION."
    deploy_stack "$1" "$2" --tags project=fleet-api "environment=$environment" --parameter-overrides "${@:3}"
}

for which in PRIMARY STANDBY; do
    region=$(region_of "$which")
    certificate=${which}_CERTIFICATE_ARN
    endpoint=$(api_endpoint "$region")
    api=$(api_id "$region")
    in_region "$region" deploy "$DOMAIN_STACK" regional_domain.yaml "PublicName=$PUBLIC_NAME" "OriginName=$ORIGIN_NAME" \
        "CertificateArn=${!certificate}" "ApiId=$api" "StageName=${endpoint##*/}"
done

# regional WHICH: the parameters of one region.
regional() {
    local region endpoint host name zone
    region=$(region_of "$1")
    endpoint=$(api_endpoint "$region") || exit
    name=$(in_region "$region" stack_output "$DOMAIN_STACK" TargetName) || exit
    zone=$(in_region "$region" stack_output "$DOMAIN_STACK" TargetZoneId) || exit
    host=${endpoint#https://}
    printf '%s\n' "$1Region=$region" "$1HealthHost=${host%%/*}" "$1HealthPath=/${host#*/}/v1/health/ready" \
        "$1TargetName=$name" "$1TargetZoneId=$zone"
}
parameters=$(regional Primary && regional Standby)
mapfile -t parameters <<<"$parameters"
in_region "$EDGE_REGION" deploy "$EDGE_STACK" edge.yaml "${parameters[@]}" "PublicName=$PUBLIC_NAME" "OriginName=$ORIGIN_NAME" \
    "HostedZoneId=$zone" "CertificateArn=$EDGE_CERTIFICATE_ARN" "TrafficTo=$traffic" \
    "WebAclArn=$WEB_ACL_ARN" "AlarmTopicArn=$EDGE_ALARM_TOPIC_ARN"
in_region "$EDGE_REGION" show_outputs "$EDGE_STACK"

say "Waiting for $(public_address) to answer."
deadline=$((SECONDS + 900))
until [[ $(status_of "$(public_address)/v1/health") == 200 ]]; do
    ((SECONDS < deadline)) ||
        die "everything is deployed, but $(public_address)/v1/health does not answer after 15 minutes. Is the zone $ZONE_NAME the one that the registrar names? Its name servers: aws route53 get-hosted-zone --id $zone --query DelegationSet.NameServers"
    sleep 5
done
say "$(public_address) answers, from $(answering_region)."
say "Next: deploy_scripts/sync_api_key.sh $environment"
