# Tasks for contributors: https://just.systems. `just` lists them. CONTRIBUTING.md says when to use which.

_default:
    @just --list --unsorted

# Starts the API on 127.0.0.1:3000.
[positional-arguments]
run *OPTIONS:
    cargo run -- "$@"

# Formatter, linter and all tests: what to run before each push.
fast:
    cargo fmt --all --check
    cargo clippy --locked --workspace --all-targets -- -D warnings
    cargo test --locked --workspace

# Chosen steps of .ci/run or subjects of checks/, such as `just check edge gateway`; all of them without a name.
[positional-arguments]
check *STEPS:
    .ci/run "$@"

# The steps that `just check` knows, with what each needs.
steps:
    .ci/run --list

# Regenerates the OpenAPI document and the Postman collection.
generate:
    cargo run -p fleet-openapi
    .ci/postman.py

# Licences, advisories and sources of the dependencies. Needs `cargo install cargo-deny`.
deny:
    cargo deny --locked check

# A new function with its tests, such as `just new-function colours GET /api/colours`; --help says more.
[positional-arguments]
new-function *OPTIONS:
    .ci/new-function "$@"
