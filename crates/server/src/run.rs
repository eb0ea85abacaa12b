//! A server from its start to the signal that stops it.

use std::{
    env,
    io::{self, Write},
    process::{self, ExitCode},
};

use fleet_edge::open_files;
use fleet_http::telemetry::{self, Format};
use tokio::signal::unix::{Signal, SignalKind, signal};
use tracing::{info, warn};

use crate::{
    LOG_LEVELS,
    error::StartError,
    limits::OPEN_FILES,
    log::{self, LogFormat},
    options::ServerOptions,
    server::{RunningServer, Server},
    transfer,
};

/// The exit code after a second signal: the shell's code for a process that Ctrl-C ended.
const STOPPED_AT_ONCE: i32 = 130;
/// The exit code after a shutdown that had to cut off requests.
const CUT: u8 = 3;

/// The whole program `name`: an export or import, or a server. For a server it reads the options, starts the log, and
/// serves until it is stopped. A failed start prints one sentence on standard error.
pub async fn program(name: &str) -> ExitCode {
    if transfer::is_requested() {
        return transfer::program(name).await;
    }
    let options = ServerOptions::parse_with_environment();
    let ended = match start_log(options.log_format) {
        Ok(()) => run(options, &mut io::stdout()).await,
        Err(error) => Err(error),
    };
    match ended {
        Ok(code) => code,
        Err(error) => {
            // If no one reads standard error, the exit code has to be enough.
            let _ = writeln!(io::stderr(), "{name}: {error}");
            ExitCode::FAILURE
        }
    }
}

/// Starts the log in the format `asked`, or else in that of the environment: text unless
/// `AWS_LAMBDA_LOG_FORMAT` is `JSON`.
///
/// # Errors
/// [`StartError`] for an invalid log level.
pub fn start_log(asked: Option<LogFormat>) -> Result<(), StartError> {
    let variable = |name: &str| env::var(name).ok();
    let levels = telemetry::levels(variable, LOG_LEVELS).map_err(StartError::LogLevels)?;
    let format = asked.unwrap_or_else(|| match telemetry::format(variable, Format::Text) {
        Format::Text => LogFormat::Text,
        Format::Json => LogFormat::Json,
    });
    log::init(format, levels);
    Ok(())
}

/// Starts the server, prints on `out` what is available, and serves until Ctrl-C or SIGTERM. Returns the exit code
/// of the process: 0, or 3 if requests had to be cut off.
///
/// A second signal ends the process at once.
///
/// # Errors
/// [`StartError`] if the server does not start.
pub async fn run(options: ServerOptions, out: &mut impl Write) -> Result<ExitCode, StartError> {
    open_files::raise_limit(OPEN_FILES);
    let mut signals = ServerSignals::new().map_err(|cause| StartError::System(cause.kind()))?;
    let running = tokio::select! {
        running = Server::start(options) => running?,
        () = signals.next() => return Ok(ExitCode::SUCCESS),
    };
    if running.certificate().is_some() {
        signals
            .take_hang_up()
            .map_err(|cause| StartError::System(cause.kind()))?;
    }
    // The server also serves if no one reads its output.
    let _ = print_welcome(&running, out);
    signals.wait_for_stop(&running).await;
    info!("stopping; requests in progress finish first, unless a second signal comes");
    let data = data_after_stop(&running);
    let under_way = running.under_way();
    tokio::select! {
        cut = running.stop() => {
            if cut == 0 {
                let _ = print_farewell("Stopped.", &data, out);
                return Ok(ExitCode::SUCCESS);
            }
            let ended = format!("Stopped; requests that were cut: {cut}.");
            let _ = print_farewell(&ended, &data, out);
            Ok(ExitCode::from(CUT))
        }
        () = signals.next() => {
            under_way.log_cut_off();
            warn!("stopped at once");
            let _ = print_farewell("Stopped at once; requests in progress were cut off.", &data, out);
            process::exit(STOPPED_AT_ONCE)
        }
    }
}

/// A sentence on where the data is once the server has stopped; empty if the server had none.
fn data_after_stop(running: &RunningServer) -> String {
    match (running.aws_endpoint_url(), running.data_folder()) {
        (_, Some(folder)) if !folder.exists() => {
            format!(" The data folder {} is gone.", folder.display())
        }
        (_, Some(folder)) => format!(" The data is in {}.", folder.display()),
        (Some(_), None) => " The data was in memory and is gone.".to_owned(),
        (None, None) => String::new(),
    }
}

/// The last line.
fn print_farewell(ended: &str, data: &str, out: &mut impl Write) -> io::Result<()> {
    writeln!(out, "{ended}{data}")?;
    out.flush()
}

struct ServerSignals {
    interrupt: Signal,
    terminate: Signal,
    hang_up: Option<Signal>,
}

impl ServerSignals {
    fn new() -> io::Result<Self> {
        Ok(Self {
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
            hang_up: None,
        })
    }

    /// Handles SIGHUP by reloading the certificates. Without certificates the signal keeps its default effect: it
    /// ends a program whose terminal has gone.
    fn take_hang_up(&mut self) -> io::Result<()> {
        self.hang_up = Some(signal(SignalKind::hangup())?);
        Ok(())
    }

    /// Waits for Ctrl-C or SIGTERM; until then, reloads the certificates of `running` at each SIGHUP.
    async fn wait_for_stop(&mut self, running: &RunningServer) {
        loop {
            let Some(hang_up) = &mut self.hang_up else {
                return self.next().await;
            };
            tokio::select! {
                _ = hang_up.recv() => running.reload(),
                _ = self.interrupt.recv() => return,
                _ = self.terminate.recv() => return,
            }
        }
    }

    /// Waits for Ctrl-C or SIGTERM.
    async fn next(&mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
        }
    }
}

fn print_welcome(running: &RunningServer, out: &mut impl Write) -> io::Result<()> {
    let url = running.base_url();
    writeln!(
        out,
        "Fleet API {} answers on {url}",
        env!("CARGO_PKG_VERSION")
    )?;
    if running.has_pages() {
        writeln!(
            out,
            "  in a browser         {url}/ shows what is stored, {url}/docs has every route to try"
        )?;
    }
    if running.access().is_some() {
        writeln!(
            out,
            "  in a browser         no pages: they would show what keys and signatures protect"
        )?;
    }
    if let Some(certificate) = running.certificate() {
        writeln!(out, "  certificate          {certificate}")?;
    }
    if let Some(plain) = running.redirect_addr() {
        writeln!(
            out,
            "  plain HTTP           http://{plain} redirects to HTTPS"
        )?;
    }
    match running.aws_endpoint_url() {
        Some(aws) => {
            writeln!(
                out,
                "  local AWS endpoints  {aws} (any AWS SDK or CLI: AWS_ENDPOINT_URL={aws})"
            )?;
            match running.data_folder() {
                Some(folder) => writeln!(out, "  data folder          {}", folder.display())?,
                None => writeln!(
                    out,
                    "  data folder          none: data is in memory and is gone when the server stops"
                )?,
            }
        }
        None if running.has_stores() => writeln!(
            out,
            "  stores               on AWS, as the environment says"
        )?,
        None => writeln!(
            out,
            "  stores               none: these functions need none"
        )?,
    }
    if let Some(access) = running.access() {
        writeln!(out, "  access               {access}")?;
    }
    if let Some(key) = running.made_api_key() {
        writeln!(
            out,
            "  API key              {key} (new, and not shown again)"
        )?;
    }
    for (number, example) in running.examples().enumerate() {
        let heading = if number == 0 { "Try:\n" } else { "" };
        writeln!(out, "{heading}  curl{example}")?;
    }
    writeln!(out, "Ctrl-C stops the server.")?;
    out.flush()
}
