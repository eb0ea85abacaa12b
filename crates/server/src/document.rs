//! The OpenAPI document of this server: the one of the API on AWS, with this server's differences.

use std::fmt::Write as _;

use http::Method;
use serde_json::{Value, json};

use crate::{
    access::{Access, Requirements},
    template::TemplateRoute,
};

/// The facts about this server that the document states.
pub(crate) struct Facts<'a> {
    /// Its URL, with its stage; `None` if clients use different addresses.
    pub(crate) url: Option<&'a str>,
    /// Whether dimensions scale by themselves; `None` without scaling routes.
    pub(crate) demo: Option<bool>,
    /// Its routes.
    pub(crate) routes: &'a [TemplateRoute],
    /// Its access rules, if any.
    pub(crate) access: Option<&'a Access>,
}

/// Converts the document of the API on AWS, `text`, to one for this server; `None` if it is not such a document.
pub(crate) fn describe(text: &str, facts: &Facts<'_>) -> Option<String> {
    let mut document: Value = serde_json::from_str(text).ok()?;
    let paths = document.get_mut("paths")?.as_object_mut()?;
    let mut schemes_asked = Requirements::default();
    for (path, item) in &mut *paths {
        let operations = item.as_object_mut()?;
        operations.retain(|method, _| is_routed(facts.routes, method, path));
        for (method, operation) in operations {
            let operation = operation.as_object_mut()?;
            let asked = facts.access.map_or(Requirements::default(), |access| {
                access.requirements(method, path)
            });
            schemes_asked.key |= asked.key;
            schemes_asked.token |= asked.token;
            schemes_asked.signature |= asked.signature;
            operation.remove("security");
            let named: serde_json::Map<_, _> = [
                (asked.key, "ApiKey"),
                (asked.token, "BearerToken"),
                (asked.signature, "AwsSignature"),
            ]
            .into_iter()
            .filter(|(is_asked, _)| *is_asked)
            .map(|(_, name)| (name.to_owned(), json!([])))
            .collect();
            if !named.is_empty() {
                operation.insert("security".to_owned(), json!([named]));
            }
        }
    }
    paths.retain(|_, item| item.as_object().is_some_and(|item| !item.is_empty()));
    let components = document.get_mut("components")?.as_object_mut()?;
    let schemes = components.get_mut("securitySchemes")?.as_object_mut()?;
    schemes.retain(|name, _| match name.as_str() {
        "ApiKey" => schemes_asked.key,
        "BearerToken" => schemes_asked.token,
        "AwsSignature" => schemes_asked.signature,
        _ => true,
    });
    if schemes.is_empty() {
        components.remove("securitySchemes");
    }
    if facts.demo == Some(true) {
        // In demo mode a change has only one field.
        let schemas = components.get_mut("schemas")?.as_object_mut()?;
        let patch = schemas.get_mut("DimensionPatch")?;
        *patch = json!({
            "type": "object",
            "description": "What a PATCH may bring in demo mode.",
            "properties": { "desiredCapacity": { "$ref": "#/components/schemas/Capacity" } },
            "required": ["desiredCapacity"],
            "additionalProperties": false,
        });
        schemas.retain(|name, _| !matches!(name.as_str(), "DimensionChange" | "DimensionFailure"));
    }
    let mut description = document["info"]["description"].as_str()?.to_owned();
    write!(description, "\n\n{}", sentence(facts)).ok()?;
    document["info"]["description"] = description.into();
    // The first one is relative to the document, so that it is right under any name of the server.
    let mut servers = vec![json!({ "url": "..", "description": "This server." })];
    if let Some(url) = facts.url {
        servers.push(json!({ "url": url, "description": "This server, by its address." }));
    }
    document["servers"] = servers.into();
    serde_json::to_string_pretty(&document).ok()
}

fn is_routed(routes: &[TemplateRoute], method: &str, path: &str) -> bool {
    routes.iter().any(|route| {
        let known = route.method.as_ref().map(Method::as_str);
        route.path == path && known.is_none_or(|known| known.eq_ignore_ascii_case(method))
    })
}

fn sentence(facts: &Facts<'_>) -> String {
    let mode = match facts.demo {
        Some(true) => "This server scales in demo mode",
        Some(false) => "This server scales in production mode",
        None => "This server has no dimensions",
    };
    let access = match facts.access {
        None => "asks callers for nothing",
        Some(_) => "asks callers for what each route says",
    };
    format!("{mode}, and {access}.")
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = r##"{
        "info": {"description": "An API."},
        "servers": [{"url": ".."}],
        "paths": {
            "/a": {"get": {"security": [{"ApiKey": []}]}, "post": {}},
            "/b": {"get": {"security": [{"AwsSignature": []}]}}
        },
        "components": {
            "securitySchemes": {"ApiKey": {}, "BearerToken": {}, "AwsSignature": {}},
            "schemas": {"Capacity": {}, "DimensionChange": {}, "DimensionFailure": {}, "DimensionPatch": {"oneOf": []}}
        }
    }"##;

    fn routes(paths: &[(&str, Option<Method>)]) -> Vec<TemplateRoute> {
        let route = |(path, method): &(&str, Option<Method>)| TemplateRoute {
            method: method.clone(),
            path: (*path).to_owned(),
            function: "F".to_owned(),
            binary: "f".to_owned(),
        };
        paths.iter().map(route).collect()
    }

    fn described(facts: &Facts<'_>) -> Value {
        serde_json::from_str(&describe(TEXT, facts).unwrap()).unwrap()
    }

    #[test]
    fn an_open_server_in_demo_mode_asks_for_nothing_and_takes_less() {
        let document = described(&Facts {
            url: Some("http://127.0.0.1:3000/prod"),
            demo: Some(true),
            routes: &routes(&[("/a", None), ("/b", Some(Method::GET))]),
            access: None,
        });
        let expected = json!({
            "info": {"description": "An API.\n\nThis server scales in demo mode, and asks callers for nothing."},
            "servers": [
                {"url": "..", "description": "This server."},
                {"url": "http://127.0.0.1:3000/prod", "description": "This server, by its address."},
            ],
            "paths": {"/a": {"get": {}, "post": {}}, "/b": {"get": {}}},
            "components": {"schemas": {"Capacity": {}, "DimensionPatch": {
                "type": "object",
                "description": "What a PATCH may bring in demo mode.",
                "properties": {"desiredCapacity": {"$ref": "#/components/schemas/Capacity"}},
                "required": ["desiredCapacity"],
                "additionalProperties": false,
            }}},
        });
        assert_eq!(document, expected);
    }

    #[test]
    fn routes_that_are_not_served_are_not_described() {
        let document = described(&Facts {
            url: None,
            demo: None,
            routes: &routes(&[("/a", Some(Method::POST))]),
            access: None,
        });
        assert_eq!(document["paths"], json!({"/a": {"post": {}}}));
        assert_eq!(
            document["info"]["description"],
            "An API.\n\nThis server has no dimensions, and asks callers for nothing."
        );
        assert_eq!(document["servers"].as_array().unwrap().len(), 1);
        assert_eq!(
            document["components"]["schemas"]["DimensionPatch"],
            json!({"oneOf": []})
        );
    }

    #[test]
    fn the_document_of_the_deployed_api_can_be_described() {
        for demo in [None, Some(true), Some(false)] {
            let facts = Facts {
                url: None,
                demo,
                routes: &routes(&[("/v1", None)]),
                access: None,
            };
            assert!(describe(metadata::OPENAPI, &facts).is_some(), "{demo:?}");
        }
    }

    #[test]
    fn what_is_no_document_is_left_alone() {
        let facts = Facts {
            url: None,
            demo: None,
            routes: &[],
            access: None,
        };
        for text in ["", "{}", "[]", r#"{"paths": {}}"#] {
            assert_eq!(describe(text, &facts), None, "{text}");
        }
    }
}
