//! Metrics in CloudWatch's embedded metric format: members of the request's own log line, which CloudWatch Logs
//! extracts, without a second line or a call.
//!
//! <https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html>
//!
//! AWS charges for every combination of a metric and its dimension values, so there are few: requests and latency by
//! function, errors by code, and rare events only when they happen.

use std::{
    sync::OnceLock,
    time::{SystemTime, UNIX_EPOCH},
};

use percent_encoding::{AsciiSet, CONTROLS, utf8_percent_encode};
use serde_json::{Map, Value, json};
use thiserror::Error;

/// The setting of the metrics' namespace. Without it there are no metrics.
const NAMESPACE: &str = "METRICS_NAMESPACE";
/// The setting that turns on metrics of each dimension's capacity.
const BY_DIMENSION: &str = "METRICS_BY_DIMENSION";

/// The most values of a metric in one line.
const MAX_VALUES: usize = 100;

/// What CloudWatch rejects in a dimension value: it accepts printable ASCII, without a colon at the start.
const NOT_IN_A_VALUE: &AsciiSet = &CONTROLS.add(b'%').add(b':');

/// The metrics settings of this process.
static METRICS: OnceLock<MetricsSettings> = OnceLock::new();

/// Invalid settings of the metrics.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub(crate) enum MetricsError {
    /// CloudWatch does not accept the namespace.
    #[error(
        "The environment variable {NAMESPACE} must be 1–255 characters of a-z, A-Z, 0-9 and .-_/#, and not begin with AWS/."
    )]
    Namespace,
    /// The switch has an invalid value.
    #[error("The environment variable {BY_DIMENSION} must be true or false.")]
    ByDimension,
}

/// The metrics of a stack: their namespace, and whether there are any by dimension.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct MetricsSettings {
    namespace: String,
    by_dimension: bool,
}

/// Measurements of the dimensions in a response. CloudWatch has no unit for capacities.
#[derive(Clone, Debug)]
pub(crate) enum CapacityMetrics {
    /// A single dimension.
    One {
        id: String,
        actual: f64,
        desired: f64,
        /// How long it has been `Pending` or `InProgress` without a change; `None` if unknown.
        pending_seconds: Option<f64>,
    },
    /// A list: of those that are `Pending` or `InProgress`.
    Many { pending_seconds: Vec<f64> },
}

/// The measurements of one request.
#[derive(Debug, Default)]
pub(crate) struct Measurements<'a> {
    pub(crate) duration_ms: f64,
    pub(crate) calls: u32,
    pub(crate) retries: u32,
    pub(crate) resumes: u32,
    pub(crate) cold_start: bool,
    /// Whether it is an error, and therefore has a code.
    pub(crate) is_error: bool,
    pub(crate) capacity: Option<&'a CapacityMetrics>,
}

impl MetricsSettings {
    /// Reads the settings with `lookup`.
    ///
    /// # Errors
    /// [`MetricsError`], even if metrics are off.
    pub(crate) fn read(
        lookup: impl Fn(&str) -> Option<String>,
    ) -> Result<Option<Self>, MetricsError> {
        let set = |name| lookup(name).filter(|value| !value.is_empty());
        let by_dimension = match set(BY_DIMENSION).as_deref() {
            None | Some("true") => true,
            Some("false") => false,
            Some(_) => return Err(MetricsError::ByDimension),
        };
        let Some(namespace) = set(NAMESPACE) else {
            return Ok(None);
        };
        let is_namespace = namespace.len() <= 255
            && !namespace.starts_with("AWS/")
            && namespace
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || b".-_/#".contains(&byte));
        if !is_namespace {
            return Err(MetricsError::Namespace);
        }
        Ok(Some(Self {
            namespace,
            by_dimension,
        }))
    }

    /// Measures every request of this process from now on. Only the first call has an effect.
    pub(crate) fn start(self) {
        let _ = METRICS.set(self);
    }

    /// The members for the log line of a request that ends now: the metrics and their description. The line itself has
    /// `function` and, for an error, `code`.
    fn members(&self, measured: &Measurements<'_>, now: SystemTime) -> String {
        let mut members = Map::new();
        let mut directives = Vec::new();
        let mut directive = |dimensions: Value, metrics: Vec<(&str, &str, Value)>| {
            if metrics.is_empty() {
                return;
            }
            let described: Vec<_> = metrics
                .iter()
                .map(|(name, unit, _)| json!({"Name": name, "Unit": unit}))
                .collect();
            directives.push(json!({"Namespace": self.namespace, "Dimensions": dimensions, "Metrics": described}));
            members.extend(
                metrics
                    .into_iter()
                    .map(|(name, _, value)| (name.to_owned(), value)),
            );
        };
        directive(
            json!([["function"]]),
            vec![
                ("Requests", "Count", json!(1)),
                ("Latency", "Milliseconds", json!(measured.duration_ms)),
            ],
        );
        let counts = [
            ("StoreCalls", measured.calls),
            ("Retries", measured.retries),
            ("Resumes", measured.resumes),
            ("ColdStarts", measured.cold_start.into()),
        ];
        directive(
            json!([[]]),
            counts
                .into_iter()
                .filter(|(_, count)| *count > 0)
                .map(|(name, count)| (name, "Count", json!(count)))
                .collect(),
        );
        if measured.is_error {
            directive(json!([["code"]]), vec![("Errors", "Count", json!(1))]);
        }
        let mut dimension = None;
        match measured.capacity {
            Some(CapacityMetrics::One {
                id,
                actual,
                desired,
                pending_seconds,
            }) => {
                let sets = if self.by_dimension {
                    dimension = Some(dimension_value(id));
                    directive(
                        json!([["dimension"]]),
                        vec![
                            ("ActualCapacity", "None", json!(actual)),
                            ("DesiredCapacity", "None", json!(desired)),
                        ],
                    );
                    json!([[], ["dimension"]])
                } else {
                    json!([[]])
                };
                if let Some(seconds) = pending_seconds {
                    directive(sets, vec![("PendingSeconds", "Seconds", json!(seconds))]);
                }
            }
            Some(CapacityMetrics::Many { pending_seconds }) if !pending_seconds.is_empty() => {
                // The longest first, so that none of them is dropped.
                let mut longest = pending_seconds.clone();
                longest.sort_by(|a, b| b.total_cmp(a));
                longest.truncate(MAX_VALUES);
                directive(
                    json!([[]]),
                    vec![("PendingSeconds", "Seconds", json!(longest))],
                );
            }
            _ => {}
        }
        members.extend(dimension.map(|value| ("dimension".to_owned(), Value::String(value))));
        let since_1970 = now.duration_since(UNIX_EPOCH).unwrap_or_default();
        members.insert(
            "_aws".to_owned(),
            json!({"Timestamp": u64::try_from(since_1970.as_millis()).unwrap_or_default(), "CloudWatchMetrics": directives}),
        );
        let object = Value::Object(members).to_string();
        object[1..object.len() - 1].to_owned()
    }
}

/// The members for the log line of a request that ends now; `None` if metrics are off.
pub(crate) fn members(measured: &Measurements<'_>) -> Option<String> {
    METRICS
        .get()
        .map(|metrics| metrics.members(measured, SystemTime::now()))
}

/// A dimension's id as a value that CloudWatch accepts: other characters are percent-encoded. An id has at most 255
/// characters of at most twelve bytes each when encoded; CloudWatch accepts 1,024 characters.
fn dimension_value(id: &str) -> String {
    let mut value = utf8_percent_encode(id, NOT_IN_A_VALUE).to_string();
    value.truncate(1024);
    value
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn metrics(by_dimension: bool) -> MetricsSettings {
        MetricsSettings {
            namespace: "FleetApi/fleet-api-dev".to_owned(),
            by_dimension,
        }
    }

    fn members_of(by_dimension: bool, measured: &Measurements<'_>) -> Value {
        let now = UNIX_EPOCH + Duration::from_millis(1_790_000_000_123);
        let members = metrics(by_dimension).members(measured, now);
        serde_json::from_str(&format!("{{{members}}}")).unwrap()
    }

    #[test]
    fn a_request_without_incident_is_two_metrics() {
        let measured = Measurements {
            duration_ms: 1.5,
            ..Measurements::default()
        };
        assert_eq!(
            members_of(true, &measured),
            json!({"Requests": 1, "Latency": 1.5, "_aws": {"Timestamp": 1_790_000_000_123_u64, "CloudWatchMetrics": [{
                "Namespace": "FleetApi/fleet-api-dev", "Dimensions": [["function"]],
                "Metrics": [{"Name": "Requests", "Unit": "Count"}, {"Name": "Latency", "Unit": "Milliseconds"}]}]}})
        );
    }

    #[test]
    fn what_is_rare_is_counted_only_when_it_happens() {
        let measured = Measurements {
            calls: 3,
            resumes: 1,
            is_error: true,
            capacity: Some(&CapacityMetrics::Many {
                pending_seconds: Vec::new(),
            }),
            ..Measurements::default()
        };
        let members = members_of(true, &measured);
        assert_eq!(
            [
                "StoreCalls",
                "Resumes",
                "Errors",
                "Retries",
                "ColdStarts",
                "PendingSeconds"
            ]
            .map(|name| &members[name]),
            [
                &json!(3),
                &json!(1),
                &json!(1),
                &Value::Null,
                &Value::Null,
                &Value::Null
            ]
        );
        let sets: Vec<_> = members["_aws"]["CloudWatchMetrics"]
            .as_array()
            .unwrap()
            .iter()
            .map(|directive| &directive["Dimensions"])
            .collect();
        assert_eq!(
            sets,
            [&json!([["function"]]), &json!([[]]), &json!([["code"]])]
        );
    }

    #[test]
    fn a_dimension_is_named_only_where_that_is_wanted() {
        let capacity = CapacityMetrics::One {
            id: ":ü%".to_owned(),
            actual: 1.0,
            desired: 4.0,
            pending_seconds: Some(12.0),
        };
        let measured = Measurements {
            capacity: Some(&capacity),
            ..Measurements::default()
        };
        let named = members_of(true, &measured);
        assert_eq!(
            [
                "dimension",
                "ActualCapacity",
                "DesiredCapacity",
                "PendingSeconds"
            ]
            .map(|name| &named[name]),
            [
                &json!("%3A%C3%BC%25"),
                &json!(1.0),
                &json!(4.0),
                &json!(12.0)
            ]
        );
        let unnamed = members_of(false, &measured);
        assert_eq!(
            ["dimension", "ActualCapacity", "PendingSeconds"].map(|name| &unnamed[name]),
            [&Value::Null, &Value::Null, &json!(12.0)]
        );
    }

    #[test]
    fn of_many_that_wait_the_longest_are_kept() {
        let capacity = CapacityMetrics::Many {
            pending_seconds: (0..200).map(f64::from).collect(),
        };
        let measured = Measurements {
            capacity: Some(&capacity),
            ..Measurements::default()
        };
        let values = members_of(true, &measured)["PendingSeconds"].clone();
        let values = values.as_array().unwrap().clone();
        assert_eq!((values.len(), &values[0]), (100, &json!(199.0)));
    }

    #[test]
    fn settings_are_read_and_a_wrong_one_is_named() {
        let read = |namespace: &str, by_dimension: &str| {
            MetricsSettings::read(|name| match name {
                NAMESPACE => Some(namespace.to_owned()),
                BY_DIMENSION => Some(by_dimension.to_owned()),
                _ => None,
            })
        };
        assert_eq!(read("", ""), Ok(None));
        assert_eq!(read("FleetApi/fleet-api-dev", ""), Ok(Some(metrics(true))));
        assert_eq!(
            read("FleetApi/fleet-api-dev", "false"),
            Ok(Some(metrics(false)))
        );
        assert_eq!(read("", "no"), Err(MetricsError::ByDimension));
        for namespace in ["AWS/Lambda", "a b", "ä"] {
            assert_eq!(read(namespace, ""), Err(MetricsError::Namespace));
        }
    }
}
