//! The API as an OpenAPI 3.1 document.
//!
//! Its schemas are derived from the types that the functions read and write, with the feature `schema`, which nothing
//! that is deployed enables. The operations are described here: their parameters, responses, errors and examples. Tests
//! keep them accurate: the server's tests send requests to the real functions and check every response against the
//! document, which leaves no property open; and the document's paths are compared with those of the code and of
//! `template.yaml`.
//!
//! `cargo run -p fleet-openapi` writes the document to the file that the function `metadata` returns.

mod closed;
mod collections;
mod errors;
mod inventory;
mod operation;
mod scaling;
mod service;

use std::path::PathBuf;

use utoipa::openapi::{
    ComponentsBuilder, InfoBuilder, LicenseBuilder, OpenApi, OpenApiBuilder, PathsBuilder, Server,
    extensions::ExtensionsBuilder,
    security::{ApiKey, ApiKeyValue, HttpAuthScheme, HttpBuilder, SecurityScheme},
    tag::TagBuilder,
};

use crate::operation::DocumentPart;

const DESCRIPTION: &str = "\
An inventory of EC2 instances, a scaling endpoint that AWS Application Auto Scaling calls for custom resources, and a few \
small services.

Bodies are JSON in UTF-8; the content type of a request is ignored. The `message` of an error says what was wrong and what is \
allowed, and its `request_id` is also in the log line of the request. API Gateway answers a route or method that does not \
exist with 403 `{\"message\":\"Missing Authentication Token\"}`.

Text is any printable text: no control characters, line breaks or Unicode noncharacters (the patterns exclude those that can \
be written portably). Lengths count characters, not bytes; text is case-sensitive.";

/// The path of the document in the function `metadata`.
#[must_use]
pub fn file() -> PathBuf {
    [
        env!("CARGO_MANIFEST_DIR"),
        "..",
        "functions",
        "metadata",
        "src",
        "openapi.json",
    ]
    .iter()
    .collect()
}

/// The document as in the file.
///
/// # Errors
/// Only if it cannot be serialized as JSON.
pub fn text() -> Result<String, serde_json::Error> {
    document().to_pretty_json().map(|text| text + "\n")
}

/// The document.
#[must_use]
pub fn document() -> OpenApi {
    let mut part = DocumentPart::default();
    inventory::describe(&mut part);
    scaling::describe(&mut part);
    collections::describe(&mut part);
    service::describe(&mut part);
    let DocumentPart {
        operations,
        schemas,
        responses,
    } = part;
    let paths = operations
        .into_iter()
        .fold(PathsBuilder::new(), |paths, (path, item)| {
            paths.path(path, item)
        });
    let components = ComponentsBuilder::new()
        .schemas_from_iter(closed::schemas(schemas))
        .responses_from_iter(responses)
        .security_scheme(operation::API_KEY, api_key())
        .security_scheme(operation::TOKEN, token())
        .security_scheme(operation::SIGNATURE, signature());
    let tag = |name: &str, description: &str| {
        TagBuilder::new()
            .name(name)
            .description(Some(description))
            .build()
    };
    OpenApiBuilder::new()
        .info(
            InfoBuilder::new()
                .title("Fleet API")
                .version(env!("CARGO_PKG_VERSION"))
                .description(Some(DESCRIPTION))
                .license(Some(LicenseBuilder::new().name("Apache-2.0").identifier(Some("Apache-2.0")).build())),
        )
        // Relative to the document itself, so that it is right under any host name and stage.
        .servers(Some([Server::new("..")]))
        .tags(Some([
            tag(inventory::TAG, "EC2 instances and the packages on them, in Aurora MySQL."),
            tag(scaling::TAG, "Scalable target dimensions, in DynamoDB: the custom resource of Application Auto Scaling."),
            tag(collections::TAG, "Two read-only lists."),
            tag(service::TAG, "About the API itself: index, version, health."),
        ]))
        .paths(paths)
        .components(Some(components.build()))
        .build()
}

fn api_key() -> SecurityScheme {
    SecurityScheme::ApiKey(ApiKey::Header(ApiKeyValue::with_description(
        "x-api-key",
        "The key of the stack's usage plan.",
    )))
}

fn token() -> SecurityScheme {
    SecurityScheme::Http(
        HttpBuilder::new()
            .scheme(HttpAuthScheme::Bearer)
            .bearer_format("JWT")
            .description(Some(
                "In place of the key, if the stack names an issuer of tokens: a token of that issuer, for the stack's audience.",
            ))
            .build(),
    )
}

/// API Gateway's notation for `AWS_IAM` in an OpenAPI document:
/// <https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-swagger-extensions-authtype.html>.
fn signature() -> SecurityScheme {
    let mut scheme = ApiKeyValue::with_description(
        "Authorization",
        "AWS Signature Version 4 for the service execute-api, by a principal that may execute-api:Invoke.",
    );
    scheme.extensions = Some(
        ExtensionsBuilder::new()
            .add("x-amazon-apigateway-authtype", "awsSigv4")
            .build(),
    );
    SecurityScheme::ApiKey(ApiKey::Header(scheme))
}
