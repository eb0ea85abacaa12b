//! The committed document.

use std::fs;

use fleet_openapi::{file, text};
use serde_json::Value;

/// `cargo run -p fleet-openapi` updates the file.
#[test]
fn the_committed_document_is_what_the_code_makes() {
    let committed = fs::read_to_string(file()).unwrap();
    assert!(
        committed == text().unwrap(),
        "the document has changed: run `cargo run -p fleet-openapi` and look at the difference"
    );
}

/// An example that violates its own schema would mislead anyone who copies it.
#[test]
fn every_example_is_what_its_schema_describes() {
    let document: Value = serde_json::from_str(&text().unwrap()).unwrap();
    let mut checked = 0;
    for (path, item) in document["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            let bodies = std::iter::once(("request", &operation["requestBody"]))
                .chain(
                    operation["responses"]
                        .as_object()
                        .unwrap()
                        .iter()
                        .map(|(status, response)| (status.as_str(), response)),
                )
                .chain(
                    document["components"]["responses"]
                        .as_object()
                        .unwrap()
                        .iter()
                        .map(|(name, response)| (name.as_str(), response)),
                );
            for (place, body) in bodies {
                let content = &body["content"]["application/json"];
                let several = content["examples"]
                    .as_object()
                    .into_iter()
                    .flatten()
                    .map(|(_, example)| &example["value"]);
                for example in several.chain(content.get("example")) {
                    let schema = serde_json::json!({ "allOf": [content["schema"]], "components": document["components"] });
                    let found: Vec<String> = jsonschema::draft202012::new(&schema)
                        .unwrap()
                        .iter_errors(example)
                        .map(|error| error.to_string())
                        .collect();
                    assert!(found.is_empty(), "{method} {path} {place}: {found:?}");
                    checked += 1;
                }
            }
        }
    }
    assert!(checked > 100, "only {checked} examples were found");
}

#[test]
fn every_reference_leads_somewhere() {
    let document: Value = serde_json::from_str(&text().unwrap()).unwrap();
    let mut waiting = vec![&document];
    while let Some(value) = waiting.pop() {
        if let Some(pointer) = value["$ref"]
            .as_str()
            .and_then(|reference| reference.strip_prefix('#'))
        {
            assert!(document.pointer(pointer).is_some(), "{pointer}");
        }
        waiting.extend(
            value
                .as_object()
                .into_iter()
                .flat_map(|object| object.values())
                .chain(value.as_array().into_iter().flatten()),
        );
    }
}
