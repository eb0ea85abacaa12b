# shellcheck shell=bash
# A container engine for the scripts here. Sourced after lib.sh, never run.
# shellcheck disable=SC2154 # lib.sh sets target and work

# answers CLIENT: whether an engine responds to it.
answers() { "$1" info >/dev/null 2>&1; }

# has_buildkit CLIENT: whether it can build with BuildKit, for which a client since 23 needs a plugin. Needs no engine.
has_buildkit() {
    local version
    version=$("$1" --version 2>/dev/null | sed -nE 's/[^0-9]*([0-9]+).*/\1/p') && [[ -n $version ]] || return 1
    ((version < 23)) || "$1" buildx version >/dev/null 2>&1
}

# builds CLIENT: whether an engine responds to it, and it can build with BuildKit.
builds() { answers "$1" && has_buildkit "$1"; }

# clients: the clients that may be installed. The second one is Debian's.
clients() { printf '%s\n' "$(command -v docker || true)" /usr/bin/docker; }

# engine_client PROBE: prints a client for which the probe, answers or builds, succeeds.
engine_client() {
    local client
    while read -r client; do
        if [[ -x $client ]] && "$1" "$client"; then
            echo "$client"
            return
        fi
    done < <(clients)
    return 1
}

# engine PROBE [OPTION...]: makes `docker` a client for which the probe succeeds; otherwise starts an engine with these
# options of dockerd until this script ends (root).
engine() {
    local probe=$1 client
    shift
    if client=$(engine_client "$probe"); then
        use "$client"
        say "container engine $(docker version --format '{{.Server.Version}}')"
        return
    fi
    [[ $(id -u) == 0 ]] || fail "no container engine answers a client that could do this, and only root can start one: install docker.io, or the client's plugin buildx"
    apt_need dockerd docker.io iptables
    # Debian's client, a separate package in newer releases.
    [[ -x /usr/bin/docker ]] || { apt_need docker-cli docker-cli; }
    use /usr/bin/docker
    export DOCKER_HOST=unix://$work/docker.sock
    start dockerd dockerd --host "$DOCKER_HOST" --data-root "$target/ci-docker" --exec-root "$work/docker" --pidfile "$work/docker.pid" "$@"
    for _ in $(seq 300); do
        if answers docker; then
            say "own container engine $(docker version --format '{{.Server.Version}}')"
            "$probe" docker || apt_need docker-buildx docker-buildx
            return
        fi
        kill -0 "${children[-1]}" 2>/dev/null || break
        sleep 0.2
    done
    fail "no container engine answers, and none can be started here ($(grep -oE 'level=(error|fatal).*|failed to start.*' "$work/dockerd.log" | tail -1 | cut -c1-200))"
}

# use CLIENT: makes it `docker`, without putting other programs in its folder before those in PATH.
use() {
    mkdir -p "$work/bin"
    ln -sf "$1" "$work/bin/docker"
    export PATH=$work/bin:$PATH
    hash -r
}
