"""The files of a new function. new-function fills in the words between « and »."""

MANIFEST = """\
[package]
name = "«name»"
description = "«method» «path»: «spoken»."
version.workspace = true
edition.workspace = true
rust-version.workspace = true
license.workspace = true
publish.workspace = true

[lib]
doctest = false

[[bin]]
name = "«name»"
path = "src/main.rs"
# The library of the same name has the documentation and the tests.
doc = false
test = false

[lints]
workspace = true

[features]
# Describes the types that clients see, for the OpenAPI document. Nothing that is deployed enables it.
schema = ["dep:utoipa", "fleet-http/schema"]

[dependencies]
"""
AWS = """\
[features]
default = ["aws"]
# The program, over its stores on AWS. The library and its tests compile without any SDK.
aws = ["dep:fleet-aws"]
"""
DEV = """\
fleet-http.workspace = true
serde.workspace = true
tokio.workspace = true
utoipa = { workspace = true, optional = true }

[dev-dependencies]
fleet-testing.workspace = true
serde_json.workspace = true
"""
DOCUMENT_HEAD = """\
//! `«path»`.

use serde_json::json;
use utoipa::openapi::HttpMethod;
use «module»::«Type»Response;

"""

PLAIN = {
    "crates/functions/«name»/Cargo.toml": MANIFEST + DEV,
    "crates/functions/«name»/src/lib.rs": '''\
//! `«method» «path»`: «spoken».

#[cfg(test)]
mod tests;

use fleet_http::{ApiError, Function, Request, Response, Route, StatusCode, json};
use serde::Serialize;

/// The function.
#[derive(Clone, Debug)]
pub struct «Type»;

/// What «name» answers.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct «Type»Response {
    /// The function's name.
    name: &'static str,
}

impl Function for «Type» {
    const NAME: &'static str = "«name»";
    const ROUTES: &'static [Route] = &[("«method»", "«path»")];

    async fn call(&self, _: Request) -> Result<Response, ApiError> {
        json(StatusCode::OK, &«Type»Response { name: Self::NAME })
    }
}
''',
    "crates/functions/«name»/src/main.rs": '''\
//! The Lambda function `«name»`.

use std::process::ExitCode;

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    fleet_http::run(async || Ok(«module»::«Type»)).await
}
''',
    "crates/functions/«name»/src/tests.rs": '''\
//! The handler with an event of API Gateway.

use fleet_testing::TestEvent;
use serde_json::json;

use crate::«Type»;

#[tokio::test]
async fn «module»_answers_its_name() {
    let answer = TestEvent::read("«event»").send(&«Type»).await;
    assert_eq!(answer.parts(), (200, json!({"name": "«name»"})));
}
''',
    "crates/openapi/src/«module».rs": DOCUMENT_HEAD
    + '''\
use crate::{
    errors::{ErrorShape, OperationErrors},
    operation::{DocumentPart, answer, «needs»operation, with_answers},
};

pub(crate) const TAG: &str = "«name»";

const ERRORS: OperationErrors<'static> = OperationErrors {
    shape: ErrorShape::Standard,
    bad_request: &[],
    not_found: None,
    takes_body: false,
    asks_store: false,
    guarded: «guarded»,
};

/// Adds the route.
pub(crate) fn describe(part: &mut DocumentPart) {
    part.schema::<«Type»Response>();
    let operation = operation("«camel»«Method»", TAG, "Ask «spoken»", "Answers its name.")
        «security».response("200", answer::<«Type»Response>("Its name.", &[("", json!({"name": "«name»"}))]).build());
    part.route(HttpMethod::«Method», "«path»", with_answers(operation, ERRORS.answers()));
}
''',
    "crates/server/tests/it/«module».rs": '''\
//! `«path»`.

use serde_json::json;

use crate::support::TestServer;

#[tokio::test]
async fn «module»_answers_over_http() {
    let server = TestServer::start().await;
    let answer = server.send("«method»", "«path»", "").await;
    assert_eq!((answer.status, answer.body), (200, json!({"name": "«name»"})));
}
''',
}

STORE = {
    "crates/functions/«name»/Cargo.toml": MANIFEST.replace('path = "src/main.rs"\n', 'path = "src/main.rs"\nrequired-features = ["aws"]\n').replace("[features]\n", AWS)
    + "fleet-aws = { workspace = true, optional = true }\nfleet-core.workspace = true\n"
    + DEV,
    "crates/functions/«name»/src/lib.rs": '''\
//! `«method» «path»`: «spoken».

#[cfg(test)]
mod tests;

use fleet_core::«store_module»::{«imports»};
use fleet_http::{
    ApiError, Function, Request, Response, Route, StatusCode, json, path_parameter,
};
use serde::Serialize;

/// The function, over a store that can read.
#[derive(Clone, Debug)]
pub struct «Type»<S> {
    store: S,
}

impl<S> «Type»<S> {
    /// The function over `store`.
    pub fn new(store: S) -> Self {
        Self { store }
    }
}

/// What «name» answers.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct «Type»Response {
    /// The function's name.
    name: &'static str,
    /// The stored data.
    «store_field»: «store_type»,
}

impl<S: «store_port» + 'static> Function for «Type»<S> {
    const NAME: &'static str = "«name»";
    const ROUTES: &'static [Route] = &[("«method»", "«path»")];

    async fn call(&self, request: Request) -> Result<Response, ApiError> {
        let id = path_parameter(&request, "«parameter»", «store_id»::parse)?;
        let «store_field» = «store_read»;
        json(StatusCode::OK, &«Type»Response { name: Self::NAME, «store_field» })
    }
}
''',
    "crates/functions/«name»/src/main.rs": '''\
//! The Lambda function `«name»`.

use std::process::ExitCode;

use fleet_aws::{«store_adapter», «store_settings», function_config};
use «module»::«Type»;

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    fleet_http::run(async || {
        let settings = «store_settings»::from_env()?;
        Ok(«Type»::new(«store_adapter»::new(&function_config().await?, settings)))
    })
    .await
}
''',
    "crates/functions/«name»/src/tests.rs": '''\
//! The handler with events of API Gateway, over a store in memory.

«memory»
use crate::«Type»;

#[tokio::test]
async fn «module»_answers_what_the_store_has() {
    let answer = TestEvent::read("«event»").send(&«Type»::new(«store»)).await;
    assert_eq!(answer.parts(), (200, json!({"name": "«name»", "«store_field»": «store_shown»})));
}

#[tokio::test]
async fn «module»_refuses_an_id_that_is_too_long() {
    let long = TestEvent::read("«event»").path_parameter("«parameter»", "x".repeat(256));
    let (status, body) = long.send(&«Type»::new(«store»)).await.parts();
    assert_eq!(status, 400, "{body}");
    assert!(body["message"].as_str().unwrap().contains("«parameter»"), "{body}");
}
''',
    "crates/openapi/src/«module».rs": DOCUMENT_HEAD.replace("use serde_json", "use fleet_core::«store_module»::«store_id»;\nuse fleet_http::ErrorCode;\nuse serde_json")
    + '''\
use crate::{
    errors::{ErrorShape, OperationErrors},
    operation::{DocumentPart, answer, in_path, «needs»operation, with_answers},
};

pub(crate) const TAG: &str = "«name»";

const ERRORS: OperationErrors<'static> = OperationErrors {
    shape: ErrorShape::Standard,
    bad_request: &[("id", ErrorCode::InvalidParameter, "«parameter» must be at most 255 characters long, but has 300.")],
    not_found: None,
    takes_body: false,
    asks_store: true,
    guarded: «guarded»,
};

/// Adds the route.
pub(crate) fn describe(part: &mut DocumentPart) {
    part.schema::<«Type»Response>();
    let example = json!({"name": "«name»", "«store_field»": «store_shown»});
    let operation = operation("«camel»«Method»", TAG, "Ask «spoken»", "Answers its name, and what the store has.")
        .parameter(in_path::<«store_id»>("«parameter»", "The entry's id.", "«store_example»".into()))
        «security».response("200", answer::<«Type»Response>("The stored data.", &[("", example)]).build());
    part.route(HttpMethod::«Method», "«path»", with_answers(operation, ERRORS.answers()));
}
''',
    "crates/server/tests/it/«module».rs": '''\
//! `«path»`.

use serde_json::json;

use crate::support::TestServer;

#[tokio::test]
async fn «module»_answers_over_http() {
    let server = TestServer::start().await;
    let path = "«path»".replace("{«parameter»}", "«store_example»");
    let answer = server.send("«method»", &path, "").await;
    assert_eq!(
        (answer.status, answer.body),
        (200, json!({"name": "«name»", "«store_field»": «store_shown»}))
    );
}
''',
}

FILES = {"plain": PLAIN, "store": STORE}

# A store for tests, with its imports.
MEMORY = {
    "dimensions": {
        "imports": "Capacity, DimensionId, ReadDimension",
        "store": "OneDimension::new(Dimension::INITIAL)",
        "memory": """\
use fleet_core::scaling::Dimension;
use fleet_testing::{OneDimension, TestEvent};
use serde_json::json;
""",
    },
    "inventory": {
        "imports": "GetInstance, InstanceId",
        "store": "Empty",
        "memory": """\
use fleet_core::{
    inventory::{GetInstance, Instance, InstanceId},
    store::StoreError,
};
use fleet_testing::TestEvent;
use serde_json::json;

/// An inventory without instances.
struct Empty;

impl GetInstance for Empty {
    async fn get(&self, _: &InstanceId) -> Result<Option<Instance>, StoreError> {
        Ok(None)
    }
}
""",
    },
}
