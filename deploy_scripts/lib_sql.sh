# shellcheck shell=bash
# Shared by the scripts that query the database. Sourced, never run.

# How long to wait for a paused cluster: 15 s is usual, 30 s and more after a day.
readonly WAKE_SECONDS=120

# Stands for NULL in a result.
# shellcheck disable=SC2034 # the scripts that source this file use it
readonly NULL=true
# The records, one per line, with the values separated by a blank.
readonly RECORDS="records[*].[join(' ', [*].to_string(not_null(stringValue, longValue, isNull)))]"

# find_database: sets DB_CLUSTER_ARN and DB_SECRET_ARN, from the environment or from the database's stack, and the region.
find_database() {
    local status
    if [[ -n ${DB_CLUSTER_ARN:-} ]]; then
        need_settings DB_SECRET_ARN
        use_region "$(cut -d: -f4 <<<"$DB_CLUSTER_ARN")"
        return
    fi
    need_settings DATABASE_STACK
    check_account
    status=$(stack_status "$DATABASE_STACK")
    # shellcheck disable=SC2154 # load_settings sets it
    [[ -n $status ]] ||
        die "there is no stack $DATABASE_STACK. Run deploy_scripts/deploy_rds.sh $environment first, or set DB_CLUSTER_ARN and DB_SECRET_ARN."
    DB_CLUSTER_ARN=$(stack_output "$DATABASE_STACK" ClusterArn)
    DB_SECRET_ARN=$(stack_output "$DATABASE_STACK" SecretArn)
    [[ -n $DB_CLUSTER_ARN && -n $DB_SECRET_ARN ]] ||
        die "the stack $DATABASE_STACK names no cluster yet. Run deploy_scripts/deploy_rds.sh $environment again."
}

# try_statement SQL [OPTION...]: succeeds with the records in `answer`; fails if the database rejects it, with the
# error in `refusal`. Waits while the cluster resumes. The statement goes through a pipe: every user of the machine
# can read arguments.
try_statement() {
    local sql=$1 output status deadline=$((SECONDS + WAKE_SECONDS))
    shift
    answer="" refusal=""
    while true; do
        status=0
        output=$(aws rds-data execute-statement --resource-arn "$DB_CLUSTER_ARN" --secret-arn "$DB_SECRET_ARN" --database "$DB_NAME" \
            --sql file:///dev/stdin --query "$RECORDS" --output text "$@" 2>&1 <<<"$sql") || status=$?
        if ((status == 0)); then
            # The CLI prints this if there are no records.
            # shellcheck disable=SC2034 # the scripts that source this file use it
            answer=${output/#None/}
            return 0
        fi
        case $output in
            *DatabaseResuming* | *"Communications link failure"* | *DatabaseUnavailable*)
                ((SECONDS < deadline)) || die "the cluster did not wake within $WAKE_SECONDS s. Look at it in the RDS console, and run this script again."
                say "  The cluster is waking; trying again in 5 s." >&2
                sleep 5
                ;;
            *"rror code: "* | *StatementTimeout*)
                refusal=$(tr '\n' ' ' <<<"$output" | sed 's/^ *//; s/ *$//')
                return 1
                ;;
            *) explain_database "$output" ;;
        esac
    done
}

# ask_database SQL: sets `answer`, or exits.
ask_database() { try_statement "$@" || explain_database "$refusal"; }

# explain_database ERROR_TEXT: exits with a message that says what to do.
explain_database() {
    case $1 in
        *HttpEndpointNotEnabled* | *"HttpEndpoint is not enabled"*)
            die "the cluster has no Data API. Turn it on: aws rds enable-http-endpoint --region $AWS_REGION --resource-arn $DB_CLUSTER_ARN" ;;
        *DatabaseNotFound* | *"cluster not found"*)
            die "there is no cluster $DB_CLUSTER_ARN here. Check the region and DB_CLUSTER_ARN, or run deploy_scripts/deploy_rds.sh first." ;;
        *InvalidSecret* | *SecretsError* | *"Secrets Manager"*)
            die "the cluster does not accept the secret $DB_SECRET_ARN. Check DB_SECRET_ARN and that these credentials may read it." ;;
        *"Unknown database"*)
            die "the cluster has no database $DB_NAME. Check DB_NAME in deploy_scripts/config-$environment.env." ;;
        *"rror code: "*) die "the database refused: $1" ;;
        *) explain_aws "$1" ;;
    esac
}
