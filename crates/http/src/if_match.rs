//! `If-Match`: a change applies only if the current state is the one that the client knows.

use fleet_core::scaling::StateTag;
use lambda_http::{Request, http::header::IF_MATCH};

use crate::{ApiError, ErrorCode, InvalidInput};

/// The condition in a request's `If-Match` (RFC 9110, sections 8.8.3 and 13.1.1).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum IfMatch {
    /// The header is absent, or `*`: every dimension has a state, even if only the initial one.
    Any,
    /// One of these must be the tag. Weak tags are left out, since the comparison is a strong one.
    OneOf(Vec<String>),
}

impl IfMatch {
    /// Reads the header, which may occur several times.
    ///
    /// # Errors
    /// [`InvalidInput`] for a value that is neither `*` nor a list of entity tags, such as a tag without quotes.
    pub fn read(request: &Request) -> Result<Self, ApiError> {
        let mut lines = Vec::new();
        for line in request.headers().get_all(IF_MATCH) {
            lines.push(line.to_str().map_err(|_| malformed())?);
        }
        if lines.is_empty() {
            return Ok(Self::Any);
        }
        Self::parse(&lines.join(",")).ok_or_else(malformed)
    }

    /// Whether a state with this tag may be changed.
    #[must_use]
    pub fn matches(&self, tag: &StateTag) -> bool {
        match self {
            Self::Any => true,
            Self::OneOf(tags) => tags.iter().any(|known| known == tag.as_str()),
        }
    }

    /// Parses a header's value; `None` if it breaks the grammar.
    fn parse(value: &str) -> Option<Self> {
        let optional_space = [' ', '\t'];
        let mut rest = value.trim_matches(optional_space);
        if rest == "*" {
            return Some(Self::Any);
        }
        let (mut tags, mut seen) = (Vec::new(), false);
        loop {
            // A list may have empty elements.
            rest = rest.trim_start_matches([' ', '\t', ',']);
            if rest.is_empty() {
                return seen.then_some(Self::OneOf(tags));
            }
            let (weak, quoted) = match rest.strip_prefix("W/") {
                Some(quoted) => (true, quoted),
                None => (false, rest),
            };
            // A tag has no escapes: it ends at the next quote.
            let (tag, after) = quoted.strip_prefix('"')?.split_once('"')?;
            if tag.contains(' ') || tag.contains('\t') {
                return None;
            }
            rest = after.trim_start_matches(optional_space);
            if !rest.is_empty() && !rest.starts_with(',') {
                return None;
            }
            seen = true;
            if !weak {
                tags.push(tag.to_owned());
            }
        }
    }
}

fn malformed() -> ApiError {
    let rule = "If-Match must be * or a list of quoted entity tags, as in the ETag header";
    InvalidInput::new(ErrorCode::InvalidRequest, format!("{rule}."), rule).into()
}

#[cfg(test)]
mod tests {
    use lambda_http::http::HeaderValue;

    use super::*;

    fn read(lines: &[&str]) -> Result<IfMatch, String> {
        let mut request = Request::default();
        for line in lines {
            request
                .headers_mut()
                .append(IF_MATCH, HeaderValue::from_bytes(line.as_bytes()).unwrap());
        }
        IfMatch::read(&request).map_err(|error| error.to_string())
    }

    fn one_of(tags: &[&str]) -> Result<IfMatch, String> {
        Ok(IfMatch::OneOf(
            tags.iter().map(|tag| (*tag).to_owned()).collect(),
        ))
    }

    #[test]
    fn a_star_and_lists_of_tags_are_read_over_all_lines() {
        assert_eq!(read(&[]), Ok(IfMatch::Any));
        assert_eq!(read(&[" * "]), Ok(IfMatch::Any));
        assert_eq!(read(&[r#""a""#]), one_of(&["a"]));
        assert_eq!(
            read(&[r#""a" ,, "b,c","#, "\t\"d\""]),
            one_of(&["a", "b,c", "d"])
        );
        assert_eq!(read(&[r#""""#]), one_of(&[""]));
    }

    #[test]
    fn only_a_strong_tag_that_is_named_matches() {
        assert_eq!(read(&[r#"W/"a""#]), one_of(&[]));
        assert_eq!(read(&[r#"W/"a", "b""#]), one_of(&["b"]));
        let weak = read(&[r#"W/"initial""#]).unwrap();
        assert!(!weak.matches(&StateTag::initial()));
        assert!(!read(&[r#""x""#]).unwrap().matches(&StateTag::initial()));
        assert!(
            read(&[r#""x", "initial""#])
                .unwrap()
                .matches(&StateTag::initial())
        );
        assert!(IfMatch::Any.matches(&StateTag::initial()));
    }

    #[test]
    fn other_values_are_refused() {
        for line in [
            "",
            ",",
            "a",
            r#""a"#,
            r#"a""#,
            r#""a" "b""#,
            r#""a"b"#,
            r#"w/"a""#,
            r#"*, "a""#,
            r#""a", *"#,
            r#""a b""#,
            "\"\u{e9}\"",
        ] {
            let refused = read(&[line]).unwrap_err();
            assert_eq!(
                refused,
                "If-Match must be * or a list of quoted entity tags, as in the ETag header.",
                "{line}"
            );
        }
    }
}
