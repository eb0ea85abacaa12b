# shellcheck shell=bash
# What the checks share that deploy to an emulated AWS. Sourced after lib.sh, never run.

# Whatever account the caller is signed in to: nothing here goes there.
unset AWS_PROFILE AWS_SESSION_TOKEN
export AWS_ACCESS_KEY_ID=emulated AWS_SECRET_ACCESS_KEY=emulated AWS_REGION=us-east-1 AWS_DEFAULT_REGION=us-east-1
# prod is not deployed with nobody to tell of its alarms.
export ALARM_EMAIL=alarms@example.com
export AWS_EC2_METADATA_DISABLED=true AWS_CONFIG_FILE=/dev/null AWS_SHARED_CREDENTIALS_FILE=/dev/null

# start_emulator FILE [ENV OPTION...]: starts .ci/emulator/FILE and has the AWS CLI ask it. The functions' environment is the
# emulator's and their own, so it must not name another AWS, and says that this emulator decodes path parameters.
start_emulator() {
    local file=$1 gateway
    shift
    gateway=$(free_port)
    export AWS_ENDPOINT_URL=http://127.0.0.1:$gateway
    # shellcheck disable=SC2154 # lib.sh sets it
    start ministack env -u AWS_ENDPOINT_URL FLEET_PATH_PARAMETERS=decoded "$@" BIND_HOST=127.0.0.1 GATEWAY_PORT="$gateway" TMPDIR="$work" python3 ".ci/emulator/$file"
}

emulator_ready() { until_ready ministack 60 curl --silent --fail "$AWS_ENDPOINT_URL/_ministack/health"; }

# run NAME COMMAND...: keeps its output for when it fails.
run() {
    local name=$1 began=$SECONDS
    shift
    if ! "$@" >"$work/$name.log" 2>&1 </dev/null; then
        tail -40 "$work/$name.log" >&2
        fail "$name"
    fi
    say "$name: $((SECONDS - began)) s"
}

# refuses TEXT COMMAND...: it fails, and says TEXT deliberately, not through an unexpected failure.
refuses() {
    local text=$1 output
    shift
    if output=$("$@" 2>&1 </dev/null); then
        fail "$* should have been refused"
    fi
    [[ $output == *"$text"* && $output != *"failed at line"* ]] || fail "$* should have said '$text', and said: $output"
}

# output_of STACK KEY [AWS OPTION...]
output_of() {
    aws cloudformation describe-stacks --stack-name "$1" --query "Stacks[0].Outputs[?OutputKey=='$2'].OutputValue" --output text "${@:3}"
}
