#!/usr/bin/env bash
# Checks that a deployed API is healthy.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

help() {
    cat <<'TEXT'
Usage: deploy_scripts/smoke_test.sh BASE [OPTION...]
       deploy_scripts/smoke_test.sh --stack NAME [OPTION...]

Sends a few requests to the API at BASE (https://….execute-api.us-east-1.amazonaws.com/dev, http://127.0.0.1:3000) that a
working deployment must answer, and exits with 1 at the first that fails. It changes nothing. A request that fails
is retried until the time is over.

  --stack NAME      test the API of this stack, at its output ApiEndpoint
  --commit COMMIT   require that this commit is running
  --not-ready       do not require that the stores answer
  --services        books and authors only, as deployed by deploy_scripts/services.yaml
  --within SECONDS  how long to retry [default: 90]
TEXT
}

base=""
stack=""
commit=""
ready=true
services=false
within=90
while (($# > 0)); do
    case $1 in
        -h | --help) help; exit 0 ;;
        --stack | --commit | --within)
            [[ -n ${2:-} ]] || usage_error "$1 needs a value"
            case $1 in
                --stack) stack=$2 ;;
                --commit) commit=$2 ;;
                --within) within=$2 ;;
            esac
            shift ;;
        --not-ready) ready=false ;;
        --services) services=true ;;
        -*) usage_error "unknown option: $1" ;;
        *)
            [[ -z $base ]] || usage_error "too many arguments: $1"
            base=${1%/} ;;
    esac
    shift
done
[[ $within =~ ^[0-9]{1,4}$ ]] || usage_error "--within needs a number of seconds, not '$within'"
[[ -z $commit || $commit =~ ^[0-9a-f]{7,40}$ ]] || usage_error "--commit needs 7 to 40 hexadecimal digits, not '$commit'"
need curl "apt-get install curl"
if [[ -n $stack ]]; then
    [[ -z $base ]] || usage_error "BASE and --stack exclude each other"
    need_aws
    use_region "$(current_region)"
    status=$(stack_status "$stack")
    [[ -n $status ]] || die "there is no stack $stack in $AWS_REGION."
    base=$(stack_output "$stack" ApiEndpoint)
    [[ -n $base ]] || die "the stack $stack has no output ApiEndpoint."
fi
[[ -n $base ]] || usage_error "which API? Give its address, or --stack"
[[ $base =~ ^https?://[^/?#[:space:]]+(/[^?#[:space:]]*)?$ ]] || die "'$base' is not the address of an API. It must begin with https:// or http://, and have no query."

deadline=$((SECONDS + within))
body=$(mktemp)
trap 'rm -f "$body"' EXIT

# ask PATH STATUS [TEXT]: waits, up to the time limit, for a response with this status that contains the text.
ask() {
    local path=$1 expected=$2 text=${3:-} status code said
    while true; do
        code=0
        status=$(curl --silent --show-error --max-time 10 --output "$body" --write-out '%{http_code}' "$base$path" 2>"$body.error") || code=$?
        said=$(head -c 300 "$body.error" 2>/dev/null | tr '\n' ' ')
        rm -f "$body.error"
        if ((code == 0)) && [[ $status == "$expected" ]] && { [[ -z $text ]] || grep -qF "$text" "$body"; }; then
            say "  $path: $status"
            return
        fi
        if ((SECONDS >= deadline)); then break; fi
        : >"$body"
        sleep 2
    done
    if ((code != 0)); then
        die "$base$path does not answer. ($said)"
    elif [[ $status != "$expected" ]]; then
        die "$base$path answers $status, and should answer $expected: $(head -c 300 "$body")"
    fi
    die "$base$path should say $text, and says: $(head -c 300 "$body")"
}

say "Checking $base."
if $services; then
    for service in books authors; do
        ask "/api/$service/health" 200 "\"service\":\"$service\""
        ask "/api/$service" 200 '[{'
        ask "/api/$service/0" 404 '"message"'
    done
    ask /nothing-is-here 404 '"message":"Not Found"'
else
    ask /v1/health 200 '"status":"ok"'
    # A prefix is enough.
    ask /v1/metadata 200 "\"commit\":\"$commit"
    ask /api/books/1 200 '"isbn"'
    if $ready; then ask /v1/health/ready 200 '"status":"ok"'; fi
fi
say "$base is healthy."
