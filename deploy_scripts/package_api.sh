#!/usr/bin/env bash
# Builds the functions, and uploads them with the template that deploys them.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

help() {
    cat <<'TEXT'
Usage: deploy_scripts/package_api.sh [dev|prod] [SAM OPTION...]

Builds the twelve functions (sam build) and uploads them to the bucket that SAM keeps in the account, or to the one of the
option --s3-bucket. Writes the template that deploys them to .aws-sam/packaged-ENVIRONMENT.yaml. Nothing is deployed.
Further options go to sam package.
TEXT
}

case ${1:-} in -h | --help) help; exit 0 ;; esac
name=dev
if (($# > 0)) && [[ $1 != -* ]]; then
    name=$1
    shift
fi

need_aws
need_sam
load_settings "$name" dev prod
check_account

cd "$root_dir"
say "Building the functions and uploading them with their template."
sam build --config-env "$sam_environment" ||
    die "the functions do not build. The compiler's message is above; nothing was uploaded."

bucket=(--resolve-s3)
case " $* " in *" --s3-bucket"*) bucket=() ;; esac
packaged=.aws-sam/packaged-$environment.yaml
sam package --template-file .aws-sam/build/template.yaml --output-template-file "$packaged" \
    --s3-prefix "fleet-api-$environment" "${bucket[@]}" "$@" >/dev/null ||
    die "the functions could not be uploaded. The reason is above; nothing was deployed."

say "Packaged: $packaged"
say "Next: deploy_scripts/deploy_api.sh $environment"
