//! Path parameters as AWS passes them: `events/*-encoded.json`, recorded from REST APIs, have them percent-encoded, in
//! the parameter and in the path.

use std::{collections::BTreeSet, fs, path::Path};

use fleet_faults::{Functions, Stores, functions::invoke};
use fleet_http::DynFunction;
use serde_json::{Value, json};

/// The decoded parameters of the events.
const DECODED: &str = "a b+é";

/// The events with an encoded parameter, those that add first and those that delete last.
fn events() -> Vec<Value> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../events");
    let files = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path());
    let encoded = files.filter(|path| path.to_str().unwrap().ends_with("-encoded.json"));
    let mut events: Vec<Value> = encoded
        .map(|path| serde_json::from_str(&fs::read_to_string(path).unwrap()).unwrap())
        .collect();
    let order = |event: &Value| match event["httpMethod"].as_str().unwrap() {
        "POST" => 0,
        "PATCH" => 1,
        "GET" => 2,
        _ => 3,
    };
    events.sort_by_key(order);
    events
}

fn routes(functions: &Functions) -> BTreeSet<(String, String)> {
    let all = functions.each().flat_map(DynFunction::routes);
    all.filter(|(_, route)| route.contains('{'))
        .map(|(method, route)| ((*method).to_owned(), (*route).to_owned()))
        .collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_route_with_a_parameter_decodes_it_as_aws_sends_it() {
    let stores = Stores::start().await;
    let functions = Functions::demo(&stores.config());
    let mut asked = BTreeSet::new();
    for event in events() {
        let (method, route) = (
            event["httpMethod"].as_str().unwrap().to_owned(),
            event["resource"].as_str().unwrap().to_owned(),
        );
        let parameters = event["pathParameters"].as_object().unwrap();
        for value in parameters.values() {
            let (path, value) = (event["path"].as_str().unwrap(), value.as_str().unwrap());
            assert!(value.contains('%') && path.ends_with(value), "{path}");
        }
        let function = functions
            .each()
            .find(|function| function.routes().contains(&(&*method, &*route)))
            .unwrap();
        let answer = invoke(function, serde_json::from_value(event).unwrap()).await;
        assert_eq!(answer.status, 200, "{method} {route}: {}", answer.text);
        // The response to an add has no id; the GET that follows shows what was stored.
        let (field, expected) = match (&*method, &*route) {
            ("POST", _) => ("/new_record/aws_region", json!("us-east-1")),
            ("GET", "/ec2/{aws_instance_id}") => ("/record/aws_instance_id", json!(DECODED)),
            ("DELETE", _) => ("/record_deleted", json!(true)),
            (_, route) if route.starts_with("/api/") => ("/id", json!(1)),
            _ => ("/scalableTargetDimensionId", json!(DECODED)),
        };
        let told = answer.body.pointer(field);
        assert_eq!(told, Some(&expected), "{method} {route}: {}", answer.text);
        asked.insert((method, route));
    }
    assert_eq!(asked, routes(&functions));
}
