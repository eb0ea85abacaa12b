#!/usr/bin/env bash
# Keeps one API key valid in both regions.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
source "$(dirname "${BASH_SOURCE[0]}")/lib_regions.sh"

readonly REPLICA_SECONDS=120 KEY_SECONDS=120

help() {
    cat <<'TEXT'
Usage: deploy_scripts/sync_api_key.sh [dev|prod] [--rotate | --retire]

Makes one API key of the inventory valid in both regions of an environment (dev by default), so that clients need no other
key when the other region answers. Its value is generated once and kept in a secret (API_KEY_SECRET) that is
replicated to the standby region; in each region an API Gateway key with that value belongs to the API's usage plan. The
value is never printed. Can be run again at any time: existing keys stay as they are.

  --rotate   create a new value and its keys; the old ones stay valid until --retire, so that clients can change over
  --retire   delete the keys of older values, in both regions

To read the key: aws secretsmanager get-secret-value --region REGION --secret-id NAME --query SecretString
TEXT
}

name=dev
rotate=false
retire=false
for argument in "$@"; do
    case $argument in
        -h | --help) help; exit 0 ;;
        --rotate) rotate=true ;;
        --retire) retire=true ;;
        -*) usage_error "unknown option: $argument" ;;
        *) name=$argument ;;
    esac
done
if $rotate && $retire; then usage_error "--rotate and --retire exclude each other: clients change over between them"; fi

need_aws
need curl "apt-get install curl"
load_settings "$name" dev prod
check_two_regions
need_settings API_STACK API_KEY_SECRET
check_account
check_stack "$PRIMARY_REGION" "$API_STACK" "deploy_scripts/deploy_api.sh $environment"
check_stack "$STANDBY_REGION" "$API_STACK" "deploy_scripts/deploy_api.sh $environment --standby"

# The value is passed in private files: every user of the machine can read arguments.
umask 077
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT

# version_of REGION: the id of the secret's current version there, or nothing.
version_of() {
    local output status=0
    output=$(in_region "$1" aws secretsmanager list-secret-version-ids --secret-id "$API_KEY_SECRET" --output text \
        --query "Versions[?contains(VersionStages, 'AWSCURRENT')].VersionId | [0]" 2>&1) || status=$?
    if ((status == 0)); then
        [[ $output == None ]] || printf '%s' "$output"
    elif [[ $output != *ResourceNotFound* ]]; then
        explain_aws "$output"
    fi
}

value_in() { in_region "$1" ask_aws secretsmanager get-secret-value --secret-id "$API_KEY_SECRET" --query SecretString --output text; }

# ---- The secret ----

version=$(version_of "$PRIMARY_REGION")
if [[ -z $version ]] || $rotate; then
    ask_aws secretsmanager get-random-password --password-length 40 --exclude-punctuation --query RandomPassword --output text |
        tr -d '\n' >"$folder/value"
    [[ $(wc -c <"$folder/value") == 40 ]] || die "no value could be generated for the key; nothing was changed."
fi
if [[ -z $version ]]; then
    version=$(ask_aws secretsmanager create-secret --name "$API_KEY_SECRET" --description "The API key of $API_STACK in both regions." \
        --secret-string "file://$folder/value" --add-replica-regions "Region=$STANDBY_REGION" --query VersionId --output text)
    say "The secret $API_KEY_SECRET is created, with a replica in $STANDBY_REGION."
elif $rotate; then
    version=$(ask_aws secretsmanager put-secret-value --secret-id "$API_KEY_SECRET" --secret-string "file://$folder/value" --query VersionId --output text)
    say "The secret $API_KEY_SECRET has a new value."
fi
rm -f "$folder/value"
replica=$(version_of "$STANDBY_REGION")
if [[ -z $replica ]]; then
    ask_aws secretsmanager replicate-secret-to-regions --secret-id "$API_KEY_SECRET" --add-replica-regions "Region=$STANDBY_REGION" >/dev/null
fi
deadline=$((SECONDS + REPLICA_SECONDS))
while true; do
    replica=$(version_of "$STANDBY_REGION")
    if [[ $replica == "$version" ]]; then break; fi
    ((SECONDS < deadline)) || die "the secret $API_KEY_SECRET did not reach $STANDBY_REGION within $REPLICA_SECONDS s. Look at its replication (aws secretsmanager describe-secret --region $PRIMARY_REGION --secret-id $API_KEY_SECRET), and run this script again."
    sleep 2
done
value=$(value_in "$PRIMARY_REGION")
replica=$(value_in "$STANDBY_REGION")
[[ $replica == "$value" ]] || die "the secret $API_KEY_SECRET has another value in $STANDBY_REGION. Delete what is there and run this script again."
[[ $value =~ ^[A-Za-z0-9_-]{20,128}$ ]] || die "the secret $API_KEY_SECRET holds no API key: one is 20 to 128 letters and digits. Give it a new value with --rotate."

# ---- The keys ----

# A key's value cannot be changed, so each version of the secret has its own key, named after it.
key_name=$API_STACK-shared-${version:0:8}

# keys: "id name enabled" of each shared key in the current region.
keys() {
    local found
    found=$(ask_aws apigateway get-api-keys --name-query "$API_STACK-shared-" --no-include-values --output text \
        --query "items[?starts_with(name, '$API_STACK-shared-')].[id, name, enabled]") || exit
    grep -Ev '^(None|$)' <<<"$found" || true
}

# sync_key: updates the key of the current region.
sync_key() {
    local plan planned id found holds done="was already valid"
    plan=$(ask_aws cloudformation describe-stack-resource --stack-name "$API_STACK" --logical-resource-id ApiUsagePlan \
        --query StackResourceDetail.PhysicalResourceId --output text)
    found=$(keys)
    id=$(awk -v name="$key_name" '$2 == name { print $1; exit }' <<<"$found")
    if [[ -n $id ]]; then
        holds=$(ask_aws apigateway get-api-key --api-key "$id" --include-value --query value --output text)
        [[ $holds == "$value" ]] ||
            die "the key $key_name in $AWS_REGION has another value than the secret. Delete it (aws apigateway delete-api-key --region $AWS_REGION --api-key $id), and run this script again."
        if [[ $(awk -v id="$id" '$1 == id { print $3 }' <<<"$found") != True ]]; then
            ask_aws apigateway update-api-key --api-key "$id" --patch-operations op=replace,path=/enabled,value=true >/dev/null
            done="was disabled, and is valid again"
        fi
    else
        printf '{"name":"%s","description":"Valid in both regions; kept by sync_api_key.sh.","enabled":true,"value":"%s"}' "$key_name" "$value" >"$folder/key.json"
        id=$(ask_aws apigateway create-api-key --cli-input-json "file://$folder/key.json" --query id --output text)
        rm -f "$folder/key.json"
        done="is created"
    fi
    planned=$(ask_aws apigateway get-usage-plan-keys --usage-plan-id "$plan" --limit 500 --output text --query 'items[].[id]')
    grep -qx "$id" <<<"$planned" ||
        ask_aws apigateway create-usage-plan-key --usage-plan-id "$plan" --key-id "$id" --key-type API_KEY >/dev/null
    say "$AWS_REGION: the key $key_name $done."
}

# answered: the status of a request with the key. A region without the inventory's writer cannot serve it, but has
# accepted the key by then; only a 403 means that it has not.
answered() { curl --silent --output /dev/null --write-out '%{http_code}' --max-time 35 --config <(printf 'header = "x-api-key: %s"\n' "$value") "$1/ec2?limit=1" || true; }

for region in "$PRIMARY_REGION" "$STANDBY_REGION"; do in_region "$region" sync_key; done
for region in "$PRIMARY_REGION" "$STANDBY_REGION"; do
    address=$(api_address "$region")
    deadline=$((SECONDS + KEY_SECONDS))
    while true; do
        status=$(answered "$address")
        case $status in
            200 | 500 | 502 | 503 | 504) say "$region: the API accepts it."; break ;;
            403) ((SECONDS < deadline)) || die "the API in $region does not accept the key after $KEY_SECONDS s. Is $API_STACK deployed there with its usage plan?" ;;
            *) ((SECONDS < deadline)) || die "the API in $region answered ${status/000/nothing} instead of accepting the key. deploy_scripts/status.sh $environment says more." ;;
        esac
        sleep 3
    done
done

# ---- Older values ----

# retire: deletes the keys of older values in the current region.
retire() {
    local id old found
    found=$(keys)
    while read -r id old _; do
        if [[ -z $id || $old == "$key_name" ]]; then continue; fi
        ask_aws apigateway delete-api-key --api-key "$id" >/dev/null
        say "$AWS_REGION: the key $old is deleted."
    done <<<"$found"
}

old=$(for region in "$PRIMARY_REGION" "$STANDBY_REGION"; do in_region "$region" keys; done | awk -v name="$key_name" '$2 != name { print $2 }' | sort -u | tr '\n' ' ')
if $retire; then
    for region in "$PRIMARY_REGION" "$STANDBY_REGION"; do in_region "$region" retire; done
elif [[ -n $old ]]; then
    say "Older keys are still valid: ${old% }. Once no client uses them: deploy_scripts/sync_api_key.sh $environment --retire"
fi
