//! The routes of a SAM template, the only source of routes.

mod access;
mod intrinsics;

use http::Method;
use saphyr::{LoadableYamlNode as _, Yaml};
use thiserror::Error;

pub(crate) use self::access::{
    AccessRules, Quota, QuotaPeriod, ResponseTemplate, RouteRule, Throttle, UsagePlan, access,
};

/// Why a template cannot be served: one sentence for people at a terminal.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[non_exhaustive]
pub enum TemplateError {
    /// It is not valid YAML.
    #[error("it is not valid YAML ({0})")]
    NotYaml(String),
    /// No function has an event of the type `Api`.
    #[error(
        "it has no routes: no AWS::Serverless::Function in its Resources has an event of type Api"
    )]
    NoRoutes,
    /// An incomplete route.
    #[error("the event {event} of its function {function} needs a {key}, {rule}")]
    Event {
        /// The function's logical id.
        function: String,
        /// The event's name.
        event: String,
        /// What is missing or wrong.
        key: &'static str,
        /// The rule for it.
        rule: &'static str,
    },
    /// A function with routes that does not name its program.
    #[error(
        "its function {0} has routes, but no Metadata.BuildProperties.Binary that says which program answers them"
    )]
    NoBinary(String),
    /// A function that this server does not have.
    #[error(
        "its function {function} is the program {binary}, which this server does not have; it has {known}"
    )]
    UnknownFunction {
        /// The function's logical id.
        function: String,
        /// The program that it names.
        binary: String,
        /// The known programs.
        known: String,
    },
    /// A requested function without a route.
    #[error("it has no route to the function {0}, which --functions names")]
    NotHosted(String),
    /// The same method and path twice.
    #[error("it has the route {0} twice")]
    Duplicate(String),
    /// Two paths that differ only in the names of their parameters.
    #[error("its paths {0} and {1} conflict")]
    Conflict(String, String),
    /// A path with braces that are not valid parameters.
    #[error(
        "its path {0} is not valid in API Gateway: a parameter fills its segment, {{name}} or, as the last one, {{name+}}"
    )]
    Path(String),
    /// A route with an authorizer that only API Gateway supports.
    #[error(
        "its route {0} has the authorizer {1}, and this server knows AWS_IAM and NONE: leave --access template out, or change the route"
    )]
    Authorizer(String, String),
    /// An invalid limit.
    #[error("its {0} must be a number of at least 0")]
    Limit(&'static str),
}

/// One route of the template.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TemplateRoute {
    /// The method; `None` for `ANY`.
    pub method: Option<Method>,
    /// The path, with `{name}` and `{name+}`, without a slash at its end.
    pub path: String,
    /// The function's logical id.
    pub function: String,
    /// The program that serves it, which is the function's name here.
    pub binary: String,
}

/// Reads the routes of a template, in its order.
///
/// CloudFormation's own tags (`!Ref`, `!Sub`) are allowed anywhere except in the parts that define a route.
///
/// # Errors
/// [`TemplateError`] for an error in the template.
pub fn routes(template: &str) -> Result<Vec<TemplateRoute>, TemplateError> {
    let documents =
        Yaml::load_from_str(template).map_err(|error| TemplateError::NotYaml(error.to_string()))?;
    let mut routes = Vec::new();
    for (function, resource, event, body) in documents.iter().take(1).flat_map(events) {
        routes.push(route(function, resource, event, body)?);
    }
    if routes.is_empty() {
        Err(TemplateError::NoRoutes)
    } else {
        Ok(routes)
    }
}

/// Every event of the type `Api`: its function's logical id and resource, its name and its content.
fn events<'a, 'input>(
    root: &'a Yaml<'input>,
) -> impl Iterator<Item = (&'a str, &'a Yaml<'input>, &'a str, &'a Yaml<'input>)> {
    let functions =
        mapping(root, "Resources")
            .into_iter()
            .flatten()
            .filter_map(|(id, resource)| {
                let is_function = text(resource, "Type") == Some("AWS::Serverless::Function");
                Some((id.as_str().filter(|_| is_function)?, resource))
            });
    functions.flat_map(|(function, resource)| {
        get(resource, "Properties")
            .and_then(|properties| mapping(properties, "Events"))
            .into_iter()
            .flatten()
            .filter(|(_, body)| text(body, "Type") == Some("Api"))
            .map(move |(event, body)| {
                (function, resource, event.as_str().unwrap_or_default(), body)
            })
    })
}

fn route(
    function: &str,
    resource: &Yaml<'_>,
    event: &str,
    body: &Yaml<'_>,
) -> Result<TemplateRoute, TemplateError> {
    let wrong = |key, rule| TemplateError::Event {
        function: function.to_owned(),
        event: event.to_owned(),
        key,
        rule,
    };
    let properties = get(body, "Properties");
    let path = properties
        .and_then(|properties| text(properties, "Path"))
        .filter(|path| path.starts_with('/'));
    let path = path.ok_or_else(|| wrong("Path", "a plain text that begins with a slash"))?;
    let method = properties
        .and_then(|properties| text(properties, "Method"))
        .map(str::to_ascii_uppercase);
    let method = match method.as_deref() {
        Some("ANY") => None,
        Some(name @ ("GET" | "HEAD" | "POST" | "PUT" | "DELETE" | "OPTIONS" | "PATCH")) => {
            name.parse().ok()
        }
        _ => {
            return Err(wrong(
                "Method",
                "one of GET, HEAD, POST, PUT, DELETE, OPTIONS, PATCH and ANY",
            ));
        }
    };
    let binary = get(resource, "Metadata").and_then(|metadata| get(metadata, "BuildProperties"));
    let binary = binary
        .and_then(|build| text(build, "Binary"))
        .ok_or_else(|| TemplateError::NoBinary(function.to_owned()))?;
    Ok(TemplateRoute {
        method,
        path: trim_slash(path).to_owned(),
        function: function.to_owned(),
        binary: binary.to_owned(),
    })
}

/// The path without a trailing slash, which API Gateway ignores.
pub(crate) fn trim_slash(path: &str) -> &str {
    path.strip_suffix('/')
        .filter(|rest| rest.len() > 1)
        .unwrap_or(path)
}

fn get<'a, 'input>(node: &'a Yaml<'input>, key: &str) -> Option<&'a Yaml<'input>> {
    node.as_mapping_get(key)
}

fn text<'a>(node: &'a Yaml<'_>, key: &str) -> Option<&'a str> {
    get(node, key).and_then(Yaml::as_str)
}

fn mapping<'a, 'input>(node: &'a Yaml<'input>, key: &str) -> Option<&'a saphyr::Mapping<'input>> {
    get(node, key).and_then(Yaml::as_mapping)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A function with one event, whose properties are given as flow YAML.
    fn with_event(properties: &str) -> String {
        format!(
            "Resources:\n  A:\n    Type: AWS::Serverless::Function\n    Metadata: {{BuildProperties: {{Binary: a}}}}\n    \
             Properties:\n      Events:\n        E: {{Type: Api, Properties: {properties}}}\n"
        )
    }

    fn refused(template: &str) -> String {
        routes(template).unwrap_err().to_string()
    }

    #[test]
    fn routes_are_read_past_tags_anchors_and_everything_else() {
        let template = r#"
Transform: AWS::Serverless-2016-10-31
Conditions: {Own: !Not [!Equals [!Ref Arn, ""]]}
Globals: {Function: {Environment: {Variables: {X: !If [Own, !Ref A, !Ref AWS::NoValue]}}}}
Resources:
  Table: {Type: AWS::DynamoDB::Table, Properties: {Events: !Sub "${A}"}}
  Timer:
    Type: AWS::Serverless::Function
    Properties: {Events: {Tick: {Type: Schedule, Properties: {Schedule: rate(1 minute)}}}}
  Items:
    Type: AWS::Serverless::Function
    Metadata: {BuildMethod: rust-cargolambda, BuildProperties: {Binary: items}}
    Properties:
      Description: !Sub
        - "items of ${Stage}"
        - {Stage: !Ref Stage}
      Environment: &environment {Variables: {TABLE: !GetAtt Table.Arn}}
      Events:
        Get: {Type: Api, Properties: {RestApiId: !Ref Api, Method: get, Path: "/items/{id}/"}}
        Any: {Type: Api, Properties: {Method: any, Path: "/files/{path+}"}}
  More:
    Type: AWS::Serverless::Function
    Metadata: {BuildProperties: {Binary: more}}
    Properties: {Environment: *environment, Events: {Root: {Type: Api, Properties: {Method: POST, Path: /}}}}
"#;
        let found: Vec<_> = routes(template)
            .unwrap()
            .into_iter()
            .map(|route| {
                (
                    route
                        .method
                        .map_or("ANY".to_owned(), |method| method.to_string()),
                    route.path,
                    route.binary,
                )
            })
            .collect();
        let expected = [
            ("GET", "/items/{id}", "items"),
            ("ANY", "/files/{path+}", "items"),
            ("POST", "/", "more"),
        ];
        assert_eq!(
            found,
            expected.map(|(method, path, binary)| (
                method.to_owned(),
                path.to_owned(),
                binary.to_owned()
            ))
        );
    }

    #[test]
    fn a_template_that_makes_no_routes_is_refused_with_the_reason() {
        assert!(refused("Resources: [").starts_with("it is not valid YAML ("));
        assert!(refused("a: 1\na: 2").starts_with("it is not valid YAML ("));
        let none = "it has no routes: no AWS::Serverless::Function in its Resources has an event of type Api";
        for template in [
            "",
            "hello",
            "[]",
            "Resources: 7",
            "Resources: {A: {Type: AWS::Serverless::Function}}",
        ] {
            assert_eq!(refused(template), none, "{template:?}");
        }
    }

    #[test]
    fn a_route_that_is_not_whole_is_refused_with_its_place() {
        let path =
            "the event E of its function A needs a Path, a plain text that begins with a slash";
        for properties in [
            "{Method: GET}",
            "{Method: GET, Path: items}",
            "{Method: GET, Path: !Sub '/${A}'}",
            "7",
        ] {
            assert_eq!(refused(&with_event(properties)), path, "{properties}");
        }
        let method = "the event E of its function A needs a Method, one of GET, HEAD, POST, PUT, DELETE, OPTIONS, PATCH and ANY";
        for properties in [
            "{Path: /a}",
            "{Path: /a, Method: FETCH}",
            "{Path: /a, Method: !Ref M}",
        ] {
            assert_eq!(refused(&with_event(properties)), method, "{properties}");
        }
        assert_eq!(
            refused(&with_event("{Path: /a, Method: GET}").replace("Binary", "Program")),
            "its function A has routes, but no Metadata.BuildProperties.Binary that says which program answers them"
        );
    }
}
