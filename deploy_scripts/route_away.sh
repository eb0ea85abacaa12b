#!/usr/bin/env bash
# Moves traffic and the inventory's writer from one region to the other by hand.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
source "$(dirname "${BASH_SOURCE[0]}")/lib_regions.sh"

readonly DATABASE_SECONDS=1200 TRAFFIC_SECONDS=600

help() {
    cat <<'TEXT'
Usage: deploy_scripts/route_away.sh [dev|prod] primary|standby|auto [OPTION...]

Sends the traffic of an environment's shared address (dev by default) to a region: shows what it will do, asks, and
waits until the address answers from there.

  primary   all traffic to the primary region, whatever its health check says
  standby   all traffic to the standby region, whatever the health checks say
  auto      follow the health checks: the primary region while it is healthy. This is the normal state.

The inventory is served from its writer's region, so the writer moves first: to the standby region with standby, back to the
primary one with primary and auto. This is a switchover, which loses nothing and needs both regions.

  --keep-database     leave the writer where it is; the inventory answers 503 in the other region
  --allow-data-loss   if the writer's region is lost, promote the other cluster as it is (failover). What had not been
                      replicated by then, usually the last second, is lost.
  --yes               do not ask
TEXT
}

name=dev
traffic=""
keep=false
lossy=false
yes=false
for argument in "$@"; do
    case $argument in
        -h | --help) help; exit 0 ;;
        --keep-database) keep=true ;;
        --allow-data-loss) lossy=true ;;
        --yes) yes=true ;;
        -*) usage_error "unknown option: $argument" ;;
        primary | standby | auto)
            [[ -z $traffic ]] || usage_error "both $traffic and $argument were given"
            traffic=$argument
            ;;
        *) name=$argument ;;
    esac
done
[[ -n $traffic ]] || usage_error "say where: primary, standby or auto"
if $keep && $lossy; then usage_error "--keep-database and --allow-data-loss exclude each other"; fi

need_aws
need curl "apt-get install curl"
load_settings "$name" dev prod
check_two_regions
need_settings API_STACK EDGE_STACK PUBLIC_NAME GLOBAL_DATABASE
which=${traffic/auto/primary}
target=$(region_of "$which")
check_account_in "$target"

# If the region with the edge's stack is lost, the database can still be moved; the health checks of Route 53 move traffic
# by themselves.
edge=true
if ! status=$(AWS_MAX_ATTEMPTS=1 in_region "$EDGE_REGION" stack_status "$EDGE_STACK"); then
    $lossy || exit 1
    edge=false
    say "CloudFormation in $EDGE_REGION does not answer, so the traffic setting stays as it is."
fi
if $edge; then
    [[ -n $status ]] ||
        die "there is no stack $EDGE_STACK in $EDGE_REGION, so there is nothing to route. Run deploy_scripts/deploy_edge.sh $environment first."
    in_region "$EDGE_REGION" check_deployable "$EDGE_STACK"
fi

# ---- The plan ----

address=$(api_address "$target")
status=$(status_of "$address/v1/health")
if [[ $status != 200 && $traffic != auto ]]; then
    die "the API in $target does not answer ($address/v1/health gave ${status/000/no answer}), so nothing was moved there. deploy_scripts/status.sh $environment says more."
fi
writer=$(writer_region "$target")
moves=false
if [[ -z $writer ]]; then
    plan="There is no global database $GLOBAL_DATABASE; the inventory stays where it is."
elif [[ $writer == "$target" ]]; then
    plan="The inventory's writer already is in $target."
elif $keep; then
    plan="The inventory's writer stays in $writer; in $target the inventory answers 503."
elif [[ $status != 200 ]]; then
    plan="The inventory's writer stays in $writer, since $target does not answer."
else
    moves=true
    option=""
    if [[ $which == standby ]]; then option=" --standby"; fi
    member=$(member_in "$target" "$target")
    [[ -n $member ]] || die "the global database $GLOBAL_DATABASE has no cluster in $target. Run deploy_scripts/deploy_rds.sh $environment$option first, or give --keep-database."
    if $lossy; then
        plan="The inventory's writer moves from $writer to $target by a failover: what was not replicated yet is LOST."
    else
        plan="The inventory's writer moves from $writer to $target by a switchover: nothing is lost; writes wait about a minute."
    fi
fi

before=$traffic
if $edge; then before=$(in_region "$EDGE_REGION" stack_output "$EDGE_STACK" TrafficTo); fi
changes=""
change_set=fleet-route-$(date -u +%Y%m%d%H%M%S)
drop_change_set() {
    in_region "$EDGE_REGION" aws cloudformation delete-change-set --stack-name "$EDGE_STACK" --change-set-name "$change_set" >/dev/null 2>&1 || true
}
if [[ $before != "$traffic" ]]; then
    mapfile -t parameters < <(in_region "$EDGE_REGION" ask_aws cloudformation describe-stacks --stack-name "$EDGE_STACK" --output text \
        --query "Stacks[0].Parameters[?ParameterKey!='TrafficTo'].[ParameterKey]" | sed 's/.*/ParameterKey=&,UsePreviousValue=true/')
    in_region "$EDGE_REGION" ask_aws cloudformation create-change-set --stack-name "$EDGE_STACK" --change-set-name "$change_set" \
        --use-previous-template --parameters "${parameters[@]}" "ParameterKey=TrafficTo,ParameterValue=$traffic" >/dev/null
    if ! in_region "$EDGE_REGION" aws cloudformation wait change-set-create-complete --stack-name "$EDGE_STACK" --change-set-name "$change_set"; then
        reason=$(in_region "$EDGE_REGION" ask_aws cloudformation describe-change-set --stack-name "$EDGE_STACK" --change-set-name "$change_set" --query StatusReason --output text)
        drop_change_set
        die "CloudFormation cannot change the stack $EDGE_STACK: $reason. Nothing was changed."
    fi
    changes=$(in_region "$EDGE_REGION" ask_aws cloudformation describe-change-set --stack-name "$EDGE_STACK" --change-set-name "$change_set" \
        --output text --query 'Changes[].ResourceChange.[Action, LogicalResourceId]')
fi

say "$(public_address) answers from $(answering_region | grep . || printf 'nowhere') now$($edge && printf '; traffic is set to %s' "$before")."
if [[ -n $changes ]]; then
    say "Traffic is set to $traffic. The stack $EDGE_STACK changes:"
    say "$changes" | sed 's/^/  /'
elif $edge; then
    say "Traffic stays set to $traffic."
fi
say "$plan"
if ! $yes && ! confirm "Do that?"; then
    drop_change_set
    die "nothing was changed. Answer yes, or give --yes."
fi

# ---- The writer first, so that the region can respond once traffic arrives ----

if $moves; then
    if $lossy; then
        # Sent to the target region, since the writer's own region may not respond.
        action=(failover-global-cluster --allow-data-loss)
        asked=$target
    else
        action=(switchover-global-cluster)
        asked=$writer
    fi
    if ! output=$(in_region "$asked" aws ${AWS_ENDPOINT_URL:+--endpoint-url "$AWS_ENDPOINT_URL"} rds "${action[@]}" \
        --global-cluster-identifier "$GLOBAL_DATABASE" --target-db-cluster-identifier "$member" 2>&1); then
        drop_change_set
        die "the inventory's writer did not move and traffic was left as it was: $(tr '\n' ' ' <<<"$output")$($lossy || printf 'Where %s is lost, give --allow-data-loss.' "$writer")"
    fi
    deadline=$((SECONDS + DATABASE_SECONDS))
    until [[ $(writer_region "$target") == "$target" && $(body_of "$address/v1/health/ready" | json_text data_api) == ok ]]; do
        if ((SECONDS >= deadline)); then
            drop_change_set
            die "the inventory does not answer in $target after $DATABASE_SECONDS s, and traffic was left as it was. deploy_scripts/status.sh $environment says where the writer is; run this script again."
        fi
        sleep 5
    done
    say "The inventory's writer is in $target."
fi

# ---- Then traffic ----

if [[ -n $changes ]]; then
    in_region "$EDGE_REGION" ask_aws cloudformation execute-change-set --stack-name "$EDGE_STACK" --change-set-name "$change_set" >/dev/null
    if ! in_region "$EDGE_REGION" aws cloudformation wait stack-update-complete --stack-name "$EDGE_STACK"; then
        in_region "$EDGE_REGION" failed_resources "$EDGE_STACK" >&2
        die "the stack $EDGE_STACK was not changed; CloudFormation rolls it back. The reasons are above."
    fi
    say "The stack $EDGE_STACK is changed; now Route 53 and CloudFront have to notice."
fi

# A change of a health check has no status to poll, so poll the shared address itself: three times in a row, since
# CloudFront's locations notice one by one.
expected=$target
if [[ $traffic == auto && $(status_of "$address/v1/health/ready") != 200 ]]; then
    expected=$STANDBY_REGION
    say "$target is not ready, so traffic goes to $expected."
fi
deadline=$((SECONDS + TRAFFIC_SECONDS))
for ((seen = 0; seen < 3; )); do
    region=$(answering_region)
    if [[ $region == "$expected" ]]; then
        seen=$((seen + 1))
    else
        seen=0
        ((SECONDS < deadline)) ||
            die "traffic is set to $traffic, but after $TRAFFIC_SECONDS s $(public_address) answers from ${region:-nowhere}, not from $expected. deploy_scripts/status.sh $environment says more."
    fi
    ((seen == 3)) || sleep 2
done
say "$(public_address) answers from $expected."
