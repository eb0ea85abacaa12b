//! Log lines as JSON objects, in the form that Lambda's own logging controls read: `timestamp`, `level`, then the fields.

use std::{
    error::Error,
    fmt::{self, Write as _},
};

use serde::Serialize;
use tracing::{
    Event, Subscriber,
    field::{Field, Visit},
};
use tracing_subscriber::{
    fmt::{
        FmtContext, FormatEvent, FormatFields,
        format::Writer,
        time::{FormatTime as _, SystemTime},
    },
    registry::LookupSpan,
};

/// The field whose text consists of members of a JSON object. They become members of the line.
pub(crate) const MEMBERS: &str = "_aws";

/// One JSON object per event.
pub(crate) struct JsonLines;

impl<S: Subscriber + for<'a> LookupSpan<'a>, N: for<'a> FormatFields<'a> + 'static>
    FormatEvent<S, N> for JsonLines
{
    fn format_event(
        &self,
        _: &FmtContext<'_, S, N>,
        mut writer: Writer<'_>,
        event: &Event<'_>,
    ) -> fmt::Result {
        let mut time = String::with_capacity(32);
        SystemTime.format_time(&mut Writer::new(&mut time))?;
        let metadata = event.metadata();
        let mut line = JsonLine {
            text: String::with_capacity(512),
            takes_members: metadata.target().starts_with(env!("CARGO_CRATE_NAME")),
        };
        line.member("timestamp", &time);
        line.member("level", metadata.level().as_str());
        event.record(&mut line);
        line.member("target", metadata.target());
        writeln!(writer, "{{{}}}", line.text)
    }
}

/// The members of a line.
struct JsonLine {
    text: String,
    takes_members: bool,
}

impl JsonLine {
    fn member(&mut self, name: &str, value: impl Serialize) {
        if let (Ok(name), Ok(value)) = (serde_json::to_string(name), serde_json::to_string(&value))
        {
            self.comma();
            // Writing to a String cannot fail.
            let _ = write!(self.text, "{name}:{value}");
        }
    }

    fn comma(&mut self) {
        if !self.text.is_empty() {
            self.text.push(',');
        }
    }
}

impl Visit for JsonLine {
    fn record_f64(&mut self, field: &Field, value: f64) {
        self.member(field.name(), value);
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.member(field.name(), value);
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.member(field.name(), value);
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.member(field.name(), value);
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        if self.takes_members && field.name() == MEMBERS {
            self.comma();
            self.text.push_str(value);
        } else {
            self.member(field.name(), value);
        }
    }

    fn record_error(&mut self, field: &Field, value: &(dyn Error + 'static)) {
        self.member(field.name(), value.to_string());
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.member(field.name(), format!("{value:?}"));
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use std::{
        io,
        sync::{Arc, Mutex},
    };

    use serde_json::{Value, json};
    use tracing_subscriber::prelude::*;

    use super::*;

    #[derive(Clone, Default)]
    struct CapturedOutput(Arc<Mutex<Vec<u8>>>);

    impl io::Write for CapturedOutput {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().extend(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    /// The lines logged by `log`.
    pub(crate) fn written(log: impl FnOnce()) -> Vec<Value> {
        let output = CapturedOutput::default();
        let writer = output.clone();
        let layer = tracing_subscriber::fmt::layer()
            .event_format(JsonLines)
            .with_writer(move || writer.clone());
        tracing::subscriber::with_default(tracing_subscriber::registry().with(layer), log);
        let text = String::from_utf8(output.0.lock().unwrap().clone()).unwrap();
        text.lines()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect()
    }

    #[test]
    fn a_line_has_level_time_and_fields_of_their_own_types() {
        let nothing: Option<&str> = None;
        let lines = written(|| {
            let f = &io::Error::other("broken") as &(dyn Error + 'static);
            tracing::warn!(a = 1, b = 1.5, c = true, d = "x\"\n", e = ?[1], f, g = 2_u64, nothing, "what {}", 2);
            tracing::info!("two");
        });
        assert_eq!(lines.len(), 2);
        let mut line = lines[0].clone();
        let time = line["timestamp"].take();
        assert!(time.as_str().unwrap().ends_with('Z'), "{time}");
        assert_eq!(
            line,
            json!({"timestamp": null, "level": "WARN", "message": "what 2", "a": 1, "b": 1.5, "c": true, "d": "x\"\n", "e": "[1]",
                "f": "broken", "g": 2, "target": "fleet_http::json_lines::tests"})
        );
    }

    #[test]
    fn only_our_own_events_bring_members() {
        let lines = written(|| {
            tracing::info!("_aws" = r#""_aws":{"a":1},"Requests":1"#, "request");
            tracing::info!(target: "another", _aws = r#""b":1"#, "request");
        });
        assert_eq!(
            (&lines[0]["_aws"], &lines[0]["Requests"]),
            (&json!({"a": 1}), &json!(1))
        );
        assert_eq!(lines[1]["_aws"], r#""b":1"#);
    }
}
