//! A function of the API, and the one way to call it.

use std::{future::Future, panic::AssertUnwindSafe};

use fleet_core::{calls, deadline};
use futures_util::{FutureExt as _, future::BoxFuture};
use lambda_http::{
    Context, Request,
    aws_lambda_events::apigw::{ApiGatewayProxyRequest, ApiGatewayProxyResponse},
};

use crate::{
    ApiError, ErrorBody, ErrorCode, InvalidInput, Response, event,
    host::Host,
    raw_event::{EventContent, RawEvent},
    request_line::RequestLine,
    response::LogNote,
    telemetry,
    xray::Trace,
};

/// A method and a path, as the template writes them: `GET`, `/ec2/{aws_instance_id}`.
pub type Route = (&'static str, &'static str);

/// One Lambda function.
pub trait Function: Send + Sync + 'static {
    /// Its crate, its binary and its name in the log.
    const NAME: &'static str;
    /// The routes that it serves. The template must have the same ones; a test compares them.
    const ROUTES: &'static [Route];
    /// The keys of its error bodies.
    const ERROR_BODY: ErrorBody = ErrorBody::Standard;
    /// The request body of a [`rehearsal`](crate::rehearsal()).
    const REHEARSAL: &'static str = "";

    /// Handles one request.
    fn call(&self, request: Request) -> impl Future<Output = Result<Response, ApiError>> + Send;
}

/// Calls `function` with an event of API Gateway, returns a response even for an error, and writes one log line.
///
/// A panic of the function becomes a 500 like any internal error, so the caller still gets a message and a request id.
pub async fn invoke<F: Function>(
    function: &F,
    event: ApiGatewayProxyRequest,
    context: Context,
) -> ApiGatewayProxyResponse {
    request(Host::API_GATEWAY, function, event, context).await
}

/// Like [`invoke`], for any event that Lambda passes. A ping gets a bare 200 and no log line; anything else that is not
/// a request is rejected like other invalid input.
pub(crate) async fn invoke_raw<F: Function>(
    host: Host,
    function: &F,
    event: RawEvent,
    context: Context,
) -> ApiGatewayProxyResponse {
    let unreadable = match event.read() {
        Ok(EventContent::Request(event)) => return request(host, function, *event, context).await,
        Ok(EventContent::Ping) => return event::bare(200),
        Err(unreadable) => unreadable,
    };
    let line = RequestLine::new(F::NAME, String::new(), String::new(), context.request_id);
    let refusal = InvalidInput::new(
        ErrorCode::InvalidRequest,
        format!("The request cannot be read: {unreadable}."),
        unreadable.to_string(),
    );
    answer::<F>(Err(refusal.into()), line)
}

async fn request<F: Function>(
    host: Host,
    function: &F,
    event: ApiGatewayProxyRequest,
    context: Context,
) -> ApiGatewayProxyResponse {
    let deadline = event::deadline(&context);
    let mut line = RequestLine::new(
        F::NAME,
        event.http_method.to_string(),
        event::route(&event),
        event::request_id(host, &event, &context),
    );
    let trace = Trace::read(context.xray_trace_id.as_deref());
    // Boxed: each layer around it would copy and nest it again.
    let work = Box::pin(async {
        let request = event::into_request(host, event, context)?;
        function.call(request).await
    });
    let work = calls::tally_calls(trace.is_recorded(), AssertUnwindSafe(work).catch_unwind());
    let (outcome, tally) = match deadline {
        Some(deadline) => deadline::with_deadline(deadline, work).await,
        None => work.await,
    };
    let outcome = outcome.unwrap_or_else(|panic| {
        Err(ApiError::Internal(
            telemetry::panic_message(panic.as_ref()).into(),
        ))
    });
    trace.send(&tally.details);
    line.trace_id = trace.id;
    line.tally = tally;
    answer::<F>(outcome, line)
}

/// Builds the response and writes the line.
fn answer<F: Function>(
    outcome: Result<Response, ApiError>,
    mut line: RequestLine,
) -> ApiGatewayProxyResponse {
    let answer = outcome.or_else(|error| {
        line.code = Some(error.code());
        line.cause = Some(error.cause());
        error.response(F::ERROR_BODY, &line.request_id)
    });
    let answer = answer.map(|mut answer| {
        match answer.extensions_mut().remove() {
            None => {}
            Some(LogNote::Refusal { code, cause }) => {
                line.code = Some(code);
                line.cause = Some(cause);
            }
            Some(LogNote::Capacity(capacity)) => line.capacity = Some(capacity),
        }
        answer
    });
    let answer = answer.map_or_else(|_| event::bare(500), event::from_response);
    line.status = answer.status_code;
    line.write();
    answer
}

/// A type-erased function, for a host of several functions.
pub trait DynFunction: Send + Sync {
    /// See [`Function::NAME`].
    fn name(&self) -> &'static str;
    /// See [`Function::ROUTES`].
    fn routes(&self) -> &'static [Route];
    /// See [`Function::ERROR_BODY`].
    fn error_body(&self) -> ErrorBody;
    /// See [`invoke`].
    fn invoke(
        &self,
        event: ApiGatewayProxyRequest,
        context: Context,
    ) -> BoxFuture<'_, ApiGatewayProxyResponse>;
}

impl<F: Function> DynFunction for F {
    fn name(&self) -> &'static str {
        F::NAME
    }

    fn routes(&self) -> &'static [Route] {
        F::ROUTES
    }

    fn error_body(&self) -> ErrorBody {
        F::ERROR_BODY
    }

    fn invoke(
        &self,
        event: ApiGatewayProxyRequest,
        context: Context,
    ) -> BoxFuture<'_, ApiGatewayProxyResponse> {
        invoke(self, event, context).boxed()
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use fleet_core::store::{Store, StoreError};
    use lambda_http::{Body, http::StatusCode};

    use super::*;
    use crate::{json, path_parameter, request_id, route};

    /// Acts as its path parameter says.
    struct ScriptedFunction;

    impl Function for ScriptedFunction {
        const NAME: &'static str = "obedient";
        const ROUTES: &'static [Route] = &[("GET", "/do/{what}")];

        async fn call(&self, request: Request) -> Result<Response, ApiError> {
            let what: String = path_parameter(&request, "what", Ok::<_, ApiError>)?;
            match what.as_str() {
                "panic" => panic!("as told"),
                "fail" => Err(StoreError::Fault {
                    store: Store::Inventory,
                    source: "arn:secret".into(),
                }
                .into()),
                "wait" => {
                    let retry_after = Duration::from_secs(3);
                    Err(StoreError::Unavailable {
                        store: Store::Inventory,
                        retry_after,
                        source: "host:3306".into(),
                    }
                    .into())
                }
                _ => json(
                    StatusCode::OK,
                    &[what.as_str(), route(&request), request_id(&request)],
                ),
            }
        }
    }

    /// A function with the inventory's error bodies.
    struct InventoryFunction;

    impl Function for InventoryFunction {
        const NAME: &'static str = "of-the-inventory";
        const ROUTES: &'static [Route] = &[];
        const ERROR_BODY: ErrorBody = ErrorBody::Inventory;

        async fn call(&self, request: Request) -> Result<Response, ApiError> {
            json(StatusCode::OK, &request_id(&request))
        }
    }

    async fn told(what: &str) -> (i64, String) {
        let event = format!(
            r#"{{"resource":"/do/{{what}}","path":"/do/{what}","httpMethod":"GET","pathParameters":{{"what":"{what}"}},
                "requestContext":{{"httpMethod":"GET","requestId":"r-1"}}}}"#
        );
        let answer = invoke(
            &ScriptedFunction,
            serde_json::from_str(&event).unwrap(),
            Context::default(),
        )
        .await;
        assert_eq!(answer.headers["content-type"], "application/json");
        let Some(Body::Text(body)) = answer.body else {
            panic!("no text body")
        };
        (answer.status_code, body)
    }

    #[tokio::test]
    async fn a_function_sees_its_parameters_its_route_and_its_request_id() {
        assert_eq!(
            told("x").await,
            (200, r#"["x","/do/{what}","r-1"]"#.to_owned())
        );
    }

    #[tokio::test]
    async fn a_panic_and_a_fault_are_500_without_internals() {
        let ours = r#"{"code":"Internal","message":"Internal error. It has been logged with this request id.","request_id":"r-1"}"#;
        assert_eq!(told("panic").await, (500, ours.to_owned()));
        assert_eq!(told("fail").await, (500, ours.to_owned()));
    }

    #[tokio::test]
    async fn a_store_that_cannot_answer_is_503() {
        let wait = r#"{"code":"Unavailable","message":"The service is temporarily unavailable. Try again in 3 s.","request_id":"r-1"}"#;
        assert_eq!(told("wait").await, (503, wait.to_owned()));
    }

    #[tokio::test]
    async fn a_ping_is_answered_and_what_is_no_request_is_refused() {
        let asked = async |event: &str| {
            let event = serde_json::from_str(event).unwrap();
            invoke_raw(
                Host::API_GATEWAY,
                &ScriptedFunction,
                event,
                Context::default(),
            )
            .await
        };
        let ping = asked("{}").await;
        assert_eq!((ping.status_code, ping.body), (200, None));
        let strange = asked("[1]").await;
        assert_eq!(strange.status_code, 400);
    }

    #[test]
    fn a_function_behind_a_pointer_is_the_same_one() {
        let function: &dyn DynFunction = &ScriptedFunction;
        assert_eq!(function.name(), "obedient");
        assert_eq!(function.routes(), ScriptedFunction::ROUTES);
        assert_eq!(function.error_body(), ErrorBody::Standard);
        let function: &dyn DynFunction = &InventoryFunction;
        assert_eq!(function.error_body(), ErrorBody::Inventory);
    }
}
