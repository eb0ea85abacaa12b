//! The real program, in a separate process.

use std::{
    net::SocketAddr,
    process::{ExitStatus, Stdio},
};

use tokio::{
    io::{AsyncBufReadExt as _, BufReader},
    process::{Child, Command},
    sync::mpsc,
};

/// The signals for a process.
#[derive(Clone, Copy)]
pub(crate) enum Signal {
    Interrupt,
    Terminate,
    HangUp,
}

/// A running server. It is killed when this is dropped.
pub(crate) struct Binary {
    child: Child,
    /// Read by a separate task: a pipe that nobody reads fills up, and the server would block on its log.
    output: mpsc::UnboundedReceiver<String>,
    /// Everything that it has written so far.
    pub(crate) said: Vec<String>,
}

/// The program with `arguments`, free ports and an empty environment.
pub(crate) fn command(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_fleet-server"));
    command
        .env_clear()
        .env("FLEET_LISTEN", "127.0.0.1:0")
        .env("FLEET_AWS_LISTEN", "127.0.0.1:0");
    command
        .args(arguments)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true);
    command
}

/// Like [`command`], with as many open files as `ulimit` with these `limits` allows.
pub(crate) fn limited(limits: &str, arguments: &[&str]) -> Command {
    let server = command(arguments);
    let mut shell = Command::new("sh");
    shell
        .args(["-c", &format!("ulimit {limits} && exec \"$0\" \"$@\"")])
        .arg(server.as_std().get_program())
        .args(server.as_std().get_args())
        .env_clear()
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .kill_on_drop(true);
    for (name, value) in server.as_std().get_envs() {
        shell.env(name, value.unwrap_or_default());
    }
    shell
}

/// Runs a program that should not start; returns its exit code and standard error.
pub(crate) async fn refusal(command: &mut Command) -> (Option<i32>, String) {
    let output = command.output().await.unwrap();
    (
        output.status.code(),
        String::from_utf8(output.stderr).unwrap(),
    )
}

impl Binary {
    /// Starts it and waits until it responds.
    pub(crate) async fn start(arguments: &[&str]) -> Self {
        Self::start_with(arguments, &[]).await
    }

    /// Starts it with these environment variables and waits until it responds.
    pub(crate) async fn start_with(arguments: &[&str], variables: &[(&str, &str)]) -> Self {
        let mut command = command(arguments);
        command.envs(variables.iter().copied());
        Self::run(command).await
    }

    /// Starts a command from [`command`] or [`limited`] and waits until it responds.
    pub(crate) async fn run(mut command: Command) -> Self {
        let mut child = command.stderr(Stdio::inherit()).spawn().unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let (sender, output) = mpsc::unbounded_channel();
        tokio::spawn(async move {
            while let Ok(Some(line)) = lines.next_line().await {
                // Nobody receives it any more once the test is over.
                let _ = sender.send(line);
            }
        });
        let mut binary = Self {
            child,
            output,
            said: Vec::new(),
        };
        binary.wait_for_line("Ctrl-C").await;
        binary
    }

    /// The address of the API.
    pub(crate) fn address(&self) -> SocketAddr {
        let urls = self
            .said
            .iter()
            .filter_map(|line| line.split_once("answers on http://"));
        urls.map(|(_, address)| address.parse().unwrap())
            .next()
            .unwrap()
    }

    /// The address of the local AWS endpoints.
    pub(crate) fn aws_address(&self) -> SocketAddr {
        let urls = self
            .said
            .iter()
            .filter_map(|line| line.split_once("AWS_ENDPOINT_URL=http://"));
        urls.map(|(_, address)| address.trim_end_matches(')').parse().unwrap())
            .next()
            .unwrap()
    }

    pub(crate) fn id(&self) -> u32 {
        self.child.id().unwrap()
    }

    /// Waits until it writes a line that contains `text`.
    pub(crate) async fn wait_for_line(&mut self, text: &str) {
        while let Some(line) = self.output.recv().await {
            let found = line.contains(text);
            self.said.push(line);
            if found {
                return;
            }
        }
        panic!("it ended without saying {text:?}: {:#?}", self.said);
    }

    pub(crate) fn signal(&self, signal: Signal) {
        let name = match signal {
            Signal::Interrupt => "INT",
            Signal::Terminate => "TERM",
            Signal::HangUp => "HUP",
        };
        let script = format!("kill -{name} {}", self.id());
        assert!(
            std::process::Command::new("sh")
                .args(["-c", &script])
                .status()
                .unwrap()
                .success()
        );
    }

    /// Kills it, as a power cut would.
    pub(crate) async fn kill(mut self) {
        self.child.kill().await.unwrap();
    }

    /// Waits for its end.
    pub(crate) async fn exit_code(&mut self) -> Option<i32> {
        while let Some(line) = self.output.recv().await {
            self.said.push(line);
        }
        let status: ExitStatus = self.child.wait().await.unwrap();
        status.code()
    }
}
