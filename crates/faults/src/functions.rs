//! All functions of the API over a test's stores, called as Lambda calls them.

use std::sync::Arc;

use fleet_aws::SdkConfig;
use fleet_core::scaling::{DimensionNames, demo::DemoOutcome};
use fleet_core::settings::{InventoryRole, ScalingMode, ScalingSettings};
use fleet_http::{ApiGatewayProxyRequest, Body, Context, DynFunction};
use fleet_server::Clients;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Value, json};

use crate::{client::ClientResponse, stores::settings};

/// The route of one instance.
const INSTANCE: &str = "/ec2/{aws_instance_id}";
/// The route of one dimension.
const DIMENSION: &str = "/v1/scalableTargetDimensions/{scalableTargetDimensionId}";

/// The functions of the API.
#[derive(Clone)]
pub struct Functions(Vec<Arc<dyn DynFunction>>);

impl Functions {
    /// All of them, in demo mode, over the stores that `config` points to.
    #[must_use]
    pub fn demo(config: &SdkConfig) -> Self {
        Self::new(config, ScalingMode::Demo(DemoOutcome::Succeed))
    }

    /// All of them, over the stores that `config` points to.
    #[must_use]
    pub fn new(config: &SdkConfig, mode: ScalingMode) -> Self {
        Self::of(&Clients::new(config.clone()), mode)
    }

    /// All of them, over the stores of `clients`.
    #[must_use]
    pub fn of(clients: &Clients, mode: ScalingMode) -> Self {
        let (inventory, dimensions) = settings();
        let scaling = ScalingSettings {
            mode,
            names: DimensionNames::default(),
        };
        Self(
            fleet_server::functions(
                clients,
                fleet_server::FunctionSettings {
                    writer_secret: None,
                    inventory: Some(inventory),
                    inventory_role: InventoryRole::Primary,
                    dimensions: Some(dimensions),
                    scaling: Some(scaling),
                },
            )
            .unwrap(),
        )
    }

    /// Iterates over them.
    pub fn each(&self) -> impl Iterator<Item = &dyn DynFunction> {
        self.0.iter().map(AsRef::as_ref)
    }

    /// Sends a request for the instance `id`.
    pub async fn instance(&self, method: &str, id: &str, body: Option<&Value>) -> ClientResponse {
        self.call(
            method,
            INSTANCE,
            &json!({ "aws_instance_id": encoded(id) }),
            &Value::Null,
            body,
        )
        .await
    }

    /// Sends a request for the dimension `id`.
    pub async fn dimension(&self, method: &str, id: &str, body: Option<&Value>) -> ClientResponse {
        self.call(
            method,
            DIMENSION,
            &json!({ "scalableTargetDimensionId": encoded(id) }),
            &Value::Null,
            body,
        )
        .await
    }

    /// Lists instances; each parameter of `query` has a list of values.
    pub async fn list(&self, query: &Value) -> ClientResponse {
        self.call("GET", "/ec2", &Value::Null, query, None).await
    }

    /// Sends a GET to a route without parameters.
    pub async fn get(&self, route: &str) -> ClientResponse {
        self.call("GET", route, &Value::Null, &Value::Null, None)
            .await
    }

    /// Sends a request to the function with this route.
    async fn call(
        &self,
        method: &str,
        route: &str,
        parameters: &Value,
        query: &Value,
        body: Option<&Value>,
    ) -> ClientResponse {
        let event = json!({
            "resource": route, "path": "/", "httpMethod": method,
            "pathParameters": parameters, "multiValueQueryStringParameters": query,
            "body": body.map(Value::to_string), "requestContext": { "httpMethod": method, "requestId": "faults" },
        });
        let function = self
            .each()
            .find(|function| {
                function
                    .routes()
                    .iter()
                    .any(|(m, r)| (*m, *r) == (method, route))
            })
            .unwrap();
        invoke(function, serde_json::from_value(event).unwrap()).await
    }
}

/// A path parameter as a client encodes it.
fn encoded(id: &str) -> String {
    utf8_percent_encode(id, NON_ALPHANUMERIC).to_string()
}

/// Calls a function.
pub async fn invoke(function: &dyn DynFunction, event: ApiGatewayProxyRequest) -> ClientResponse {
    let answer = function.invoke(event, Context::default()).await;
    let Some(Body::Text(text)) = answer.body else {
        panic!("the body is not text: {:?}", answer.body)
    };
    ClientResponse {
        status: u16::try_from(answer.status_code).unwrap(),
        headers: answer.headers,
        body: serde_json::from_str(&text).unwrap_or_default(),
        text,
    }
}
