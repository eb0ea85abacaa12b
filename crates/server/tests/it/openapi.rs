//! The OpenAPI document, compared with the server's responses: [`TestServer`](crate::support::TestServer) checks every
//! response of every test with [`check`].

use std::{
    collections::HashMap,
    sync::{Arc, LazyLock, Mutex},
};

use jsonschema::Validator;
use serde_json::{Value, json};

use crate::{client::ServerAnswer, support::TestServer};

static DOCUMENT: LazyLock<Value> = LazyLock::new(|| {
    serde_json::from_str(include_str!("../../../functions/metadata/src/openapi.json")).unwrap()
});

/// The schemas compiled so far, by their location.
static VALIDATORS: LazyLock<Mutex<HashMap<String, Arc<Validator>>>> = LazyLock::new(Mutex::default);

/// Every operation: method, path and description.
pub(crate) fn operations() -> impl Iterator<Item = (String, String, &'static Value)> {
    DOCUMENT["paths"]
        .as_object()
        .unwrap()
        .iter()
        .flat_map(|(path, item)| {
            item.as_object()
                .unwrap()
                .iter()
                .map(move |(method, operation)| (method.to_uppercase(), path.clone(), operation))
        })
}

/// Checks a response against the document.
pub(crate) fn check(method: &str, target: &str, answer: &ServerAnswer) {
    let path = target.split_once('?').map_or(target, |(path, _)| path);
    let path = path.strip_suffix('/').unwrap_or(path);
    let found =
        operations().filter(|(known, template, _)| known == method && matches(template, path));
    // A literal segment takes precedence over a parameter.
    let Some((_, template, operation)) =
        found.min_by_key(|(_, template, _)| template.matches('{').count())
    else {
        assert!(
            answer.status == 403 || answer.status == 400,
            "{method} {target} is no operation, but was answered: {}",
            answer.text
        );
        return;
    };
    let place = format!("{method} {template} {}", answer.status);
    let mut response = &operation["responses"][answer.status.to_string()];
    if let Some(pointer) = response["$ref"].as_str() {
        response = DOCUMENT.pointer(&pointer[1..]).unwrap();
    }
    assert!(
        response.is_object(),
        "{place} is not in the OpenAPI document: {}",
        answer.text
    );
    for name in response["headers"]
        .as_object()
        .into_iter()
        .flat_map(|headers| headers.keys())
    {
        assert_ne!(answer.header(name), "", "{place} has no {name}");
    }
    let schema = &response["content"]["application/json"]["schema"];
    let validator = validator(&place, schema);
    let wrong: Vec<String> = validator
        .iter_errors(&answer.body)
        .map(|error| format!("{} {error}", error.instance_path()))
        .collect();
    assert!(
        wrong.is_empty(),
        "{place} is not as the OpenAPI document says: {wrong:?}\n{}",
        answer.text
    );
}

fn validator(place: &str, schema: &Value) -> Arc<Validator> {
    let mut validators = VALIDATORS
        .lock()
        .unwrap_or_else(std::sync::PoisonError::into_inner);
    let compiled = validators.entry(place.to_owned()).or_insert_with(|| {
        let schema = json!({ "allOf": [schema], "components": DOCUMENT["components"] });
        Arc::new(jsonschema::draft202012::new(&schema).unwrap())
    });
    Arc::clone(compiled)
}

fn matches(template: &str, path: &str) -> bool {
    let (template, path): (Vec<_>, Vec<_>) =
        (template.split('/').collect(), path.split('/').collect());
    template.len() == path.len()
        && template
            .iter()
            .zip(path)
            .all(|(known, sent)| known.starts_with('{') || *known == sent)
}

#[tokio::test]
async fn the_server_answers_the_document_of_the_deployed_api_without_what_it_does_not_ask_for() {
    let server = TestServer::start().await;
    let mut document = server.get("/v1/openapi.json").await.body;
    assert_eq!(
        document["servers"],
        json!([
            { "url": "..", "description": "This server." },
            { "url": server.running().base_url(), "description": "This server, by its address." },
        ])
    );
    assert_eq!(document["components"]["securitySchemes"], Value::Null);
    let said = document["info"]["description"].as_str().unwrap();
    assert!(
        said.ends_with("This server scales in demo mode, and asks callers for nothing."),
        "{said}"
    );
    let patch = &document["components"]["schemas"]["DimensionPatch"];
    assert_eq!(
        (
            &patch["required"],
            patch["properties"].as_object().unwrap().len()
        ),
        (&json!(["desiredCapacity"]), 1)
    );
    // Everything else is the same as in the deployed API.
    let mut deployed = DOCUMENT.clone();
    for document in [&mut document, &mut deployed] {
        document["servers"].take();
        document["info"]["description"].take();
        let components = document["components"].as_object_mut().unwrap();
        components.remove("securitySchemes");
        let schemas = components["schemas"].as_object_mut().unwrap();
        schemas.retain(|name, _| {
            !["DimensionPatch", "DimensionChange", "DimensionFailure"].contains(&name.as_str())
        });
        let items = document["paths"].as_object_mut().unwrap().values_mut();
        for operation in items.flat_map(|item| item.as_object_mut().unwrap().values_mut()) {
            operation.as_object_mut().unwrap().remove("security");
        }
    }
    assert_eq!(document, deployed);
}

#[tokio::test]
async fn the_bodies_that_the_document_gives_as_examples_are_taken() {
    let server = TestServer::start().await;
    let mut sent = 0;
    for (method, path, operation) in operations() {
        let Some(example) = operation["requestBody"]["content"]["application/json"].get("example")
        else {
            continue;
        };
        let path = path
            .replace("{aws_instance_id}", "instance-002")
            .replace("{scalableTargetDimensionId}", "1-23456789");
        let answer = server.send(&method, &path, example.to_string()).await;
        assert_eq!(answer.status, 200, "{method} {path}: {}", answer.text);
        sent += 1;
    }
    assert_eq!(sent, 3);
}
