//! Makes every object in the document forbid other properties.

use std::collections::BTreeMap;

use utoipa::openapi::{
    Object, RefOr, Schema,
    schema::{AdditionalProperties, AllOf, SchemaType, Type},
};

type Schemas = BTreeMap<String, RefOr<Schema>>;

/// The schemas by name, each closed. A schema composed of several (a type with a flattened field) becomes one object,
/// since a closed part would forbid the properties of the others.
pub(crate) fn schemas(gathered: Vec<(String, RefOr<Schema>)>) -> Schemas {
    let all: Schemas = gathered.into_iter().collect();
    let closed = all.iter().map(|(name, schema)| {
        let schema = match schema {
            RefOr::T(Schema::AllOf(parts)) => RefOr::T(Schema::Object(merged(parts, &all))),
            other => other.clone(),
        };
        (name.clone(), close(schema))
    });
    closed.collect()
}

fn close(schema: RefOr<Schema>) -> RefOr<Schema> {
    match schema {
        RefOr::T(Schema::Object(mut object)) => {
            let is_object = matches!(object.schema_type, SchemaType::Type(Type::Object));
            if is_object && object.additional_properties.is_none() {
                object.additional_properties =
                    Some(Box::new(AdditionalProperties::FreeForm(false)));
            }
            RefOr::T(Schema::Object(object))
        }
        other => other,
    }
}

/// All properties of the parts, with the description of the whole.
fn merged(parts: &AllOf, all: &Schemas) -> Object {
    let mut whole = Object::new();
    for part in &parts.items {
        let part = match part {
            RefOr::Ref(reference) => reference
                .ref_location
                .rsplit('/')
                .next()
                .and_then(|name| all.get(name)),
            part => Some(part),
        };
        let Some(RefOr::T(Schema::Object(part))) = part else {
            unreachable!("only structs are flattened")
        };
        whole.properties.extend(part.properties.clone());
        whole.required.extend(part.required.iter().cloned());
    }
    whole.schema_type = SchemaType::Type(Type::Object);
    whole.description.clone_from(&parts.description);
    whole
}
