#!/usr/bin/env bash
# Deletes an environment's stacks.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

help() {
    cat <<'TEXT'
Usage: deploy_scripts/delete_all.sh [dev|prod] [--yes]

Deletes the API and the database of an environment (dev unless named). Asks first. Can be run again.

  --yes   do not ask

What stays: the table with the state of the dimensions, a snapshot of the database as it was at the end, and the
bucket with the uploaded functions. The script prints how to delete them.
TEXT
}

name=dev
yes=false
for argument in "$@"; do
    case $argument in
        -h | --help) help; exit 0 ;;
        --yes) yes=true ;;
        -*) usage_error "unknown option: $argument" ;;
        *) name=$argument ;;
    esac
done

# delete_stack NAME
delete_stack() {
    local stack=$1
    if [[ -z $(stack_status "$stack") ]]; then
        say "There is no stack $stack."
        return
    fi
    say "Deletes the stack $stack."
    ask_aws cloudformation delete-stack --stack-name "$stack" >/dev/null
    if ! aws cloudformation wait stack-delete-complete --stack-name "$stack"; then
        failed_resources "$stack" >&2
        die "the stack $stack could not be deleted whole; the reasons are above. Mend them, and run this script again."
    fi
    say "The stack $stack is deleted."
}

# snapshots_of STACK: the snapshots that CloudFormation made when it deleted the cluster.
snapshots_of() {
    ask_rds describe-db-cluster-snapshots --snapshot-type manual --output text \
        --query "DBClusterSnapshots[?starts_with(DBClusterSnapshotIdentifier, '$1-snapshot-')].[DBClusterSnapshotIdentifier]"
}

need_aws
load_settings "$name" dev prod
need_settings API_STACK DATABASE_STACK
check_account

table=""
api_status=$(stack_status "$API_STACK")
database_status=$(stack_status "$DATABASE_STACK")
if [[ -z $api_status && -z $database_status ]]; then
    say "There is nothing to delete: neither the stack $API_STACK nor $DATABASE_STACK is there."
    exit 0
fi
if [[ -n $api_status ]]; then
    table=$(stack_output "$API_STACK" DimensionsTableName)
fi

# A cluster that is protected would stop the deletion half-way, with the API gone.
if [[ -n $database_status ]]; then
    cluster=$(stack_output "$DATABASE_STACK" ClusterArn)
    if [[ -n $cluster ]]; then
        protected=$(ask_rds describe-db-clusters --db-cluster-identifier "${cluster##*:}" \
            --query 'DBClusters[0].DeletionProtection' --output text)
        [[ $protected != True ]] ||
            die "the cluster of $DATABASE_STACK is protected from deletion, so nothing was deleted. Run DELETION_PROTECTION=false deploy_scripts/deploy_rds.sh $environment, then this script again."
    fi
fi

say "Deletes the stacks $API_STACK and $DATABASE_STACK, with the API, its key, its logs and the database."
say "What stays: the table ${table:-of the dimensions}, a last snapshot of the database, and the uploaded functions."
if ! $yes; then
    confirm "Delete the environment $environment?" || die "nothing was deleted. Answer yes, or give --yes."
fi

delete_stack "$API_STACK"
delete_stack "$DATABASE_STACK"

say "What stayed, and how to delete it:"
if [[ -n $table ]]; then
    say "  the dimensions' state:  aws dynamodb delete-table --table-name $table"
fi
for snapshot in $(snapshots_of "$DATABASE_STACK"); do
    say "  the database's snapshot: aws rds delete-db-cluster-snapshot --db-cluster-snapshot-identifier $snapshot"
done
say "  the uploaded functions: in the bucket of the stack aws-sam-cli-managed-default, which other SAM applications of the account share"
