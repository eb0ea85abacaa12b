//! Watches what the SDK sends, for the request's log line, metrics and trace.

use std::{
    mem,
    sync::{Mutex, PoisonError},
    time::SystemTime,
};

use aws_smithy_runtime_api::{
    box_error::BoxError,
    client::{
        interceptors::{
            Intercept,
            context::{
                BeforeSerializationInterceptorContextRef, BeforeTransmitInterceptorContextRef,
                FinalizerInterceptorContextRef,
            },
            dyn_dispatch_hint,
        },
        orchestrator::{HttpResponse, Metadata},
        retries::RequestAttempts,
        runtime_components::RuntimeComponents,
    },
};
use aws_smithy_types::config_bag::{ConfigBag, Storable, StoreReplace};
use aws_types::request_id::RequestId as _;
use fleet_core::calls::{self, Call};

/// The most characters of an exception's name. AWS's longest has about sixty.
const MAX_EXCEPTION: usize = 100;

/// Installed on every client: reports each attempt to [`fleet_core::calls`] when it is sent, and each call when it has
/// ended or was abandoned.
#[derive(Debug)]
pub(crate) struct WatchCalls {
    /// The table, cluster or secret of the client's calls.
    resource: String,
}

impl WatchCalls {
    /// Watches a client whose calls are about `resource`.
    pub(crate) fn about(resource: impl Into<String>) -> Self {
        Self {
            resource: resource.into(),
        }
    }
}

/// A call in progress. It is recorded when it ends or, if its time runs out, when the SDK's future is dropped.
#[derive(Debug)]
struct OpenCall(Mutex<Option<Call>>);

impl Storable for OpenCall {
    type Storer = StoreReplace<Self>;
}

impl OpenCall {
    fn change(&self, change: impl FnOnce(&mut Call)) {
        let mut call = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(call) = call.as_mut() {
            change(call);
        }
    }

    fn end(&self) {
        let call = mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner));
        if let Some(mut call) = call {
            call.ended = SystemTime::now();
            calls::record_details(call);
        }
    }
}

impl Drop for OpenCall {
    fn drop(&mut self) {
        self.end();
    }
}

#[dyn_dispatch_hint]
impl Intercept for WatchCalls {
    fn name(&self) -> &'static str {
        "WatchCalls"
    }

    // The first hook where the SDK knows the operation.
    fn read_before_serialization(
        &self,
        _context: &BeforeSerializationInterceptorContextRef<'_>,
        _components: &RuntimeComponents,
        config: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        if calls::keeps_details() {
            let metadata = config.load::<Metadata>();
            let now = SystemTime::now();
            let call = Call {
                service: metadata.map_or("AWS", Metadata::service).to_owned(),
                operation: metadata.map_or("", Metadata::name).to_owned(),
                resource: self.resource.clone(),
                began: now,
                ended: now,
                attempts: 0,
                status: None,
                exception: None,
                request_id: None,
            };
            config
                .interceptor_state()
                .store_put(OpenCall(Mutex::new(Some(call))));
        }
        Ok(())
    }

    fn read_before_transmit(
        &self,
        _context: &BeforeTransmitInterceptorContextRef<'_>,
        _components: &RuntimeComponents,
        config: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        calls::record();
        let is_retry = config
            .load::<RequestAttempts>()
            .is_some_and(|attempts| attempts.attempts() > 1);
        if is_retry {
            calls::record_retry();
        }
        if let Some(open) = config.load::<OpenCall>() {
            open.change(|call| {
                call.attempts += 1;
                (call.status, call.exception, call.request_id) = (None, None, None);
            });
        }
        Ok(())
    }

    fn read_after_attempt(
        &self,
        context: &FinalizerInterceptorContextRef<'_>,
        _components: &RuntimeComponents,
        config: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        if let (Some(open), Some(response)) = (config.load::<OpenCall>(), context.response()) {
            open.change(|call| {
                call.status = Some(response.status().as_u16());
                call.exception = exception(response);
                call.request_id = response.request_id().map(str::to_owned);
            });
        }
        Ok(())
    }

    fn read_after_execution(
        &self,
        _context: &FinalizerInterceptorContextRef<'_>,
        _components: &RuntimeComponents,
        config: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        if let Some(open) = config.load::<OpenCall>() {
            open.end();
        }
        Ok(())
    }
}

/// The name of the exception in `response`: from a header for REST services, otherwise from the body. Nothing else is
/// read from the body, since messages quote values.
fn exception(response: &HttpResponse) -> Option<String> {
    if response.status().is_success() {
        return None;
    }
    let header = response.headers().get("x-amzn-errortype");
    let name = header.or_else(|| {
        let body = std::str::from_utf8(response.body().bytes()?).ok()?;
        let (_, rest) = body.split_once(r#""__type":""#)?;
        rest.split('"').next()
    })?;
    // `com.amazonaws.dynamodb.v20120810#ResourceNotFoundException`, `ForbiddenException:http://internal.amazon.com/…`
    let name = name.split(':').next()?.rsplit('#').next()?;
    let is_name = (1..=MAX_EXCEPTION).contains(&name.len())
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric());
    is_name.then(|| name.to_owned())
}

#[cfg(test)]
mod tests {
    use aws_smithy_runtime_api::http::StatusCode;
    use aws_smithy_types::body::SdkBody;

    use super::*;

    #[test]
    fn an_exception_is_its_bare_name_and_nothing_of_the_message() {
        let response = |status: u16, header: Option<&'static str>, body: &'static str| {
            let mut response =
                HttpResponse::new(StatusCode::try_from(status).unwrap(), SdkBody::from(body));
            if let Some(header) = header {
                response.headers_mut().insert("x-amzn-errortype", header);
            }
            exception(&response)
        };
        assert_eq!(response(200, None, r#"{"__type":"A"}"#), None);
        assert_eq!(
            response(
                400,
                None,
                r#"{"__type":"com.amazonaws.dynamodb.v20120810#ResourceNotFoundException","message":"CANARY"}"#
            ),
            Some("ResourceNotFoundException".to_owned())
        );
        assert_eq!(
            response(
                400,
                Some("DatabaseErrorException:http://internal.amazon.com/coral/"),
                "{}"
            ),
            Some("DatabaseErrorException".to_owned())
        );
        for body in [
            "CANARY",
            r#"{"__type":"CANARY CANARY"}"#,
            r#"{"__type":""}"#,
        ] {
            assert_eq!(response(500, None, body), None, "{body}");
        }
    }
}
