//! JSON paths: a member or an element of a document.
//!
//! <https://dev.mysql.com/doc/refman/8.0/en/json.html#json-path-syntax>

use serde_json::Value;

/// A step of a path.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum PathStep {
    Member(String),
    Element(usize),
}

/// Parses a path without wildcards, ranges or `last`; `None` for any other.
pub(crate) fn read(text: &str) -> Option<Vec<PathStep>> {
    let mut rest = text.trim().strip_prefix('$')?;
    let mut steps = Vec::new();
    loop {
        rest = rest.trim_start();
        if rest.is_empty() {
            return Some(steps);
        }
        if let Some(after) = rest.strip_prefix('[') {
            let (index, after) = after.split_once(']')?;
            let index = index.trim();
            if index.is_empty() || !index.bytes().all(|byte| byte.is_ascii_digit()) {
                return None;
            }
            steps.push(PathStep::Element(index.parse().ok()?));
            rest = after;
            continue;
        }
        let after = rest.strip_prefix('.')?.trim_start();
        if after.starts_with('"') {
            let mut names = serde_json::Deserializer::from_str(after).into_iter::<String>();
            let name = names.next()?.ok()?;
            rest = &after[names.byte_offset()..];
            steps.push(PathStep::Member(name));
            continue;
        }
        let is_letter =
            |letter: char| letter.is_ascii_alphanumeric() || matches!(letter, '_' | '$');
        let end = after
            .find(|letter| !is_letter(letter))
            .unwrap_or(after.len());
        let name = &after[..end];
        if name.is_empty() || name.starts_with(|first: char| first.is_ascii_digit()) {
            return None;
        }
        steps.push(PathStep::Member(name.to_owned()));
        rest = &after[end..];
    }
}

/// The value at a path; a non-array counts as an array with itself as its first element.
pub(crate) fn find<'a>(document: &'a Value, path: &[PathStep]) -> Option<&'a Value> {
    path.iter()
        .try_fold(document, |value, step| match (step, value) {
            (PathStep::Member(name), Value::Object(members)) => members.get(name),
            (PathStep::Member(_), _) => None,
            (PathStep::Element(index), Value::Array(items)) => items.get(*index),
            (PathStep::Element(index), value) => (*index == 0).then_some(value),
        })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn paths_lead_to_members_and_elements() {
        let document = json!({"a": [1, {"b c": "x"}], "n": null});
        for (path, expected) in [
            ("$", Some(document.clone())),
            ("$.a[0]", Some(json!(1))),
            ("$.a[1].\"b c\"", Some(json!("x"))),
            (" $ . a [ 0 ] ", Some(json!(1))),
            ("$.n", Some(json!(null))),
            ("$.n[0]", Some(json!(null))),
            ("$[0].n", Some(json!(null))),
            ("$.a[2]", None),
            ("$.x", None),
            ("$.a.b", None),
        ] {
            let steps = read(path).unwrap();
            assert_eq!(find(&document, &steps), expected.as_ref(), "{path}");
        }
        for other in [
            "",
            "a",
            "$.",
            "$a",
            "$[*]",
            "$.*",
            "$**.a",
            "$[last]",
            "$[0 to 1]",
            "$.1a",
            "$[",
            "$.\"a",
        ] {
            assert_eq!(read(other), None, "{other}");
        }
    }
}
