//! The files of the pages: cached by their hash, compressed for a browser that accepts it.

use std::{
    hash::{DefaultHasher, Hash as _, Hasher as _},
    io::Write as _,
    sync::LazyLock,
};

use bytes::Bytes;
use flate2::{Compression, write::GzEncoder};
use http::{
    HeaderMap, HeaderName, HeaderValue, StatusCode,
    header::{
        ACCEPT_ENCODING, CACHE_CONTROL, CONTENT_ENCODING, CONTENT_SECURITY_POLICY, CONTENT_TYPE,
        ETAG, IF_NONE_MATCH, REFERRER_POLICY, VARY, X_CONTENT_TYPE_OPTIONS,
    },
};
use http_body_util::Full;

use crate::{options::PagesMode, refusal::ServerResponse};

const HTML: &str = "text/html; charset=utf-8";
const SCRIPT: &str = "text/javascript; charset=utf-8";
const STYLE: &str = "text/css; charset=utf-8";
/// Browsers load nothing from elsewhere, even if a page tried to, and no other page can embed one of these.
const ONLY_FROM_HERE: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; \
     connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";
/// The caching of a path with the hash of all files, whose content never changes.
const FOREVER: HeaderValue = HeaderValue::from_static("public, max-age=31536000, immutable");
/// The caching of other paths: the next build may have another page there.
const ASK_AGAIN: HeaderValue = HeaderValue::from_static("no-cache");
const HOME: &str = include_str!("home.html");
const DOCS: &str = include_str!("docs.html");

/// Name, type and content of every file with the hash in its path.
const FILES: [(&str, &str, &str); 15] = [
    ("icon.svg", "image/svg+xml", include_str!("icon.svg")),
    ("pages.css", STYLE, include_str!("pages.css")),
    ("home.css", STYLE, include_str!("home.css")),
    ("docs.css", STYLE, include_str!("docs.css")),
    ("home.js", SCRIPT, include_str!("home.js")),
    ("docs.js", SCRIPT, include_str!("docs.js")),
    ("api.js", SCRIPT, include_str!("api.js")),
    ("dom.js", SCRIPT, include_str!("dom.js")),
    ("address.js", SCRIPT, include_str!("address.js")),
    ("dimensions.js", SCRIPT, include_str!("dimensions.js")),
    ("plot.js", SCRIPT, include_str!("plot.js")),
    ("instances.js", SCRIPT, include_str!("instances.js")),
    ("dialogs.js", SCRIPT, include_str!("dialogs.js")),
    ("forms.js", SCRIPT, include_str!("forms.js")),
    ("examples.js", SCRIPT, include_str!("examples.js")),
];

/// The hash of all files, and the files. They are the same for every server of a process.
static BUILT: LazyLock<(String, Vec<File>)> = LazyLock::new(|| {
    let mut hasher = DefaultHasher::new();
    FILES.hash(&mut hasher);
    let files = FILES
        .iter()
        .map(|(name, kind, content)| File::new(name, kind, content));
    (format!("{:016x}", hasher.finish()), files.collect())
});

struct File {
    name: String,
    kind: &'static str,
    plain: Bytes,
    gzip: Bytes,
    etag: String,
}

impl File {
    fn new(name: &str, kind: &'static str, content: &str) -> Self {
        Self {
            name: name.to_owned(),
            kind,
            plain: Bytes::from(content.to_owned()),
            gzip: compressed(content.as_bytes()),
            etag: etag_of(content.as_bytes()),
        }
    }

    fn answer(&self, asked: &HeaderMap, caching: HeaderValue) -> ServerResponse {
        let known = is_known(&self.etag, asked);
        let gzip = takes_gzip(asked);
        let content = match (known, gzip) {
            (true, _) => Bytes::new(),
            (false, true) => self.gzip.clone(),
            (false, false) => self.plain.clone(),
        };
        let mut answer = ServerResponse::new(Full::from(content));
        if known {
            *answer.status_mut() = StatusCode::NOT_MODIFIED;
        }
        let headers = answer.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(self.kind));
        headers.insert(VARY, HeaderValue::from_static("accept-encoding"));
        headers.insert(CACHE_CONTROL, caching);
        if gzip && !known {
            headers.insert(CONTENT_ENCODING, HeaderValue::from_static("gzip"));
        }
        if let Ok(etag) = HeaderValue::from_str(&self.etag) {
            headers.insert(ETAG, etag);
        }
        protect(headers);
        answer
    }
}

/// The files, and the two pages of one server.
pub(super) struct Assets {
    home: File,
    docs: File,
}

impl Assets {
    /// The pages of a server with the scaling mode `scaling`.
    pub(super) fn new(mode: PagesMode, scaling: &str) -> Self {
        let page = |name: &str, content: &str| {
            let writable = if mode == PagesMode::On { "on" } else { "read" };
            let content = content
                .replace("{{assets}}", &format!("_ui/{}", BUILT.0))
                .replace("{{pages}}", writable)
                .replace("{{scaling}}", scaling);
            File::new(name, HTML, &content)
        };
        Self {
            home: page("home.html", HOME),
            docs: page("docs.html", DOCS),
        }
    }

    pub(super) fn home_page(&self, asked: &HeaderMap) -> ServerResponse {
        self.home.answer(asked, ASK_AGAIN)
    }

    pub(super) fn docs(&self, asked: &HeaderMap) -> ServerResponse {
        self.docs.answer(asked, ASK_AGAIN)
    }

    /// The file at `path`, which consists of the hash, a slash and its name.
    #[expect(
        clippy::unused_self,
        reason = "the files are reached by way of the pages"
    )]
    pub(super) fn file(&self, path: &str, asked: &HeaderMap) -> Option<ServerResponse> {
        let (hash, name) = path.split_once('/')?;
        if hash != BUILT.0 {
            return None;
        }
        let file = BUILT.1.iter().find(|file| file.name == name)?;
        Some(file.answer(asked, FOREVER))
    }
}

/// Headers that isolate a page.
pub(super) fn protect(headers: &mut HeaderMap) {
    headers.insert(
        CONTENT_SECURITY_POLICY,
        HeaderValue::from_static(ONLY_FROM_HERE),
    );
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    for name in ["cross-origin-resource-policy", "cross-origin-opener-policy"] {
        headers.insert(
            HeaderName::from_static(name),
            HeaderValue::from_static("same-origin"),
        );
    }
}

/// A weak validator, since the bytes that are sent may be compressed.
pub(super) fn etag_of(content: &[u8]) -> String {
    let mut hasher = DefaultHasher::new();
    hasher.write(content);
    format!("W/\"{:016x}\"", hasher.finish())
}

/// Whether the client already has the content of `etag`.
pub(super) fn is_known(etag: &str, headers: &HeaderMap) -> bool {
    let known = headers
        .get_all(IF_NONE_MATCH)
        .into_iter()
        .filter_map(|value| value.to_str().ok());
    known
        .flat_map(|value| value.split(','))
        .map(str::trim)
        .any(|one| one == "*" || one.trim_start_matches("W/") == etag.trim_start_matches("W/"))
}

/// Whether `Accept-Encoding` allows gzip: RFC 9110, section 12.5.3. Without the header nothing is compressed.
fn takes_gzip(headers: &HeaderMap) -> bool {
    let codings = headers
        .get_all(ACCEPT_ENCODING)
        .into_iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','));
    let mut by_wildcard = false;
    for coding in codings {
        let mut parts = coding.split(';').map(str::trim);
        let name = parts.next().unwrap_or_default();
        let weight = parts
            .find_map(|part| part.strip_prefix("q="))
            .map_or(1.0, |weight| weight.parse().unwrap_or(0.0));
        if name.eq_ignore_ascii_case("gzip") {
            return weight > 0.0;
        }
        by_wildcard |= name == "*" && weight > 0.0;
    }
    by_wildcard
}

fn compressed(content: &[u8]) -> Bytes {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    // Writing to a vector cannot fail.
    let _ = encoder.write_all(content);
    encoder.finish().unwrap_or_default().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(name: HeaderName, value: &'static str) -> HeaderMap {
        HeaderMap::from_iter([(name, HeaderValue::from_static(value))])
    }

    #[test]
    fn gzip_is_for_a_client_that_takes_it() {
        for (value, takes) in [
            ("gzip", true),
            ("br, GZIP;q=0.5", true),
            ("*", true),
            ("identity", false),
            ("gzip;q=0", false),
            ("*, gzip;q=0", false),
            ("", false),
        ] {
            assert_eq!(
                takes_gzip(&headers(ACCEPT_ENCODING, value)),
                takes,
                "{value}"
            );
        }
        assert!(!takes_gzip(&HeaderMap::new()));
    }

    #[test]
    fn a_validator_is_found_in_a_list_whether_weak_or_strong() {
        let etag = etag_of(b"a");
        assert_ne!(etag, etag_of(b"b"));
        assert!(is_known("W/\"1\"", &headers(IF_NONE_MATCH, "\"0\", \"1\"")));
        assert!(is_known(&etag, &headers(IF_NONE_MATCH, "*")));
        assert!(!is_known(&etag, &headers(IF_NONE_MATCH, "\"0\"")));
        assert!(!is_known(&etag, &HeaderMap::new()));
    }

    #[test]
    fn the_files_name_no_other_host() {
        let files = FILES.map(|(_, _, content)| content);
        for content in files.into_iter().chain([HOME, DOCS]) {
            let elsewhere = content.replace("http://www.w3.org/2000/svg", "");
            assert!(!elsewhere.contains("http:") && !elsewhere.contains("https:"));
        }
    }

    #[test]
    fn what_the_home_page_loads_is_light() {
        let whole: usize = FILES
            .iter()
            .filter(|(name, ..)| !name.starts_with("docs"))
            .map(|(_, _, content)| content.len())
            .sum();
        assert!(whole + HOME.len() < 100 * 1024, "{whole} bytes");
    }
}
