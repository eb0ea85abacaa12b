//! From a method and a raw path to a function, following API Gateway's rules.

use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
};

use fleet_http::DynFunction;
use http::Method;
use matchit::{InsertError, Params};
use percent_encoding::percent_decode_str;

use crate::{
    concurrency::Concurrency,
    function_name::FunctionName,
    template::{TemplateError, TemplateRoute, trim_slash},
};

/// The routes of a template, each with its function.
pub(crate) struct Router {
    routes: matchit::Router<Resource>,
    paths: Vec<String>,
}

/// One path with its methods.
struct Resource {
    path: String,
    methods: Vec<ResourceMethod>,
}

/// The function for one method; `None` means any.
struct ResourceMethod {
    method: Option<Method>,
    function: Arc<dyn DynFunction>,
    concurrency: Concurrency,
}

/// The route of a request.
pub(crate) struct RouteMatch<'r, 'p> {
    /// The path as in the template.
    pub(crate) resource: &'r str,
    /// The function that handles it.
    pub(crate) function: &'r Arc<dyn DynFunction>,
    /// The turns of its requests.
    pub(crate) concurrency: &'r Concurrency,
    raw: Params<'r, 'p>,
}

impl Router {
    /// Gives each route the function with its name, and that many turns.
    pub(crate) fn new(
        routes: Vec<TemplateRoute>,
        functions: &[Arc<dyn DynFunction>],
        concurrency: usize,
    ) -> Result<Self, TemplateError> {
        let reads = Concurrency::new(concurrency);
        let mut resources = BTreeMap::<String, Resource>::new();
        for TemplateRoute {
            method,
            path,
            function,
            binary,
        } in routes
        {
            let Some(answers) = functions
                .iter()
                .find(|candidate| candidate.name() == binary)
            else {
                let known = functions
                    .iter()
                    .map(|function| function.name())
                    .collect::<Vec<_>>()
                    .join(", ");
                return Err(TemplateError::UnknownFunction {
                    function,
                    binary,
                    known,
                });
            };
            let resource = resources.entry(path.clone()).or_insert_with(|| Resource {
                path,
                methods: Vec::new(),
            });
            if resource.methods.iter().any(|taken| taken.method == method) {
                let method = method.as_ref().map_or("ANY", Method::as_str);
                return Err(TemplateError::Duplicate(format!(
                    "{method} {}",
                    resource.path
                )));
            }
            resource.methods.push(ResourceMethod {
                method,
                function: Arc::clone(answers),
                concurrency: match FunctionName::of_program(&binary) {
                    Some(name) if name.reads_a_store() => reads.clone(),
                    _ => Concurrency::new(concurrency),
                },
            });
        }
        let all = resources.keys().cloned().collect();
        let mut paths = matchit::Router::new();
        for (path, mut resource) in resources {
            // A specific method takes precedence over ANY.
            resource
                .methods
                .sort_by_key(|target| target.method.is_none());
            paths
                .insert(pattern(&path)?, resource)
                .map_err(|error| match error {
                    InsertError::Conflict { with } => {
                        TemplateError::Conflict(with.replace("{*", "{"), path)
                    }
                    _ => TemplateError::Path(path),
                })?;
        }
        Ok(Self {
            routes: paths,
            paths: all,
        })
    }

    /// The paths of all routes, as in the template.
    pub(crate) fn resources(&self) -> impl Iterator<Item = &str> {
        self.paths.iter().map(String::as_str)
    }

    /// The route of a request. `path` is undecoded, so an encoded slash is not a separator; one trailing slash is
    /// ignored, and a literal segment takes precedence over a parameter.
    pub(crate) fn find<'p>(&self, method: &Method, path: &'p str) -> Option<RouteMatch<'_, 'p>> {
        let found = self.routes.at(trim_slash(path)).ok()?;
        let resource = found.value;
        let target = resource.methods.iter().find(|target| {
            let known = target.method.as_ref();
            known.is_none_or(|known| known == method)
        })?;
        Some(RouteMatch {
            resource: &resource.path,
            function: &target.function,
            concurrency: &target.concurrency,
            raw: found.params,
        })
    }
}

impl RouteMatch<'_, '_> {
    /// The path parameters, undecoded. Functions decode them, since API Gateway does not.
    pub(crate) fn parameters(&self) -> HashMap<String, String> {
        let owned = |(name, raw): (&str, &str)| (name.to_owned(), raw.to_owned());
        self.raw.iter().map(owned).collect()
    }
}

/// Whether a query string percent-decodes to UTF-8, and every `%` has two hexadecimal digits.
pub(crate) fn is_decodable(query: &str) -> bool {
    let mut rest = query.as_bytes();
    while let Some(at) = rest.iter().position(|byte| *byte == b'%') {
        rest = &rest[at + 1..];
        if !matches!(rest, [a, b, ..] if a.is_ascii_hexdigit() && b.is_ascii_hexdigit()) {
            return false;
        }
    }
    percent_decode_str(query).decode_utf8().is_ok()
}

/// The path in the router's own notation.
fn pattern(path: &str) -> Result<String, TemplateError> {
    let segments: Vec<&str> = path.split('/').collect();
    let last = segments.len() - 1;
    let convert = |(index, segment): (usize, &&str)| {
        let Some(name) = segment
            .strip_prefix('{')
            .and_then(|rest| rest.strip_suffix('}'))
        else {
            return (!segment.contains(['{', '}'])).then(|| (*segment).to_owned());
        };
        let (name, greedy) = name
            .strip_suffix('+')
            .map_or((name, false), |name| (name, true));
        let is_name = !name.is_empty()
            && name
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-' | b'.'));
        (is_name && (!greedy || index == last))
            .then(|| format!("{{{}{name}}}", if greedy { "*" } else { "" }))
    };
    let segments: Option<Vec<String>> = segments.iter().enumerate().map(convert).collect();
    segments
        .map(|segments| segments.join("/"))
        .ok_or_else(|| TemplateError::Path(path.to_owned()))
}

#[cfg(test)]
mod tests {
    use fleet_http::{ApiError, Function, Request, Response, Route, StatusCode, json};
    use futures_util::FutureExt as _;

    use super::*;

    /// Functions that respond with their number.
    macro_rules! functions {
        ($($function:ident $name:literal $number:literal)*) => {
            $(
                struct $function;

                impl Function for $function {
                    const NAME: &'static str = $name;
                    const ROUTES: &'static [Route] = &[];
                    async fn call(&self, _: Request) -> Result<Response, ApiError> {
                        json(StatusCode::OK, &$number)
                    }
                }
            )*

            fn numbered() -> Vec<Arc<dyn DynFunction>> {
                vec![$(Arc::new($function)),*]
            }
        };
    }

    functions! {
        One "one" 1
        Two "two" 2
        InventoryGet "ec2-inventory-get" 3
        InventoryAdd "ec2-inventory-add" 4
        DimensionGet "scalable-dimension-get" 5
        Health "health" 6
    }

    fn router(routes: &[(&str, &str, &str)]) -> Result<Router, TemplateError> {
        let route = |(method, path, binary): &(&str, &str, &str)| TemplateRoute {
            method: (*method != "ANY").then(|| method.parse().unwrap()),
            path: (*path).to_owned(),
            function: "F".to_owned(),
            binary: (*binary).to_owned(),
        };
        Router::new(routes.iter().map(route).collect(), &numbered(), 1)
    }

    /// The resource and its parameters, as text.
    fn goes_to(router: &Router, method: Method, path: &str) -> Option<String> {
        let found = router.find(&method, path)?;
        let mut parameters: Vec<_> = found.parameters().into_iter().collect();
        parameters.sort();
        Some(format!(
            "{} {} {parameters:?}",
            found.function.name(),
            found.resource
        ))
    }

    #[test]
    fn a_written_segment_goes_before_a_parameter_and_both_before_a_greedy_one() {
        let router = router(&[
            ("GET", "/books/{id}", "one"),
            ("GET", "/books/health", "two"),
            ("ANY", "/{rest+}", "two"),
            ("POST", "/books/{id}", "two"),
        ])
        .unwrap();
        let get = |path| goes_to(&router, Method::GET, path).unwrap();
        assert_eq!(get("/books/health"), "two /books/health []");
        assert_eq!(
            get("/books/healthy"),
            r#"one /books/{id} [("id", "healthy")]"#
        );
        assert_eq!(get("/books/7/"), r#"one /books/{id} [("id", "7")]"#);
        assert_eq!(get("/books/7/8"), r#"two /{rest+} [("rest", "books/7/8")]"#);
        assert_eq!(
            goes_to(&router, Method::POST, "/books/7").unwrap(),
            r#"two /books/{id} [("id", "7")]"#
        );
        assert_eq!(goes_to(&router, Method::PUT, "/books/7"), None);
    }

    #[tokio::test]
    async fn reads_of_the_stores_share_their_turns_and_no_other_route_does() {
        let router = router(&[
            ("GET", "/ec2/{id}", "ec2-inventory-get"),
            ("POST", "/ec2/{id}", "ec2-inventory-add"),
            ("GET", "/dimensions/{id}", "scalable-dimension-get"),
            ("GET", "/health", "health"),
        ])
        .unwrap();
        let turn = |method, path| {
            let found = router.find(&method, path).unwrap();
            Box::pin(found.concurrency.turn()).now_or_never()
        };
        let read = turn(Method::GET, "/ec2/1").unwrap();
        assert!(turn(Method::GET, "/dimensions/1").is_none());
        assert!(turn(Method::GET, "/health").is_some());
        let add = turn(Method::POST, "/ec2/1").unwrap();
        assert!(turn(Method::POST, "/ec2/1").is_none());
        drop((read, add));
        assert!(turn(Method::GET, "/dimensions/1").is_some());
    }

    #[test]
    fn one_slash_at_the_end_does_not_count() {
        let router = router(&[
            ("GET", "/", "one"),
            ("GET", "/v1", "one"),
            ("GET", "/v1/{id}", "two"),
        ])
        .unwrap();
        let get = |path| goes_to(&router, Method::GET, path);
        assert_eq!(get("/v1/").as_deref(), Some("one /v1 []"));
        assert_eq!(get("/").as_deref(), Some("one / []"));
        for path in ["/v1//", "//v1", "//", "", "*", "v1", "/V1"] {
            assert_eq!(get(path), None, "{path:?}");
        }
    }

    #[test]
    fn a_parameter_stays_as_it_was_sent_and_an_encoded_slash_is_inside_it() {
        let router = router(&[("GET", "/a/{id}", "one")]).unwrap();
        for id in [
            "x%2Fy", "x+y", "%252F", "..", "%2e%2E", "%D1%81", "с", "%3F%23", "%00", "%", "%FF",
            "{id}",
        ] {
            let path = format!("/a/{id}");
            let found = router.find(&Method::GET, &path).unwrap();
            assert_eq!(
                found.parameters(),
                HashMap::from([("id".to_owned(), id.to_owned())])
            );
        }
    }

    #[test]
    fn a_query_string_is_percent_encoded_utf_8() {
        for query in ["", "a=%20&b", "%E6%9C%8D=1", "с"] {
            assert!(is_decodable(query), "{query}");
        }
        for query in ["%", "a=%2", "%zz", "%+1", "%FF", "a=%ED%A0%80", "x%C3"] {
            assert!(!is_decodable(query), "{query}");
        }
    }

    #[test]
    fn routes_that_cannot_be_are_refused_with_a_sentence() {
        let refused = |routes: &[(&str, &str, &str)]| router(routes).err().unwrap().to_string();
        assert_eq!(
            refused(&[("GET", "/a", "three")]),
            "its function F is the program three, which this server does not have; it has one, two, ec2-inventory-get, \
             ec2-inventory-add, scalable-dimension-get, health"
        );
        assert_eq!(
            refused(&[("GET", "/a", "one"), ("GET", "/a", "two")]),
            "it has the route GET /a twice"
        );
        assert_eq!(
            refused(&[("ANY", "/a", "one"), ("ANY", "/a", "one")]),
            "it has the route ANY /a twice"
        );
        assert_eq!(
            refused(&[("GET", "/a/{x}", "one"), ("POST", "/a/{y}", "one")]),
            "its paths /a/{x} and /a/{y} conflict"
        );
        for path in ["/a{x}", "/{x+}/a", "/{}", "/{x", "/{+}", "/{*x}"] {
            assert!(
                refused(&[("GET", path, "one")])
                    .starts_with(&format!("its path {path} is not valid in API Gateway")),
                "{path}"
            );
        }
    }
}
