#!/usr/bin/env bash
# Runs ddl/ through the Data API.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

# How long to wait for a paused cluster: 15 s is usual, 30 s and more after a day.
readonly WAKE_SECONDS=120

help() {
    cat <<'TEXT'
Usage: deploy_scripts/create_schema.sh [dev|prod|local]

Makes the tables of ddl/ in an environment's database (dev unless named) through the RDS Data API, one statement a file
in the order of their names, and prints the tables that are there afterwards. A table that exists is left as it is, so
it can be run again at any time. Waits up to 120 s for a paused cluster.

The cluster and its secret come from the database's stack, or from DB_CLUSTER_ARN and DB_SECRET_ARN where these are set.
local means the local AWS endpoints of `cargo run`.
TEXT
}

case ${1:-} in -h | --help) help; exit 0 ;; esac
(($# <= 1)) || usage_error "too many arguments: $*"

# run_statement SQL: answers the Data API's JSON; waits while the cluster wakes.
run_statement() {
    local sql=$1 output status deadline=$((SECONDS + WAKE_SECONDS))
    while true; do
        status=0
        output=$(aws rds-data execute-statement --resource-arn "$DB_CLUSTER_ARN" --secret-arn "$DB_SECRET_ARN" \
            --database "$DB_NAME" --sql "$sql" --output json 2>&1) || status=$?
        if ((status == 0)); then
            printf '%s' "$output"
            return 0
        fi
        case $output in
            *DatabaseResuming* | *"Communications link failure"* | *DatabaseUnavailable*)
                ((SECONDS < deadline)) || die "the cluster did not wake within $WAKE_SECONDS s. Look at it in the RDS console, and run this script again."
                say "  The cluster is waking; trying again in 5 s." >&2
                sleep 5
                ;;
            *HttpEndpointNotEnabled* | *"HttpEndpoint is not enabled"*)
                die "the cluster has no Data API. Turn it on: aws rds enable-http-endpoint --region $AWS_REGION --resource-arn $DB_CLUSTER_ARN" ;;
            *DatabaseNotFound* | *"is not found"* | *"cluster not found"*)
                die "there is no cluster $DB_CLUSTER_ARN here. Check the region and DB_CLUSTER_ARN, or run deploy_scripts/deploy_rds.sh first." ;;
            *InvalidSecret* | *SecretsError* | *"Secrets Manager"*)
                die "the cluster does not take the secret $DB_SECRET_ARN. Check DB_SECRET_ARN and that these credentials may read it." ;;
            *"Unknown database"*)
                die "the cluster has no database $DB_NAME. Check DB_NAME in deploy_scripts/config-$environment.env." ;;
            *) explain_aws "$output" ;;
        esac
    done
}

need_aws
load_settings "${1:-dev}" dev prod local
need_settings DB_NAME

statements=("$root_dir"/ddl/*.sql)
[[ -e ${statements[0]} ]] || die "there are no statements in $root_dir/ddl. Check out the whole repository."

if [[ -n ${DB_CLUSTER_ARN:-} ]]; then
    need_settings DB_SECRET_ARN
    use_region "$(cut -d: -f4 <<<"$DB_CLUSTER_ARN")"
else
    need_settings DATABASE_STACK
    check_account
    status=$(stack_status "$DATABASE_STACK")
    [[ -n $status ]] ||
        die "there is no stack $DATABASE_STACK. Run deploy_scripts/deploy_rds.sh $environment first, or set DB_CLUSTER_ARN and DB_SECRET_ARN."
    DB_CLUSTER_ARN=$(stack_output "$DATABASE_STACK" ClusterArn)
    DB_SECRET_ARN=$(stack_output "$DATABASE_STACK" SecretArn)
    [[ -n $DB_CLUSTER_ARN && -n $DB_SECRET_ARN ]] ||
        die "the stack $DATABASE_STACK names no cluster yet. Run deploy_scripts/deploy_rds.sh $environment again."
fi

say "Makes the tables of ddl/ in $DB_NAME on $DB_CLUSTER_ARN."
for file in "${statements[@]}"; do
    run_statement "$(cat "$file")" >/dev/null
    say "  $(basename "$file"): done"
done

say "Tables in $DB_NAME:"
run_statement "SHOW TABLES" | sed -n 's/.*"stringValue": *"\([^"]*\)".*/  \1/p'
