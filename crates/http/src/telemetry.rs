//! Logs: one structured line a request, never a body, a secret or a parameter's value.

use std::{any::Any, panic, time::Duration};

use tracing::{error, info, warn};
use tracing_subscriber::{filter::Targets, fmt, prelude::*};

/// How log lines are written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Format {
    /// One JSON object a line.
    #[default]
    Json,
    /// For a person at a terminal.
    Text,
}

/// Starts logging as Lambda's own controls say: `AWS_LAMBDA_LOG_FORMAT` (`JSON` unless it says `Text`), `RUST_LOG`
/// (targets and levels, `info,fleet_aws=debug`) or else `AWS_LAMBDA_LOG_LEVEL` (`INFO`).
pub fn init_from_env() {
    let variable = |name| std::env::var(name).ok();
    let text = variable("AWS_LAMBDA_LOG_FORMAT").is_some_and(|format| format.eq_ignore_ascii_case("text"));
    let level = variable("RUST_LOG").or_else(|| variable("AWS_LAMBDA_LOG_LEVEL"));
    init(if text { Format::Text } else { Format::Json }, level.as_deref());
}

/// Starts logging to standard output. Does nothing where logging has been started already.
pub fn init(format: Format, levels: Option<&str>) {
    let levels = levels.and_then(levels_of).unwrap_or_else(|| Targets::new().with_default(tracing::Level::INFO));
    let registry = tracing_subscriber::registry().with(levels);
    // A second start (tests share a process) keeps the first one's settings.
    let _ = match format {
        Format::Json => registry.with(fmt::layer().json().flatten_event(true).with_current_span(false).with_span_list(false)).try_init(),
        Format::Text => registry.with(fmt::layer().with_ansi(false).with_target(false)).try_init(),
    };
    panic::set_hook(Box::new(|info| {
        let place = info.location().map(ToString::to_string).unwrap_or_default();
        error!(place, "panic: {}", panic_message(info.payload()));
    }));
}

/// Lambda writes levels in capitals and knows `FATAL`, which tracing does not.
fn levels_of(text: &str) -> Option<Targets> {
    if text.eq_ignore_ascii_case("fatal") { Some(Targets::new().with_default(tracing::Level::ERROR)) } else { text.parse().ok() }
}

/// What a panic said.
pub(crate) fn panic_message(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
    text.or_else(|| panic.downcast_ref::<String>().cloned()).unwrap_or_else(|| "a panic without a message".to_owned())
}

/// What is logged of a request.
pub(crate) struct RequestLine {
    pub(crate) function: &'static str,
    pub(crate) method: String,
    pub(crate) route: String,
    pub(crate) request_id: String,
    pub(crate) cold_start: bool,
    pub(crate) calls: u32,
    pub(crate) status: i64,
    pub(crate) duration: Duration,
    pub(crate) cause: Option<String>,
}

impl RequestLine {
    /// Writes the line: an error for 500, a warning for 503, else information.
    pub(crate) fn write(&self) {
        let Self { function, method, route, request_id, cold_start, calls, status, .. } = self;
        let duration_ms = (self.duration.as_secs_f64() * 1e5).round() / 1e2;
        let cause = self.cause.as_deref();
        match status {
            503 => warn!(function, method, route, status, duration_ms, request_id, cold_start, calls, cause, "request"),
            500.. => error!(function, method, route, status, duration_ms, request_id, cold_start, calls, cause, "request"),
            _ => info!(function, method, route, status, duration_ms, request_id, cold_start, calls, "request"),
        }
    }
}
