//! A whole server in a separate process.

use std::{
    net::SocketAddr,
    process::Stdio,
    sync::{Arc, Mutex, PoisonError},
};

use tokio::{
    io::{AsyncBufReadExt as _, AsyncRead, BufReader},
    process::{Child, Command},
    sync::mpsc,
};

/// A running server. It is killed when this is dropped.
#[derive(Debug)]
pub struct ServerProcess {
    child: Child,
    address: SocketAddr,
    said: Arc<Mutex<Vec<String>>>,
}

impl ServerProcess {
    /// Starts this crate's server `program` with `arguments`, only these variables in its environment, and free
    /// ports, and waits until it responds.
    pub async fn start(program: &str, arguments: &[&str], variables: &[(&str, &str)]) -> Self {
        let mut command = Command::new(program);
        command.args(arguments);
        Self::run(command, variables).await
    }

    /// Starts it with a file size limit of this many blocks of 512 bytes: writing more fails as on a full disk.
    pub async fn start_limited(program: &str, blocks: u32, arguments: &[&str]) -> Self {
        let mut command = Command::new("sh");
        // Without the trap the first write beyond the limit would end the process.
        command
            .args([
                "-c",
                &format!("trap '' XFSZ; ulimit -f {blocks}; exec \"$0\" \"$@\""),
                program,
            ])
            .args(arguments);
        Self::run(command, &[]).await
    }

    async fn run(mut command: Command, variables: &[(&str, &str)]) -> Self {
        command
            .env_clear()
            .env("FLEET_LISTEN", "127.0.0.1:0")
            .env("FLEET_AWS_LISTEN", "127.0.0.1:0");
        command
            .envs(variables.iter().copied())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true);
        let mut child = command.spawn().unwrap();
        let said = Arc::new(Mutex::new(Vec::new()));
        let (sender, mut lines) = mpsc::unbounded_channel();
        collect_lines(
            child.stdout.take().unwrap(),
            Arc::clone(&said),
            sender.clone(),
        );
        collect_lines(child.stderr.take().unwrap(), Arc::clone(&said), sender);
        loop {
            let Some(line) = lines.recv().await else {
                panic!("the server did not start: {:#?}", lines_of(&said))
            };
            if let Some((_, address)) = line.split_once("answers on http://") {
                return Self {
                    child,
                    address: address.parse().unwrap(),
                    said,
                };
            }
        }
    }

    /// Its address.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Everything that it has written so far.
    #[must_use]
    pub fn output(&self) -> Vec<String> {
        lines_of(&self.said)
    }

    /// Kills it, as a power cut would.
    pub async fn kill(mut self) {
        self.child.kill().await.unwrap();
    }

    /// Whether it is still running.
    pub fn is_running(&mut self) -> bool {
        matches!(self.child.try_wait(), Ok(None))
    }
}

fn lines_of(said: &Mutex<Vec<String>>) -> Vec<String> {
    said.lock().unwrap_or_else(PoisonError::into_inner).clone()
}

/// Collects a stream in a separate task: a pipe that nobody reads fills up, and the server would block on its log.
fn collect_lines(
    stream: impl AsyncRead + Unpin + Send + 'static,
    said: Arc<Mutex<Vec<String>>>,
    sender: mpsc::UnboundedSender<String>,
) {
    tokio::spawn(async move {
        let mut lines = BufReader::new(stream).lines();
        while let Ok(Some(line)) = lines.next_line().await {
            said.lock()
                .unwrap_or_else(PoisonError::into_inner)
                .push(line.clone());
            // Nobody receives it any more once the server has started.
            let _ = sender.send(line);
        }
    });
}
