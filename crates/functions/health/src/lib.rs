//! `GET /v1/health` and `/v1/health/ready`: whether the API answers, and whether its stores do.

#[cfg(test)]
mod tests;

use std::{
    future::Future,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use fleet_aws::InventoryRole;
use fleet_core::{readiness::Probe, store::StoreError};
use fleet_http::{
    ApiError, ErrorCode, Function, HeaderValue, RETRY_AFTER, Request, Response, Route, StatusCode,
    json, note_error, request_id, route,
};
use serde::Serialize;
use tokio::time::{Instant, timeout};
use tracing::warn;

/// The longest that a readiness check takes.
const READY_WITHIN: Duration = Duration::from_secs(3);

/// The longest that a store is waited for which the region can do without. Route 53 gives up 2 s after it has connected,
/// and a region that stands by must be found ready although its Data API does not answer.
const DISPENSABLE_WITHIN: Duration = Duration::from_secs(1);

/// A store that is away is seldom back sooner, and a check that asks more often keeps a paused database awake.
const ASK_AGAIN_SECONDS: &str = "5";

/// The function, over the stores that the API needs.
#[derive(Clone, Debug)]
pub struct Health<D, A, S> {
    dynamodb: D,
    data_api: A,
    secret: S,
    role: InventoryRole,
    kept: Option<Kept>,
}

/// What the stores said last, and for how long it stands.
#[derive(Clone, Debug)]
struct Kept {
    within: Duration,
    last: Arc<Mutex<Option<(Instant, States)>>>,
}

/// Of the table, the Data API and the secret.
type States = [State; 3];

impl<D, A, S> Health<D, A, S> {
    /// The function over the dimensions table, the Data API and the database's secret. Where the inventory stands by, the
    /// Data API is asked and told of like the others, and the API is ready without it.
    pub fn new(dynamodb: D, data_api: A, secret: S, role: InventoryRole) -> Self {
        Self {
            dynamodb,
            data_api,
            secret,
            role,
            kept: None,
        }
    }

    /// The function that asks the stores again only after `within`, whoever asks it meanwhile: the route is open to
    /// everybody, and each question would keep a paused database awake.
    #[must_use]
    pub fn keeping(self, within: Duration) -> Self {
        let last = Arc::default();
        Self {
            kept: Some(Kept { within, last }),
            ..self
        }
    }
}

impl Kept {
    fn states(&self) -> Option<States> {
        let last = *self.last.lock().unwrap_or_else(PoisonError::into_inner);
        let (asked, states) = last?;
        (asked.elapsed() < self.within).then_some(states)
    }

    fn keep(&self, states: States) {
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        *last = Some((Instant::now(), states));
    }
}

#[derive(Serialize)]
struct Alive {
    status: &'static str,
}

#[derive(Serialize)]
struct Ready {
    status: &'static str,
    checks: Checks,
}

/// Not ready: an error body with the checks beside it.
#[derive(Serialize)]
struct NotReady<'a> {
    status: &'static str,
    checks: Checks,
    code: ErrorCode,
    message: String,
    request_id: &'a str,
}

#[derive(Serialize)]
struct Checks {
    dynamodb: &'static str,
    data_api: &'static str,
    secret: &'static str,
}

const OK: &str = "ok";
const UNAVAILABLE: &str = "unavailable";

/// What came of a check.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Ok,
    Unavailable,
    /// It answers, and what it holds is not laid out as this build needs it.
    OtherSchema,
}

impl State {
    fn word(self) -> &'static str {
        match self {
            Self::Ok => OK,
            Self::Unavailable | Self::OtherSchema => UNAVAILABLE,
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
            json(StatusCode::OK, &Alive { status: OK })
        }
    }
}

impl<D: Probe, A: Probe, S: Probe> Health<D, A, S> {
    async fn states(&self, request_id: &str) -> States {
        if let Some(states) = self.kept.as_ref().and_then(Kept::states) {
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
            kept.keep(states);
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
        .filter(|(_, state, needed)| *needed && *state != State::Ok)
        .map(|(name, state, _)| match state {
            State::OtherSchema => {
                format!("{name} (its schema is not the one that this version needs)")
            }
            _ => name.to_owned(),
        })
        .collect();
        let checks = Checks {
            dynamodb: dynamodb.word(),
            data_api: data_api.word(),
            secret: secret.word(),
        };
        if failing.is_empty() {
            return json(StatusCode::OK, &Ready { status: OK, checks });
        }
        let cause = format!("unavailable: {}", failing.join(", "));
        let message = format!("The API is not ready; {cause}.");
        let mut response = json(
            StatusCode::SERVICE_UNAVAILABLE,
            &NotReady {
                status: UNAVAILABLE,
                checks,
                code: ErrorCode::Unavailable,
                message,
                request_id,
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
) -> State {
    let (state, cause) = match timeout(within, probe).await {
        Ok(Ok(())) => return State::Ok,
        Ok(Err(error)) => {
            let state = match error {
                StoreError::Schema { .. } => State::OtherSchema,
                _ => State::Unavailable,
            };
            (state, ApiError::from(error).cause())
        }
        Err(_) => (
            State::Unavailable,
            format!("no answer within {} s", within.as_secs()),
        ),
    };
    warn!(request_id, check = name, cause, "not ready");
    state
}
