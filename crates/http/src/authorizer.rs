//! A function that API Gateway asks whether to admit a request: a Lambda authorizer of the type REQUEST.
//!
//! API Gateway translates its results: a policy admits the request, the error `Unauthorized` becomes a 401, and any
//! other error a failure of the authorizer. Clients get a gateway response of the template; the cause is in one log
//! line with the request's id. An admitted request is not logged here, since its own function logs it.
//!
//! <https://docs.aws.amazon.com/apigateway/latest/developerguide/apigateway-use-lambda-authorizer.html>

use std::{collections::HashMap, future::Future, panic::AssertUnwindSafe, process::ExitCode};

use fleet_core::store::Cause;
use futures_util::FutureExt as _;
use lambda_http::{Context, LambdaEvent, service_fn};
use lambda_runtime::Diagnostic;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::{ErrorCode, request_line::RequestLine, runtime, telemetry, xray::Trace};

/// Decides whether to admit a request.
pub trait Authorizer: Send + Sync + 'static {
    /// Its crate, its binary and its name in the log.
    const NAME: &'static str;

    /// Checks the `authorization` header; returns the name of the request's sender, if it has one.
    fn authorize(
        &self,
        authorization: Option<&str>,
    ) -> impl Future<Output = Result<Option<String>, AuthorizerError>> + Send;
}

/// Why a request is not admitted. The messages are for the log and contain nothing that the caller sent.
#[derive(Debug)]
pub enum AuthorizerError {
    /// The caller must send something else: 401.
    Unauthorized(Cause),
    /// It cannot be decided now: 503.
    Unavailable(Cause),
}

/// The members of an event that matter here. A missing one counts as empty.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct AuthorizerEvent {
    #[serde(rename = "type")]
    kind: Option<String>,
    method_arn: Option<String>,
    resource: Option<String>,
    http_method: Option<String>,
    headers: Option<HashMap<String, Option<String>>>,
    multi_value_headers: Option<HashMap<String, Option<Vec<String>>>>,
    request_context: RequestContext,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct RequestContext {
    request_id: Option<String>,
}

/// The errors that API Gateway sees.
#[derive(Debug, PartialEq, Eq)]
enum AuthorizerFailure {
    Unauthorized,
    Unavailable,
    Internal,
}

impl From<AuthorizerFailure> for Diagnostic {
    fn from(failure: AuthorizerFailure) -> Self {
        // API Gateway compares the message with `Unauthorized`, exactly.
        let word = match failure {
            AuthorizerFailure::Unauthorized => "Unauthorized",
            AuthorizerFailure::Unavailable => "Unavailable",
            AuthorizerFailure::Internal => "Internal",
        };
        Self {
            error_type: word.to_owned(),
            error_message: word.to_owned(),
        }
    }
}

impl AuthorizerEvent {
    /// The value of the `authorization` header, whose name has the case that the client wrote. Two such headers count
    /// as none.
    fn authorization(&self) -> Option<&str> {
        let is_it = |name: &String| name.eq_ignore_ascii_case("authorization");
        let all = self.multi_value_headers.iter().flatten();
        let all: Vec<_> = all
            .filter(|(name, _)| is_it(name))
            .flat_map(|(_, values)| values.iter().flatten())
            .collect();
        match all.as_slice() {
            [] => {
                let mut last = self.headers.iter().flatten();
                last.find(|(name, _)| is_it(name))?.1.as_deref()
            }
            [one] => Some(one),
            _ => None,
        }
    }

    /// Every route of the stage that uses this authorizer. API Gateway caches a decision by the header's value,
    /// whatever the route of the next request, so a policy for one route would deny the others.
    fn stage(&self) -> Option<String> {
        let arn = self.method_arn.as_deref()?;
        let (head, path) = arn.rsplit_once(':')?;
        let mut parts = path.split('/');
        let (api, stage) = (parts.next()?, parts.next()?);
        let is_whole = head.starts_with("arn:") && !api.is_empty() && !stage.is_empty();
        is_whole.then(|| format!("{head}:{api}/{stage}/*"))
    }
}

/// Runs the authorizer that `build` returns, under the Lambda Runtime API, until Lambda ends it.
///
/// `build` reads the settings and creates the clients. If it fails, the function does not start, and the log says why.
pub async fn run_authorizer<A: Authorizer>(
    build: impl AsyncFnOnce() -> Result<A, Cause>,
) -> ExitCode {
    runtime::start(A::NAME, build, async |_, authorizer| {
        let authorizer = &authorizer;
        let handler = |event: LambdaEvent<Value>| async move {
            decide(authorizer, event.payload, event.context).await
        };
        lambda_runtime::run(service_fn(handler)).await
    })
    .await
}

async fn decide<A: Authorizer>(
    authorizer: &A,
    event: Value,
    context: Context,
) -> Result<Value, AuthorizerFailure> {
    // A ping, handled as in every function: the check before a release sends it.
    if event.as_object().is_some_and(serde_json::Map::is_empty) {
        return Ok(json!({"statusCode": 200}));
    }
    let event: AuthorizerEvent = serde_json::from_value(event).unwrap_or_default();
    let request_id = event.request_context.request_id.clone();
    let mut line = RequestLine::new(
        A::NAME,
        event.http_method.clone().unwrap_or_default(),
        event.resource.clone().unwrap_or_default(),
        request_id.unwrap_or(context.request_id),
    );
    line.trace_id = Trace::read(context.xray_trace_id.as_deref()).id;
    let (status, code, cause, failure) = match outcome(authorizer, &event).await {
        Ok(allowed) => return Ok(allowed),
        Err(PolicyRefusal::Caller(cause)) => (
            401,
            ErrorCode::Unauthorized,
            cause,
            AuthorizerFailure::Unauthorized,
        ),
        Err(PolicyRefusal::Issuer(cause)) => (
            503,
            ErrorCode::Unavailable,
            cause,
            AuthorizerFailure::Unavailable,
        ),
        Err(PolicyRefusal::Ours(cause)) => {
            (500, ErrorCode::Internal, cause, AuthorizerFailure::Internal)
        }
    };
    line.status = status;
    line.code = Some(code);
    line.cause = Some(cause);
    line.write();
    Err(failure)
}

/// Why there is no policy.
enum PolicyRefusal {
    Caller(String),
    Issuer(String),
    Ours(String),
}

async fn outcome<A: Authorizer>(
    authorizer: &A,
    event: &AuthorizerEvent,
) -> Result<Value, PolicyRefusal> {
    if event.kind.as_deref() != Some("REQUEST") {
        return Err(PolicyRefusal::Ours(
            "the event is not an authorizer's of the type REQUEST".to_owned(),
        ));
    }
    let stage = event
        .stage()
        .ok_or_else(|| PolicyRefusal::Ours("the event has no readable methodArn".to_owned()))?;
    let decision = AssertUnwindSafe(authorizer.authorize(event.authorization()));
    match decision.catch_unwind().await {
        Ok(Ok(name)) => Ok(json!({
            "principalId": name.unwrap_or_else(|| "unnamed".to_owned()),
            "policyDocument": {
                "Version": "2012-10-17",
                "Statement": [{"Effect": "Allow", "Action": "execute-api:Invoke", "Resource": stage}],
            },
        })),
        Ok(Err(AuthorizerError::Unauthorized(cause))) => {
            Err(PolicyRefusal::Caller(cause.to_string()))
        }
        Ok(Err(AuthorizerError::Unavailable(cause))) => {
            Err(PolicyRefusal::Issuer(cause.to_string()))
        }
        Err(panic) => Err(PolicyRefusal::Ours(telemetry::panic_message(
            panic.as_ref(),
        ))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ARN: &str = "arn:aws:execute-api:us-east-1:123456789012:a1b2c3/prod/GET/ec2/i-1";

    /// Acts as the header says.
    struct ScriptedAuthorizer;

    impl Authorizer for ScriptedAuthorizer {
        const NAME: &'static str = "obedient";

        async fn authorize(
            &self,
            authorization: Option<&str>,
        ) -> Result<Option<String>, AuthorizerError> {
            match authorization {
                None => Err(AuthorizerError::Unauthorized("nothing was sent".into())),
                Some("down") => Err(AuthorizerError::Unavailable("nobody answers".into())),
                Some("panic") => panic!("as told"),
                Some("nameless") => Ok(None),
                Some(name) => Ok(Some(name.to_owned())),
            }
        }
    }

    async fn decided(event: Value) -> Result<Value, AuthorizerFailure> {
        decide(&ScriptedAuthorizer, event, Context::default()).await
    }

    fn event(headers: &Value) -> Value {
        json!({"type": "REQUEST", "methodArn": ARN, "resource": "/ec2/{aws_instance_id}", "httpMethod": "GET",
            "multiValueHeaders": headers, "requestContext": {"requestId": "r-1"}})
    }

    #[tokio::test]
    async fn an_allowed_caller_may_call_every_route_of_the_stage_that_asks() {
        let allowed = decided(event(&json!({"Authorization": ["somebody"]}))).await;
        assert_eq!(
            allowed,
            Ok(
                json!({"principalId": "somebody", "policyDocument": {"Version": "2012-10-17", "Statement": [{
                "Effect": "Allow", "Action": "execute-api:Invoke",
                "Resource": "arn:aws:execute-api:us-east-1:123456789012:a1b2c3/prod/*"}]}})
            )
        );
        let nameless = decided(event(&json!({"authorization": ["nameless"]}))).await;
        assert_eq!(nameless.unwrap()["principalId"], "unnamed");
        let mut single = event(&json!(null));
        single["headers"] = json!({"AUTHORIZATION": "somebody", "Host": "a"});
        assert_eq!(decided(single).await.unwrap()["principalId"], "somebody");
    }

    #[tokio::test]
    async fn a_refusal_is_the_word_that_api_gateway_knows() {
        for (headers, failure) in [
            (json!({}), AuthorizerFailure::Unauthorized),
            (
                json!({"Authorization": ["a", "b"]}),
                AuthorizerFailure::Unauthorized,
            ),
            (
                json!({"Authorization": ["a"], "authorization": ["b"]}),
                AuthorizerFailure::Unauthorized,
            ),
            (
                json!({"Authorization": ["down"]}),
                AuthorizerFailure::Unavailable,
            ),
            (
                json!({"Authorization": ["panic"]}),
                AuthorizerFailure::Internal,
            ),
        ] {
            assert_eq!(decided(event(&headers)).await, Err(failure), "{headers}");
        }
        let diagnostic = Diagnostic::from(AuthorizerFailure::Unauthorized);
        assert_eq!(diagnostic.error_message, "Unauthorized");
    }

    #[tokio::test]
    async fn an_event_of_another_kind_lets_nobody_in() {
        let somebody = json!({"Authorization": ["somebody"]});
        let mut token = event(&somebody);
        token["type"] = json!("TOKEN");
        let at = |arn: &str| {
            let mut event = event(&somebody);
            event["methodArn"] = json!(arn);
            event
        };
        let mut strange = event(&somebody);
        strange["headers"] = json!(["Authorization"]);
        for event in [
            token,
            strange,
            at("a1b2c3/prod/GET/ec2"),
            at("aws:execute-api:us-east-1:123456789012:a1b2c3/prod/GET/ec2"),
            at("arn:aws:execute-api:us-east-1:123456789012:/prod/GET/ec2"),
            at("arn:aws:execute-api:us-east-1:123456789012:a1b2c3//GET/ec2"),
            at("arn:aws:execute-api:us-east-1:123456789012:a1b2c3"),
            json!([]),
            json!("GET"),
            json!(null),
        ] {
            assert_eq!(
                decided(event.clone()).await,
                Err(AuthorizerFailure::Internal),
                "{event}"
            );
        }
        assert_eq!(decided(json!({})).await, Ok(json!({"statusCode": 200})));
    }
}
