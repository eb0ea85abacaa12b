//! MySQL's functions that change JSON documents.
//!
//! <https://dev.mysql.com/doc/refman/8.0/en/json-modification-functions.html>

use rusqlite::{
    Connection, Result,
    functions::{Context, FunctionFlags},
};
use serde_json::Value;

use crate::engine::{
    json_paths::PathStep,
    sqlite::{
        answers::refused,
        documents::{document, normal, path, value},
    },
};

/// What to do with the value at a path.
#[derive(Debug, Clone, Copy)]
struct DocumentChange {
    inserts: bool,
    replaces: bool,
}

/// Registers the functions on one connection. Arguments: the document, then each path with its value as in
/// `JSON_ARRAY`.
pub(crate) fn register(connection: &Connection) -> Result<()> {
    let steady = FunctionFlags::SQLITE_UTF8 | FunctionFlags::SQLITE_DETERMINISTIC;
    for (name, inserts, replaces) in [
        ("fleet_json_set", true, true),
        ("fleet_json_insert", true, false),
        ("fleet_json_replace", false, true),
    ] {
        let change = DocumentChange { inserts, replaces };
        connection.create_scalar_function(name, -1, steady, move |context| {
            change_document(context, |document, path, value| {
                change.apply(document, path, value)
            })
        })?;
    }
    connection.create_scalar_function("fleet_json_array_append", -1, steady, |context| {
        change_document(context, append)
    })?;
    connection.create_scalar_function("fleet_json_remove", -1, steady, |context| {
        let Some(mut document) = document(context, 0)? else {
            return Ok(None);
        };
        for index in 1..context.len() {
            let Some(path) = path(context, index)? else {
                return Ok(None);
            };
            remove(&mut document, &path)?;
        }
        normal(&document).map(Some)
    })
}

fn change_document(
    context: &Context<'_>,
    change: impl Fn(&mut Value, &[PathStep], Value) -> Result<()>,
) -> Result<Option<String>> {
    let Some(mut document) = document(context, 0)? else {
        return Ok(None);
    };
    for index in (1..context.len()).step_by(3) {
        let Some(path) = path(context, index)? else {
            return Ok(None);
        };
        change(&mut document, &path, value(context, index + 1)?)?;
    }
    normal(&document).map(Some)
}

impl DocumentChange {
    fn apply(self, document: &mut Value, path: &[PathStep], value: Value) -> Result<()> {
        let Some((last, parents)) = path.split_last() else {
            if self.replaces {
                *document = value;
            }
            return Ok(());
        };
        match (last, find(document, parents)?) {
            (PathStep::Member(name), Some(Value::Object(members))) => {
                let wanted = match members.contains_key(name) {
                    true => self.replaces,
                    false => self.inserts,
                };
                if wanted {
                    members.insert(name.clone(), value);
                }
            }
            (PathStep::Element(index), Some(Value::Array(items))) => match items.get_mut(*index) {
                Some(item) if self.replaces => *item = value,
                Some(_) => {}
                // However far the index is beyond the end.
                None if self.inserts => items.push(value),
                None => {}
            },
            (PathStep::Element(_), Some(_)) => return Err(no_array()),
            _ => {}
        }
        Ok(())
    }
}

/// Adds a value to the end of an array; a non-array becomes the first element of one.
fn append(document: &mut Value, path: &[PathStep], value: Value) -> Result<()> {
    match find(document, path)? {
        Some(Value::Array(items)) => items.push(value),
        Some(other) => *other = Value::Array(vec![other.take(), value]),
        None => {}
    }
    Ok(())
}

fn remove(document: &mut Value, path: &[PathStep]) -> Result<()> {
    let Some((last, parents)) = path.split_last() else {
        return Err(refused("JSON_REMOVE of the whole document"));
    };
    match (last, find(document, parents)?) {
        (PathStep::Member(name), Some(Value::Object(members))) => drop(members.remove(name)),
        (PathStep::Element(index), Some(Value::Array(items))) if *index < items.len() => {
            items.remove(*index);
        }
        (PathStep::Element(_), Some(Value::Array(_))) => {}
        (PathStep::Element(_), Some(_)) => return Err(no_array()),
        _ => {}
    }
    Ok(())
}

/// The value at a path.
fn find<'a>(document: &'a mut Value, path: &[PathStep]) -> Result<Option<&'a mut Value>> {
    let mut found = document;
    for step in path {
        let next = match (step, found) {
            (PathStep::Member(name), Value::Object(members)) => members.get_mut(name),
            (PathStep::Member(_), _) => None,
            (PathStep::Element(index), Value::Array(items)) => items.get_mut(*index),
            (PathStep::Element(_), _) => return Err(no_array()),
        };
        match next {
            Some(next) => found = next,
            None => return Ok(None),
        }
    }
    Ok(Some(found))
}

fn no_array() -> rusqlite::Error {
    refused("a change to an element of what is no array")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn documents_are_changed_where_their_paths_lead() {
        let connection = Connection::open_in_memory().unwrap();
        register(&connection).unwrap();
        let answer = |call: &str| {
            let sql = format!("SELECT {call}");
            connection.query_row(&sql, [], |row| row.get::<_, Option<String>>(0))
        };
        let document = r#"'{"a": 1, "b": [2, 3]}'"#;
        for (call, expected) in [
            (
                "set(@, '$.a', '', 10, '$.c', '', 'x')",
                r#"{"a": 10, "b": [2, 3], "c": "x"}"#,
            ),
            (
                "insert(@, '$.a', '', 10, '$.c', 'j', '[true]')",
                r#"{"a": 1, "b": [2, 3], "c": [true]}"#,
            ),
            (
                "replace(@, '$.a', '', 10, '$.c', '', 'x')",
                r#"{"a": 10, "b": [2, 3]}"#,
            ),
            (
                "set(@, '$.b[1]', '', 9, '$.b[7]', '', 8)",
                r#"{"a": 1, "b": [2, 9, 8]}"#,
            ),
            (
                "set(@, '$.x.y', '', 1, '$.a.y', '', 1)",
                r#"{"a": 1, "b": [2, 3]}"#,
            ),
            ("replace(@, '$', '', NULL)", "null"),
            (
                "array_append(@, '$.b', '', 4, '$.a', '', 'x', '$.c', '', 5)",
                r#"{"a": [1, "x"], "b": [2, 3, 4]}"#,
            ),
            (
                "array_append(@, '$', '', NULL, '$[0].b[0]', '', 1)",
                r#"[{"a": 1, "b": [[2, 1], 3]}, null]"#,
            ),
            (
                "remove(@, '$.a', '$.b[0]', '$.c', '$.b[5]')",
                r#"{"b": [3]}"#,
            ),
        ] {
            let call = format!("fleet_json_{}", call.replace('@', document));
            assert_eq!(answer(&call).unwrap().as_deref(), Some(expected), "{call}");
        }
        for call in [
            "set(NULL, '$.a', '', 1)",
            "set('{}', NULL, '', 1)",
            "remove('{}', NULL)",
        ] {
            assert_eq!(
                answer(&format!("fleet_json_{call}")).unwrap(),
                None,
                "{call}"
            );
        }
        for call in [
            "remove('{}', '$')",
            "set('1', '$[1]', '', 1)",
            "set('{}', '$.*', '', 1)",
            "array_append('1', '$[0]', '', 1)",
        ] {
            assert!(answer(&format!("fleet_json_{call}")).is_err(), "{call}");
        }
    }
}
