# shellcheck shell=bash
# npm packages for the scripts here. Sourced after lib.sh, never run.
# shellcheck disable=SC2154 # lib.sh sets target, root and work

# npm_packages NAME PACKAGE...: packages in target/NAME, installed if missing or if their versions change.
npm_packages() {
    local folder=$target/$1
    shift
    if [[ "$(cat "$folder/packages" 2>/dev/null)" != "$*" ]]; then
        say "installs $* (npm, in ${folder#"$root/"})"
        rm -rf "$folder"
        mkdir -p "$folder"
        echo '{"private": true}' >"$folder/package.json"
        npm install --prefix "$folder" --silent --no-audit --no-fund --ignore-scripts "$@" >"$work/npm.log" 2>&1 ||
            { tail -5 "$work/npm.log" >&2; fail "could not install $*"; }
        printf '%s' "$*" >"$folder/packages"
    fi
}
