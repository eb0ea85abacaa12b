//! The pages for a person with a browser: what is in the store at `/`, and the API to read and try at `/docs`.
//!
//! They are the server's own: no function has them, and a route of the template goes before them. All files are within
//! the program, so the pages work without any network.

mod store;

use std::sync::Arc;

use bytes::Bytes;
use http::{
    HeaderMap, HeaderValue, Method, StatusCode,
    header::{ACCEPT, CACHE_CONTROL, CONTENT_ENCODING, CONTENT_SECURITY_POLICY, CONTENT_TYPE},
    request::Parts,
};
use http_body_util::Full;
use serde_json::{Value, json};
use tracing::warn;

pub(crate) use self::store::Reader;
use crate::refusal::Answer;

const HTML: &str = "text/html; charset=utf-8";
const HOME: &str = include_str!("pages/home.html");
const HOME_STYLE: &str = include_str!("pages/home.css");
const HOME_SCRIPT: &str = include_str!("pages/home.js");
const DOCS: &str = include_str!("pages/docs.html");
const DOCS_SCRIPT: &str = include_str!("pages/docs.js");
/// A browser fetches nothing from elsewhere, even where a page asked it to. Swagger UI styles its elements in place and
/// has its pictures as data.
const FROM_HERE_ALONE: &str = "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; frame-ancestors 'none'";

/// The pages, over the stores that they show.
pub(crate) struct Pages {
    store: Reader,
    swagger: Arc<utoipa_swagger_ui::Config<'static>>,
}

impl Pages {
    /// The pages over `store`.
    pub(crate) fn new(store: Reader) -> Self {
        Self {
            store,
            swagger: Arc::new(utoipa_swagger_ui::Config::from("/v1/openapi.json")),
        }
    }

    /// Answers a request for a page; `None` where it is for none.
    pub(crate) async fn answer(&self, parts: &Parts) -> Option<Answer> {
        if parts.method != Method::GET {
            return None;
        }
        match parts.uri.path() {
            // A client of the API gets the index of the API.
            "/" if takes_html(&parts.headers) => Some(file(HTML, HOME)),
            "/docs" | "/docs/" => Some(file(HTML, DOCS)),
            "/_ui/home.css" => Some(file("text/css; charset=utf-8", HOME_STYLE)),
            "/_ui/home.js" => Some(file("text/javascript; charset=utf-8", HOME_SCRIPT)),
            "/_ui/docs.js" => Some(file("text/javascript; charset=utf-8", DOCS_SCRIPT)),
            "/_ui/dimensions" => Some(data(self.store.dimensions().await)),
            "/_ui/instances" => {
                let query =
                    form_urlencoded::parse(parts.uri.query().unwrap_or_default().as_bytes());
                let search = query
                    .into_iter()
                    .find(|(name, _)| name == "search")
                    .map_or_else(Default::default, |(_, value)| value);
                Some(data(self.store.instances(&search).await))
            }
            path => self.swagger_file(path.strip_prefix("/docs/")?),
        }
    }

    /// The script and the style of Swagger UI; its own page and set-up are replaced by ours.
    fn swagger_file(&self, name: &str) -> Option<Answer> {
        if !matches!(
            name,
            "swagger-ui-bundle.js" | "swagger-ui.css" | "favicon-32x32.png"
        ) {
            return None;
        }
        let found = utoipa_swagger_ui::serve(name, Arc::clone(&self.swagger)).ok()??;
        let mut answer = file(&found.content_type, found.bytes.into_owned());
        if found.gzpipped {
            answer
                .headers_mut()
                .insert(CONTENT_ENCODING, HeaderValue::from_static("gzip"));
        }
        Some(answer)
    }
}

/// Whether the data at `path`, for the page's script, is what the route `resource` shows.
pub(crate) fn shows(path: &str, resource: &str) -> bool {
    let Some(data) = path.strip_prefix("/_ui/") else {
        return false;
    };
    // The page's own files have nothing of the store's in them.
    if data.contains('.') {
        return false;
    }
    let (instances, dimensions) = (
        resource.starts_with("/ec2"),
        resource.contains("/scalableTargetDimensions"),
    );
    match data.split('/').next() {
        Some("instances") => instances,
        Some("dimensions") => dimensions,
        _ => instances || dimensions,
    }
}

/// Whether a client says that it reads HTML. A wildcard does not count: curl sends one.
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

fn file(kind: &str, content: impl Into<Bytes>) -> Answer {
    let mut answer = Answer::new(Full::from(content.into()));
    let headers = answer.headers_mut();
    if let Ok(kind) = HeaderValue::from_str(kind) {
        headers.insert(CONTENT_TYPE, kind);
    }
    headers.insert(
        CONTENT_SECURITY_POLICY,
        HeaderValue::from_static(FROM_HERE_ALONE),
    );
    // The next build may have another page at the same address.
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    answer
}

fn data(found: Result<Value, store::ReadError>) -> Answer {
    let (status, body) = match found {
        Ok(body) => (StatusCode::OK, body),
        Err(error) => {
            warn!("the page cannot read a store: {}", error.cause());
            (
                StatusCode::SERVICE_UNAVAILABLE,
                json!({ "message": error.to_string() }),
            )
        }
    };
    let mut answer = file("application/json", body.to_string());
    *answer.status_mut() = status;
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
    fn the_pages_name_no_other_host() {
        for page in [HOME, HOME_STYLE, HOME_SCRIPT, DOCS, DOCS_SCRIPT] {
            let elsewhere = page.replace("http://www.w3.org/2000/svg", "");
            assert!(
                !elsewhere.contains("//") || !elsewhere.contains("http"),
                "{page}"
            );
        }
    }
}
