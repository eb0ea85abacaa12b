//! The reader of bodies.

use std::{collections::BTreeSet, fmt};

use fleet_http::{ApiError, Body, ErrorCode, JsonBody, Request};
use serde::{
    Deserialize, Deserializer, Serialize,
    de::{IgnoredAny, MapAccess, SeqAccess, Visitor},
};
use serde_json::{Map, Value};

/// The most values in a body, as in `JsonBody::read`.
const MAX_VALUES: usize = 100_000;

/// Counts a body's values and finds duplicate keys: a second reader's result for the same text.
#[derive(Clone, Copy, Debug)]
struct BodyShape {
    values: usize,
    twice: bool,
}

impl<'de> Deserialize<'de> for BodyShape {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ShapeOf)
    }
}

struct ShapeOf;

const ONE: BodyShape = BodyShape {
    values: 1,
    twice: false,
};

impl<'de> Visitor<'de> for ShapeOf {
    type Value = BodyShape;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_unit<E>(self) -> Result<BodyShape, E> {
        Ok(ONE)
    }

    fn visit_bool<E>(self, _: bool) -> Result<BodyShape, E> {
        Ok(ONE)
    }

    fn visit_i64<E>(self, _: i64) -> Result<BodyShape, E> {
        Ok(ONE)
    }

    fn visit_u64<E>(self, _: u64) -> Result<BodyShape, E> {
        Ok(ONE)
    }

    fn visit_f64<E>(self, _: f64) -> Result<BodyShape, E> {
        Ok(ONE)
    }

    fn visit_str<E>(self, _: &str) -> Result<BodyShape, E> {
        Ok(ONE)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut entries: A) -> Result<BodyShape, A::Error> {
        let mut all = ONE;
        while let Some(BodyShape { values, twice }) = entries.next_element()? {
            all = BodyShape {
                values: all.values + values,
                twice: all.twice || twice,
            };
        }
        Ok(all)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut fields: A) -> Result<BodyShape, A::Error> {
        let (mut all, mut names) = (ONE, BTreeSet::new());
        while let Some((name, BodyShape { values, twice })) =
            fields.next_entry::<String, BodyShape>()?
        {
            all = BodyShape {
                values: all.values + values,
                twice: all.twice || twice || !names.insert(name),
            };
        }
        Ok(all)
    }
}

fn body(text: Body) -> Result<JsonBody, ApiError> {
    JsonBody::read(&Request::new(text))
}

/// Fields as functions declare them.
#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields, expecting = "an object")]
struct Fields {
    #[serde(skip_serializing_if = "Option::is_none")]
    aws_region: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    packages: Option<Vec<PackageFields>>,
    #[serde(skip_serializing_if = "Option::is_none", rename = "desiredCapacity")]
    desired_capacity: Option<f64>,
}

#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields, expecting = "an object")]
struct PackageFields {
    #[serde(skip_serializing_if = "Option::is_none")]
    package_name: Option<String>,
}

/// Whether [`Fields`] has this field with a value of this type.
fn is_field(name: &str, value: &Value) -> bool {
    let is_package = |entry: &Value| {
        let fields = entry.as_object();
        fields.is_some_and(|fields| {
            let mut fields = fields.iter();
            fields.all(|(name, value)| name == "package_name" && value.is_string())
        })
    };
    match name {
        "aws_region" => value.is_string(),
        "desiredCapacity" => value.is_number(),
        "packages" => value
            .as_array()
            .is_some_and(|entries| entries.iter().all(is_package)),
        _ => false,
    }
}

/// Converts numbers to doubles, since the fields are read into them.
fn as_doubles(mut fields: Map<String, Value>) -> Value {
    if let Some(number) = fields.get_mut("desiredCapacity") {
        *number = number.as_f64().into();
    }
    Value::Object(fields)
}

/// A body is accepted if and only if another reader finds it to be a JSON object within the bounds. Its fields are the
/// ones that this reader found, and a field that is unknown or has the wrong type is rejected by name.
pub fn check(bytes: &[u8]) {
    let taken_body = body(Body::Binary(bytes.to_vec()));
    let Ok(text) = std::str::from_utf8(bytes) else {
        assert_eq!(
            taken_body.unwrap_err().to_string(),
            "The request body must be UTF-8 text."
        );
        return;
    };
    let value: Result<Value, _> = serde_json::from_str(text);
    let within = || {
        serde_json::from_str::<BodyShape>(text)
            .is_ok_and(|shape| shape.values <= MAX_VALUES && !shape.twice)
    };
    let object = match (taken_body, &value) {
        (Ok(object), Ok(Value::Object(_))) if within() => object,
        (Ok(_), _) => panic!("a body was taken that is no object within the bounds"),
        (Err(error), value) => {
            let is_object = matches!(value, Ok(Value::Object(_)));
            assert!(!(is_object && within()), "{error}");
            assert!(
                error.code() == ErrorCode::InvalidBody && error.to_string().ends_with('.'),
                "{error}"
            );
            // Valid JSON that we reject is not reported as malformed.
            let is_json = serde_json::from_str::<IgnoredAny>(text).is_ok() && value.is_ok();
            assert!(
                !(is_json && error.to_string().contains("not valid JSON")),
                "{error}"
            );
            return;
        }
    };
    let Ok(Value::Object(fields)) = value else {
        return;
    };
    // It survives being written and read again.
    let again = serde_json::to_string(&fields).unwrap();
    assert!(body(Body::Text(again.clone())).is_ok());
    assert_eq!(
        serde_json::from_str::<Map<String, Value>>(&again).unwrap(),
        fields
    );
    let is_taken = fields.iter().all(|(name, value)| is_field(name, value));
    match object.into::<Fields>() {
        Ok(read) => {
            assert!(
                is_taken,
                "fields were accepted that the route does not have"
            );
            assert_eq!(serde_json::to_value(read).unwrap(), as_doubles(fields));
        }
        Err(error) => {
            let refused = error.to_string();
            assert!(!is_taken, "{refused}");
            let named = [
                "aws_region ",
                "desiredCapacity ",
                "packages ",
                "packages[",
                "Unknown field `",
            ];
            assert!(
                named.iter().any(|name| refused.starts_with(name)) && refused.ends_with('.'),
                "{refused}"
            );
        }
    }
}
