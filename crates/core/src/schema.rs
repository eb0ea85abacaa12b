//! The schemas of the domain's values, with their limits and patterns, for the OpenAPI document.
//!
//! Patterns use only what ECMA-262, Python and Rust interpret alike: no `\p`, no lookaround, no code point past U+FFFF.
//! They therefore leave unassigned characters, the upper planes and the rules for joiners to the descriptions, and
//! [`crate::text`] is stricter.

use std::borrow::Cow;

use serde_json::Value;
use utoipa::{
    PartialSchema, ToSchema,
    openapi::{
        KnownFormat, ObjectBuilder, Ref, RefOr, Schema, SchemaFormat, Type, schema::ArrayBuilder,
    },
};

use crate::{
    inventory::{
        AccountId, CreationDate, InstanceId, Package, PackageName, PackageVersion, Packages,
        PageLimit, Region,
    },
    scaling::{Capacity, DimensionId, FailureReason, UpdateTime},
};

/// The characters that no text may contain: control and format characters other than joiners, line and paragraph
/// separators, private-use characters, U+FFFD, noncharacters.
macro_rules! unprintable {
    () => {
        concat!(
            r"\u0000-\u001F\u007F-\u009F\u00AD\u0600-\u0605\u061C\u06DD\u070F\u0890\u0891\u08E2\u180E",
            r"\u200B\u200E\u200F\u2028-\u202E\u2060-\u206F\uE000-\uF8FF\uFDD0-\uFDEF\uFEFF\uFFF0-\uFFFB\uFFFD-\uFFFF"
        )
    };
}

/// Printable white space, which a trimmed text may not begin or end with.
macro_rules! space {
    () => {
        r" \u00A0\u1680\u2000-\u200A\u202F\u205F\u3000"
    };
}

const PRINTABLE: &str = concat!("^[^", unprintable!(), "]+$");
const WITHOUT_SLASH: &str = concat!("^[^/", unprintable!(), "]+$");
const TRIMMED: &str = concat!(
    "^[^",
    unprintable!(),
    space!(),
    "]([^",
    unprintable!(),
    "]*[^",
    unprintable!(),
    space!(),
    "])?$"
);

/// The schema of a text of the domain.
macro_rules! text {
    ($name:ident, $pattern:expr, $description:literal, $example:literal) => {
        impl PartialSchema for $name {
            fn schema() -> RefOr<Schema> {
                ObjectBuilder::new()
                    .schema_type(Type::String)
                    .description(Some($description))
                    .min_length(Some(1))
                    .max_length(Some($name::MAX_CHARS))
                    .pattern(Some($pattern))
                    .examples([Value::from($example)])
                    .into()
            }
        }

        impl ToSchema for $name {}
    };
}

text!(
    InstanceId,
    TRIMMED,
    "An instance's id, chosen by the client: printable text without white space around it, percent-encoded in a path.",
    "instance-002"
);
text!(
    Region,
    TRIMMED,
    "The region of an instance, as its client reports it. No white space around it.",
    "us-east-1"
);
text!(
    AccountId,
    TRIMMED,
    "The account of an instance, as its client reports it. No white space around it.",
    "123456789012"
);
text!(
    PackageName,
    TRIMMED,
    "A package's name. No white space around it.",
    "package-1"
);
text!(
    PackageVersion,
    TRIMMED,
    "A package's version. No white space around it.",
    "v1"
);
text!(
    DimensionId,
    WITHOUT_SLASH,
    "The id of a scalable target dimension. No slash; percent-encoded in a path.",
    "1-23456789"
);
text!(
    FailureReason,
    PRINTABLE,
    "Why scaling failed.",
    "No capacity of this type is left."
);

impl PartialSchema for Capacity {
    fn schema() -> RefOr<Schema> {
        ObjectBuilder::new()
            .schema_type(Type::Number)
            .format(Some(SchemaFormat::KnownFormat(KnownFormat::Double)))
            .description(Some("A capacity, in whatever unit the resource is scaled by. Keeps its fraction: 1.0, not 1."))
            .minimum(Some(0.0))
            .examples([Value::from(Capacity::INITIAL.get())])
            .into()
    }
}

impl ToSchema for Capacity {}

impl PartialSchema for PageLimit {
    fn schema() -> RefOr<Schema> {
        ObjectBuilder::new()
            .schema_type(Type::Integer)
            .minimum(Some(1))
            .maximum(Some(usize::from(PageLimit::MAX)))
            .default(Some(PageLimit::default().get().into()))
            .into()
    }
}

impl PartialSchema for CreationDate {
    fn schema() -> RefOr<Schema> {
        ObjectBuilder::new()
            .schema_type(Type::String)
            .description(Some("When the instance was added, in UTC."))
            .pattern(Some(
                r"^[0-9]{4}-[0-9]{2}-[0-9]{2} [0-9]{2}:[0-9]{2}:[0-9]{2}\.0$",
            ))
            .examples([Value::from("2019-03-06 02:45:32.0")])
            .into()
    }
}

impl ToSchema for CreationDate {}

impl PartialSchema for UpdateTime {
    fn schema() -> RefOr<Schema> {
        ObjectBuilder::new()
            .schema_type(Type::String)
            .format(Some(SchemaFormat::KnownFormat(KnownFormat::DateTime)))
            .description(Some("When a dimension was changed, in UTC."))
            .into()
    }
}

impl ToSchema for UpdateTime {}

impl PartialSchema for Packages {
    fn schema() -> RefOr<Schema> {
        ArrayBuilder::new()
            .items(Ref::from_schema_name(Package::name()))
            .max_items(Some(Packages::MAX))
            .into()
    }
}

impl ToSchema for Packages {
    fn name() -> Cow<'static, str> {
        "Packages".into()
    }

    fn schemas(schemas: &mut Vec<(String, RefOr<Schema>)>) {
        schemas.push((Package::name().into_owned(), Package::schema()));
        Package::schemas(schemas);
    }
}
