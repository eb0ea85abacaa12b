//! Each change of a dimension as an event: the same ones that EventBridge gets on AWS, from the table's stream.
//! Clients read them from `GET /_events`, as server-sent events, or have them sent to an address (`--events-to`).

mod delivery;
mod shape;

use std::time::Duration;

use fleet_local_aws::{ChangeStream, ChangesError, StreamPosition};
use http::{
    HeaderMap, HeaderValue, Method, StatusCode, Uri,
    header::{CACHE_CONTROL, CONTENT_TYPE},
    request::Parts,
};
use http_body_util::Full;
use reqwest::Url;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

pub(crate) use self::delivery::Delivery;
use self::shape::{StreamEvent, sequence};
use crate::refusal::ServerResponse;

/// The path where pages and scripts read them.
const PATH: &str = "/_events";
/// How long a response waits for an event.
const WAIT: Duration = Duration::from_secs(15);
/// How often the stream is polled meanwhile.
const LOOK: Duration = Duration::from_millis(100);
/// How soon a client reconnects, in milliseconds.
const RETRY: u32 = 100;
/// The id before the first event.
const BEGINNING: &str = "beginning";
const LAST_EVENT_ID: &str = "last-event-id";

/// The events of the embedded table.
#[derive(Debug)]
pub(crate) struct Events {
    changes: ChangeStream,
    stopped: CancellationToken,
}

impl Events {
    pub(crate) fn new(changes: ChangeStream, stopped: CancellationToken) -> Self {
        Self { changes, stopped }
    }

    /// Responds to a request for events; `None` if it is for something else. A response waits until there is an
    /// event, and ends with those that there are. A client that reconnects with the id of the last one, as every
    /// `EventSource` does, misses nothing.
    pub(crate) async fn answer(&self, parts: &Parts) -> Option<ServerResponse> {
        if parts.method != Method::GET || parts.uri.path() != PATH {
            return None;
        }
        let text = match last_event_id(&parts.headers, parts.uri.query()) {
            Some(id) => self.events(&id).await,
            None => self.beginning().await,
        };
        Some(match text {
            Ok(text) => answer(StatusCode::OK, "text/event-stream", text),
            Err(sentence) => answer(
                StatusCode::BAD_REQUEST,
                "application/json",
                serde_json::json!({"code": "InvalidField", "message": sentence}).to_string(),
            ),
        })
    }

    /// The position of a client that has not read yet: at the newest event. The response contains only its id, at
    /// once, so that the client does not miss what happens before it reconnects.
    async fn beginning(&self) -> Result<String, String> {
        let failed = |error: ChangesError| error.to_string();
        let mut reader = self
            .changes
            .reader(StreamPosition::Oldest)
            .await
            .map_err(failed)?;
        let mut newest = BEGINNING.to_owned();
        loop {
            let records = reader.next().await.map_err(failed)?;
            let last = records.last();
            match last.and_then(sequence) {
                Some(sequence) => sequence.clone_into(&mut newest),
                None => return Ok(format!("retry: {RETRY}\nid: {newest}\n\n")),
            }
        }
    }

    /// The events after the one with this id, as soon as there are any.
    async fn events(&self, id: &str) -> Result<String, String> {
        let position = if id == BEGINNING {
            StreamPosition::Oldest
        } else {
            StreamPosition::After(id.to_owned())
        };
        let wrong = |_| "Last-Event-ID must be the id of an event of this server.".to_owned();
        let mut reader = self.changes.reader(position).await.map_err(wrong)?;
        let until = Instant::now() + WAIT;
        let mut text = format!("retry: {RETRY}\n\n");
        loop {
            let records = reader.next().await.map_err(wrong)?;
            let events: String = records
                .iter()
                .filter_map(StreamEvent::of)
                .map(|event| event.as_text())
                .collect();
            if !events.is_empty() || Instant::now() >= until {
                text.push_str(&events);
                return Ok(text);
            }
            tokio::select! {
                () = tokio::time::sleep(LOOK) => {}
                () = self.stopped.cancelled() => return Ok(text),
            }
        }
    }
}

/// An address that events can be sent to.
pub(crate) fn receiver(text: &str) -> Result<Url, &'static str> {
    match Url::parse(text) {
        Ok(url) if matches!(url.scheme(), "http" | "https") => Ok(url),
        _ => Err("write it like http://127.0.0.1:8080/events"),
    }
}

/// Whether the events at `uri` reveal what the route `resource` returns.
pub(crate) fn exposes(uri: &Uri, resource: &str) -> bool {
    uri.path() == PATH && resource.contains("/scalableTargetDimensions")
}

/// The id of the client's last event: from a header, or from a parameter for scripts that cannot set one.
fn last_event_id(headers: &HeaderMap, query: Option<&str>) -> Option<String> {
    let header = headers.get(LAST_EVENT_ID).and_then(|id| id.to_str().ok());
    let parameter = query.and_then(|query| {
        form_urlencoded::parse(query.as_bytes())
            .find(|(name, _)| name == LAST_EVENT_ID)
            .map(|(_, id)| id.into_owned())
    });
    header
        .map(str::to_owned)
        .or(parameter)
        .filter(|id| !id.is_empty())
}

fn answer(status: StatusCode, kind: &'static str, body: String) -> ServerResponse {
    let mut answer = ServerResponse::new(Full::from(body));
    *answer.status_mut() = status;
    let headers = answer.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(kind));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    answer
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_id_is_a_header_or_else_a_parameter() {
        let headers = HeaderMap::from_iter([(
            LAST_EVENT_ID.parse().unwrap(),
            HeaderValue::from_static("7"),
        )]);
        let none = HeaderMap::new();
        let query = Some("a=b&last-event-id=8");
        assert_eq!(last_event_id(&headers, query).as_deref(), Some("7"));
        assert_eq!(last_event_id(&none, query).as_deref(), Some("8"));
        assert_eq!(last_event_id(&none, Some("last-event-id=")), None);
        assert_eq!(last_event_id(&none, None), None);
    }

    #[test]
    fn a_receiver_is_an_address_of_http() {
        assert!(receiver("http://127.0.0.1:8080/events").is_ok());
        for text in ["127.0.0.1:8080", "file:///etc", "ws://h/", ""] {
            assert!(receiver(text).is_err(), "{text}");
        }
    }
}
