# shellcheck shell=bash
# The functions, for the checks that run them. Sourced after lib.sh, never run.
# shellcheck disable=SC2154 # lib.sh sets target, root and work

# Cargo takes a crate of a copy and that of the checkout for the same, and the newer build of either for both. So what a copy
# builds goes to another folder than what the checkout builds.
release_target=$target/ci-release

# functions_built: sets `tree` to a copy of the sources whose .aws-sam/build has the functions, and puts a `sam` into PATH
# that takes them as built. The copy leaves the checkout's own .aws-sam alone.
#
# They are the programs that `cargo test` has already built, since their speed and size are not tested here.
# .ci/deploy-emulator checks the release build. FLEET_RELEASE=1 builds all of them that way, with `sam build` itself.
functions_built() {
    tree=$work/tree
    copy_tree "$tree"
    build_all
    if [[ -n ${FLEET_RELEASE:-} ]]; then
        say "sam build"
        (cd "$tree" && CARGO_TARGET_DIR=$release_target sam build) >"$work/sam-build.log" 2>&1 ||
            { tail -40 "$work/sam-build.log" >&2; fail "sam build"; }
    else
        python3 .ci/functions.py "$tree" "$target/debug" || fail "see above"
    fi
    mkdir -p "$work/bin"
    cat >"$work/bin/sam" <<SHELL
#!/bin/sh
case \$1 in
    build) [ -e "$tree/.aws-sam/build/template.yaml" ] ;;
    *) exec "$target/ci-venv/bin/sam" "\$@" ;;
esac
SHELL
    chmod +x "$work/bin/sam"
    export PATH="$work/bin:$PATH"
    hash -r
}

# sam itself, which also builds.
sam_of_aws() { "$target/ci-venv/bin/sam" "$@"; }
