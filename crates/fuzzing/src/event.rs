//! From an event of API Gateway to the request that a function sees.

use std::{
    collections::{BTreeMap, HashMap},
    sync::{Mutex, PoisonError},
};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use fleet_http::{
    ApiError, ApiGatewayProxyRequest, Context, Function, Request, Response, Route, StatusCode,
    invoke, json, request_id, route,
};
use futures_util::FutureExt as _;
use lambda_http::RequestExt as _;

/// Query parameters, each with its values.
type Query = BTreeMap<String, Vec<String>>;

/// A request as a function saw it.
#[derive(Debug, PartialEq)]
struct Seen {
    method: String,
    route: String,
    id: String,
    parameters: BTreeMap<String, String>,
    query: Query,
    body: Vec<u8>,
}

/// Keeps what it is sent.
#[derive(Default)]
struct Keeper(Mutex<Option<Seen>>);

impl Function for Keeper {
    const NAME: &'static str = "keeper";
    const ROUTES: &'static [Route] = &[];

    async fn call(&self, request: Request) -> Result<Response, ApiError> {
        let pairs = |map: &lambda_http::aws_lambda_events::query_map::QueryMap| {
            map.iter()
                .map(|(name, value)| (name.to_owned(), value.to_owned()))
                .collect::<Vec<_>>()
        };
        let mut query = Query::new();
        for (name, value) in request
            .query_string_parameters_ref()
            .map(pairs)
            .unwrap_or_default()
        {
            query.entry(name).or_default().push(value);
        }
        let seen = Seen {
            method: request.method().to_string(),
            route: route(&request).to_owned(),
            id: request_id(&request).to_owned(),
            parameters: request
                .path_parameters_ref()
                .map(pairs)
                .unwrap_or_default()
                .into_iter()
                .collect(),
            query,
            body: request.body().as_ref().to_vec(),
        };
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(seen);
        json(StatusCode::OK, &())
    }
}

/// The values of a query, in the form in which the event writes them.
fn query(event: &ApiGatewayProxyRequest) -> Query {
    let of = |query: &_| {
        serde_json::from_value::<HashMap<String, Vec<String>>>(serde_json::to_value(query).unwrap())
            .unwrap()
    };
    let multi = &event.multi_value_query_string_parameters;
    let values = if multi.is_empty() {
        of(&event.query_string_parameters)
    } else {
        of(multi)
    };
    values
        .into_iter()
        .filter(|(_, values)| !values.is_empty())
        .collect()
}

/// An event that can be read at all reaches the function with everything just as it was sent, or is refused with 400 for
/// a body that says it is base64 and is not.
pub fn check(bytes: &[u8]) {
    let Ok(event) = serde_json::from_slice::<ApiGatewayProxyRequest>(bytes) else {
        return;
    };
    let text = event.body.clone().unwrap_or_default();
    let body = if event.is_base64_encoded {
        STANDARD.decode(&text).ok()
    } else {
        Some(text.into_bytes())
    };
    let expected = body.map(|body| Seen {
        method: event.http_method.to_string(),
        route: event
            .resource
            .clone()
            .or_else(|| event.request_context.resource_path.clone())
            .unwrap_or_default(),
        id: event.request_context.request_id.clone().unwrap_or_default(),
        parameters: event.path_parameters.clone().into_iter().collect(),
        query: query(&event),
        body,
    });
    let keeper = Keeper::default();
    let answer = invoke(&keeper, event, Context::default())
        .now_or_never()
        .unwrap();
    let seen = keeper.0.into_inner().unwrap();
    assert_eq!(
        answer.status_code,
        if expected.is_some() { 200 } else { 400 }
    );
    assert_eq!(seen, expected);
}
