//! `GET /v1/health` and `/v1/health/ready`: whether the API responds, and whether its stores do.

#[cfg(test)]
mod tests;

use std::{
    future::Future,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use fleet_core::settings::InventoryRole;
use fleet_core::{readiness::Probe, store::StoreError};
use fleet_http::{
    ApiError, ErrorCode, Function, HeaderValue, RETRY_AFTER, Request, Response, Route, Status,
    StatusCode, json, note_error, request_id, route,
};
use serde::Serialize;
use tokio::time::{Instant, timeout};
use tracing::warn;

/// The time limit of a readiness check.
const READY_WITHIN: Duration = Duration::from_secs(3);

/// The time limit for a store that the region can do without. Route 53 gives up 2 s after connecting, and a standby
/// region must be found ready although its Data API does not respond.
const DISPENSABLE_WITHIN: Duration = Duration::from_secs(1);

/// `Retry-After` of a 503. A store that is down is seldom back sooner, and more frequent checks would keep a paused
/// database awake.
const ASK_AGAIN_SECONDS: &str = "5";

/// The function, over the stores that the API needs.
#[derive(Clone, Debug)]
pub struct Health<D, A, S> {
    dynamodb: D,
    data_api: A,
    secret: S,
    role: InventoryRole,
    kept: Option<ReadinessCache>,
}

/// The last states of the stores, and how long they count.
#[derive(Clone, Debug)]
struct ReadinessCache {
    within: Duration,
    last: Arc<Mutex<Option<(Instant, States)>>>,
}

/// The states of the table, the Data API and the secret.
type States = [CheckResult; 3];

impl<D, A, S> Health<D, A, S> {
    /// The function over the dimensions table, the Data API and the database's secret. In a standby region the Data
    /// API is checked and reported like the others, but the API is ready without it.
    pub fn new(dynamodb: D, data_api: A, secret: S, role: InventoryRole) -> Self {
        Self {
            dynamodb,
            data_api,
            secret,
            role,
            kept: None,
        }
    }

    /// Makes the function check the stores again only after `within`, no matter how often it is called: the route is
    /// open to everybody, and each check would keep a paused database awake.
    #[must_use]
    pub fn with_cache_time(self, within: Duration) -> Self {
        let last = Arc::default();
        Self {
            kept: Some(ReadinessCache { within, last }),
            ..self
        }
    }
}

impl ReadinessCache {
    fn states(&self) -> Option<States> {
        let last = *self.last.lock().unwrap_or_else(PoisonError::into_inner);
        let (asked, states) = last?;
        (asked.elapsed() < self.within).then_some(states)
    }

    fn store(&self, states: States) {
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        *last = Some((Instant::now(), states));
    }
}

/// The API responds.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema), schema(as = Health))]
pub struct Liveness {
    #[cfg_attr(feature = "schema", schema(schema_with = Status::ok_schema))]
    status: Status,
}

/// All stores that the API needs in this region respond.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema), schema(as = Ready))]
pub struct Readiness {
    #[cfg_attr(feature = "schema", schema(schema_with = Status::ok_schema))]
    status: Status,
    checks: ReadinessChecks,
}

/// Some stores do not respond: an error, with the checks.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct NotReady {
    #[cfg_attr(feature = "schema", schema(schema_with = Status::unavailable_schema))]
    status: Status,
    checks: ReadinessChecks,
    code: ErrorCode,
    /// One sentence: which stores do not respond.
    #[cfg_attr(feature = "schema", schema(min_length = 1))]
    message: String,
    /// The id of the request, which is also in its log line.
    #[cfg_attr(feature = "schema", schema(min_length = 1))]
    request_id: String,
}

/// The result of each store's check.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct ReadinessChecks {
    dynamodb: Status,
    data_api: Status,
    secret: Status,
}

/// The result of a check.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum CheckResult {
    Ok,
    Unavailable,
    /// It responds, but its schema is not one that this build can use.
    OtherSchema,
}

impl CheckResult {
    fn status(self) -> Status {
        match self {
            Self::Ok => Status::Ok,
            Self::Unavailable | Self::OtherSchema => Status::Unavailable,
        }
    }
}

impl<D: Probe + 'static, A: Probe + 'static, S: Probe + 'static> Function for Health<D, A, S> {
    const NAME: &'static str = "health";
    const ROUTES: &'static [Route] = &[("GET", "/v1/health"), ("GET", "/v1/health/ready")];

    async fn call(&self, request: Request) -> Result<Response, ApiError> {
        if route(&request).ends_with("/ready") {
            self.ready(request_id(&request)).await
        } else {
            json(StatusCode::OK, &Liveness { status: Status::Ok })
        }
    }
}

impl<D: Probe, A: Probe, S: Probe> Health<D, A, S> {
    async fn states(&self, request_id: &str) -> States {
        if let Some(states) = self.kept.as_ref().and_then(ReadinessCache::states) {
            return states;
        }
        let data_api_within = if self.role == InventoryRole::Primary {
            READY_WITHIN
        } else {
            DISPENSABLE_WITHIN
        };
        let (dynamodb, data_api, secret) = tokio::join!(
            check(request_id, "dynamodb", READY_WITHIN, self.dynamodb.probe()),
            check(
                request_id,
                "data_api",
                data_api_within,
                self.data_api.probe()
            ),
            check(request_id, "secret", READY_WITHIN, self.secret.probe()),
        );
        let states = [dynamodb, data_api, secret];
        if let Some(kept) = &self.kept {
            kept.store(states);
        }
        states
    }

    async fn ready(&self, request_id: &str) -> Result<Response, ApiError> {
        let needs_data_api = self.role == InventoryRole::Primary;
        let [dynamodb, data_api, secret] = self.states(request_id).await;
        let failing: Vec<String> = [
            ("dynamodb", dynamodb, true),
            ("data_api", data_api, needs_data_api),
            ("secret", secret, true),
        ]
        .into_iter()
        .filter(|(_, state, needed)| *needed && *state != CheckResult::Ok)
        .map(|(name, state, _)| match state {
            CheckResult::OtherSchema => {
                format!("{name} (its schema does not match this version)")
            }
            _ => name.to_owned(),
        })
        .collect();
        let checks = ReadinessChecks {
            dynamodb: dynamodb.status(),
            data_api: data_api.status(),
            secret: secret.status(),
        };
        if failing.is_empty() {
            return json(
                StatusCode::OK,
                &Readiness {
                    status: Status::Ok,
                    checks,
                },
            );
        }
        let cause = format!("unavailable: {}", failing.join(", "));
        let message = format!("The API is not ready; {cause}.");
        let mut response = json(
            StatusCode::SERVICE_UNAVAILABLE,
            &NotReady {
                status: Status::Unavailable,
                checks,
                code: ErrorCode::Unavailable,
                message,
                request_id: request_id.to_owned(),
            },
        )?;
        response
            .headers_mut()
            .insert(RETRY_AFTER, HeaderValue::from_static(ASK_AGAIN_SECONDS));
        note_error(&mut response, ErrorCode::Unavailable, cause);
        Ok(response)
    }
}

async fn check(
    request_id: &str,
    name: &str,
    within: Duration,
    probe: impl Future<Output = Result<(), StoreError>>,
) -> CheckResult {
    let (state, cause) = match timeout(within, probe).await {
        Ok(Ok(())) => return CheckResult::Ok,
        Ok(Err(error)) => {
            let state = match error {
                StoreError::Schema { .. } => CheckResult::OtherSchema,
                _ => CheckResult::Unavailable,
            };
            (state, ApiError::from(error).cause())
        }
        Err(_) => (
            CheckResult::Unavailable,
            format!("no answer within {} s", within.as_secs()),
        ),
    };
    warn!(request_id, check = name, cause, "not ready");
    state
}
