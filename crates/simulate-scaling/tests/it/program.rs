//! Runs the program.

use std::{
    path::Path,
    process::{Output, Stdio},
};

use tokio::process::Command;

/// The program's output.
pub(crate) struct ProgramOutput {
    pub(crate) code: Option<i32>,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl ProgramOutput {
    /// Exit code and standard error, for a comparison of both.
    pub(crate) fn parts(&self) -> (Option<i32>, &str) {
        (self.code, &self.err)
    }
}

/// Runs it in an empty home, with only the environment variables that AWS's credentials need.
pub(crate) async fn simulate(options: &[&str]) -> ProgramOutput {
    simulate_in(options, &[]).await
}

/// Runs it with these environment variables.
pub(crate) async fn simulate_in(options: &[&str], environment: &[(&str, &str)]) -> ProgramOutput {
    let home = tempfile::tempdir().unwrap();
    let Output {
        status,
        stdout,
        stderr,
    } = command(home.path(), environment)
        .args(options)
        .output()
        .await
        .unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    ProgramOutput {
        code: status.code(),
        out: text(stdout),
        err: text(stderr),
    }
}

fn command(home: &Path, environment: &[(&str, &str)]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_simulate-scaling"));
    command
        .env_clear()
        .env("HOME", home)
        .env("AWS_EC2_METADATA_DISABLED", "true")
        .envs(environment.iter().copied())
        .current_dir(home)
        .stdin(Stdio::null())
        .kill_on_drop(true);
    command
}
