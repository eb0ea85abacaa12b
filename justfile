# Tasks of a contributor: https://just.systems. `just` lists them. CONTRIBUTING.md says when to use which.

_default:
    @just --list --unsorted

# Starts the API on 127.0.0.1:3000.
run *OPTIONS:
    cargo run -- {{ OPTIONS }}

# Formatter, linter and all tests: what to run before each push.
fast:
    cargo fmt --all --check
    cargo clippy --locked --workspace --all-targets -- -D warnings
    cargo test --locked --workspace

# Chosen steps of .ci/run, such as `just check edge mariadb`; all of them without a name.
check *STEPS:
    .ci/run {{ STEPS }}

# The steps that `just check` knows, with what each needs.
steps:
    .ci/run --list

# Writes what is generated: the OpenAPI document and the Postman collection.
generate:
    cargo run -p fleet-openapi
    .ci/postman.py

# Licences, advisories and sources of the dependencies. Needs `cargo install cargo-deny`.
deny:
    cargo deny --locked check
