#!/usr/bin/env bash
# Deletes the shared address of both regions.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
source "$(dirname "${BASH_SOURCE[0]}")/lib_regions.sh"

help() {
    cat <<'TEXT'
Usage: deploy_scripts/delete_edge.sh [dev|prod] [--yes]

Deletes what deploy_edge.sh created for an environment (dev by default): CloudFront, the records and the health checks,
then the regional names. The APIs stay, at their own addresses. Asks first. Can be run again.

  --yes   do not ask

What also stays: the hosted zone, the certificates, and the API keys and the secret of sync_api_key.sh.
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

need_aws
load_settings "$name" dev prod
check_two_regions
need_settings EDGE_STACK DOMAIN_STACK
check_account

if ! $yes; then
    confirm "Delete ${PUBLIC_NAME:-the address} with the stacks $EDGE_STACK and $DOMAIN_STACK?" || die "nothing was deleted. Answer yes, or give --yes."
fi
in_region "$EDGE_REGION" delete_stack "$EDGE_STACK"
in_region "$PRIMARY_REGION" delete_stack "$DOMAIN_STACK"
in_region "$STANDBY_REGION" delete_stack "$DOMAIN_STACK"
