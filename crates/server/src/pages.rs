//! The pages for a browser: the fleet, to view and change, at `/`, and the API, to read and try, at `/docs`.
//!
//! Only the server has them, not the functions, and a route of the template takes precedence. All files are compiled into
//! the program, so the pages work without a network. Changes go through the API's own routes.

mod assets;
mod costly;
mod gather;
mod history;
mod refresh;
mod store;

use fleet_edge::ClientConnection;
use http::{
    HeaderMap, HeaderValue, Method, StatusCode, Uri,
    header::{ACCEPT, CACHE_CONTROL, CONTENT_TYPE, ETAG, HeaderName, USER_AGENT},
    request::Parts,
};
use http_body_util::{BodyExt as _, Full};
use serde_json::{Value, json};

use self::{
    assets::{Assets, etag_of, is_known},
    history::ChangeSource,
    refresh::Refresh,
};
pub(crate) use self::{history::History, store::StoreReader};
use crate::{options::PagesMode, refusal::ServerResponse};

const SCALING: &str = "/scalableTargetDimensions/{scalableTargetDimensionId}";
const SEC_FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");

/// The pages, over the stores that they show.
pub(crate) struct Pages {
    mode: PagesMode,
    assets: Assets,
    refresh: Refresh,
}

/// The sender of a request that may change a dimension.
pub(crate) struct Caller(String);

impl Caller {
    /// The subject of the client's certificate, or else the first word of its `User-Agent`, with its address.
    pub(crate) fn of(client: &ClientConnection, headers: &HeaderMap) -> Self {
        let program = headers
            .get(USER_AGENT)
            .and_then(|agent| agent.to_str().ok())
            .and_then(|agent| agent.split_whitespace().next())
            .map(|word| word.chars().take(60).collect::<String>());
        let program = match program {
            Some(word) if word.starts_with("Mozilla/") => "a browser".to_owned(),
            Some(word) => word,
            None => "a client".to_owned(),
        };
        Self(match &client.certificate {
            Some(subject) => subject.clone(),
            None => format!("{program} at {}", client.ip),
        })
    }
}

impl Pages {
    /// The pages over the stores of `reader`; changes of dimensions are recorded in `history`. `scaling` is the name of
    /// the scaling mode.
    pub(crate) fn new(
        mode: PagesMode,
        scaling: &'static str,
        reader: StoreReader,
        history: History,
    ) -> Self {
        Self {
            mode,
            assets: Assets::new(mode, scaling),
            refresh: Refresh::new(reader, history),
        }
    }

    /// Responds to a request for a page; `None` if it is not for a page.
    pub(crate) async fn answer(&self, parts: &Parts) -> Option<ServerResponse> {
        let headers = &parts.headers;
        match (&parts.method, parts.uri.path()) {
            // A client of the API gets the index of the API.
            (&Method::GET, "/") if takes_html(headers) => Some(self.assets.home_page(headers)),
            (&Method::GET, "/docs" | "/docs/") => Some(self.assets.docs(headers)),
            (&Method::GET, "/_ui/state") => {
                let state = self.refresh.state(parts.uri.query().unwrap_or_default());
                Some(data(state.await, headers))
            }
            (&Method::GET, "/_ui/filters") => Some(data(self.refresh.filters().await, headers)),
            (&Method::DELETE, "/_ui/examples") if self.mode == PagesMode::On => {
                if !is_same_origin(headers) {
                    return None;
                }
                Some(data(self.refresh.remove_examples().await, headers))
            }
            (&Method::GET, path) => self.assets.file(path.strip_prefix("/_ui/")?, headers),
            _ => None,
        }
    }

    /// Records the response of an API route, if it is a dimension's state.
    pub(crate) async fn note(
        &self,
        method: &Method,
        resource: &str,
        answer: &ServerResponse,
        request_id: &str,
        caller: Caller,
    ) {
        if !is_dimension(resource) || answer.status() != StatusCode::OK {
            return;
        }
        let Ok(body) = answer.body().clone().collect().await;
        let source = ChangeSource {
            request_id: request_id.to_owned(),
            by: caller.0,
            // A GET also succeeds for ids that have never been changed.
            introduces: *method == Method::PATCH,
        };
        self.refresh.history().note(&body.to_bytes(), source);
    }
}

/// Whether the route at `resource` returns the state of one dimension.
pub(crate) fn is_dimension(resource: &str) -> bool {
    resource.ends_with(SCALING)
}

/// Whether the data at `uri`, for the page's script, reveals what the route `resource` returns.
pub(crate) fn exposes(uri: &Uri, resource: &str) -> bool {
    let Some(data) = uri.path().strip_prefix("/_ui/") else {
        return false;
    };
    // The page's own files contain no store data.
    if data.contains('.') {
        return false;
    }
    let (instances, dimensions) = (
        resource.starts_with("/ec2"),
        resource.contains("/scalableTargetDimensions"),
    );
    match data {
        "filters" => instances,
        "state" if refresh::wants_instances_alone(uri.query().unwrap_or_default()) => instances,
        "examples" => dimensions,
        _ => instances || dimensions,
    }
}

/// Whether a client explicitly accepts HTML. A wildcard, as curl sends it, does not count.
pub(crate) fn takes_html(headers: &HeaderMap) -> bool {
    let accepted = headers
        .get_all(ACCEPT)
        .into_iter()
        .filter_map(|value| value.to_str().ok());
    accepted.flat_map(|value| value.split(',')).any(|range| {
        let kind = range.split(';').next().unwrap_or_default().trim();
        kind.eq_ignore_ascii_case("text/html")
    })
}

/// Whether a browser sent the request for a page of this server, or the client is not a browser.
fn is_same_origin(headers: &HeaderMap) -> bool {
    headers
        .get(SEC_FETCH_SITE)
        .is_none_or(|site| site == "same-origin")
}

/// JSON for the page, or 304 if the client already has it.
fn data(found: Result<Value, refresh::PageError>, headers: &HeaderMap) -> ServerResponse {
    let (status, body) = match found {
        Ok(body) => (StatusCode::OK, body),
        Err(refused) => (
            refused.status(),
            json!({ "code": refused.code(), "message": refused.to_string() }),
        ),
    };
    let body = body.to_string();
    let etag = etag_of(body.as_bytes());
    let known = status == StatusCode::OK && is_known(&etag, headers);
    let mut answer = ServerResponse::new(Full::from(if known { String::new() } else { body }));
    *answer.status_mut() = if known {
        StatusCode::NOT_MODIFIED
    } else {
        status
    };
    let headers = answer.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("private, no-cache"));
    if let Ok(etag) = HeaderValue::from_str(&etag) {
        headers.insert(ETAG, etag);
    }
    assets::protect(headers);
    answer
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_client_that_names_html_gets_a_page() {
        let takes = |accept: &str| {
            takes_html(&HeaderMap::from_iter([(
                ACCEPT,
                HeaderValue::from_str(accept).unwrap(),
            )]))
        };
        assert!(takes(
            "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"
        ));
        assert!(takes("application/json, Text/HTML;q=0.5"));
        for accept in ["*/*", "application/json", "text/*", "text/html5", ""] {
            assert!(!takes(accept), "{accept:?}");
        }
        assert!(!takes_html(&HeaderMap::new()));
    }

    #[test]
    fn what_the_pages_show_is_what_the_routes_show() {
        let shown = |uri: &'static str| {
            let uri = Uri::from_static(uri);
            ["/ec2/{aws_instance_id}", SCALING].map(|resource| exposes(&uri, resource))
        };
        assert_eq!(shown("/_ui/state?q=x"), [true, true]);
        assert_eq!(shown("/_ui/state?only=instances"), [true, false]);
        assert_eq!(shown("/_ui/filters"), [true, false]);
        assert_eq!(shown("/_ui/examples"), [false, true]);
        assert_eq!(shown("/_ui/0/home.js"), [false, false]);
        assert_eq!(shown("/docs"), [false, false]);
        assert!(is_dimension(
            "/v1/scalableTargetDimensions/{scalableTargetDimensionId}"
        ));
        assert!(!is_dimension("/scalableTargetDimensions"));
    }

    #[test]
    fn another_site_is_told_apart() {
        let from = |site: &'static str| {
            is_same_origin(&HeaderMap::from_iter([(
                SEC_FETCH_SITE,
                HeaderValue::from_static(site),
            )]))
        };
        assert!(from("same-origin") && is_same_origin(&HeaderMap::new()));
        assert!(!from("cross-site") && !from("same-site") && !from("none"));
    }

    #[test]
    fn a_caller_is_named_by_program_and_address() {
        let client = ClientConnection {
            ip: [127, 0, 0, 1].into(),
            certificate: None,
            is_secure: false,
        };
        let caller = |agent: &'static str| {
            Caller::of(
                &client,
                &HeaderMap::from_iter([(USER_AGENT, HeaderValue::from_static(agent))]),
            )
            .0
        };
        assert_eq!(caller("curl/8.5.0"), "curl/8.5.0 at 127.0.0.1");
        assert_eq!(caller("Mozilla/5.0 (X11)"), "a browser at 127.0.0.1");
        assert_eq!(
            Caller::of(&client, &HeaderMap::new()).0,
            "a client at 127.0.0.1"
        );
    }
}
