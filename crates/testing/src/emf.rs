//! Reads the metrics in a log line as CloudWatch Logs does, by the rules of the embedded metric format.
//!
//! <https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html>

use std::collections::BTreeMap;

use serde_json::Value;

/// The units that CloudWatch knows, of those that are used here.
const UNITS: &[&str] = &["Count", "Milliseconds", "Seconds", "None"];

/// A metric as CloudWatch stores it: values of one name under one set of dimensions.
#[derive(Clone, Debug, PartialEq)]
pub struct Metric {
    /// Its namespace.
    pub namespace: String,
    /// Its name.
    pub name: String,
    /// Its unit.
    pub unit: String,
    /// Its dimensions, as `name=value`, in the order of their names.
    pub dimensions: Vec<String>,
    /// Its values.
    pub values: Vec<f64>,
}

/// The metrics in `line`, by name and dimensions: `Requests{function=books}`; none where it is no such line.
///
/// # Panics
/// If the line breaks a rule of the format, so that CloudWatch would drop metrics or all of it.
#[must_use]
pub fn read(line: &str) -> BTreeMap<String, Metric> {
    assert!(line.len() <= 262_144, "the line is too long");
    let line: Value = serde_json::from_str(line).expect("one JSON object with nothing around it");
    let Some(aws) = line.get("_aws") else {
        return BTreeMap::new();
    };
    let timestamp = aws["Timestamp"].as_u64().expect("milliseconds since 1970");
    assert!(timestamp > 1_700_000_000_000, "{timestamp} is in seconds");
    let mut metrics = BTreeMap::new();
    for directive in array(&aws["CloudWatchMetrics"]) {
        let namespace = text(&directive["Namespace"], 1024);
        assert!(!namespace.is_empty());
        let described = array(&directive["Metrics"]);
        assert!(
            (1..=100).contains(&described.len()),
            "1–100 metrics a directive"
        );
        let sets = array(&directive["Dimensions"]);
        assert!(!sets.is_empty(), "a directive without a set has no metrics");
        for set in sets {
            let keys = array(set);
            assert!(keys.len() <= 30, "at most 30 dimensions");
            let mut dimensions: Vec<_> = keys
                .iter()
                .map(|key| {
                    let key = text(key, 250);
                    let value = text(&line[key], 1024);
                    assert!(
                        !value.trim().is_empty() && value.is_ascii() && !value.starts_with(':'),
                        "{key} has a value that no dimension has: {value:?}"
                    );
                    assert!(!value.bytes().any(|byte| byte.is_ascii_control()));
                    format!("{key}={value}")
                })
                .collect();
            dimensions.sort();
            for metric in described {
                let (name, unit) = (text(&metric["Name"], 1024), text(&metric["Unit"], 20));
                assert!(UNITS.contains(&unit), "{unit} is no unit");
                let values = values(&line[name]);
                let key = format!("{name}{{{}}}", dimensions.join(","));
                let metric = Metric {
                    namespace: namespace.to_owned(),
                    name: name.to_owned(),
                    unit: unit.to_owned(),
                    dimensions: dimensions.clone(),
                    values,
                };
                assert!(
                    metrics.insert(key.clone(), metric).is_none(),
                    "{key} appears twice"
                );
            }
        }
    }
    metrics
}

/// The value of a metric of one value.
///
/// # Panics
/// If there is no such metric, or it has more values.
#[must_use]
pub fn value(metrics: &BTreeMap<String, Metric>, key: &str) -> f64 {
    match metrics.get(key).map(|metric| metric.values.as_slice()) {
        Some([value]) => *value,
        other => panic!("{key} is {other:?} in {:?}", metrics.keys()),
    }
}

fn array(value: &Value) -> &[Value] {
    value.as_array().expect("an array")
}

fn text(value: &Value, most: usize) -> &str {
    let text = value.as_str().expect("a string");
    assert!(
        text.len() <= most,
        "{text:?} is longer than {most} characters"
    );
    text
}

fn values(value: &Value) -> Vec<f64> {
    let values = match value {
        Value::Array(values) => values.as_slice(),
        value => std::slice::from_ref(value),
    };
    assert!((1..=100).contains(&values.len()), "1–100 values a metric");
    let number = |value: &Value| value.as_f64().expect("a number");
    values.iter().map(number).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_read_as_the_document_says() {
        let line = r#"{"_aws":{"Timestamp":1790000000000,"CloudWatchMetrics":[{"Namespace":"n","Dimensions":[[],["function"]],
            "Metrics":[{"Name":"Requests","Unit":"Count"}]}]},"function":"books","Requests":1}"#;
        let metrics = read(line);
        assert_eq!(
            metrics.keys().collect::<Vec<_>>(),
            ["Requests{function=books}", "Requests{}"]
        );
        assert!((value(&metrics, "Requests{}") - 1.0).abs() < f64::EPSILON);
        assert!(read("{}").is_empty());
    }

    #[test]
    #[should_panic(expected = "a number")]
    fn a_metric_without_its_value_is_found() {
        let _ = read(
            r#"{"_aws":{"Timestamp":1790000000000,"CloudWatchMetrics":[{"Namespace":"n","Dimensions":[[]],
            "Metrics":[{"Name":"Requests","Unit":"Count"}]}]}}"#,
        );
    }
}
