//! From a body's text to fields.

use std::{collections::BTreeSet, convert::Infallible, fmt};

use fleet_http::{ApiError, Body, ErrorCode, Object, Request};
use serde::{
    Deserialize, Deserializer,
    de::{IgnoredAny, MapAccess, SeqAccess, Visitor},
};
use serde_json::{Map, Value};

/// The most values of a body, as `Object::body` says.
const MAX_VALUES: usize = 100_000;

/// A body's values counted, and whether a key stands twice in an object: what a second reader makes of the same text.
#[derive(Clone, Copy, Debug)]
struct Shape {
    values: usize,
    twice: bool,
}

impl<'de> Deserialize<'de> for Shape {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ShapeOf)
    }
}

struct ShapeOf;

const ONE: Shape = Shape {
    values: 1,
    twice: false,
};

impl<'de> Visitor<'de> for ShapeOf {
    type Value = Shape;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_unit<E>(self) -> Result<Shape, E> {
        Ok(ONE)
    }

    fn visit_bool<E>(self, _: bool) -> Result<Shape, E> {
        Ok(ONE)
    }

    fn visit_i64<E>(self, _: i64) -> Result<Shape, E> {
        Ok(ONE)
    }

    fn visit_u64<E>(self, _: u64) -> Result<Shape, E> {
        Ok(ONE)
    }

    fn visit_f64<E>(self, _: f64) -> Result<Shape, E> {
        Ok(ONE)
    }

    fn visit_str<E>(self, _: &str) -> Result<Shape, E> {
        Ok(ONE)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut entries: A) -> Result<Shape, A::Error> {
        let mut all = ONE;
        while let Some(Shape { values, twice }) = entries.next_element()? {
            all = Shape {
                values: all.values + values,
                twice: all.twice || twice,
            };
        }
        Ok(all)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut fields: A) -> Result<Shape, A::Error> {
        let (mut all, mut names) = (ONE, BTreeSet::new());
        while let Some((name, Shape { values, twice })) = fields.next_entry::<String, Shape>()? {
            all = Shape {
                values: all.values + values,
                twice: all.twice || twice || !names.insert(name),
            };
        }
        Ok(all)
    }
}

fn body(text: Body) -> Result<Object, ApiError> {
    Object::body(&Request::new(text))
}

fn any(text: String) -> Result<String, Infallible> {
    Ok(text)
}

/// A field that a function takes, as it takes it: the same as in the text, or a refusal that begins with its name.
fn taken(object: &mut Object, fields: &mut Map<String, Value>, name: &'static str) {
    let sent = fields.remove(name);
    assert_eq!(object.has(name), sent.is_some());
    let refused = match (name, &sent) {
        ("desiredCapacity", _) => match object.optional_number(name) {
            Ok(number) => {
                assert_eq!(number, sent.as_ref().map(|sent| sent.as_f64().unwrap()));
                return;
            }
            Err(error) => error,
        },
        ("packages", _) => {
            match object.optional_objects(name, usize::MAX, &["package_name"], |entry| {
                entry.optional_text("package_name", any)
            }) {
                Ok(names) => {
                    let expected = sent.map(|sent| {
                        let names = sent.as_array().unwrap().iter().map(|entry| {
                            entry
                                .get("package_name")
                                .map(|name| name.as_str().unwrap().to_owned())
                        });
                        names.collect::<Vec<_>>()
                    });
                    assert_eq!(names, expected);
                    return;
                }
                Err(error) => error,
            }
        }
        _ => match object.optional_text(name, any) {
            Ok(text) => {
                assert_eq!(text, sent.map(|sent| sent.as_str().unwrap().to_owned()));
                return;
            }
            Err(error) => error,
        },
    };
    let refused = refused.to_string();
    assert!(
        sent.is_some()
            && (refused.starts_with(name) || refused.starts_with("Unknown field `packages["))
            && refused.ends_with('.'),
        "{refused}"
    );
}

/// A body is taken exactly when it is a JSON object within the bounds, by what another reader makes of the same text; its
/// fields are what that reader found, and what is left over is refused.
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
        serde_json::from_str::<Shape>(text)
            .is_ok_and(|shape| shape.values <= MAX_VALUES && !shape.twice)
    };
    let mut object = match (taken_body, &value) {
        (Ok(object), Ok(Value::Object(_))) if within() => object,
        (Ok(_), _) => panic!("a body was taken that is no object within the bounds"),
        (Err(error), value) => {
            let is_object = matches!(value, Ok(Value::Object(_)));
            assert!(!(is_object && within()), "{error}");
            assert!(
                error.code() == ErrorCode::InvalidBody && error.to_string().ends_with('.'),
                "{error}"
            );
            // JSON, but none of ours, is not called broken.
            let is_json = serde_json::from_str::<IgnoredAny>(text).is_ok() && value.is_ok();
            assert!(
                !(is_json && error.to_string().contains("not valid JSON")),
                "{error}"
            );
            return;
        }
    };
    let Ok(Value::Object(mut fields)) = value else {
        return;
    };
    // Written again and read again it is the same.
    let again = serde_json::to_string(&fields).unwrap();
    assert!(body(Body::Text(again.clone())).is_ok());
    assert_eq!(
        serde_json::from_str::<Map<String, Value>>(&again).unwrap(),
        fields
    );
    for name in [
        "aws_region",
        "aws_account",
        "packages",
        "desiredCapacity",
        "scalingStatus",
    ] {
        taken(&mut object, &mut fields, name);
    }
    assert_eq!(object.is_empty(), fields.is_empty());
    assert_eq!(object.allow(&[]).is_ok(), fields.is_empty());
}
