//! Plain single-item requests, handled by the storage directly instead of through its listener.
//!
//! The listener does more than the storage's public functions: it validates a request's form and words the error. So a
//! request is handled here only if its form leaves nothing to check, and only if it succeeds. All others go to the
//! listener, which refuses them in DynamoDB's words. A request that fails here has changed nothing, since the storage
//! writes each item in a transaction.

use std::{
    collections::HashMap,
    hash::{BuildHasher as _, BuildHasherDefault, DefaultHasher},
    sync::Arc,
};

use bytes::Bytes;
use dynoxide::{
    Database, DynoxideError, PRODUCT_VERSION,
    auth_material::{self, AuthMaterial},
};
use http::{HeaderMap, HeaderValue, Method, StatusCode, header, request::Parts};
use serde::{Deserialize, Deserializer, de::DeserializeOwned, de::Visitor};

use super::refusals::CONTENT_TYPE;
use crate::{
    journal::WriteSubject,
    options::TableOption,
    respond::{self, ServiceResponse},
};

const TARGET_PREFIX: &str = "DynamoDB_20120810.";
/// The length of DynamoDB's request ids.
const REQUEST_ID_CHARACTERS: usize = 52;

/// A request that the storage can handle directly.
#[derive(Debug)]
pub(super) struct DirectRequest {
    operation: DirectOperation,
    body: Bytes,
    /// The item it concerns, if the table's key is known.
    item: WriteSubject,
}

/// Each table's key attribute, by table name.
#[derive(Debug, Clone)]
pub(super) struct TableKeys(Arc<[(Text, String)]>);

impl TableKeys {
    pub(super) fn of(tables: &[TableOption]) -> Self {
        let keys = tables.iter();
        Self(
            keys.map(|table| (Text::of(&table.name), table.partition_key.clone()))
                .collect(),
        )
    }
}

#[derive(Debug, Clone, Copy)]
enum DirectOperation {
    Get,
    Put,
    Update,
    Delete,
}

impl DirectRequest {
    /// Parses a request, if it is a plain one.
    pub(super) fn of(head: &Parts, body: &Bytes, keys: &TableKeys) -> Option<Self> {
        let text = |name: &str| head.headers.get(name)?.to_str().ok();
        let operation = match text("x-amz-target")?.strip_prefix(TARGET_PREFIX)? {
            "GetItem" => DirectOperation::Get,
            "PutItem" => DirectOperation::Put,
            "UpdateItem" => DirectOperation::Update,
            "DeleteItem" => DirectOperation::Delete,
            _ => return None,
        };
        let is_plain = head.method == Method::POST
            && head.uri.path() == "/"
            && head.uri.query().is_none()
            && text(header::CONTENT_TYPE.as_str())? == CONTENT_TYPE
            && !head.headers.contains_key(header::ORIGIN)
            && is_signed(&head.headers)
            // serde would also read a struct from an array.
            && body.starts_with(b"{");
        if !is_plain {
            return None;
        }
        let plain: PlainBody = serde_json::from_slice(body).ok()?;
        Some(Self {
            operation,
            body: body.clone(),
            item: plain.subject(operation, keys),
        })
    }

    /// The item it concerns. An item has the same value in its key and among its attributes, so it does no harm if the
    /// table's key has changed since.
    pub(super) fn item(&self) -> WriteSubject {
        self.item
    }

    /// Whether it only reads.
    pub(super) fn reads(&self) -> bool {
        matches!(self.operation, DirectOperation::Get)
    }

    /// The storage's response; `None` if it refuses the request. Blocks.
    pub(super) fn answer(&self, database: &Database) -> Option<ServiceResponse> {
        let (database, body) = (database, &self.body);
        let body = match self.operation {
            DirectOperation::Get => run(body, |request| database.get_item(request)),
            DirectOperation::Put => run(body, |request| database.put_item(request)),
            DirectOperation::Update => run(body, |request| database.update_item(request)),
            DirectOperation::Delete => run(body, |request| database.delete_item(request)),
        }?;
        let crc32 = crc32fast::hash(&body);
        let mut answer = respond::answer(StatusCode::OK, CONTENT_TYPE, body);
        let headers = answer.headers_mut();
        headers.insert("x-amz-crc32", crc32.into());
        headers.insert(
            "x-dynoxide-version",
            HeaderValue::from_static(PRODUCT_VERSION),
        );
        let id: String = std::iter::repeat_with(fastrand::alphanumeric)
            .take(REQUEST_ID_CHARACTERS)
            .collect();
        if let Ok(id) = HeaderValue::from_str(&id.to_ascii_uppercase()) {
            headers.insert(respond::REQUEST_ID, id);
        }
        Some(answer)
    }
}

/// Parses the request as the storage does, runs it, and serializes the response; `None` on any failure.
fn run<Q: DeserializeOwned, R: serde::Serialize>(
    body: &[u8],
    operation: impl FnOnce(Q) -> Result<R, DynoxideError>,
) -> Option<Vec<u8>> {
    let response = operation(serde_json::from_slice(body).ok()?).ok()?;
    serde_json::to_vec(&response).ok()
}

/// Whether the listener would accept the request's signature.
fn is_signed(headers: &HeaderMap) -> bool {
    let authorization = headers.get(header::AUTHORIZATION);
    auth_material::validate(AuthMaterial {
        authorization: authorization.and_then(|value| value.to_str().ok()),
        query: "",
        has_date_header: headers.contains_key("x-amz-date") || headers.contains_key(header::DATE),
    })
    .is_none()
}

/// The form of a plain request: only known fields of the right types, with no numbers, nulls or nested values.
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "PascalCase", default)]
struct PlainBody {
    table_name: Text,
    key: HashMap<String, PlainValue>,
    item: HashMap<String, PlainValue>,
    consistent_read: bool,
    projection_expression: Text,
    update_expression: Text,
    condition_expression: Text,
    expression_attribute_names: HashMap<String, Text>,
    expression_attribute_values: HashMap<String, PlainValue>,
    return_values: Text,
    return_values_on_condition_check_failure: Text,
}

impl PlainBody {
    fn subject(&self, operation: DirectOperation, keys: &TableKeys) -> WriteSubject {
        let mut keys = keys.0.iter();
        let (table, key) = keys.find(|(table, _)| *table == self.table_name)?;
        let attributes = match operation {
            DirectOperation::Put => &self.item,
            DirectOperation::Get | DirectOperation::Update | DirectOperation::Delete => &self.key,
        };
        match attributes.get(key)? {
            PlainValue::S(value) => Some(table.0 ^ value.0.rotate_left(1)),
            _ => None,
        }
    }
}

/// An attribute value of one of the simple types.
#[derive(Deserialize)]
#[expect(dead_code, reason = "of most values only the form is of interest")]
enum PlainValue {
    S(Text),
    N(Text),
    #[serde(rename = "BOOL")]
    Bool(bool),
}

/// A text, represented by its hash.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Text(u64);

impl Text {
    fn of(text: &str) -> Self {
        Self(BuildHasherDefault::<DefaultHasher>::default().hash_one(text))
    }
}

impl<'de> Deserialize<'de> for Text {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct AnyText;
        impl Visitor<'_> for AnyText {
            type Value = Text;

            fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                formatter.write_str("a text")
            }

            fn visit_str<E>(self, text: &str) -> Result<Text, E> {
                Ok(Text::of(text))
            }
        }
        deserializer.deserialize_str(AnyText)
    }
}

#[cfg(test)]
mod tests;
