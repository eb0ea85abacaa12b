//! The API itself: index, version, health.

use fleet_http::ErrorCode;
use health::{Liveness, NotReady, Readiness};
use metadata::{Index, MetadataResponse};
use serde_json::{Value, json};
use utoipa::{
    PartialSchema, ToSchema,
    openapi::{
        HttpMethod, ObjectBuilder, RefOr, Schema, Type, path::OperationBuilder,
        schema::AdditionalProperties,
    },
};

use crate::{
    errors::{self, ErrorShape, OperationErrors},
    operation::{DocumentPart, answer, operation, with_answers},
};

pub(crate) const TAG: &str = "service";

/// An OpenAPI 3.1 document.
struct OpenApiDocument;

impl PartialSchema for OpenApiDocument {
    fn schema() -> RefOr<Schema> {
        let version = ObjectBuilder::new()
            .schema_type(Type::String)
            .pattern(Some(r"^3\.1\.[0-9]+$"));
        let object = || ObjectBuilder::new().schema_type(Type::Object);
        let required = ["openapi", "info", "paths"];
        let document = object()
            .property("openapi", version)
            .property("info", object())
            .property("paths", object())
            .additional_properties(Some(AdditionalProperties::<Schema>::FreeForm(true)));
        required
            .into_iter()
            .fold(document, ObjectBuilder::required)
            .into()
    }
}

impl ToSchema for OpenApiDocument {}

const ERRORS: OperationErrors<'static> = OperationErrors {
    shape: ErrorShape::Standard,
    bad_request: &[],
    not_found: None,
    takes_body: false,
    asks_store: false,
    guarded: false,
};

/// Adds the routes and schemas.
pub(crate) fn describe(part: &mut DocumentPart) {
    errors::describe(part);
    part.schema::<Index>();
    part.schema::<MetadataResponse>();
    part.schema::<Liveness>();
    part.schema::<Readiness>();
    part.schema::<NotReady>();
    part.schema::<OpenApiDocument>();
    let index = json!({
        "name": "fleet-api",
        "version": env!("CARGO_PKG_VERSION"),
        "description": "Fleet API keeps an inventory of EC2 instances and scales custom resources for AWS Application Auto Scaling.",
        "links": { "self": "/v1", "openapi": "/v1/openapi.json" },
    });
    get::<Index>(
        part,
        "/v1",
        operation(
            "getIndex",
            TAG,
            "Get the index",
            "What the API is, with links to its routes.",
        ),
        &index,
    );
    let metadata = json!({
        "name": "fleet-api",
        "version": env!("CARGO_PKG_VERSION"),
        "description": index["description"],
        "commit": "7e4876f0c1d2e3f4a5b6c7d8e9f0011223344556",
        "built_at": "2026-03-20T09:46:40Z",
        "rust_version": "1.95.0",
        "architecture": "x86_64",
        "region": "us-east-1",
        "function": "metadata",
    });
    get::<MetadataResponse>(
        part,
        "/v1/metadata",
        operation(
            "getMetadata",
            TAG,
            "Get the metadata",
            "The running version, and where it runs.",
        ),
        &metadata,
    );
    let document = json!({ "openapi": "3.1.0", "info": { "title": "Fleet API", "version": env!("CARGO_PKG_VERSION") }, "paths": {} });
    let described = operation(
        "getOpenApi",
        TAG,
        "Get this document",
        "The API as an OpenAPI 3.1 document.",
    );
    get::<OpenApiDocument>(part, "/v1/openapi.json", described, &document);
    let health = operation(
        "getHealth",
        TAG,
        "Check the API",
        "Calls no store. For a DNS health check.",
    );
    get::<Liveness>(part, "/v1/health", health, &json!({ "status": "ok" }));
    ready(part);
}

fn get<T: ToSchema>(
    part: &mut DocumentPart,
    path: &str,
    operation: OperationBuilder,
    example: &Value,
) {
    let operation = operation.response(
        "200",
        answer::<T>("The requested resource.", &[("", example.clone())]).build(),
    );
    part.route(
        HttpMethod::Get,
        path,
        with_answers(operation, ERRORS.answers()),
    );
}

const ABOUT_READINESS: &str = "Checks all stores concurrently, for at most 3 seconds. A standby region is ready without the \
    Data API, which does not respond there until the region's database is promoted.";

fn ready(part: &mut DocumentPart) {
    let checks = |data_api: &str| json!({ "dynamodb": "ok", "data_api": data_api, "secret": "ok" });
    let ready = json!({ "status": "ok", "checks": checks("ok") });
    let standby = json!({ "status": "ok", "checks": checks("unavailable") });
    let not_ready = json!({
        "status": "unavailable",
        "checks": checks("unavailable"),
        "code": ErrorCode::Unavailable.as_str(),
        "message": "The API is not ready; unavailable: data_api.",
        "request_id": errors::REQUEST_ID,
    });
    let not_ready = answer::<NotReady>(
        "The stores that are `unavailable` do not respond.",
        &[("", not_ready)],
    );
    let operation = operation("getReadiness", TAG, "Check the stores", ABOUT_READINESS)
        .response(
            "200",
            answer::<Readiness>(
                "All stores that the API needs in this region respond.",
                &[("all", ready), ("standing-by", standby)],
            )
            .build(),
        )
        .response("503", errors::wait(not_ready, 5).build());
    part.route(
        HttpMethod::Get,
        "/v1/health/ready",
        with_answers(operation, ERRORS.answers()),
    );
}
