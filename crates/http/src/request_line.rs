//! The log line of a request.

use std::{
    sync::atomic::{AtomicBool, Ordering},
    time::{Duration, Instant},
};

use fleet_core::calls::Tally;
use tracing::{error, info, warn};

use crate::{
    ErrorCode,
    metrics::CapacityMetrics,
    metrics::{self, Measurements},
};

/// The logged fields of a request.
pub(crate) struct RequestLine {
    function: &'static str,
    method: String,
    route: String,
    pub(crate) request_id: String,
    /// Empty if the request belongs to no trace.
    pub(crate) trace_id: String,
    cold_start: bool,
    started: Instant,
    pub(crate) tally: Tally,
    pub(crate) status: i64,
    /// For an error: the code, which the client got, and the cause, which it did not.
    pub(crate) code: Option<ErrorCode>,
    pub(crate) cause: Option<String>,
    pub(crate) capacity: Option<CapacityMetrics>,
}

impl RequestLine {
    /// The line of a request that begins now; method and route are empty if unknown.
    pub(crate) fn new(
        function: &'static str,
        method: String,
        route: String,
        request_id: String,
    ) -> Self {
        static STARTED: AtomicBool = AtomicBool::new(false);
        Self {
            function,
            method,
            route,
            request_id,
            trace_id: String::new(),
            cold_start: !STARTED.swap(true, Ordering::Relaxed),
            started: Instant::now(),
            tally: Tally::default(),
            status: 0,
            code: None,
            cause: None,
            capacity: None,
        }
    }

    /// Writes the line: an error for 500, a warning for 503, otherwise info.
    pub(crate) fn write(&self) {
        let Self {
            function,
            method,
            route,
            request_id,
            cold_start,
            status,
            ..
        } = self;
        let Tally {
            calls,
            retries,
            resumes,
            ..
        } = self.tally;
        let duration_ms = milliseconds(self.started.elapsed());
        let members = metrics::members(&Measurements {
            duration_ms,
            calls,
            retries,
            resumes,
            cold_start: *cold_start,
            is_error: self.code.is_some(),
            capacity: self.capacity.as_ref(),
        });
        let members = members.as_deref();
        let seldom = |count: u32| (count > 0).then_some(count);
        let (retries, resumes) = (seldom(retries), seldom(resumes));
        let code = self.code.map(ErrorCode::as_str);
        let cause = self.cause.as_deref();
        let trace_id = Some(self.trace_id.as_str()).filter(|id| !id.is_empty());
        macro_rules! line {
            ($level:ident) => {
                $level!(
                    function,
                    method,
                    route,
                    status,
                    duration_ms,
                    request_id,
                    trace_id,
                    cold_start,
                    calls,
                    retries,
                    resumes,
                    code,
                    cause,
                    "_aws" = members,
                    "request"
                )
            };
        }
        match status {
            503 => line!(warn),
            500.. => line!(error),
            _ => line!(info),
        }
    }
}

/// Rounded to a hundredth.
fn milliseconds(elapsed: Duration) -> f64 {
    (elapsed.as_secs_f64() * 1e5).round() / 1e2
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::json_lines::tests::written;

    fn line(change: impl FnOnce(&mut RequestLine)) -> Value {
        let texts = ["GET", "/ec2", "r-1"].map(str::to_owned);
        let [method, route, request_id] = texts;
        let mut line = RequestLine::new("list", method, route, request_id);
        change(&mut line);
        let mut lines = written(|| line.write());
        assert_eq!(lines.len(), 1);
        lines.remove(0)
    }

    #[test]
    fn a_line_has_the_level_of_its_status() {
        for (status, level) in [
            (200, "INFO"),
            (404, "INFO"),
            (500, "ERROR"),
            (502, "ERROR"),
            (503, "WARN"),
        ] {
            let written = line(|line| line.status = status);
            assert_eq!(
                (&written["status"], &written["level"]),
                (&json!(status), &json!(level))
            );
        }
    }

    #[test]
    fn what_is_rare_is_in_the_line_only_when_it_happens() {
        let names = ["trace_id", "calls", "retries", "resumes", "code", "cause"];
        let plain = line(|_| {});
        assert_eq!(
            names.map(|name| &plain[name]),
            [
                &Value::Null,
                &json!(0),
                &Value::Null,
                &Value::Null,
                &Value::Null,
                &Value::Null
            ]
        );
        let whole = line(|line| {
            line.trace_id = "1-2".to_owned();
            line.tally.calls = 4;
            line.tally.retries = 2;
            line.tally.resumes = 1;
            line.code = Some(ErrorCode::Unavailable);
            line.cause = Some("paused".to_owned());
        });
        assert_eq!(
            names.map(|name| &whole[name]),
            [
                &json!("1-2"),
                &json!(4),
                &json!(2),
                &json!(1),
                &json!("Unavailable"),
                &json!("paused")
            ]
        );
    }

    #[test]
    fn a_duration_is_given_to_a_hundredth_of_a_millisecond() {
        assert_eq!(milliseconds(Duration::from_nanos(1_234_567_890)), 1234.57);
    }
}
