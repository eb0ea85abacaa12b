//! The server under measurement, in its own process.

use std::{
    env,
    error::Error,
    fs, io,
    net::TcpListener,
    process::Stdio,
    time::{Duration, Instant},
};

use fleet_server::{Options, SqlEngine};
use http::{Method, StatusCode};
use tempfile::TempDir;
use tokio::{
    io::{AsyncBufReadExt as _, BufReader},
    process::{Child, Command},
};

use crate::load::Connection;

type Failure = Box<dyn Error + Send + Sync>;

/// Set in the environment of the server's process; its value is the data folder.
pub(crate) const SERVE: &str = "FLEET_BENCH_SERVE";

/// Where its AWS endpoints are to answer.
const AWS_LISTEN: &str = "FLEET_BENCH_AWS_LISTEN";
/// Set where the SQL is to run on a MariaDB of the server's own.
const MARIADB: &str = "FLEET_BENCH_MARIADB";

/// How the server is set up.
#[derive(Clone, Copy, Default)]
pub(crate) struct Setup {
    pub(crate) mariadb: bool,
}

/// Runs as the server, with its usual log, until it is killed.
pub(crate) async fn serve() -> Result<(), Failure> {
    fleet_server::start_log(None)?;
    let options = Options {
        listen: "127.0.0.1:0".parse()?,
        aws_listen: env::var(AWS_LISTEN)?.parse()?,
        engine: match env::var_os(MARIADB) {
            Some(_) => SqlEngine::Mariadb,
            None => SqlEngine::Sqlite,
        },
        data_dir: env::var_os(SERVE).unwrap_or_default().into(),
        ..Options::default()
    };
    fleet_server::run(options, &mut io::stdout()).await?;
    Ok(())
}

/// A running server.
pub(crate) struct Server {
    /// Host and port.
    pub(crate) address: String,
    /// Host and port of its AWS endpoints.
    pub(crate) aws_address: String,
    process: Child,
    _folder: TempDir,
}

impl Server {
    /// Starts a server on an empty data folder. Returns how long it took from the start of the process to the first response.
    pub(crate) async fn start(setup: Setup) -> Result<(Self, Duration), Failure> {
        let folder = tempfile::tempdir()?;
        let started = Instant::now();
        // Free a moment ago, which is good enough here.
        let aws_address = TcpListener::bind("127.0.0.1:0")?.local_addr()?.to_string();
        let mut command = Command::new(env::current_exe()?);
        if setup.mariadb {
            command.env(MARIADB, "1");
        }
        let mut process = command
            .env(SERVE, folder.path())
            .env(AWS_LISTEN, &aws_address)
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()?;
        let mut lines =
            BufReader::new(process.stdout.take().ok_or("the server has no output")?).lines();
        let first = lines.next_line().await?.ok_or("the server did not start")?;
        let address = first
            .rsplit_once("http://")
            .ok_or("the server does not say where it answers")?
            .1
            .to_owned();
        // Read to the end, so that the server never waits for a reader.
        tokio::spawn(async move { while let Ok(Some(_)) = lines.next_line().await {} });
        let server = Self {
            address,
            aws_address,
            process,
            _folder: folder,
        };
        server.send(Method::GET, "/v1/health", "").await?;
        Ok((server, started.elapsed()))
    }

    /// Sends one request, which must succeed.
    pub(crate) async fn send(&self, method: Method, path: &str, body: &str) -> Result<(), Failure> {
        let status = Connection::open(&self.address)
            .await?
            .send(method, path, body.to_owned())
            .await?;
        if status == StatusCode::OK {
            Ok(())
        } else {
            Err(format!("{path} answered {status}").into())
        }
    }

    /// The process's resident memory, from Linux's `/proc`.
    pub(crate) fn resident_mib(&self) -> Result<u64, Failure> {
        let id = self.process.id().ok_or("the server has ended")?;
        let status = fs::read_to_string(format!("/proc/{id}/status"))?;
        let line = status
            .lines()
            .find(|line| line.starts_with("VmRSS:"))
            .ok_or("no VmRSS in /proc")?;
        let kib: u64 = line
            .split_whitespace()
            .nth(1)
            .ok_or("no number in VmRSS")?
            .parse()?;
        Ok(kib.div_ceil(1024))
    }

    /// Ends it.
    pub(crate) async fn stop(mut self) -> Result<(), Failure> {
        Ok(self.process.kill().await?)
    }
}
