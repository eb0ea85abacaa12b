#!/usr/bin/env bash
# Makes or updates the database's stack.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

help() {
    cat <<'TEXT'
Usage: deploy_scripts/deploy_rds.sh [dev|prod]

Makes the database of an environment (dev unless named), or brings it up to date: Aurora MySQL on Serverless v2 by
deploy_scripts/database.yaml, with the settings of deploy_scripts/config-ENVIRONMENT.env. Takes about 15 minutes the
first time, and can be run again at any time. Afterwards: deploy_scripts/create_schema.sh
TEXT
}

case ${1:-} in -h | --help) help; exit 0 ;; esac
(($# <= 1)) || usage_error "too many arguments: $*"

need_aws
load_settings "${1:-dev}" dev prod
need_settings DATABASE_STACK DB_NAME MIN_CAPACITY MAX_CAPACITY SECONDS_UNTIL_AUTO_PAUSE BACKUP_RETENTION_DAYS DELETION_PROTECTION
check_account
check_deployable "$DATABASE_STACK"

say "Deploys the stack $DATABASE_STACK: Aurora MySQL, $MIN_CAPACITY to $MAX_CAPACITY ACUs, database $DB_NAME," \
    "in ${VPC_ID:-a VPC of its own}, deletion protection $DELETION_PROTECTION."

if ! aws cloudformation deploy \
    --stack-name "$DATABASE_STACK" \
    --template-file "$scripts_dir/database.yaml" \
    --no-fail-on-empty-changeset \
    --tags project=fleet-api "environment=$environment" \
    --parameter-overrides \
    "DbName=$DB_NAME" \
    "MinCapacity=$MIN_CAPACITY" \
    "MaxCapacity=$MAX_CAPACITY" \
    "SecondsUntilAutoPause=$SECONDS_UNTIL_AUTO_PAUSE" \
    "BackupRetentionDays=$BACKUP_RETENTION_DAYS" \
    "DeletionProtection=$DELETION_PROTECTION" \
    "VpcId=$VPC_ID" \
    "SubnetIds=$SUBNET_IDS"; then
    failed_resources "$DATABASE_STACK" >&2
    die "the stack $DATABASE_STACK could not be deployed; CloudFormation puts back what was there. The reasons are above: mend the settings in deploy_scripts/config-$environment.env and run this script again."
fi

say "The stack $DATABASE_STACK is deployed:"
show_outputs "$DATABASE_STACK"
say "Next: deploy_scripts/create_schema.sh $environment"
