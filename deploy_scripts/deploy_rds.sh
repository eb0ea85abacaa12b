#!/usr/bin/env bash
# Creates or updates the database's stack.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
source "$(dirname "${BASH_SOURCE[0]}")/lib_regions.sh"

help() {
    cat <<'TEXT'
Usage: deploy_scripts/deploy_rds.sh [dev|prod] [--standby]

Creates or updates the database of an environment (dev by default): Aurora MySQL on Serverless v2 from
deploy_scripts/database.yaml, with the settings of deploy_scripts/config-ENVIRONMENT.env. Takes about 15 minutes the
first time, and can be run again at any time. Afterwards: deploy_scripts/create_schema.sh

If the settings name a STANDBY_REGION, the cluster becomes the first of an Aurora global database.

  --standby   the secondary cluster, in STANDBY_REGION; after the first one
TEXT
}

name=dev
role=primary
for argument in "$@"; do
    case $argument in
        -h | --help) help; exit 0 ;;
        --standby) role=standby ;;
        -*) usage_error "unknown option: $argument" ;;
        *) name=$argument ;;
    esac
done

need_aws
load_settings "$name" dev prod
need_settings DATABASE_STACK DB_NAME MIN_CAPACITY MAX_CAPACITY SECONDS_UNTIL_AUTO_PAUSE BACKUP_RETENTION_DAYS DELETION_PROTECTION READER

global=()
if [[ $role == standby || -n ${STANDBY_REGION:-} ]]; then
    check_two_regions
    need_settings GLOBAL_DATABASE
fi
if [[ $role == standby ]]; then
    check_account_in "$STANDBY_REGION"
    check_stack "$PRIMARY_REGION" "$DATABASE_STACK" "deploy_scripts/deploy_rds.sh $environment"
    secret=$(in_region "$PRIMARY_REGION" stack_output "$DATABASE_STACK" SecretArn)
    found=$(in_region "$PRIMARY_REGION" stack_output "$DATABASE_STACK" GlobalDatabase)
    [[ $found == "$GLOBAL_DATABASE" ]] ||
        die "the stack $DATABASE_STACK in $PRIMARY_REGION has no global database $GLOBAL_DATABASE yet. Run deploy_scripts/deploy_rds.sh $environment first."
    replica=${secret/":$PRIMARY_REGION:"/":$STANDBY_REGION:"}
    found=$(aws secretsmanager describe-secret --secret-id "$replica" --query ARN --output text 2>&1) || {
        [[ $found == *ResourceNotFound* ]] || explain_aws "$found"
        die "the secret of $DATABASE_STACK has no replica in $STANDBY_REGION. Run deploy_scripts/deploy_rds.sh $environment again."
    }
    # AWS creates its key for RDS when it is first requested.
    [[ -n ${AWS_ENDPOINT_URL:-} ]] || ask_aws kms describe-key --key-id alias/aws/rds >/dev/null
    global=("GlobalDatabase=$GLOBAL_DATABASE" GlobalRole=standby "OtherRegion=$PRIMARY_REGION" "ReplicatedSecretArn=$replica")
else
    check_account
    if [[ -n ${STANDBY_REGION:-} ]]; then
        global=("GlobalDatabase=$GLOBAL_DATABASE" GlobalRole=primary "OtherRegion=$STANDBY_REGION")
    fi
fi
check_told
check_deployable "$DATABASE_STACK"

# The stack's own secret replaces the one managed by RDS, which CloudFormation refuses while another stack imports that.
status=$(stack_status "$DATABASE_STACK")
if [[ $role == primary && -n ${global[*]} && -n $status ]]; then
    secret=$(stack_output "$DATABASE_STACK" SecretArn)
    if [[ $secret == *:secret:rds!* ]]; then
        importers=$(aws cloudformation list-imports --export-name "$DATABASE_STACK-SecretArn" --query 'Imports' --output text 2>/dev/null || true)
        [[ -z $importers || $importers == None ]] ||
            die "the stack $importers imports the secret that RDS manages for $DATABASE_STACK, and a global database needs another one. Run deploy_scripts/create_schema.sh $environment and deploy_scripts/deploy_api.sh $environment first, whose functions use secrets of their own; then this script again."
    fi
fi

say "Deploying the stack $DATABASE_STACK: Aurora MySQL, $MIN_CAPACITY to $MAX_CAPACITY ACUs, database $DB_NAME," \
    "in ${VPC_ID:-a VPC of its own}, deletion protection $DELETION_PROTECTION${global[*]:+, $role in the global database $GLOBAL_DATABASE}."

deploy_stack "$DATABASE_STACK" database.yaml --tags project=fleet-api "environment=$environment" --parameter-overrides \
    "DbName=$DB_NAME" \
    "MinCapacity=$MIN_CAPACITY" \
    "MaxCapacity=$MAX_CAPACITY" \
    "SecondsUntilAutoPause=$SECONDS_UNTIL_AUTO_PAUSE" \
    "BackupRetentionDays=$BACKUP_RETENTION_DAYS" \
    "BackupWindow=${BACKUP_WINDOW:-}" \
    "MaintenanceWindow=${MAINTENANCE_WINDOW:-}" \
    "DeletionProtection=$DELETION_PROTECTION" \
    "Reader=$READER" \
    "AlarmEmail=$ALARM_EMAIL" \
    "AlarmTopicArn=$ALARM_TOPIC_ARN" \
    "VpcId=$VPC_ID" \
    "SubnetIds=$SUBNET_IDS" \
    ${global[@]+"${global[@]}"}

say "The stack $DATABASE_STACK is deployed:"
show_outputs "$DATABASE_STACK"
if [[ $role == standby ]]; then
    say "It answers once route_away.sh has moved the writer to it. Next: deploy_scripts/deploy_api.sh $environment --standby"
else
    say "Next: deploy_scripts/create_schema.sh $environment"
fi
