//! The server's log: JSON lines as on Lambda, or text for a person at a terminal.

use std::{
    fmt::{self, Write as _},
    io::{self, IsTerminal as _},
};

use clap::ValueEnum;
use fleet_http::telemetry::{self, Targets};
use time::{OffsetDateTime, format_description::BorrowedFormatItem, macros::format_description};
use tracing::{
    Event, Level, Subscriber,
    field::{Field, Visit},
};
use tracing_subscriber::{
    fmt::{FmtContext, FormatEvent, FormatFields, format::Writer},
    prelude::*,
    registry::LookupSpan,
};

const TIME: &[BorrowedFormatItem<'_>] =
    format_description!("[year]-[month]-[day]T[hour]:[minute]:[second].[subsecond digits:3]Z");

/// How log lines are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum LogFormat {
    /// Text for people; in colour on a terminal, unless NO_COLOR is set
    Text,
    /// One JSON object per line, as the functions write it on Lambda
    Json,
}

/// Starts logging `levels` to standard output. Does nothing if logging has already been started.
pub(crate) fn init(format: LogFormat, levels: Targets) {
    match format {
        LogFormat::Json => telemetry::init(telemetry::Format::Json, levels),
        LogFormat::Text => {
            let colour = io::stdout().is_terminal()
                && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty());
            let lines = tracing_subscriber::fmt::layer().event_format(LogLines { colour });
            // A second start has no effect, as with JSON.
            let _ = tracing_subscriber::registry()
                .with(levels)
                .with(lines)
                .try_init();
            telemetry::log_panics();
        }
    }
}

/// One line per event: the time, then a request as status, method, route and duration, or the level and the message.
struct LogLines {
    /// Stored here: the layer's own switch needs a feature of tracing-subscriber that every function would also get.
    colour: bool,
}

impl<S: Subscriber + for<'a> LookupSpan<'a>, N: for<'a> FormatFields<'a> + 'static>
    FormatEvent<S, N> for LogLines
{
    fn format_event(
        &self,
        _: &FmtContext<'_, S, N>,
        mut writer: Writer<'_>,
        event: &Event<'_>,
    ) -> fmt::Result {
        let mut said = EventFields::default();
        event.record(&mut said);
        let now = OffsetDateTime::now_utc()
            .format(TIME)
            .map_err(|_| fmt::Error)?;
        writeln!(
            writer,
            "{}",
            said.line(&now, *event.metadata().level(), self.colour)
        )
    }
}

/// An event's message.
#[derive(Default)]
struct EventFields {
    message: String,
    status: Option<i64>,
    method: String,
    route: String,
    duration_ms: Option<f64>,
    /// All other fields, as ` name=value`.
    rest: String,
}

impl Visit for EventFields {
    fn record_i64(&mut self, field: &Field, value: i64) {
        match field.name() {
            "status" => self.status = Some(value),
            _ => self.record_debug(field, &value),
        }
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        match (field.name(), i64::try_from(value)) {
            ("status", Ok(status)) => self.status = Some(status),
            _ => self.record_debug(field, &value),
        }
    }

    fn record_f64(&mut self, field: &Field, value: f64) {
        match field.name() {
            "duration_ms" => self.duration_ms = Some(value),
            _ => self.record_debug(field, &value),
        }
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        match field.name() {
            "method" => self.method = value.to_owned(),
            "route" => self.route = value.to_owned(),
            "message" => self.message = value.to_owned(),
            // The route identifies the function, and on a server every start but the first is warm.
            "function" => {}
            _ => self.other(field.name(), value),
        }
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        let text = format!("{value:?}");
        match field.name() {
            "message" => self.message = text,
            "method" => self.method = text,
            "cold_start" => {}
            name => self.other(name, &text),
        }
    }
}

impl EventFields {
    fn other(&mut self, name: &str, value: &str) {
        // A client's text must not break the line. Writing to a String cannot fail.
        let quoted = value.is_empty()
            || value.contains(|c: char| c.is_whitespace() || c.is_control() || c == '"');
        let _ = if quoted {
            write!(self.rest, " {name}={value:?}")
        } else {
            write!(self.rest, " {name}={value}")
        };
    }

    fn line(&self, now: &str, level: Level, colour: bool) -> String {
        let paint = |code: &str, text: &str| {
            if colour {
                format!("\x1b[{code}m{text}\x1b[0m")
            } else {
                text.to_owned()
            }
        };
        let time = paint("2", now);
        let rest = paint("2", &self.rest);
        let Some(status) = self.status else {
            let level_colour = match level {
                Level::ERROR => "31",
                Level::WARN => "33",
                _ => "32",
            };
            let method = match self.method.as_str() {
                "" => String::new(),
                method => paint("2", &format!(" method={method}")),
            };
            return format!(
                "{time} {} {}{method}{rest}",
                paint(level_colour, &format!("{level:>5}")),
                self.message
            );
        };
        let status_colour = match status {
            500.. => "31",
            400.. => "33",
            _ => "32",
        };
        let what = match self.route.as_str() {
            // The gateway refused a request without a route.
            "" | "none" => &self.message,
            route => route,
        };
        let duration = self
            .duration_ms
            .map(|duration| format!(" {duration} ms"))
            .unwrap_or_default();
        format!(
            "{time} {} {:<6} {what}{duration}{rest}",
            paint(status_colour, &format!("{status:>5}")),
            self.method
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(status: i64) -> EventFields {
        EventFields {
            message: "request".to_owned(),
            status: Some(status),
            method: "GET".to_owned(),
            route: "/ec2/{aws_instance_id}".to_owned(),
            duration_ms: Some(1.25),
            rest: " request_id=r-1 calls=1".to_owned(),
        }
    }

    #[test]
    fn a_request_is_one_line_with_status_and_time() {
        assert_eq!(
            request(200).line("2026-03-20T09:46:40.000Z", Level::INFO, false),
            "2026-03-20T09:46:40.000Z   200 GET    /ec2/{aws_instance_id} 1.25 ms request_id=r-1 calls=1"
        );
    }

    #[test]
    fn everything_else_is_its_level_and_what_happened() {
        let mut said = EventFields {
            message: "not ready".to_owned(),
            ..EventFields::default()
        };
        said.other("check", "data_api");
        said.other("cause", "two\nlines");
        assert_eq!(
            said.line("T", Level::WARN, false),
            r#"T  WARN not ready check=data_api cause="two\nlines""#
        );
    }

    #[test]
    fn colour_comes_only_where_it_is_wanted() {
        assert!(
            request(503)
                .line("T", Level::WARN, true)
                .contains("\x1b[31m  503\x1b[0m")
        );
        assert!(!request(503).line("T", Level::WARN, false).contains('\x1b'));
    }
}
