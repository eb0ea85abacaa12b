//! The scaling endpoint.

use fleet_core::{
    inventory::PageLimit,
    scaling::{DimensionId, StatusName},
};
use fleet_http::{
    ErrorCode, NextToken,
    dimension::{ChangedDimension, DimensionState},
};
use scalable_dimension_list::ListDimensionsResponse;
use scalable_dimension_patch::PatchRequest;
use serde_json::{Value, json};
use utoipa::openapi::{
    HeaderBuilder, HttpMethod, ResponseBuilder, link::LinkBuilder, path::Parameter,
};

use crate::{
    errors::{ErrorShape, OperationErrors, REQUEST_ID},
    operation::{
        DocumentPart, answer, body, in_header, in_path, in_query, in_query_as, needs_signature,
        operation, with_answers,
    },
};

pub(crate) const TAG: &str = "scaling";

const PARAMETER: &str = "scalableTargetDimensionId";

/// Adds the endpoint's routes and schemas.
pub(crate) fn describe(part: &mut DocumentPart) {
    part.schema::<DimensionState>();
    part.schema::<PatchRequest>();
    part.schema::<ListDimensionsResponse>();
    part.schema::<ChangedDimension>();
    for (version, suffix) in [("", ""), ("/v1", "V1")] {
        let all = format!("{version}/scalableTargetDimensions");
        list(part, &all, suffix);
        let path = format!("{all}/{{{PARAMETER}}}");
        get(part, &path, suffix);
        patch(part, &path, suffix);
    }
}

const ERRORS: OperationErrors<'static> = OperationErrors {
    shape: ErrorShape::Standard,
    bad_request: &[(
        "id",
        ErrorCode::InvalidParameter,
        "scalableTargetDimensionId must be at most 255 characters long, but has 300.",
    )],
    not_found: None,
    takes_body: false,
    asks_store: true,
    guarded: true,
};

fn id_parameter() -> Parameter {
    in_path::<DimensionId>(PARAMETER, "The dimension's id.", "1-23456789".into())
}

fn state(desired: f64, status: &str) -> Value {
    json!({
        "scalableTargetDimensionId": "1-23456789",
        "version": "MyVersion",
        "resourceName": "MyService",
        "dimensionName": "MyDimension",
        "actualCapacity": 1.0,
        "desiredCapacity": desired,
        "scalingStatus": status,
    })
}

/// Adds the header that identifies the state.
fn tagged(response: ResponseBuilder) -> ResponseBuilder {
    let header = HeaderBuilder::new()
        .description(Some(
            "Identifies this state; every change gives the dimension a new one.",
        ))
        .example(Some(format!("\"{REQUEST_ID}\"").into()));
    response.header("ETag", header.build())
}

fn list(part: &mut DocumentPart, path: &str, suffix: &str) {
    let errors = OperationErrors {
        bad_request: &[
            (
                "limit",
                ErrorCode::InvalidParameter,
                "limit must be a whole number from 1 to 100.",
            ),
            (
                "status",
                ErrorCode::InvalidParameter,
                "scalingStatus must be one of Pending, InProgress, Successful, Failed.",
            ),
        ],
        ..ERRORS
    };
    let mut pending = state(2.0, "Pending");
    pending["updatedAt"] = "2026-01-05T08:00:00.000Z".into();
    let page = json!({ "dimensions": [pending] });
    let operation = operation(
        &format!("listDimensions{suffix}"),
        TAG,
        "List dimensions",
        "The stored dimensions: those that were changed at least once. An owner of many finds those that wait with one \
         request. This changes no state, not even in demo mode.",
    )
    .parameter(in_query_as::<StatusName>("scalingStatus", "Only dimensions with this status."))
    .parameter(in_query::<PageLimit>("limit", "The maximum number of dimensions on a page."))
    .parameter(in_query_as::<NextToken>("next_token", "The `next_token` of the previous page, unchanged."))
    .security(needs_signature())
    .response("200", answer::<ListDimensionsResponse>("A page.", &[("", page)]).build());
    part.route(
        HttpMethod::Get,
        path,
        with_answers(operation, errors.answers()),
    );
}

fn get(part: &mut DocumentPart, path: &str, suffix: &str) {
    let mut failed = state(2.0, "Failed");
    failed["failureReason"] = "No capacity of this type is left.".into();
    let examples = [
        ("initial", state(1.0, "Successful")),
        ("under way", state(2.0, "InProgress")),
        ("failed", failed),
    ];
    let operation = operation(
        &format!("getDimension{suffix}"),
        TAG,
        "Get a dimension",
        "The state of a dimension; the initial state if it was never changed. In demo mode, each read first moves the state \
         one step, from `Pending` through `InProgress` to `Successful`; in production mode, reads change nothing.",
    )
    .parameter(id_parameter())
    .security(needs_signature())
    .response("200", tagged(answer::<DimensionState>("The state.", &examples)).build());
    part.route(
        HttpMethod::Get,
        path,
        with_answers(operation, ERRORS.answers()),
    );
}

fn patch(part: &mut DocumentPart, path: &str, suffix: &str) {
    let errors = OperationErrors {
        bad_request: &[
            (
                "capacity",
                ErrorCode::InvalidField,
                "Illegal desired capacity -1.0",
            ),
            (
                "missing",
                ErrorCode::InvalidField,
                "desiredCapacity is missing.",
            ),
            (
                "field",
                ErrorCode::UnknownField,
                "Unknown field `colour`; only desiredCapacity is allowed.",
            ),
        ],
        takes_body: true,
        ..ERRORS
    };
    let mut changed = state(2.0, "Pending");
    changed["code"] = ErrorCode::PreconditionFailed.as_str().into();
    changed["message"] =
        "The dimension has changed: If-Match does not match its current state.".into();
    changed["request_id"] = REQUEST_ID.into();
    let link = LinkBuilder::new()
        .operation_id(format!("getDimension{suffix}"))
        .parameter(PARAMETER, format!("$request.path.{PARAMETER}"))
        .description("Gets the progress of the scaling.")
        .build();
    let operation = operation(
        &format!("patchDimension{suffix}"),
        TAG,
        "Change a dimension",
        "Demo mode accepts only `desiredCapacity`. Production mode merges the fields that are sent. A new desired capacity \
         makes the status `Pending`, whatever status was sent with it; an equal one changes nothing, except that it retries \
         after `Failed`. A report of `Successful` with an actual capacity other than the desired one is late: the status \
         becomes `Pending`.",
    )
    .parameter(id_parameter())
    .parameter(in_header(
        "If-Match",
        "The `ETag` of the state to change; if the state is another one, nothing changes and the response is a 412. `*` and \
         lists of tags are accepted too.",
        r#"^(\*|"[!#-~]*")$"#,
        format!("\"{REQUEST_ID}\"").into(),
    ))
    .request_body(Some(body::<PatchRequest>("The change.", &[("", json!({ "desiredCapacity": 2.0 }))])))
    .security(needs_signature())
    .response("200", tagged(answer::<DimensionState>("The new state.", &[("", state(2.0, "Pending"))])).link("get", link).build())
    .response("412", tagged(answer::<ChangedDimension>("`If-Match` does not match the current state.", &[("", changed)])).build());
    part.route(
        HttpMethod::Patch,
        path,
        with_answers(operation, errors.answers()),
    );
}
