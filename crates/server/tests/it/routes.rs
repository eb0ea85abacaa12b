//! Every route of the template responds, in one server with all functions.

use std::collections::BTreeSet;

use fleet_aws::{DataApiInventory, DynamoDimensions, SecretProbe};
use fleet_http::{Function, Route};
use fleet_server::template::{TemplateRoute, routes};
use serde_json::json;

use crate::{openapi, support::TestServer};

const TEMPLATE: &str = include_str!("../../../../template.yaml");

/// A function and its routes, according to its code.
fn coded<F: Function>() -> impl Iterator<Item = (String, String, &'static str)> {
    let routes: &'static [Route] = F::ROUTES;
    routes
        .iter()
        .map(|(method, path)| ((*method).to_owned(), (*path).to_owned(), F::NAME))
}

#[test]
fn the_templates_routes_are_those_of_the_code_and_of_the_openapi_document() {
    let template: BTreeSet<_> = routes(TEMPLATE)
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
    let code: BTreeSet<_> = coded::<ec2_inventory_add::AddInstanceFunction<DataApiInventory>>()
        .chain(coded::<
            ec2_inventory_get::GetInstanceFunction<DataApiInventory>,
        >())
        .chain(coded::<
            ec2_inventory_list::ListInstancesFunction<DataApiInventory>,
        >())
        .chain(coded::<
            ec2_inventory_remove::RemoveInstanceFunction<DataApiInventory>,
        >())
        .chain(coded::<
            scalable_dimension_get::GetDimensionFunction<DynamoDimensions>,
        >())
        .chain(coded::<
            scalable_dimension_list::ListDimensionsFunction<DynamoDimensions>,
        >())
        .chain(coded::<
            scalable_dimension_patch::PatchDimensionFunction<DynamoDimensions>,
        >())
        .chain(coded::<books::Books>())
        .chain(coded::<authors::Authors>())
        .chain(coded::<
            health::Health<DynamoDimensions, DataApiInventory, SecretProbe>,
        >())
        .chain(coded::<metadata::Metadata>())
        .map(|(method, path, function)| (method, path, function.to_owned()))
        .collect();
    assert_eq!(template, code);
    let described: BTreeSet<_> = openapi::operations()
        .map(|(method, path, _)| (method, path))
        .collect();
    assert_eq!(
        described,
        template
            .into_iter()
            .map(|(method, path, _)| (method, path))
            .collect(),
        "the OpenAPI document and the template"
    );
}

#[tokio::test]
async fn every_route_of_the_template_reaches_a_function() {
    let server = TestServer::start().await;
    for TemplateRoute { method, path, .. } in routes(TEMPLATE).unwrap() {
        let method = method.map_or("GET".to_owned(), |method| method.to_string());
        let path = path
            .replace("{aws_instance_id}", "i-1")
            .replace("{scalableTargetDimensionId}", "1-1")
            .replace("{id}", "1");
        let answer = server.send(&method, &path, "").await;
        assert!(
            [200, 400, 404].contains(&answer.status),
            "{method} {path}: {} {}",
            answer.status,
            answer.text
        );
        assert_eq!(answer.header("content-type"), "application/json");
        assert_eq!(answer.header("x-amzn-requestid").len(), 36);
    }
}

#[tokio::test]
async fn an_instance_and_a_dimension_are_stored_and_read() {
    let server = TestServer::start().await;
    let body = r#"{"aws_region":"us-east-1","aws_account":"123456789012","packages":[{"package_name":"package-1","package_version":"v1"}]}"#;
    assert_eq!(
        server.send("POST", "/ec2/instance-002", body).await.status,
        200
    );
    let record = server.get("/ec2/instance-002").await;
    assert_eq!(
        record.body["record"]["packages"],
        json!([{"package_name": "package-1", "package_version": "v1"}]),
        "{}",
        record.text
    );

    let dimension = "/v1/scalableTargetDimensions/1-23456789";
    assert_eq!(
        server
            .send("PATCH", dimension, r#"{"desiredCapacity":2.0}"#)
            .await
            .body["scalingStatus"],
        "Pending"
    );
    assert_eq!(
        server.get(dimension).await.body["scalingStatus"],
        "InProgress"
    );
    let state = server.get(dimension).await;
    assert_eq!(
        (&state.body["scalingStatus"], &state.body["actualCapacity"]),
        (&json!("Successful"), &json!(2.0))
    );
    server.stop().await;
}

#[tokio::test]
async fn the_server_is_ready_when_it_says_so() {
    let server = TestServer::start().await;
    let answer = server.get("/v1/health/ready").await;
    let checks = json!({"dynamodb": "ok", "data_api": "ok", "secret": "ok"});
    assert_eq!(
        (answer.status, &answer.body),
        (200, &json!({"status": "ok", "checks": checks}))
    );
}
