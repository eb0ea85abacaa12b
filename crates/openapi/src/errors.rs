//! The errors, of the functions and of API Gateway before them.

use fleet_http::{ErrorCode, ErrorFields};
use serde_json::{Value, json};
use utoipa::{
    PartialSchema, ToSchema,
    openapi::{
        HeaderBuilder, Object, ObjectBuilder, Ref, RefOr, Response, Schema, Type,
        response::ResponseBuilder,
    },
};

use crate::operation::{DocumentPart, answer};

/// An example of a request id.
pub(crate) const REQUEST_ID: &str = "43e53bc4-bb40-4a0e-9de4-d04b61ed0c18";

/// An error body of a function: [`ErrorFields`] without `error_message`.
struct Error;

impl PartialSchema for Error {
    fn schema() -> RefOr<Schema> {
        let mut fields = fields();
        fields.properties.remove("error_message");
        fields.into()
    }
}

impl ToSchema for Error {}

/// An error body of the inventory: the same sentence under two keys.
struct InventoryError;

impl PartialSchema for InventoryError {
    fn schema() -> RefOr<Schema> {
        let mut fields = fields();
        fields.required.push("error_message".to_owned());
        fields.description =
            Some("An error of the inventory: the same sentence under two keys.".to_owned());
        fields.into()
    }
}

impl ToSchema for InventoryError {}

/// API Gateway's error for a request that it does not pass to any function. The template's `GatewayResponses` give it
/// our shape, except `Missing Authentication Token`; a local server, which replaces API Gateway, adds `error_message`
/// only on the inventory's routes.
struct GatewayError;

impl PartialSchema for GatewayError {
    fn schema() -> RefOr<Schema> {
        let mut fields = fields();
        fields.required = vec!["message".to_owned()];
        fields.description = Some(
            "The error of a request that API Gateway does not pass to any function. With `Missing Authentication Token` it \
             has no other field."
                .to_owned(),
        );
        fields.into()
    }
}

impl ToSchema for GatewayError {}

/// The fields of every error body.
fn fields() -> Object {
    match ErrorFields::schema() {
        RefOr::T(Schema::Object(object)) => object,
        _ => unreachable!("ErrorFields is a struct"),
    }
}

/// Adds the schemas of the errors, and the responses that operations refer to.
pub(crate) fn describe(part: &mut DocumentPart) {
    part.schema::<ErrorCode>();
    part.schema::<Error>();
    part.schema::<InventoryError>();
    part.schema::<GatewayError>();
    let mut add = |name: &str, response: ResponseBuilder| {
        part.responses.push((name.to_owned(), response.build()))
    };
    let unknown = "The caller is not allowed to do this: no key or signature, an unknown one, or one without the permission.";
    let unreadable = "The path or the query string must be percent-encoded UTF-8.";
    add(
        "BadRequest",
        by_gateway(
            unreadable,
            ErrorCode::InvalidRequest,
            "The query string must be percent-encoded UTF-8.",
        ),
    );
    add(
        "Unauthorized",
        by_gateway(
            "If the stack names an issuer of tokens: the token is missing or invalid.",
            ErrorCode::Unauthorized,
            "This route requires a token. Send a valid one in the header authorization: Bearer TOKEN.",
        ),
    );
    add(
        "Forbidden",
        by_gateway(
            unknown,
            ErrorCode::Forbidden,
            "This route requires an API key. Send a valid one in the header x-api-key.",
        ),
    );
    add(
        "BodyTooLarge",
        by_gateway(
            "The body is larger than 10 MiB.",
            ErrorCode::PayloadTooLarge,
            "The request body must be at most 10485760 bytes.",
        ),
    );
    add(
        "TooManyRequests",
        wait(
            by_gateway(
                "More requests than the usage plan or the route allows.",
                ErrorCode::Throttled,
                "Too many requests. The header Retry-After says how many seconds to wait.",
            ),
            1,
        ),
    );
    add(
        "BadGateway",
        by_gateway(
            "The function ended before it responded.",
            ErrorCode::Internal,
            "Internal server error",
        ),
    );
    add(
        "TimedOut",
        by_gateway(
            "No response within 29 seconds.",
            ErrorCode::Timeout,
            "Endpoint request timed out",
        ),
    );
    for shape in [ErrorShape::Standard, ErrorShape::Inventory] {
        let fault = shape.example(
            ErrorCode::Internal,
            "Internal error. It has been logged with this request id.",
        );
        add(
            shape.fault(),
            shape.answer("An internal error.", &[("", fault)]),
        );
        let away = shape.example(
            ErrorCode::Unavailable,
            "The service is temporarily unavailable. Try again in 15 s.",
        );
        add(
            shape.away(),
            wait(
                shape.answer(
                    "A store is unavailable: a paused database that is resuming, for example.",
                    &[("", away)],
                ),
                15,
            ),
        );
    }
}

/// The shape of the error bodies of a group of functions.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum ErrorShape {
    /// `code`, `message` and `request_id`.
    Standard,
    /// `error_message` as well.
    Inventory,
}

/// The errors of an operation, besides those that every operation has.
pub(crate) struct OperationErrors<'a> {
    /// The errors' shape.
    pub(crate) shape: ErrorShape,
    /// The examples of a 400: their names, with code and message; empty if no input can be invalid.
    pub(crate) bad_request: &'a [(&'a str, ErrorCode, &'a str)],
    /// The message of a 404, if there can be one.
    pub(crate) not_found: Option<&'a str>,
    /// Whether it has a body, which may be too large.
    pub(crate) takes_body: bool,
    /// Whether it uses a store, which may be unavailable.
    pub(crate) asks_store: bool,
    /// Whether API Gateway requires a key or a signature.
    pub(crate) guarded: bool,
}

impl OperationErrors<'_> {
    /// The responses.
    pub(crate) fn answers(&self) -> Vec<(&'static str, RefOr<Response>)> {
        let mut answers = Vec::new();
        let shared = |name: &str| Ref::from_response_name(name).into();
        if self.bad_request.is_empty() {
            answers.push(("400", shared("BadRequest")));
        } else {
            let examples: Vec<_> = self
                .bad_request
                .iter()
                .map(|(name, code, sentence)| (*name, self.shape.example(*code, sentence)))
                .collect();
            answers.push((
                "400",
                self.shape
                    .answer(
                        "Invalid input; `message` says what is wrong and where.",
                        &examples,
                    )
                    .into(),
            ));
        }
        if self.guarded && self.shape == ErrorShape::Inventory {
            answers.push(("401", shared("Unauthorized")));
        }
        if self.guarded {
            answers.push(("403", shared("Forbidden")));
        }
        if let Some(sentence) = self.not_found {
            answers.push((
                "404",
                self.shape
                    .answer(
                        "It does not exist.",
                        &[("", self.shape.example(ErrorCode::NotFound, sentence))],
                    )
                    .into(),
            ));
        }
        if self.takes_body {
            answers.push(("413", shared("BodyTooLarge")));
        }
        answers.push(("429", shared("TooManyRequests")));
        answers.push(("500", shared(self.shape.fault())));
        answers.push(("502", shared("BadGateway")));
        if self.asks_store {
            answers.push(("503", shared(self.shape.away())));
        }
        answers.push(("504", shared("TimedOut")));
        answers
    }
}

impl ErrorShape {
    fn fault(self) -> &'static str {
        match self {
            Self::Standard => "Fault",
            Self::Inventory => "InventoryFault",
        }
    }

    fn away(self) -> &'static str {
        match self {
            Self::Standard => "Unavailable",
            Self::Inventory => "InventoryUnavailable",
        }
    }

    fn answer(self, description: &str, examples: &[(&str, Value)]) -> ResponseBuilder {
        match self {
            Self::Standard => answer::<Error>(description, examples),
            Self::Inventory => answer::<InventoryError>(description, examples),
        }
    }

    fn example(self, code: ErrorCode, sentence: &str) -> Value {
        let mut body =
            json!({ "code": code.as_str(), "message": sentence, "request_id": REQUEST_ID });
        if self == Self::Inventory {
            body["error_message"] = sentence.into();
        }
        body
    }
}

fn by_gateway(description: &str, code: ErrorCode, message: &str) -> ResponseBuilder {
    answer::<GatewayError>(
        description,
        &[("", ErrorShape::Inventory.example(code, message))],
    )
}

/// Adds the header with the time until a retry.
pub(crate) fn wait(response: ResponseBuilder, example: u32) -> ResponseBuilder {
    let seconds = ObjectBuilder::new()
        .schema_type(Type::Integer)
        .minimum(Some(1));
    let header = HeaderBuilder::new()
        .schema(Some(seconds))
        .description(Some("How many seconds to wait before the next try."))
        .example(Some(example.into()));
    response.header("Retry-After", header.build())
}
