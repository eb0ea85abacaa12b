//! Records what is being built: the commit, its time and the compiler.
//!
//! Everything comes from the commit and the toolchain, so that two builds of one commit are identical to the byte.
//! Without a git checkout (a source archive, an image build), `FLEET_COMMIT` and `SOURCE_DATE_EPOCH` provide it.

use std::{env, path::Path, process::Command};

fn main() {
    for variable in ["FLEET_COMMIT", "SOURCE_DATE_EPOCH"] {
        println!("cargo::rerun-if-env-changed={variable}");
    }
    // The files that a commit, a checkout or a rebase writes. Each is listed only if it exists (a missing file would
    // make cargo rebuild this crate every time), and always with the folder where it would appear.
    let branch = output("git", &["symbolic-ref", "--quiet", "HEAD"]);
    let files = ["HEAD", "logs/HEAD", "packed-refs", "refs/heads"]
        .into_iter()
        .map(str::to_owned)
        .chain(branch);
    for path in files.filter_map(|file| output("git", &["rev-parse", "--git-path", &file])) {
        if Path::new(&path).exists() {
            println!("cargo::rerun-if-changed={path}");
        }
    }
    let commit = env::var("FLEET_COMMIT")
        .ok()
        .or_else(|| output("git", &["rev-parse", "HEAD"]));
    let built_at = env::var("SOURCE_DATE_EPOCH")
        .ok()
        .or_else(|| output("git", &["log", "-1", "--format=%ct"]));
    let rustc = env::var("RUSTC").unwrap_or_else(|_| "rustc".to_owned());
    let rust_version = output(&rustc, &["--version"]);
    let set = |name: &str, value: Option<String>| {
        println!("cargo::rustc-env={name}={}", value.unwrap_or_default())
    };
    set("METADATA_COMMIT", commit);
    set("METADATA_BUILT_AT_EPOCH", built_at);
    // "rustc 1.95.0 (59807616e 2026-04-14)" → "1.95.0"
    set(
        "METADATA_RUST_VERSION",
        rust_version.and_then(|text| text.split(' ').nth(1).map(str::to_owned)),
    );
}

fn output(program: &str, arguments: &[&str]) -> Option<String> {
    let output = Command::new(program)
        .args(arguments)
        .output()
        .ok()
        .filter(|output| output.status.success())?;
    let text = String::from_utf8(output.stdout).ok()?.trim().to_owned();
    Some(text).filter(|text| !text.is_empty())
}
