#!/usr/bin/env bash
# Restores the inventory or the dimensions next to the existing ones, and explains how to switch.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
source "$(dirname "${BASH_SOURCE[0]}")/lib_sql.sh"

# How long AWS may take; a cluster of some GB takes about 20 minutes.
readonly RESTORE_SECONDS=${RESTORE_SECONDS:-7200}
readonly POLL_SECONDS=${RESTORE_POLL_SECONDS:-15}

help() {
    cat <<'TEXT'
Usage: deploy_scripts/restore.sh dev|prod inventory  [--to TIME | --snapshot NAME] [--cluster NAME] [--as NAME]
       deploy_scripts/restore.sh dev|prod dimensions [--to TIME] [--table NAME] [--as NAME]

Restores the state of a moment into a new cluster or a new table beside the present one, which is left as it is, compares the
two, and prints the command that switches the API to the new one. It changes nothing that the API uses.

  --to TIME        the moment, in UTC, like 2026-11-27T10:30:00Z; the latest that can be restored unless given
  --snapshot NAME  the inventory from a snapshot, such as the last one of a stack that was deleted
  --cluster NAME   the cluster to restore, where the database's stack is gone
  --table NAME     the table to restore, where the API's stack is gone
  --as NAME        what the new one is called

It can be run again with the same --as after any step: what is there already is gone on with. See docs/restoring.md.
TEXT
}

case ${1:-} in -h | --help | "") help; exit 0 ;; esac
named=$1
what=${2:-}
[[ $what == inventory || $what == dimensions ]] || usage_error "say what to restore: inventory or dimensions"
shift 2
to="" snapshot="" cluster="" table="" as=""
while (($# > 0)); do
    (($# > 1)) || usage_error "$1 needs a value"
    case $what/$1 in
        */--to) to=$2 ;;
        inventory/--snapshot) snapshot=$2 ;;
        inventory/--cluster) cluster=$2 ;;
        dimensions/--table) table=$2 ;;
        */--as) as=$2 ;;
        *) usage_error "unknown option for $what: $1" ;;
    esac
    shift 2
done
[[ -z $to || $to =~ ^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z$ ]] || usage_error "--to is '$to'. It must be UTC, like 2026-11-27T10:30:00Z"
[[ -z $to || -z $snapshot ]] || usage_error "--to and --snapshot exclude each other: a snapshot is of one moment"

need_aws
load_settings "$named" dev prod
need_settings DB_NAME DATABASE_STACK API_STACK MAX_CAPACITY MIN_CAPACITY
check_account
stamp=$(date -u +%Y%m%d-%H%M%S)
# The AWS CLI prints times in the machine's zone.
export TZ=UTC

# wait_for WHAT WANTED COMMAND...: waits until the command's output is WANTED.
wait_for() {
    local thing=$1 wanted=$2 state deadline=$((SECONDS + RESTORE_SECONDS))
    shift 2
    while true; do
        state=$("$@") || exit 1
        if [[ $state == "$wanted" ]]; then break; fi
        ((SECONDS < deadline)) || die "$thing is still $state after $RESTORE_SECONDS s. Look at it in the console, and run this script again with --as $as."
        sleep "$POLL_SECONDS"
    done
    say "  $thing: $state"
}

# seconds TIME: since 1970, from a time in UTC as the AWS CLI prints it; version 1 prints DynamoDB's in seconds already.
seconds() {
    if [[ $1 =~ ^[0-9]+(\.[0-9]+)?$ ]]; then
        printf '%s' "${1%.*}"
    else
        date -u -d "$1" +%s 2>/dev/null || date -j -u -f %Y-%m-%dT%H:%M:%S "${1%%[.+Z]*}" +%s
    fi
}

# within EARLIEST LATEST: exits if the requested time is not between them.
within() {
    local earliest latest asked
    if [[ -z $to ]]; then return; fi
    earliest=$(seconds "$1") latest=$(seconds "$2") asked=$(seconds "$to")
    ((asked >= earliest && asked <= latest)) || die "$to cannot be restored: it must be between $1 and $2."
}

# ---- The dimensions ----

describe_table() { ask_aws dynamodb describe-table --table-name "$1" --query "$2" --output text; }

# is_there COMMAND...: whether the resource that it describes exists.
is_there() {
    local output status=0
    output=$("$@" 2>&1) || status=$?
    if ((status == 0)); then return 0; fi
    [[ $output == *NotFound* ]] || explain_aws "$output"
    return 1
}

restore_dimensions() {
    local window earliest latest before after
    local -a when=(--use-latest-restorable-time)
    if [[ -z $table ]]; then
        status=$(stack_status "$API_STACK")
        [[ -n $status ]] || die "there is no stack $API_STACK. Name its table, which stayed: --table NAME (aws dynamodb list-tables)."
        table=$(stack_output "$API_STACK" DimensionsTableName)
    fi
    as=${as:-$API_STACK-dimensions-$stamp}
    if is_there aws dynamodb describe-table --table-name "$as"; then
        say "The table $as is there already; goes on with it."
    else
        window=$(ask_aws dynamodb describe-continuous-backups --table-name "$table" --output text \
            --query 'ContinuousBackupsDescription.PointInTimeRecoveryDescription.[PointInTimeRecoveryStatus, EarliestRestorableDateTime, LatestRestorableDateTime]')
        read -r status earliest latest <<<"$window"
        [[ $status == ENABLED ]] || die "the table $table has no point-in-time recovery, so there is nothing to restore it from."
        within "$earliest" "$latest"
        if [[ -n $to ]]; then when=(--restore-date-time "$to"); fi
        say "Restores $table as of ${to:-$latest} into $as."
        ask_aws dynamodb restore-table-to-point-in-time --source-table-name "$table" --target-table-name "$as" "${when[@]}" >/dev/null
    fi
    wait_for "the table $as" ACTIVE describe_table "$as" Table.TableStatus
    # A restore includes none of these.
    ask_aws dynamodb update-continuous-backups --table-name "$as" --point-in-time-recovery-specification PointInTimeRecoveryEnabled=true >/dev/null
    if [[ $environment == prod ]]; then ask_aws dynamodb update-table --table-name "$as" --deletion-protection-enabled >/dev/null; fi
    after=$(ask_aws dynamodb scan --table-name "$as" --select COUNT --query Count --output text)
    before=""
    if is_there aws dynamodb describe-table --table-name "$table"; then
        before=$(ask_aws dynamodb scan --table-name "$table" --select COUNT --query Count --output text)
    fi
    say "Dimensions: ${before:-none} in $table now, $after in $as."
    say "Look at some of them: aws dynamodb scan --region $AWS_REGION --table-name $as --max-items 5"
    say "To switch, name the table at this and every later deployment, or in samconfig.toml:"
    say "  deploy_scripts/deploy_api.sh $environment --parameter-overrides \"$(parameters) DimensionsTableName=$as\""
    say "The old table $table leaves the stack then, and stays. To go back, deploy with DimensionsTableName=$table."
}

# parameters: those of samconfig.toml, which --parameter-overrides replaces as a whole.
parameters() {
    sed -n "/^\[$sam_environment\.global\.parameters\]/,/^\[/s/^parameter_overrides = \"\(.*\)\"\$/\1/p" "$root_dir/samconfig.toml"
}

# ---- The inventory ----

describe_cluster() { ask_rds describe-db-clusters --db-cluster-identifier "$1" --query "DBClusters[0].$2" --output text; }
describe_instance() { ask_rds describe-db-instances --db-instance-identifier "$1" --query 'DBInstances[0].DBInstanceStatus' --output text; }

# look_at: prints a summary of the database named by DB_CLUSTER_ARN and DB_SECRET_ARN.
look_at() {
    local version instances newest
    ask_database "SELECT MAX(version) FROM schema_version WHERE applied_utc IS NOT NULL"
    version=$answer
    ask_database "SELECT COUNT(*) FROM ec2"
    instances=$answer
    ask_database "SELECT MAX(creation_date_utc) FROM ec2"
    newest=${answer/#$NULL/none}
    say "  $1: schema version $version, $instances instances, the newest of $newest UTC"
}

restore_inventory() {
    local earliest latest window source_arn="" group="" security parameter_group capacity
    local -a source when network=()
    capacity="MinCapacity=$MIN_CAPACITY,MaxCapacity=$MAX_CAPACITY"
    if [[ -z $cluster ]]; then
        status=$(stack_status "$DATABASE_STACK")
        if [[ -n $status ]]; then
            source_arn=$(stack_output "$DATABASE_STACK" ClusterArn)
            cluster=${source_arn##*:cluster:}
        elif [[ -z $snapshot ]]; then
            die "there is no stack $DATABASE_STACK. Restore its last snapshot: --snapshot NAME (aws rds describe-db-cluster-snapshots), or name its cluster: --cluster NAME."
        fi
    fi
    as=${as:-$(tr '[:upper:]' '[:lower:]' <<<"$DATABASE_STACK")-$stamp}
    if [[ -n $cluster ]]; then
        group=$(describe_cluster "$cluster" DBSubnetGroup)
        security=$(describe_cluster "$cluster" 'VpcSecurityGroups[].VpcSecurityGroupId')
        parameter_group=$(describe_cluster "$cluster" DBClusterParameterGroup)
        # shellcheck disable=SC2206 # one argument a group
        network=(--db-subnet-group-name "$group" --vpc-security-group-ids $security --db-cluster-parameter-group-name "$parameter_group")
    else
        say "Without its stack the new cluster gets the account's default network and parameters; deploy_rds.sh afterwards makes a stack of its own for the next time."
    fi
    if is_there aws ${AWS_ENDPOINT_URL:+--endpoint-url "$AWS_ENDPOINT_URL"} rds describe-db-clusters --db-cluster-identifier "$as"; then
        say "The cluster $as is there already; goes on with it."
    elif [[ -n $snapshot ]]; then
        say "Restores the snapshot $snapshot into the cluster $as."
        ask_rds restore-db-cluster-from-snapshot --db-cluster-identifier "$as" --snapshot-identifier "$snapshot" --engine aurora-mysql \
            --serverless-v2-scaling-configuration "$capacity" ${network[@]+"${network[@]}"} >/dev/null
    else
        window=$(ask_rds describe-db-clusters --db-cluster-identifier "$cluster" --query 'DBClusters[0].[EarliestRestorableTime, LatestRestorableTime]' --output text)
        read -r earliest latest <<<"$window"
        within "$earliest" "$latest"
        when=(--use-latest-restorable-time)
        if [[ -n $to ]]; then when=(--restore-to-time "$to"); fi
        source=(--source-db-cluster-identifier "$cluster")
        say "Restores $cluster as of ${to:-$latest} into the cluster $as."
        ask_rds restore-db-cluster-to-point-in-time --db-cluster-identifier "$as" "${source[@]}" "${when[@]}" \
            --serverless-v2-scaling-configuration "$capacity" "${network[@]}" >/dev/null
    fi
    wait_for "the cluster $as" available describe_cluster "$as" Status
    if ! is_there aws ${AWS_ENDPOINT_URL:+--endpoint-url "$AWS_ENDPOINT_URL"} rds describe-db-instances --db-instance-identifier "$as-writer"; then
        ask_rds create-db-instance --db-instance-identifier "$as-writer" --db-cluster-identifier "$as" --engine aurora-mysql \
            --db-instance-class db.serverless --no-auto-minor-version-upgrade --no-publicly-accessible >/dev/null
    fi
    wait_for "its writer $as-writer" available describe_instance "$as-writer"
    # A restored cluster has the users and passwords of that time, but no secret: RDS creates one for its master user.
    secret=$(describe_cluster "$as" MasterUserSecret.SecretArn)
    if [[ -z $secret || $secret == None ]]; then
        ask_rds modify-db-cluster --db-cluster-identifier "$as" --manage-master-user-password --apply-immediately >/dev/null
    fi
    wait_for "the secret of its master" active describe_cluster "$as" MasterUserSecret.SecretStatus
    wait_for "the cluster $as" available describe_cluster "$as" Status
    secret=$(describe_cluster "$as" MasterUserSecret.SecretArn)
    restored=$(describe_cluster "$as" DBClusterArn)
    ask_rds enable-http-endpoint --resource-arn "$restored" >/dev/null
    if [[ $environment == prod ]]; then ask_rds modify-db-cluster --db-cluster-identifier "$as" --deletion-protection --apply-immediately >/dev/null; fi

    say "What they hold:"
    if [[ -n $source_arn ]]; then
        DB_CLUSTER_ARN=$source_arn
        DB_SECRET_ARN=$(stack_output "$DATABASE_STACK" SecretArn)
        # A dropped table may be the reason for the restore.
        (look_at "now, $cluster") || say "  now, $cluster: cannot be looked at, see above"
    fi
    DB_CLUSTER_ARN=$restored DB_SECRET_ARN=$secret
    look_at "restored, $as"
    say "To switch, bring its schema and its users up to date, then name it at this and every later deployment, or in samconfig.toml:"
    say "  DB_CLUSTER_ARN=$restored DB_SECRET_ARN='$secret' deploy_scripts/create_schema.sh $environment"
    say "  deploy_scripts/deploy_api.sh $environment --parameter-overrides \"$(parameters) DbClusterArn=$restored\""
    say "The old cluster stays. To go back, run create_schema.sh without the two variables and deploy without DbClusterArn."
}

"restore_$what"
