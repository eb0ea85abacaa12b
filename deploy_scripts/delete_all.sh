#!/usr/bin/env bash
# Deletes an environment's stacks.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
source "$(dirname "${BASH_SOURCE[0]}")/lib_regions.sh"

help() {
    cat <<'TEXT'
Usage: deploy_scripts/delete_all.sh [dev|prod] [--standby] [--yes]

Deletes the API and the database of an environment (dev by default). Asks first. Can be run again.

  --standby   delete those of STANDBY_REGION, which must go before those of the primary region
  --yes       do not ask

If the environment has two regions behind one name, run deploy_scripts/delete_edge.sh first.

What stays: the table with the state of the dimensions, a snapshot of the database as it was at the end, and the
bucket with the uploaded functions. The script prints how to delete them.
TEXT
}

name=dev
yes=false
standby=false
for argument in "$@"; do
    case $argument in
        -h | --help) help; exit 0 ;;
        --standby) standby=true ;;
        --yes) yes=true ;;
        -*) usage_error "unknown option: $argument" ;;
        *) name=$argument ;;
    esac
done

# snapshots_of STACK: the snapshots that CloudFormation created when it deleted the cluster.
snapshots_of() {
    ask_rds describe-db-cluster-snapshots --snapshot-type manual --output text \
        --query "DBClusterSnapshots[?starts_with(DBClusterSnapshotIdentifier, '$1-snapshot-')].[DBClusterSnapshotIdentifier]"
}

need_aws
load_settings "$name" dev prod
need_settings API_STACK DATABASE_STACK
if $standby; then
    check_two_regions
    check_account_in "$STANDBY_REGION"
else
    check_account
fi

option=""
if $standby; then option=" --standby"; fi
table=""
# Even a stack whose first change set was never executed can be deleted.
api_status=$(stack_state "$API_STACK")
database_status=$(stack_state "$DATABASE_STACK")
if [[ -z $api_status && -z $database_status ]]; then
    say "There is nothing to delete: neither the stack $API_STACK nor $DATABASE_STACK exists."
    exit 0
fi
if [[ -n $api_status ]]; then
    table=$(stack_output "$API_STACK" DimensionsTableName)
fi

# Whatever points to the API is deleted before it, and a secondary cluster before its primary.
if [[ -n ${STANDBY_REGION:-} ]]; then
    check_two_regions
    edge_status=$(in_region "$EDGE_REGION" stack_status "$EDGE_STACK")
    domain_status=$(stack_status "$DOMAIN_STACK")
    [[ -z $edge_status && -z $domain_status ]] ||
        die "$PUBLIC_NAME still leads to $API_STACK, so nothing was deleted. Run deploy_scripts/delete_edge.sh $environment first."
    for stack in "$API_STACK" "$DATABASE_STACK"; do
        if $standby; then break; fi
        status=$(in_region "$STANDBY_REGION" stack_status "$stack")
        [[ -z $status ]] ||
            die "the stack $stack is still there in $STANDBY_REGION, so nothing was deleted. Run deploy_scripts/delete_all.sh $environment --standby first."
    done
    writer=$(writer_region "$AWS_REGION")
    other=""
    if $standby && [[ $writer == "$STANDBY_REGION" ]]; then other=$(member_in "$PRIMARY_REGION" "$AWS_REGION"); fi
    if [[ -n $other ]]; then
        die "the inventory's writer is in $STANDBY_REGION, so nothing was deleted. Run deploy_scripts/route_away.sh $environment primary first."
    fi
fi

# A protected cluster would stop the deletion halfway, when the API is already gone.
if [[ -n $database_status ]]; then
    cluster=$(stack_output "$DATABASE_STACK" ClusterArn)
    if [[ -n $cluster ]]; then
        protected=$(ask_rds describe-db-clusters --db-cluster-identifier "${cluster##*:}" \
            --query 'DBClusters[0].DeletionProtection' --output text)
        [[ $protected != True ]] ||
            die "the cluster of $DATABASE_STACK is protected from deletion, so nothing was deleted. Run DELETION_PROTECTION=false deploy_scripts/deploy_rds.sh $environment$option, then this script again."
    fi
fi

say "Deleting the stacks $API_STACK and $DATABASE_STACK, with the API, its key, its logs and the database."
say "What stays: the table ${table:-of the dimensions}, a last snapshot of the database, and the uploaded functions."
if ! $yes; then
    confirm "Delete the environment $environment?" || die "nothing was deleted. Answer yes, or give --yes."
fi

delete_stack "$API_STACK"
delete_stack "$DATABASE_STACK"

say "What stayed, and how to delete it:"
if [[ -n $table ]] && ! $standby; then
    if [[ -n ${STANDBY_REGION:-} ]]; then
        say "  its replica first:      aws dynamodb update-table --region $AWS_REGION --table-name $table --replica-updates 'Delete={RegionName=$STANDBY_REGION}'"
    fi
    say "  the dimensions' state:  aws dynamodb delete-table --region $AWS_REGION --table-name $table"
fi
snapshots=$(snapshots_of "$DATABASE_STACK")
for snapshot in $snapshots; do
    say "  the database's snapshot: aws rds delete-db-cluster-snapshot --region $AWS_REGION --db-cluster-snapshot-identifier $snapshot"
done
say "  the uploaded functions: in the bucket of the stack aws-sam-cli-managed-default, which other SAM applications of the account share"
