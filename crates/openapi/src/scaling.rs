//! The scaling endpoint.

use serde_json::{Value, json};
use utoipa::{
    PartialSchema, ToSchema,
    openapi::{HttpMethod, ObjectBuilder, RefOr, Schema, Type, link::LinkBuilder, path::Parameter},
};

use crate::{
    errors::{Errors, Shape},
    operation::{Part, answer, body, in_path, needs_signature, operation, refer, with_answers},
    texts::{Capacity, DimensionId, FailureReason},
};

pub(crate) const TAG: &str = "scaling";

const PARAMETER: &str = "scalableTargetDimensionId";

/// How far scaling to the desired capacity has come.
#[derive(ToSchema)]
#[expect(dead_code, reason = "a shape to describe, never made")]
enum ScalingStatus {
    Pending,
    InProgress,
    Successful,
    Failed,
}

/// The state of a scalable target dimension.
#[derive(ToSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
#[expect(dead_code, reason = "a shape to describe, never made")]
struct ScalableTargetDimension {
    scalable_target_dimension_id: DimensionId,
    /// The same for every dimension, and constant: a target is dropped when it changes.
    #[schema(min_length = 1, example = "MyVersion")]
    version: String,
    /// The resource that is scaled.
    #[schema(min_length = 1, example = "MyService")]
    resource_name: String,
    /// What of it is scaled.
    #[schema(min_length = 1, example = "MyDimension")]
    dimension_name: String,
    actual_capacity: Capacity,
    desired_capacity: Capacity,
    scaling_status: ScalingStatus,
    /// Only with the status `Failed`.
    #[schema(nullable = false)]
    failure_reason: Option<FailureReason>,
}

/// A change. In demo mode `desiredCapacity` must be there, alone; in production mode any of the first three.
struct DimensionChange;

impl PartialSchema for DimensionChange {
    fn schema() -> RefOr<Schema> {
        change()
            .property("scalingStatus", refer::<ScalingStatus>())
            .into()
    }
}

impl ToSchema for DimensionChange {}

/// A change to `Failed` with its reason; production mode only. The status may be left out where it is `Failed` already.
struct DimensionFailure;

impl PartialSchema for DimensionFailure {
    fn schema() -> RefOr<Schema> {
        let failed = ObjectBuilder::new()
            .schema_type(Type::String)
            .enum_values(Some(["Failed"]));
        change()
            .property("scalingStatus", failed)
            .property("failureReason", refer::<FailureReason>())
            .required("failureReason")
            .into()
    }
}

impl ToSchema for DimensionFailure {}

fn change() -> ObjectBuilder {
    ObjectBuilder::new()
        .schema_type(Type::Object)
        .min_properties(Some(1))
        .property("desiredCapacity", refer::<Capacity>())
        .property("actualCapacity", refer::<Capacity>())
        .additional_properties(Some(
            utoipa::openapi::schema::AdditionalProperties::<Schema>::FreeForm(false),
        ))
}

/// What a PATCH may bring.
#[derive(ToSchema)]
#[serde(untagged)]
#[expect(dead_code, reason = "a shape to describe, never made")]
enum DimensionPatch {
    Change(DimensionChange),
    Failure(DimensionFailure),
}

/// Adds the endpoint's routes and schemas.
pub(crate) fn describe(part: &mut Part) {
    part.schema::<ScalableTargetDimension>();
    part.schema::<DimensionPatch>();
    part.schema::<ScalingStatus>();
    for (version, suffix) in [("", ""), ("/v1", "V1")] {
        let path = format!("{version}/scalableTargetDimensions/{{{PARAMETER}}}");
        get(part, &path, suffix);
        patch(part, &path, suffix);
    }
}

const ERRORS: Errors<'static> = Errors {
    shape: Shape::Standard,
    bad_request: &[(
        "id",
        "scalableTargetDimensionId must be at most 255 characters long, but has 300.",
    )],
    not_found: None,
    takes_body: false,
    asks_store: true,
    guarded: true,
};

fn id_parameter() -> Parameter {
    in_path::<DimensionId>(PARAMETER, "Which dimension.", "1-23456789".into())
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

fn get(part: &mut Part, path: &str, suffix: &str) {
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
        "The state of a dimension; the initial one for an id that was never changed. In demo mode a look first moves the state one \
         step, from `Pending` by `InProgress` to `Successful`; in production mode it changes nothing.",
    )
    .parameter(id_parameter())
    .security(needs_signature())
    .response("200", answer::<ScalableTargetDimension>("The state.", &examples).build());
    part.route(
        HttpMethod::Get,
        path,
        with_answers(operation, ERRORS.answers()),
    );
}

fn patch(part: &mut Part, path: &str, suffix: &str) {
    let errors = Errors {
        bad_request: &[
            ("capacity", "Illegal desired capacity -1.0"),
            ("missing", "desiredCapacity is missing."),
            (
                "field",
                "colour is not a known field; allowed are desiredCapacity.",
            ),
        ],
        takes_body: true,
        ..ERRORS
    };
    let link = LinkBuilder::new()
        .operation_id(format!("getDimension{suffix}"))
        .parameter(PARAMETER, format!("$request.path.{PARAMETER}"))
        .description("How far scaling has come.")
        .build();
    let operation = operation(
        &format!("patchDimension{suffix}"),
        TAG,
        "Change a dimension",
        "Demo mode takes `desiredCapacity` alone. Production mode merges whichever fields come. A desired capacity that differs makes \
         the status `Pending`, whatever status came with it; an equal one changes nothing.",
    )
    .parameter(id_parameter())
    .request_body(Some(body::<DimensionPatch>("What to change.", &[("", json!({ "desiredCapacity": 2.0 }))])))
    .security(needs_signature())
    .response("200", answer::<ScalableTargetDimension>("The state after it.", &[("", state(2.0, "Pending"))]).link("get", link).build());
    part.route(
        HttpMethod::Patch,
        path,
        with_answers(operation, errors.answers()),
    );
}
