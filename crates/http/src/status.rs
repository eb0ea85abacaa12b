//! Whether something is well.

use serde::Serialize;

/// Whether a service or a store responds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub enum Status {
    /// It does.
    Ok,
    /// It does not.
    Unavailable,
}

#[cfg(feature = "schema")]
impl Status {
    /// The schema of a status that is always `ok`.
    #[must_use]
    pub fn ok_schema() -> utoipa::openapi::Schema {
        only("ok")
    }

    /// The schema of a status that is always `unavailable`.
    #[must_use]
    pub fn unavailable_schema() -> utoipa::openapi::Schema {
        only("unavailable")
    }
}

#[cfg(feature = "schema")]
fn only(word: &str) -> utoipa::openapi::Schema {
    utoipa::openapi::ObjectBuilder::new()
        .schema_type(utoipa::openapi::Type::String)
        .enum_values(Some([word]))
        .into()
}
