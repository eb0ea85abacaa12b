//! The HTTP layer that every function shares.
//!
//! A function implements [`Function`] and its `main` passes it to [`run`]. Between the two is [`invoke`], the only way
//! from an API Gateway event to a response: it builds the request, calls the function, turns an error into a response
//! ([`ApiError`]) and writes one log line. The local server calls the same [`invoke`], so every host behaves alike.

mod authorizer;
mod body;
mod bounded_json;
mod collection;
pub mod dimension;
mod error;
mod error_body;
mod error_code;
mod event;
mod field_reader;
mod function;
mod host;
mod if_match;
mod json_lines;
mod metrics;
mod next_token;
mod parameters;
mod query;
mod raw_event;
mod rehearsal;
mod request;
mod request_line;
mod response;
mod runtime;
mod shown;
mod status;
mod suggestion;
pub mod telemetry;
mod xray;

pub use authorizer::{Authorizer, AuthorizerError, run_authorizer};
pub use body::{JsonBody, invalid_field};
pub use collection::{Collection, Entry, EntryId, ServiceHealth};
pub use error::{ApiError, InvalidInput};
pub use error_body::{ErrorBody, ErrorFields};
pub use error_code::ErrorCode;
pub use function::{DynFunction, Function, Route, invoke};
pub use if_match::IfMatch;
pub use lambda_http::{
    Body, Context, Request,
    aws_lambda_events::apigw::{ApiGatewayProxyRequest, ApiGatewayProxyResponse},
    http::{HeaderValue, StatusCode, header::RETRY_AFTER},
};
pub use next_token::NextToken;
pub use query::Query;
pub use rehearsal::rehearsal;
pub use request::{base_path, path_parameter, request_id, route};
pub use response::{Response, cacheable, json, json_text, note_error};
pub use runtime::run;
pub use status::Status;
