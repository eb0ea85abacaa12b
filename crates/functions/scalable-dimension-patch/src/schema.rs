//! The schema of a change, which says more than its type: a reason goes only with `Failed`.

use fleet_core::scaling::{Capacity, FailureReason, StatusName};
use utoipa::{
    PartialSchema, ToSchema,
    openapi::{ObjectBuilder, OneOfBuilder, Ref, RefOr, Schema, Type},
};

use crate::PatchRequest;

impl PartialSchema for PatchRequest {
    fn schema() -> RefOr<Schema> {
        OneOfBuilder::new()
            .description(Some("The body of a PATCH."))
            .item(Ref::from_schema_name("DimensionChange"))
            .item(Ref::from_schema_name("DimensionFailure"))
            .into()
    }
}

impl ToSchema for PatchRequest {
    fn name() -> std::borrow::Cow<'static, str> {
        "DimensionPatch".into()
    }

    fn schemas(schemas: &mut Vec<(String, RefOr<Schema>)>) {
        schemas.push(("DimensionChange".to_owned(), change()));
        schemas.push(("DimensionFailure".to_owned(), failure()));
        schemas.push((StatusName::name().into_owned(), StatusName::schema()));
        schemas.push((Capacity::name().into_owned(), Capacity::schema()));
        schemas.push((FailureReason::name().into_owned(), FailureReason::schema()));
    }
}

fn change() -> RefOr<Schema> {
    capacities(
        "A change. Demo mode requires `desiredCapacity` and accepts nothing else; production mode requires at least one field.",
    )
    .property("scalingStatus", Ref::from_schema_name(StatusName::name()))
    .into()
}

fn failure() -> RefOr<Schema> {
    let failed = ObjectBuilder::new()
        .schema_type(Type::String)
        .enum_values(Some([StatusName::Failed.as_str()]));
    capacities(
        "A change to `Failed` with its reason; production mode only. The status may be omitted if it already is `Failed`.",
    )
    .property("scalingStatus", failed)
    .property("failureReason", Ref::from_schema_name(FailureReason::name()))
    .required("failureReason")
    .into()
}

fn capacities(description: &str) -> ObjectBuilder {
    ObjectBuilder::new()
        .schema_type(Type::Object)
        .description(Some(description))
        .min_properties(Some(1))
        .property("desiredCapacity", Ref::from_schema_name(Capacity::name()))
        .property("actualCapacity", Ref::from_schema_name(Capacity::name()))
}
