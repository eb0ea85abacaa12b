//! MySQL's JSON functions.
//!
//! <https://dev.mysql.com/doc/refman/8.0/en/json-functions.html>

use rusqlite::{
    Connection, Result,
    functions::{Context, FunctionFlags},
    types::ValueRef,
};
use serde_json::{Map, Value};

use crate::engine::{
    json,
    json_paths::{self, PathStep},
    sqlite::answers::{mysql_error, refused, text},
};

/// Registers the functions on one connection.
pub(crate) fn register(connection: &Connection) -> Result<()> {
    let steady = FunctionFlags::SQLITE_UTF8 | FunctionFlags::SQLITE_DETERMINISTIC;
    connection.create_scalar_function("fleet_json_extract", 2, steady, |context| {
        let (Some(document), Some(path)) = (document(context, 0)?, path(context, 1)?) else {
            return Ok(None);
        };
        json_paths::find(&document, &path).map(normal).transpose()
    })?;
    // For a document: its text, without the quotes if it is a string.
    connection.create_scalar_function(
        "fleet_json_unquote",
        1,
        steady,
        |context| match document(context, 0)? {
            Some(Value::String(text)) => Ok(Some(text)),
            Some(other) => normal(&other).map(Some),
            None => Ok(None),
        },
    )?;
    // For a text: unquoted if it is a JSON string, otherwise unchanged.
    connection.create_scalar_function("fleet_text_unquote", 1, steady, |context| {
        match text(context, 0) {
            Some(quoted)
                if quoted.len() > 1 && quoted.starts_with('"') && quoted.ends_with('"') =>
            {
                match serde_json::from_str::<Value>(&quoted) {
                    Ok(Value::String(text)) => Ok(Some(text)),
                    _ => Err(refused("JSON_UNQUOTE of this text")),
                }
            }
            other => Ok(other),
        }
    })?;
    connection.create_scalar_function("fleet_json_quote", 1, steady, |context| {
        Ok(text(context, 0).map(|text| Value::String(text).to_string()))
    })?;
    connection.create_scalar_function("fleet_json_valid", 1, steady, |context| {
        let Some(text) = text(context, 0) else {
            return Ok(None);
        };
        Ok(Some(read(&text)?.is_some()))
    })?;
    connection.create_scalar_function("fleet_json_length", 2, steady, |context| {
        let (Some(document), Some(path)) = (document(context, 0)?, path(context, 1)?) else {
            return Ok(None);
        };
        let length = |value: &Value| match value {
            Value::Array(items) => items.len(),
            Value::Object(members) => members.len(),
            _ => 1,
        };
        let found = json_paths::find(&document, &path).map(length);
        Ok(found.and_then(|length| i64::try_from(length).ok()))
    })?;
    connection.create_scalar_function("fleet_json_keys", 1, steady, |context| {
        match document(context, 0)? {
            Some(Value::Object(members)) => {
                let mut keys: Vec<&String> = members.keys().collect();
                keys.sort_by(|a, b| json::key_order(a, b));
                let keys = keys.into_iter().cloned().map(Value::String).collect();
                normal(&Value::Array(keys)).map(Some)
            }
            _ => Ok(None),
        }
    })?;
    connection.create_scalar_function("fleet_json_contains", 3, steady, |context| {
        let parts = (
            document(context, 0)?,
            document(context, 1)?,
            path(context, 2)?,
        );
        let (Some(target), Some(candidate), Some(path)) = parts else {
            return Ok(None);
        };
        let target = json_paths::find(&target, &path);
        target
            .map(|target| contains(target, &candidate))
            .transpose()
    })?;
    // Each value follows a letter that says what it is.
    connection.create_scalar_function("fleet_json_array", -1, steady, |context| {
        let values: Result<Vec<Value>> = (0..context.len())
            .step_by(2)
            .map(|index| value(context, index))
            .collect();
        normal(&Value::Array(values?))
    })?;
    connection.create_scalar_function("fleet_json_object", -1, steady, |context| {
        let mut members = Map::new();
        for index in (0..context.len()).step_by(3) {
            let Some(key) = text(context, index) else {
                return Err(mysql_error(
                    3158,
                    "22032",
                    "JSON documents may not contain NULL member names.",
                ));
            };
            members.insert(key, value(context, index + 1)?);
        }
        normal(&Value::Object(members))
    })
}

/// Parses a text as a document; `None` if it is not one.
fn read(text: &str) -> Result<Option<Value>> {
    match serde_json::from_str::<Value>(text) {
        Ok(document) => Ok(Some(document)),
        // MySQL limits the depth of documents, too.
        Err(error) if error.to_string().starts_with("recursion limit") => {
            Err(refused("so deep a JSON document"))
        }
        Err(error) if error.to_string().starts_with("number out of range") => {
            Err(refused("this number in a JSON document"))
        }
        Err(_) => Ok(None),
    }
}

pub(crate) fn document(context: &Context<'_>, index: usize) -> Result<Option<Value>> {
    let Some(text) = text(context, index) else {
        return Ok(None);
    };
    match read(&text)? {
        Some(document) => Ok(Some(document)),
        None => Err(refused("a JSON function of a text that is no document")),
    }
}

pub(crate) fn path(context: &Context<'_>, index: usize) -> Result<Option<Vec<PathStep>>> {
    let Some(text) = text(context, index) else {
        return Ok(None);
    };
    match json_paths::read(&text) {
        Some(steps) => Ok(Some(steps)),
        None => Err(refused("this JSON path")),
    }
}

pub(crate) fn normal(value: &Value) -> Result<String> {
    json::text(value).ok_or_else(|| refused("this number in a JSON document"))
}

/// A value that becomes part of a document: `j` for a document, and any other letter for a value as it is in SQLite.
pub(crate) fn value(context: &Context<'_>, index: usize) -> Result<Value> {
    let is_document = context.get::<String>(index)? == "j";
    match context.get_raw(index + 1) {
        ValueRef::Null => Ok(Value::Null),
        ValueRef::Integer(number) => Ok(Value::from(number)),
        ValueRef::Text(_) if is_document => Ok(document(context, index + 1)?.unwrap_or_default()),
        ValueRef::Text(_) => Ok(Value::String(text(context, index + 1).unwrap_or_default())),
        _ => Err(refused("this value in a JSON document")),
    }
}

fn contains(target: &Value, candidate: &Value) -> Result<bool> {
    Ok(match (target, candidate) {
        (Value::Array(items), Value::Array(wanted)) => {
            for one in wanted {
                if !any_contains(items, one)? {
                    return Ok(false);
                }
            }
            true
        }
        (Value::Array(items), one) => any_contains(items, one)?,
        (Value::Object(members), Value::Object(wanted)) => {
            for (key, one) in wanted {
                match members.get(key) {
                    Some(member) if contains(member, one)? => {}
                    _ => return Ok(false),
                }
            }
            true
        }
        (Value::Number(one), Value::Number(other)) if one.is_f64() != other.is_f64() => {
            return Err(refused("JSON_CONTAINS of a whole number and a fraction"));
        }
        (one, other) => one == other,
    })
}

fn any_contains(items: &[Value], one: &Value) -> Result<bool> {
    for item in items {
        if contains(item, one)? {
            return Ok(true);
        }
    }
    Ok(false)
}
