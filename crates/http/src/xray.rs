//! Calls to the stores as subsegments of an AWS X-Ray trace: the whole exporter.
//!
//! A subsegment is a JSON document in a datagram to the daemon that Lambda runs beside a function with active tracing.
//! <https://docs.aws.amazon.com/xray/latest/devguide/xray-api-segmentdocuments.html>,
//! <https://docs.aws.amazon.com/xray/latest/devguide/xray-api-sendingdata.html>

use std::{
    net::{SocketAddr, UdpSocket},
    sync::OnceLock,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use fleet_core::calls::Call;
use serde_json::{Value, json};

/// The header of each document.
const HEADER: &str = "{\"format\":\"json\",\"version\":1}\n";

/// The most calls sent per request. A request makes far fewer, retries aside.
const MAX_CALLS: usize = 200;

/// The trace of a request, from the header of its invocation:
/// `Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Trace {
    /// Its id; empty if the request belongs to no trace.
    pub(crate) id: String,
    /// The segment of the function, if the trace is sampled.
    parent: Option<String>,
}

impl Trace {
    /// Reads the header. An invalid header means no trace.
    pub(crate) fn read(header: Option<&str>) -> Self {
        let part = |name: &str| {
            let mut parts = header?.split(';').filter_map(|part| part.split_once('='));
            let (_, value) = parts.find(|(key, _)| key.trim() == name)?;
            let is_id = value.len() <= 64
                && value
                    .bytes()
                    .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
            is_id.then(|| value.to_owned())
        };
        let id = part("Root").unwrap_or_default();
        let sampled = !id.is_empty() && part("Sampled").as_deref() == Some("1");
        Self {
            parent: part("Parent").filter(|_| sampled),
            id,
        }
    }

    /// Whether its calls are sent: it is sampled, and there is a daemon.
    pub(crate) fn is_recorded(&self) -> bool {
        self.parent.is_some() && daemon().is_some()
    }

    /// Sends `calls` to the daemon. If it is not listening, they are lost: no request waits or fails for its trace.
    pub(crate) fn send(&self, calls: &[Call]) {
        let (Some(parent), Some(daemon)) = (&self.parent, daemon()) else {
            return;
        };
        for call in calls.iter().take(MAX_CALLS) {
            let document = document(&self.id, parent, call);
            let _ = daemon.send(format!("{HEADER}{document}").as_bytes());
        }
    }
}

/// The socket to the daemon at `AWS_XRAY_DAEMON_ADDRESS`, opened at its first use.
fn daemon() -> Option<&'static UdpSocket> {
    static DAEMON: OnceLock<Option<UdpSocket>> = OnceLock::new();
    let connect = || {
        let address: SocketAddr = std::env::var("AWS_XRAY_DAEMON_ADDRESS")
            .ok()?
            .parse()
            .ok()?;
        let here = if address.is_ipv4() {
            "0.0.0.0:0"
        } else {
            "[::]:0"
        };
        let socket = UdpSocket::bind(here).ok()?;
        socket.set_nonblocking(true).ok()?;
        socket.connect(address).ok()?;
        Some(socket)
    };
    DAEMON.get_or_init(connect).as_ref()
}

/// The subsegment of one call.
fn document(trace: &str, parent: &str, call: &Call) -> Value {
    let seconds = |time: SystemTime| {
        let since = time.duration_since(UNIX_EPOCH).unwrap_or(Duration::ZERO);
        (since.as_secs_f64() * 1e6).round() / 1e6
    };
    let failed = call
        .status
        .is_none_or(|status| !(200..300).contains(&status));
    let mut document = json!({
        "trace_id": trace,
        "parent_id": parent,
        "id": new_id(),
        "type": "subsegment",
        "namespace": "aws",
        "name": call.service,
        "start_time": seconds(call.began),
        "end_time": seconds(call.ended),
        "aws": {"operation": call.operation, "retries": call.attempts.saturating_sub(1)},
    });
    let resource = match call.service.as_str() {
        "DynamoDB" => ("table_name", json!(call.resource)),
        _ => ("resource_names", json!([call.resource])),
    };
    document["aws"][resource.0] = resource.1;
    if let Some(id) = &call.request_id {
        document["aws"]["request_id"] = json!(id);
    }
    if let Some(status) = call.status {
        document["http"] = json!({"response": {"status": status}});
    }
    if failed {
        let is_throttle = call.status == Some(429)
            || call.exception.as_deref().is_some_and(|name| {
                name.contains("Throttling") || name.contains("ThroughputExceeded")
            });
        let kind = match call.status {
            Some(400..500) => "error",
            _ => "fault",
        };
        document[kind] = json!(true);
        if is_throttle {
            document["throttle"] = json!(true);
        }
        // Only the name: messages quote values.
        let name = call.exception.as_deref().unwrap_or("no answer");
        document["cause"] = json!({"exceptions": [{"id": new_id(), "type": name, "remote": true}]});
    }
    document
}

/// Sixteen hexadecimal digits, unique to a subsegment.
fn new_id() -> String {
    use std::hash::{BuildHasher as _, RandomState};
    // The hasher's keys are random and differ each time.
    format!("{:016x}", RandomState::new().hash_one(SystemTime::now()))
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEADER_OF_LAMBDA: &str =
        "Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1;Lineage=a:0";

    #[test]
    fn a_header_is_read_and_whatever_is_none_is_no_trace() {
        let trace = Trace::read(Some(HEADER_OF_LAMBDA));
        assert_eq!(trace.id, "1-5759e988-bd862e3fe1be46a994272793");
        assert_eq!(trace.parent.as_deref(), Some("53995c3f42cd8ad8"));
        let unsampled = Trace::read(Some(&HEADER_OF_LAMBDA.replace("Sampled=1", "Sampled=0")));
        assert_eq!(
            (unsampled.id.as_str(), unsampled.parent),
            (trace.id.as_str(), None)
        );
        for header in [
            None,
            Some(""),
            Some("Sampled=1;Parent=1"),
            Some("Root=\"\n\";Sampled=1"),
        ] {
            assert_eq!(Trace::read(header), Trace::default(), "{header:?}");
        }
    }

    #[test]
    fn a_call_without_an_answer_is_a_fault_and_a_refused_one_an_error() {
        let call = |status, exception: Option<&str>| Call {
            service: "RDS Data".to_owned(),
            operation: "ExecuteStatement".to_owned(),
            resource: "arn:aws:rds:us-east-1:1:cluster:c".to_owned(),
            began: UNIX_EPOCH,
            ended: UNIX_EPOCH + Duration::from_millis(1500),
            attempts: 3,
            status,
            exception: exception.map(str::to_owned),
            request_id: None,
        };
        let of = |status, exception| document("t", "p", &call(status, exception));
        let well = of(Some(200), None);
        assert_eq!(
            (
                &well["end_time"],
                &well["aws"]["retries"],
                &well["error"],
                &well["fault"],
                &well["cause"]
            ),
            (
                &json!(1.5),
                &json!(2),
                &Value::Null,
                &Value::Null,
                &Value::Null
            )
        );
        let refused = of(Some(400), Some("ThrottlingException"));
        assert_eq!(
            (
                &refused["error"],
                &refused["throttle"],
                &refused["cause"]["exceptions"][0]["type"]
            ),
            (&json!(true), &json!(true), &json!("ThrottlingException"))
        );
        let silent = of(None, None);
        assert_eq!(
            (&silent["fault"], &silent["throttle"], &silent["http"]),
            (&json!(true), &Value::Null, &Value::Null)
        );
        assert_eq!(of(Some(429), None)["throttle"], true);
        let full = of(Some(400), Some("ProvisionedThroughputExceededException"));
        assert_eq!(full["throttle"], true);
        let broken = of(Some(500), Some("InternalServerErrorException"));
        assert_eq!(
            (&broken["fault"], &broken["error"], &broken["throttle"]),
            (&json!(true), &Value::Null, &Value::Null)
        );
    }

    #[test]
    fn a_resource_is_named_as_its_service_is_and_each_call_has_an_id() {
        let of = |service: &str| {
            let call = Call {
                service: service.to_owned(),
                operation: "GetItem".to_owned(),
                resource: "things".to_owned(),
                began: UNIX_EPOCH,
                ended: UNIX_EPOCH,
                attempts: 1,
                status: Some(200),
                exception: None,
                request_id: None,
            };
            document("t", "p", &call)
        };
        let (table, other) = (of("DynamoDB"), of("RDS Data"));
        assert_eq!(
            (&table["aws"]["table_name"], &table["aws"]["resource_names"]),
            (&json!("things"), &Value::Null)
        );
        assert_eq!(other["aws"]["resource_names"], json!(["things"]));
        for document in [&table, &other] {
            let id = document["id"].as_str().unwrap();
            assert!(
                id.len() == 16 && id.bytes().all(|byte| byte.is_ascii_hexdigit()),
                "{id}"
            );
        }
        assert_ne!(table["id"], other["id"]);
    }
}
