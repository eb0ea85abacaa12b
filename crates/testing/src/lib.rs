//! What the functions' tests share: the API Gateway events under `events/`, and a way to send them to a handler.

mod database;
mod dimension;
pub mod emf;
mod fake_aws;
pub mod issuer;
pub mod runtime;
mod step;

use std::path::Path;

pub use database::fresh_database;
pub use dimension::OneDimension;
pub use fake_aws::FakeAws;
use fleet_http::{
    ApiGatewayProxyRequest, ApiGatewayProxyResponse, Context, Function, HeaderValue, invoke,
};
use lambda_http::Body;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::Value;
pub use step::data_api_step;

/// An event of `events/`, ready to be changed and sent.
#[derive(Clone, Debug)]
pub struct TestEvent(ApiGatewayProxyRequest);

/// A function's response.
#[derive(Clone, Debug)]
pub struct TestResponse {
    /// The HTTP status.
    pub status: i64,
    /// The headers and the rest, as API Gateway gets them.
    pub response: ApiGatewayProxyResponse,
    /// The body, which is always JSON.
    pub body: Value,
}

impl TestEvent {
    /// Reads `events/NAME.json` of the repository.
    ///
    /// # Panics
    /// If the file does not exist, or is not an event of a REST API.
    #[must_use]
    pub fn read(name: &str) -> Self {
        let path = Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("../../events")
            .join(name)
            .with_extension("json");
        let text = std::fs::read_to_string(&path)
            .unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        Self(
            serde_json::from_str(&text)
                .unwrap_or_else(|error| panic!("{}: {error}", path.display())),
        )
    }

    /// With another body.
    #[must_use]
    pub fn body(mut self, body: impl Into<String>) -> Self {
        self.0.body = Some(body.into());
        self
    }

    /// With another body, marked as base64.
    #[must_use]
    pub fn base64_body(mut self, body: impl Into<String>) -> Self {
        self.0.is_base64_encoded = true;
        self.body(body)
    }

    /// With another header, beside those of the same name that it has.
    ///
    /// # Panics
    /// If the header is invalid.
    #[must_use]
    pub fn header(mut self, name: &'static str, value: &str) -> Self {
        let value = HeaderValue::from_str(value).expect("a header value");
        self.0.headers.insert(name, value.clone());
        self.0.multi_value_headers.append(name, value);
        self
    }

    /// With another value of a path parameter, percent-encoded as a REST API passes it.
    #[must_use]
    pub fn path_parameter(self, name: &str, value: impl AsRef<str>) -> Self {
        let encoded = utf8_percent_encode(value.as_ref(), NON_ALPHANUMERIC).to_string();
        self.raw_path_parameter(name, encoded)
    }

    /// With another value of a path parameter, as the client wrote it: in the parameter and in the path, as it was
    /// recorded from AWS.
    #[must_use]
    pub fn raw_path_parameter(mut self, name: &str, value: impl Into<String>) -> Self {
        let value = value.into();
        let resource = self.0.resource.as_deref().unwrap_or_default();
        self.0.path = Some(resource.replace(&format!("{{{name}}}"), &value));
        self.0.path_parameters.insert(name.to_owned(), value);
        self
    }

    /// As an event of the API with this id.
    #[must_use]
    pub fn of_api(mut self, id: &str) -> Self {
        self.0.request_context.apiid = Some(id.to_owned());
        self
    }

    /// With this query string, as a client would write it.
    #[must_use]
    pub fn query(mut self, query: &str) -> Self {
        self.0.multi_value_query_string_parameters = query.parse().unwrap_or_default();
        self.0.query_string_parameters = self.0.multi_value_query_string_parameters.clone();
        self
    }

    /// As Lambda passes it to a function.
    ///
    /// # Panics
    /// Never: an event that was read can be written.
    #[must_use]
    pub fn to_json(&self) -> String {
        serde_json::to_string(&self.0).expect("an event can be written as JSON")
    }

    /// Sends it to `function`.
    ///
    /// # Panics
    /// If the response is not JSON, or is not marked as JSON, which every function promises.
    pub async fn send<F: Function>(self, function: &F) -> TestResponse {
        let response = invoke(function, self.0, Context::default()).await;
        assert_eq!(response.headers["content-type"], "application/json");
        let Some(Body::Text(text)) = &response.body else {
            panic!("the body is not text: {:?}", response.body)
        };
        let body = serde_json::from_str(text)
            .unwrap_or_else(|error| panic!("the body is not JSON ({error}): {text}"));
        TestResponse {
            status: response.status_code,
            response,
            body,
        }
    }
}

impl TestResponse {
    /// Status and body, to be compared together.
    #[must_use]
    pub fn parts(self) -> (i64, Value) {
        (self.status, self.body)
    }
}
