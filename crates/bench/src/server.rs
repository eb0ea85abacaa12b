//! The server under measurement, in a separate process.

use std::{
    env, fs, io,
    net::TcpListener,
    process::Stdio,
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::{Duration, Instant},
};

use fleet_server::{ServerOptions, SqlEngine};
use http::{Method, StatusCode};
use tempfile::TempDir;
use tokio::{
    io::{AsyncBufReadExt as _, BufReader},
    process::{Child, Command},
};

use crate::{error::BenchError, load::LoadConnection};

/// Set in the environment of the server's process; its value is the data folder.
pub(crate) const SERVE: &str = "FLEET_BENCH_SERVE";

/// The instance that a measurement adds.
pub(crate) const INSTANCE: &str = r#"{"aws_region":"us-east-1","aws_account":"123456789012","packages":[{"package_name":"package-1","package_version":"v1"},{"package_name":"package-1","package_version":"v2"}]}"#;

/// The address of its AWS endpoints.
const AWS_LISTEN: &str = "FLEET_BENCH_AWS_LISTEN";
/// Set if the SQL runs on a MariaDB that the server starts.
const MARIADB: &str = "FLEET_BENCH_MARIADB";

/// How the server is set up.
#[derive(Clone, Copy, Default)]
pub(crate) struct ServerSetup {
    pub(crate) mariadb: bool,
}

/// Runs as the server, with its usual log, until it is killed.
pub(crate) async fn serve() -> Result<(), BenchError> {
    fleet_server::start_log(None)?;
    let options = ServerOptions {
        listen: "127.0.0.1:0".parse()?,
        aws_listen: env::var(AWS_LISTEN)?.parse()?,
        engine: match env::var_os(MARIADB) {
            Some(_) => SqlEngine::Mariadb,
            None => SqlEngine::Sqlite,
        },
        data_dir: env::var_os(SERVE).unwrap_or_default().into(),
        ..ServerOptions::default()
    };
    fleet_server::run(options, &mut io::stdout()).await?;
    Ok(())
}

/// A running server.
pub(crate) struct BenchServer {
    /// Host and port.
    pub(crate) address: String,
    /// Host and port of its AWS endpoints.
    pub(crate) aws_address: String,
    process: Child,
    /// The number of calls in the last request's log line, plus one; 0 if there was none yet.
    calls: Arc<AtomicU32>,
    _folder: TempDir,
}

impl BenchServer {
    /// Starts a server on an empty data folder. Returns the time from the start of the process to the first response.
    pub(crate) async fn start(setup: ServerSetup) -> Result<(Self, Duration), BenchError> {
        let folder = tempfile::tempdir()?;
        let started = Instant::now();
        // It was free a moment ago, which is good enough here.
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
        let calls = Arc::new(AtomicU32::new(0));
        let noted = Arc::clone(&calls);
        // Read to the end, so that the server never blocks on a full pipe.
        tokio::spawn(async move {
            while let Ok(Some(line)) = lines.next_line().await {
                if let Some(calls) = calls_of(&line) {
                    noted.store(calls + 1, Ordering::Relaxed);
                }
            }
        });
        let server = Self {
            address,
            aws_address,
            process,
            calls,
            _folder: folder,
        };
        server.send(Method::GET, "/v1/health", "").await?;
        Ok((server, started.elapsed()))
    }

    /// Sends one request, which must succeed.
    pub(crate) async fn send(
        &self,
        method: Method,
        path: &str,
        body: &str,
    ) -> Result<(), BenchError> {
        let status = LoadConnection::open(&self.address)
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
    pub(crate) fn resident_mib(&self) -> Result<u64, BenchError> {
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

    /// How many store calls the last request took, according to the log's newest line; `None` if there is none.
    pub(crate) fn last_calls(&self) -> Option<u32> {
        self.calls.load(Ordering::Relaxed).checked_sub(1)
    }

    /// The processor time that it has used, from Linux's `/proc`.
    pub(crate) fn processor_time(&self) -> Result<Duration, BenchError> {
        let id = self.process.id().ok_or("the server has ended")?;
        let status = fs::read_to_string(format!("/proc/{id}/stat"))?;
        Ok(processor_time(&status).ok_or("no times in /proc")?)
    }

    /// Ends it.
    pub(crate) async fn stop(mut self) -> Result<(), BenchError> {
        Ok(self.process.kill().await?)
    }
}

/// The number of store calls in a request's log line. A line without one is a request that made none.
fn calls_of(line: &str) -> Option<u32> {
    if !line.contains(" request_id=") {
        return None;
    }
    match line.split_once(" calls=") {
        Some((_, calls)) => calls.split(' ').next()?.parse().ok(),
        None => Some(0),
    }
}

/// User and system time in a line of `/proc/PID/stat`, whose unit is a hundredth of a second on every Linux:
/// <https://man7.org/linux/man-pages/man5/proc_pid_stat.5.html>.
fn processor_time(stat: &str) -> Option<Duration> {
    // The program's name, in parentheses, may contain spaces.
    let (_, rest) = stat.rsplit_once(')')?;
    let mut fields = rest.split_whitespace().skip(11);
    let ticks: u64 = fields.next()?.parse::<u64>().ok()? + fields.next()?.parse::<u64>().ok()?;
    Some(Duration::from_millis(10 * ticks))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_calls_of_a_request_are_read_from_its_line() {
        let line = "2026-11-27T18:22:20.601Z   200 PATCH  /ec2/{id} 25.69 ms request_id=46f406f5";
        assert_eq!(calls_of(&format!("{line} calls=2")), Some(2));
        assert_eq!(calls_of(&format!("{line} calls=4 retries=1")), Some(4));
        assert_eq!(calls_of(line), Some(0));
        assert_eq!(calls_of("Try:"), None);
    }

    #[test]
    fn processor_time_is_read_behind_the_programs_name() {
        let stat = "42 (a ) b) S 1 42 42 0 -1 4194560 100 0 0 0 150 25 0 0 20 0 9 0 100";
        assert_eq!(processor_time(stat), Some(Duration::from_millis(1_750)));
        assert_eq!(processor_time("42 (a) S"), None);
    }
}
