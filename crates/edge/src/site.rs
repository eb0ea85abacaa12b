//! Keeps web pages out: a page in a browser on the server's machine can send requests to a loopback address.
//!
//! - A page of another site names itself in `Origin`: with every request except a plain `GET` or `HEAD`
//!   (<https://fetch.spec.whatwg.org/#origin-header>), whose response the browser withholds from it.
//! - A page can make its own name resolve to a loopback address (DNS rebinding). It then has the same origin, but its
//!   requests still carry that name as `Host`.

use std::net::{IpAddr, Ipv6Addr};

use http::{
    HeaderValue, Request, Uri,
    header::{HOST, ORIGIN},
    uri::Authority,
};
use thiserror::Error;

/// Domains that the public DNS never resolves, so that nobody can rebind a name in them: `localhost` by RFC 6761,
/// and `internal` by ICANN's decision of 2024. A container finds this machine as `host.docker.internal` or
/// `host.containers.internal`.
const PRIVATE_DOMAINS: [&str; 2] = [".localhost", ".internal"];

/// Why a request may come from a web page of another site.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub enum ForeignSite {
    /// `Host`, or the host in the request line, is a name that a page could have.
    #[error(
        "The Host header must be an IP address, localhost, a name without dots, or a name that ends with .internal."
    )]
    Host,
    /// `Origin` is another site's.
    #[error("This server does not accept requests from web pages of other sites.")]
    Origin,
}

/// The sites that requests may come from: those of this machine and its private network, and further ones by name.
#[derive(Clone, Debug, Default)]
pub struct SiteRules {
    allowed: Vec<String>,
    any_host: bool,
}

impl SiteRules {
    /// Rules that also allow the host names `allowed`, such as a reverse proxy's, in any case and without ports.
    #[must_use]
    pub fn allowing(allowed: impl IntoIterator<Item = String>) -> Self {
        let allowed = allowed.into_iter().map(|name| bare(&name)).collect();
        Self {
            allowed,
            any_host: false,
        }
    }

    /// Rules that do not check `Host`, for when a certificate already shows that the client means this server.
    #[must_use]
    pub fn with_any_host(self) -> Self {
        Self {
            any_host: true,
            ..self
        }
    }

    /// Checks where a request comes from.
    ///
    /// # Errors
    /// [`ForeignSite`] if it may come from a web page of another site.
    pub fn check<B>(&self, request: &Request<B>) -> Result<(), ForeignSite> {
        self.check_host(request)?;
        self.check_origin(request)
    }

    /// Checks the host that a request names. That is enough if a page cannot send the request for another reason, such
    /// as a header that needs a preflight.
    ///
    /// # Errors
    /// [`ForeignSite::Host`].
    pub fn check_host<B>(&self, request: &Request<B>) -> Result<(), ForeignSite> {
        let mut hosts = request.headers().get_all(HOST).iter().peekable();
        let by_header = hosts.peek().is_some()
            && hosts.all(|value| authority(value).is_some_and(|host| self.knows(&host)));
        let by_line = request
            .uri()
            .authority()
            .is_none_or(|host| self.knows(host));
        if !(self.any_host || by_header && by_line) {
            return Err(ForeignSite::Host);
        }
        Ok(())
    }

    fn check_origin<B>(&self, request: &Request<B>) -> Result<(), ForeignSite> {
        let own = request.headers().get(HOST).and_then(authority);
        let is_own = |origin: &HeaderValue| {
            // "null" is the origin of a file, or of a page that hides its origin.
            let origin = Uri::try_from(origin.as_bytes()).ok();
            let origin = origin.as_ref().filter(|uri| uri.scheme().is_some());
            origin
                .and_then(Uri::authority)
                .is_some_and(|origin| self.knows(origin) || own.as_ref() == Some(origin))
        };
        if request.headers().get_all(ORIGIN).iter().all(is_own) {
            Ok(())
        } else {
            Err(ForeignSite::Origin)
        }
    }

    fn knows(&self, authority: &Authority) -> bool {
        let host = authority.host();
        // Only a port may follow: no user before the host, and no name after a bracket.
        let has_port_alone = authority
            .as_str()
            .strip_prefix(host)
            .is_some_and(|rest| rest.is_empty() || rest.starts_with(':'));
        has_port_alone && (is_local(host) || self.allowed.contains(&bare(host)))
    }
}

fn authority(value: &HeaderValue) -> Option<Authority> {
    value.to_str().ok()?.parse().ok()
}

/// The name in its form for comparison: lower case, without the trailing dot of the DNS root.
fn bare(host: &str) -> String {
    host.strip_suffix('.').unwrap_or(host).to_ascii_lowercase()
}

fn is_local(host: &str) -> bool {
    if let Some(address) = host.strip_prefix('[') {
        return address
            .strip_suffix(']')
            .is_some_and(|address| address.parse::<Ipv6Addr>().is_ok());
    }
    let name = bare(host);
    !name.is_empty()
        && (name.parse::<IpAddr>().is_ok()
            || !name.contains('.')
            || PRIVATE_DOMAINS.iter().any(|domain| name.ends_with(domain)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(rules: &SiteRules, headers: &[(&str, &str)]) -> Result<(), ForeignSite> {
        let mut request = Request::builder().uri("/Execute");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        rules.check(&request.body(()).unwrap())
    }

    fn named(hosts: &[&str]) -> bool {
        let headers: Vec<_> = hosts.iter().map(|host| ("host", *host)).collect();
        check(&SiteRules::default(), &headers).is_ok()
    }

    #[test]
    fn addresses_and_names_that_no_public_dns_answers_for_are_local() {
        for name in [
            "127.0.0.1:4566",
            "172.17.0.1",
            "[::1]:4566",
            "localhost:4566",
            "LOCALHOST",
            "fleet.localhost",
            "fleet:4566",
            "host.docker.internal:4566",
            "host.containers.internal",
            "host.docker.internal.",
        ] {
            assert!(named(&[name]), "{name}");
        }
    }

    #[test]
    fn names_that_anybody_may_own_are_refused() {
        for name in [
            "evil.example:4566",
            "127.0.0.1.evil.example",
            "localhost.evil.example",
            "internal.evil.example",
            "host.docker.internal.evil.example",
            "notlocalhost.example",
            "[::1].evil.example",
            "[evil.example]",
            "localhost@evil.example",
            ".",
            "",
        ] {
            assert!(!named(&[name]), "{name}");
        }
        assert!(!named(&[]));
        assert!(!named(&["localhost", "evil.example"]));
        let absolute = Request::builder()
            .uri("http://evil.example/Execute")
            .header(HOST, "localhost");
        assert_eq!(
            SiteRules::default().check(&absolute.body(()).unwrap()),
            Err(ForeignSite::Host)
        );
    }

    #[test]
    fn a_page_of_another_site_is_refused_and_one_of_this_machine_is_not() {
        for (origin, expected) in [
            ("http://127.0.0.1:3000", Ok(())),
            ("http://localhost:8080", Ok(())),
            ("http://[::1]:3000", Ok(())),
            ("https://evil.example", Err(ForeignSite::Origin)),
            ("https://localhost.evil.example", Err(ForeignSite::Origin)),
            ("null", Err(ForeignSite::Origin)),
            ("localhost", Err(ForeignSite::Origin)),
            ("", Err(ForeignSite::Origin)),
        ] {
            let headers = [("host", "127.0.0.1:3000"), ("origin", origin)];
            assert_eq!(check(&SiteRules::default(), &headers), expected, "{origin}");
        }
    }

    #[test]
    fn a_proxys_name_can_be_allowed_and_with_a_certificate_every_host_is() {
        let proxied = [
            ("host", "API.example.com:443"),
            ("origin", "https://api.example.com"),
        ];
        let rules = SiteRules::allowing(["api.example.com".to_owned()]);
        assert_eq!(check(&rules, &proxied), Ok(()));
        assert_eq!(
            check(&SiteRules::default(), &proxied),
            Err(ForeignSite::Host)
        );
        let any = SiteRules::default().with_any_host();
        let same = [
            ("host", "api.example.com"),
            ("origin", "https://api.example.com"),
        ];
        assert_eq!(check(&any, &same), Ok(()));
        let other = [
            ("host", "api.example.com"),
            ("origin", "https://evil.example"),
        ];
        assert_eq!(check(&any, &other), Err(ForeignSite::Origin));
    }
}
