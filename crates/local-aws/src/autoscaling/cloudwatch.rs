//! The CloudWatch operations that scaling needs: publishing a metric, and the alarms for step scaling.

use bytes::Bytes;
use ciborium::Value as Cbor;
use http::{HeaderValue, StatusCode};
use serde_json::{Map, Value, json};

use super::{
    error::ScalingError,
    math::MetricQuery,
    metrics::{MetricName, MetricRegistry},
};
use crate::respond::{self, ServiceResponse};

/// The prefix of the path of a CBOR request.
pub(crate) const CBOR_PATH: &str = "/service/GraniteServiceVersion20100801/operation/";
/// The prefix of `X-Amz-Target` in a JSON request.
pub(crate) const TARGET_PREFIX: &str = "GraniteServiceVersion20100801.";

/// How a request and its response are encoded. The AWS CLI uses CBOR; the query protocol of older versions is not
/// supported.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Protocol {
    Json,
    Cbor,
}

impl Protocol {
    /// The protocol and the operation of a request.
    pub(crate) fn of<'r>(path: &'r str, target: &'r str) -> Option<(Self, &'r str)> {
        if let Some(operation) = target.strip_prefix(TARGET_PREFIX) {
            return Some((Self::Json, operation));
        }
        Some((Self::Cbor, path.strip_prefix(CBOR_PATH)?))
    }

    pub(crate) fn content_type(self) -> &'static str {
        match self {
            Self::Json => "application/x-amz-json-1.0",
            Self::Cbor => "application/cbor",
        }
    }

    fn read(self, body: &[u8]) -> Option<Value> {
        match self {
            Self::Json => serde_json::from_slice(body).ok(),
            Self::Cbor => json_of(ciborium::from_reader(body).ok()?),
        }
    }

    fn write(self, value: &Value) -> Bytes {
        match self {
            Self::Json => value.to_string().into(),
            Self::Cbor => {
                let mut bytes = Vec::new();
                // Writing to memory cannot fail.
                let _ = ciborium::into_writer(value, &mut bytes);
                bytes.into()
            }
        }
    }
}

/// Converts to JSON whatever JSON can hold; a time becomes its number.
fn json_of(value: Cbor) -> Option<Value> {
    Some(match value {
        Cbor::Null => Value::Null,
        Cbor::Bool(bool) => Value::Bool(bool),
        Cbor::Text(text) => Value::String(text),
        Cbor::Float(number) => json!(number),
        Cbor::Integer(number) => json!(i64::try_from(number).ok()?),
        Cbor::Tag(_, inner) => json_of(*inner)?,
        Cbor::Array(values) => {
            Value::Array(values.into_iter().map(json_of).collect::<Option<_>>()?)
        }
        Cbor::Map(pairs) => {
            let pair = |(key, value): (Cbor, Cbor)| Some((key.into_text().ok()?, json_of(value)?));
            Value::Object(pairs.into_iter().map(pair).collect::<Option<Map<_, _>>>()?)
        }
        _ => return None,
    })
}

pub(super) fn answer(
    metrics: &MetricRegistry,
    protocol: Protocol,
    operation: &str,
    body: &[u8],
) -> ServiceResponse {
    let answered = protocol
        .read(body)
        .ok_or_else(|| {
            ScalingError(
                "SerializationException",
                "The request cannot be read.".to_owned(),
            )
        })
        .and_then(|request| perform(metrics, operation, &request));
    let mut answer = match answered {
        Ok(value) => respond::answer(
            StatusCode::OK,
            protocol.content_type(),
            protocol.write(&value),
        ),
        Err(ScalingError(kind, message)) => {
            let body = json!({"__type": kind, "message": message, "Message": message});
            let mut answer = respond::answer(
                StatusCode::BAD_REQUEST,
                protocol.content_type(),
                protocol.write(&body),
            );
            let headers = answer.headers_mut();
            headers.insert("x-amzn-errortype", HeaderValue::from_static(kind));
            answer
        }
    };
    if protocol == Protocol::Cbor {
        answer
            .headers_mut()
            .insert("smithy-protocol", HeaderValue::from_static("rpc-v2-cbor"));
    }
    answer
}

fn perform(
    metrics: &MetricRegistry,
    operation: &str,
    request: &Value,
) -> Result<Value, ScalingError> {
    let missing = |name: &str| ScalingError("InvalidParameterValue", format!("{name} is missing."));
    let list = |name: &str| request.get(name).and_then(Value::as_array).cloned();
    match operation {
        "PutMetricData" => {
            let namespace = request.get("Namespace").cloned();
            let namespace = namespace.ok_or_else(|| missing("Namespace"))?;
            let data = list("MetricData").ok_or_else(|| missing("MetricData"))?;
            for mut datum in data {
                datum["Namespace"] = namespace.clone();
                let metric = MetricName::of(&datum).ok_or_else(|| missing("MetricName"))?;
                publish(metrics, &metric, &datum)?;
            }
            Ok(json!({}))
        }
        "PutMetricAlarm" => {
            let name = request.get("AlarmName").and_then(Value::as_str);
            let name = name.ok_or_else(|| missing("AlarmName"))?;
            MetricQuery::of(request)?;
            metrics.put_alarm(name.to_owned(), request.clone());
            Ok(json!({}))
        }
        "DescribeAlarms" => {
            let wanted = list("AlarmNames");
            let alarms: Vec<Value> = metrics
                .alarms()
                .into_iter()
                .filter(|(name, _)| {
                    wanted
                        .as_ref()
                        .is_none_or(|wanted| wanted.iter().any(|one| one == name))
                })
                .map(|(_, alarm)| alarm)
                .collect();
            Ok(json!({"MetricAlarms": alarms, "CompositeAlarms": []}))
        }
        "DeleteAlarms" => {
            let names = list("AlarmNames").ok_or_else(|| missing("AlarmNames"))?;
            let names = names.iter().filter_map(Value::as_str).map(str::to_owned);
            metrics.delete_alarms(&names.collect::<Vec<_>>());
            Ok(json!({}))
        }
        _ => Err(ScalingError(
            "UnknownOperationException",
            format!(
                "The local CloudWatch answers PutMetricData, PutMetricAlarm, DescribeAlarms and DeleteAlarms, not {operation}."
            ),
        )),
    }
}

/// Publishes one value, several, or the statistics of several.
fn publish(
    metrics: &MetricRegistry,
    metric: &MetricName,
    datum: &Value,
) -> Result<(), ScalingError> {
    let number = |value: Option<&Value>| value.and_then(Value::as_f64);
    if let Some(value) = number(datum.get("Value")) {
        metrics.publish(metric.clone(), value, 1.0);
        return Ok(());
    }
    if let Some(values) = datum.get("Values").and_then(Value::as_array) {
        let counts = datum.get("Counts").and_then(Value::as_array);
        for (index, value) in values.iter().enumerate() {
            let count = counts.and_then(|counts| number(counts.get(index)));
            let value = value.as_f64().unwrap_or_default();
            metrics.publish(metric.clone(), value, count.unwrap_or(1.0));
        }
        return Ok(());
    }
    if let Some(known) = datum.get("StatisticValues")
        && let (Some(sum), Some(count)) =
            (number(known.get("Sum")), number(known.get("SampleCount")))
        && count > 0.0
    {
        metrics.publish(metric.clone(), sum / count, count);
        return Ok(());
    }
    Err(ScalingError(
        "InvalidParameterValue",
        format!(
            "{} has neither Value nor Values nor StatisticValues.",
            metric.name
        ),
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cbor_is_read_with_its_times() {
        let request = Cbor::Map(vec![
            (
                Cbor::Text("Namespace".to_owned()),
                Cbor::Text("A".to_owned()),
            ),
            (
                Cbor::Text("MetricData".to_owned()),
                Cbor::Array(vec![Cbor::Map(vec![
                    (
                        Cbor::Text("MetricName".to_owned()),
                        Cbor::Text("Busy".to_owned()),
                    ),
                    (
                        Cbor::Text("Timestamp".to_owned()),
                        Cbor::Tag(1, Box::new(Cbor::Float(1.5))),
                    ),
                    (Cbor::Text("Value".to_owned()), Cbor::Float(90.0)),
                ])]),
            ),
        ]);
        let mut body = Vec::new();
        ciborium::into_writer(&request, &mut body).unwrap();
        assert_eq!(
            Protocol::Cbor.read(&body),
            Some(json!({
                "Namespace": "A",
                "MetricData": [{"MetricName": "Busy", "Timestamp": 1.5, "Value": 90.0}],
            }))
        );
        assert_eq!(
            Protocol::of(
                "/service/GraniteServiceVersion20100801/operation/PutMetricData",
                ""
            ),
            Some((Protocol::Cbor, "PutMetricData"))
        );
    }

    #[test]
    fn what_is_missing_is_told() {
        let metrics = MetricRegistry::new(None);
        for (operation, request, words) in [
            ("PutMetricData", json!({}), "Namespace is missing"),
            (
                "PutMetricData",
                json!({"Namespace": "A", "MetricData": [{"MetricName": "B"}]}),
                "B has neither Value nor",
            ),
            ("PutMetricAlarm", json!({}), "AlarmName is missing"),
            ("GetMetricData", json!({}), "not GetMetricData"),
        ] {
            let ScalingError(_, sentence) = perform(&metrics, operation, &request).unwrap_err();
            assert!(sentence.contains(words), "{sentence}");
        }
    }
}
