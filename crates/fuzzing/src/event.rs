//! The conversion of API Gateway's events to the requests that functions see.

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
use percent_encoding::percent_decode_str;

/// Query parameters, each with its values.
type QueryParameters = BTreeMap<String, Vec<String>>;

/// A request as a function saw it.
#[derive(Debug, PartialEq)]
struct RequestView {
    method: String,
    route: String,
    id: String,
    parameters: BTreeMap<String, String>,
    query: QueryParameters,
    body: Vec<u8>,
}

/// Stores the request that it gets.
#[derive(Default)]
struct Keeper(Mutex<Option<RequestView>>);

impl Function for Keeper {
    const NAME: &'static str = "keeper";
    const ROUTES: &'static [Route] = &[];

    async fn call(&self, request: Request) -> Result<Response, ApiError> {
        let pairs = |map: &lambda_http::aws_lambda_events::query_map::QueryMap| {
            map.iter()
                .map(|(name, value)| (name.to_owned(), value.to_owned()))
                .collect::<Vec<_>>()
        };
        let mut query = QueryParameters::new();
        for (name, value) in request
            .query_string_parameters_ref()
            .map(pairs)
            .unwrap_or_default()
        {
            query.entry(name).or_default().push(value);
        }
        let seen = RequestView {
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

/// The values of a query, in the event's form.
fn query(event: &ApiGatewayProxyRequest) -> QueryParameters {
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

/// A path parameter as another decoder reads it; `None` if it is not percent-encoded UTF-8.
fn decoded(raw: &str) -> Option<String> {
    let is_digit = |at: usize| raw.as_bytes().get(at).is_some_and(u8::is_ascii_hexdigit);
    let is_encoding = raw
        .match_indices('%')
        .all(|(at, _)| is_digit(at + 1) && is_digit(at + 2));
    let text = percent_decode_str(raw).decode_utf8().ok()?;
    (is_encoding && !text.contains('\u{FFFD}')).then(|| text.into_owned())
}

/// A readable event reaches the function unchanged, with path parameters decoded, or is rejected with 400 for a
/// parameter that is not UTF-8 or a body that is declared as base64 but is not.
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
    let parameters: Option<BTreeMap<String, String>> = event
        .path_parameters
        .iter()
        .map(|(name, value)| Some((name.clone(), decoded(value)?)))
        .collect();
    let query = query(&event);
    let is_text = |text: &String| !text.contains('\u{FFFD}');
    let is_utf_8 = query
        .iter()
        .all(|(name, values)| is_text(name) && values.iter().all(is_text));
    let readable = body.zip(parameters).filter(|_| is_utf_8);
    let expected = readable.map(|(body, parameters)| RequestView {
        method: event.http_method.to_string(),
        route: event
            .resource
            .clone()
            .or_else(|| event.request_context.resource_path.clone())
            .unwrap_or_default(),
        id: event.request_context.request_id.clone().unwrap_or_default(),
        parameters,
        query,
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
