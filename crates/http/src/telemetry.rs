//! Logs: one structured line per request, never a body, a secret or a parameter's value.

use std::{any::Any, panic};

use thiserror::Error;
use tracing::{Level, error, level_filters::LevelFilter};
use tracing_subscriber::{fmt, prelude::*};

pub use tracing_subscriber::filter::Targets;

use crate::json_lines::JsonLines;

/// How log lines are written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Format {
    /// One JSON object per line.
    #[default]
    Json,
    /// For a person at a terminal.
    Text,
}

/// Invalid levels. The message names the variable.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[error(
    "The environment variable {0} must be a log level, like info, or levels by target, like info,fleet_aws=debug."
)]
pub struct LevelsError(&'static str);

/// The log levels: `RUST_LOG`, else `AWS_LAMBDA_LOG_LEVEL` (Lambda's own control), else `default`.
///
/// Libraries log whole bodies and headers at `TRACE` (the Lambda runtime, hyper, the SDK, the embedded DynamoDB), so
/// only our own crates may log at that level.
///
/// # Errors
/// [`LevelsError`] for a variable with an invalid value.
///
/// # Panics
/// If `default` is invalid.
pub fn levels(
    lookup: impl Fn(&str) -> Option<String>,
    default: &str,
) -> Result<Targets, LevelsError> {
    for name in ["RUST_LOG", "AWS_LAMBDA_LOG_LEVEL"] {
        if let Some(text) = lookup(name).filter(|text| !text.is_empty()) {
            return parse_levels(&text)
                .map(without_bodies)
                .ok_or(LevelsError(name));
        }
    }
    Ok(without_bodies(
        parse_levels(default).expect("the default is written in the code"),
    ))
}

/// Lambda knows `FATAL`, which tracing does not.
fn parse_levels(text: &str) -> Option<Targets> {
    if text.eq_ignore_ascii_case("fatal") {
        Some(Targets::new().with_default(Level::ERROR))
    } else {
        text.parse().ok()
    }
}

/// `levels`, with `TRACE` only for our own crates.
fn without_bodies(levels: Targets) -> Targets {
    /// The prefix of our crates' names. The functions' own crates log nothing at `TRACE`.
    const OURS: &str = "fleet_";
    let default = levels.default_level().unwrap_or(LevelFilter::OFF);
    let named: Vec<_> = levels
        .iter()
        .map(|(target, level)| {
            let is_ours = target.starts_with(OURS);
            let level = if is_ours {
                level
            } else {
                level.min(LevelFilter::DEBUG)
            };
            (target.to_owned(), level)
        })
        .collect();
    Targets::new()
        .with_default(default.min(LevelFilter::DEBUG))
        // A named target may be the same, and then takes precedence.
        .with_target(OURS, default)
        .with_targets(named)
}

/// The log format: `AWS_LAMBDA_LOG_FORMAT` (Lambda's own control), else `default`.
#[must_use]
pub fn format(lookup: impl Fn(&str) -> Option<String>, default: Format) -> Format {
    match lookup("AWS_LAMBDA_LOG_FORMAT")
        .map(|format| format.to_ascii_lowercase())
        .as_deref()
    {
        Some("text") => Format::Text,
        Some("json") => Format::Json,
        _ => default,
    }
}

/// Starts logging to standard output. Does nothing if logging has already been started.
pub fn init(format: Format, levels: Targets) {
    let registry = tracing_subscriber::registry().with(levels);
    // A second start (tests share a process) has no effect.
    let _ = match format {
        Format::Json => registry
            .with(fmt::layer().event_format(JsonLines))
            .try_init(),
        Format::Text => registry
            .with(fmt::layer().with_ansi(false).with_target(false))
            .try_init(),
    };
    log_panics();
}

/// Turns a panic into a log line, instead of text on standard error.
pub fn log_panics() {
    panic::set_hook(Box::new(|info| {
        let place = info.location().map(ToString::to_string).unwrap_or_default();
        error!(place, "panic: {}", panic_message(info.payload()));
    }));
}

/// The message of a panic.
pub(crate) fn panic_message(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
    text.or_else(|| panic.downcast_ref::<String>().cloned())
        .unwrap_or_else(|| "a panic without a message".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::json_lines::tests::written;

    fn given(values: &'static [(&'static str, &'static str)]) -> impl Fn(&str) -> Option<String> {
        |name| {
            values
                .iter()
                .find(|(known, _)| *known == name)
                .map(|(_, value)| (*value).to_owned())
        }
    }

    #[test]
    fn rust_log_goes_before_lambdas_level_and_an_empty_one_is_none() {
        let enabled = |values, level| {
            levels(given(values), "info")
                .unwrap()
                .would_enable("fleet_http", &level)
        };
        assert!(enabled(&[], Level::INFO) && !enabled(&[], Level::DEBUG));
        assert!(enabled(
            &[("RUST_LOG", "debug"), ("AWS_LAMBDA_LOG_LEVEL", "ERROR")],
            Level::DEBUG
        ));
        assert!(!enabled(
            &[("RUST_LOG", ""), ("AWS_LAMBDA_LOG_LEVEL", "WARN")],
            Level::INFO
        ));
        assert!(!enabled(&[("AWS_LAMBDA_LOG_LEVEL", "FATAL")], Level::WARN));
    }

    #[test]
    fn levels_that_cannot_be_read_are_named() {
        let refused = levels(given(&[("RUST_LOG", "garbage==,,")]), "info").unwrap_err();
        assert_eq!(
            refused.to_string(),
            "The environment variable RUST_LOG must be a log level, like info, or levels by target, like info,fleet_aws=debug."
        );
    }

    #[test]
    fn what_writes_bodies_is_never_asked_to() {
        for text in [
            "trace",
            "info,aws_smithy_runtime=trace,dynoxide=trace,lambda_runtime=trace,hyper=trace,h2::codec=trace",
            "aws_=trace,dynoxide=trace,lambda_=trace,h=trace",
        ] {
            let levels = without_bodies(parse_levels(text).unwrap());
            for target in [
                "aws_smithy_runtime::client::orchestrator",
                "dynoxide::server",
                "lambda_runtime::layers::api_response",
                "hyper::proto::h1::io",
                "h2::codec::framed_write",
            ] {
                assert!(
                    !levels.would_enable(target, &Level::TRACE),
                    "{text}: {target}"
                );
            }
        }
        assert!(
            without_bodies(parse_levels("trace").unwrap())
                .would_enable("fleet_http", &Level::TRACE)
        );
        assert!(
            !without_bodies(parse_levels("info,dynoxide=error").unwrap())
                .would_enable("dynoxide", &Level::WARN)
        );
        let ours = without_bodies(parse_levels("warn,fleet_aws=trace").unwrap());
        assert!(ours.would_enable("fleet_aws::dimensions", &Level::TRACE));
        assert!(!ours.would_enable("fleet_http", &Level::INFO));
        let named = without_bodies(parse_levels("trace,dynoxide=error").unwrap());
        assert!(named.would_enable("fleet_http", &Level::TRACE));
        let quiet = without_bodies(parse_levels("trace,fleet_=info").unwrap());
        assert!(!quiet.would_enable("fleet_http", &Level::DEBUG));
        assert!(quiet.would_enable("dynoxide", &Level::DEBUG));
        assert!(
            !without_bodies(parse_levels("off").unwrap()).would_enable("fleet_http", &Level::ERROR)
        );
    }

    #[test]
    fn lambdas_format_is_followed() {
        assert_eq!(format(given(&[]), Format::Json), Format::Json);
        assert_eq!(
            format(given(&[("AWS_LAMBDA_LOG_FORMAT", "Text")]), Format::Json),
            Format::Text
        );
        assert_eq!(
            format(given(&[("AWS_LAMBDA_LOG_FORMAT", "JSON")]), Format::Text),
            Format::Json
        );
    }

    #[test]
    fn a_panic_is_a_line_that_names_its_place() {
        let before = panic::take_hook();
        log_panics();
        let lines = written(|| {
            let _ = panic::catch_unwind(|| panic!("as told"));
        });
        panic::set_hook(before);
        assert_eq!(lines.len(), 1);
        assert_eq!(lines[0]["message"], "panic: as told");
        let place = lines[0]["place"].as_str().unwrap();
        assert!(place.contains("telemetry.rs"), "{place}");
    }
}
