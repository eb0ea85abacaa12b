#!/usr/bin/env bash
# cargo-lambda builds a release that aborts on a panic, unless the profile says otherwise; cargo's own release unwinds. lambda_runtime
# can turn a panic into an error answer only while it unwinds: aborted, the function ends, and the next call is a cold start.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check cargo-lambda==1.9.2
mkdir -p "$work/probe/src"
cd "$work/probe"
cat >src/main.rs <<'RUST'
fn main() {
    println!("{}", if cfg!(panic = "abort") { "aborts" } else { "unwinds" });
}
RUST
manifest() { printf '[package]\nname = "probe"\nversion = "0.1.0"\nedition = "2021"\n%b' "$1" >Cargo.toml; }
PATH=$work/venv/bin:$PATH
export CARGO_TARGET_DIR=$work/target
manifest ''
cargo build --quiet --release
cargo lambda build --quiet --release --lambda-dir "$work/lambda"
plain=$("$work/target/release/probe") default=$("$work/lambda/probe/bootstrap")
manifest '[profile.release]\npanic = "unwind"\n'
cargo lambda build --quiet --release --lambda-dir "$work/lambda"
told=$("$work/lambda/probe/bootstrap")
echo "cargo build --release: $plain"
echo "cargo-lambda 1.9.2, cargo lambda build --release: $default"
echo "the same, with panic = \"unwind\" in [profile.release]: $told"
[[ "$plain $default $told" == "unwinds aborts unwinds" ]]
