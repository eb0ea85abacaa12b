//! A made-up request that makes a function do all one-time work in advance.

use std::panic::AssertUnwindSafe;

use futures_util::FutureExt as _;
use lambda_http::{Context, aws_lambda_events::apigw::ApiGatewayProxyResponse};
use serde_json::{Map, Value, json};
use tracing::{Dispatch, instrument::WithSubscriber as _};

use crate::{
    Function, event,
    host::Host,
    raw_event::{EventContent, RawEvent},
};

/// The value of each path parameter.
const PARAMETER: &str = "rehearsal";

/// Calls `function` with a request to its first route and [`Function::REHEARSAL`] as the body. Returns the status, or
/// `None` after an error or a panic. It is not logged, and does not count as the function's first request.
///
/// The function's effects on its stores are real: the caller must make sure that they are harmless.
pub async fn rehearsal<F: Function>(function: &F) -> Option<i64> {
    AssertUnwindSafe(answer(function))
        .catch_unwind()
        .with_subscriber(Dispatch::none())
        .await
        .ok()
        .flatten()
}

async fn answer<F: Function>(function: &F) -> Option<i64> {
    let event: RawEvent = serde_json::from_str(&event_for::<F>()?).ok()?;
    let Ok(EventContent::Request(event)) = event.read() else {
        return None;
    };
    let request = event::into_request(Host::API_GATEWAY, *event, Context::default()).ok()?;
    // Boxed as in a real request, so that the same code runs.
    let response = function.call(request).boxed().await.ok()?;
    let answer: ApiGatewayProxyResponse = event::from_response(response);
    // The runtime serializes it as JSON.
    serde_json::to_string(&answer).ok()?;
    Some(answer.status_code)
}

/// An event of API Gateway; `None` for a function without a route.
fn event_for<F: Function>() -> Option<String> {
    let (method, resource) = F::ROUTES.first()?;
    let parameters: Map<String, Value> = resource
        .split('/')
        .filter_map(|part| part.strip_prefix('{')?.strip_suffix('}'))
        .map(|name| (name.to_owned(), PARAMETER.into()))
        .collect();
    let event = json!({
        "resource": resource,
        "path": resource,
        "httpMethod": method,
        "pathParameters": parameters,
        "requestContext": {"httpMethod": method, "requestId": PARAMETER},
        "body": F::REHEARSAL,
    });
    Some(event.to_string())
}

#[cfg(test)]
mod tests {
    use lambda_http::{Request, http::StatusCode};

    use super::*;
    use crate::{ApiError, Response, Route, json, json_lines::tests::written, path_parameter};

    /// Acts as its body says, and logs it.
    struct RehearsedFunction<const PANICS: bool>;

    impl<const PANICS: bool> Function for RehearsedFunction<PANICS> {
        const NAME: &'static str = "obedient";
        const ROUTES: &'static [Route] = &[("PUT", "/a/{b}/c/{d}"), ("GET", "/other")];
        const REHEARSAL: &'static str = "the body";

        async fn call(&self, request: Request) -> Result<Response, ApiError> {
            tracing::error!("called");
            assert!(!PANICS, "as told");
            assert_eq!(request.method(), "PUT");
            assert_eq!(request.body().as_ref(), b"the body");
            for name in ["b", "d"] {
                let value: String = path_parameter(&request, name, Ok::<_, ApiError>)?;
                assert_eq!(value, "rehearsal");
            }
            json(StatusCode::CREATED, &1)
        }
    }

    /// The status and the log.
    fn rehearsed<F: Function>(function: &F) -> (Option<i64>, Vec<Value>) {
        let mut status = None;
        let lines = written(|| status = rehearsal(function).now_or_never().flatten());
        (status, lines)
    }

    #[test]
    fn a_rehearsal_is_a_request_of_the_first_route_and_is_not_logged() {
        assert_eq!(
            rehearsed(&RehearsedFunction::<false>),
            (Some(201), Vec::new())
        );
    }

    #[test]
    fn a_panic_in_a_rehearsal_goes_no_further() {
        assert_eq!(rehearsed(&RehearsedFunction::<true>), (None, Vec::new()));
    }
}
