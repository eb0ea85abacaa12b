//! How an error message quotes a name that a client sent.

use std::fmt;

/// The most characters quoted. An error should name the field, not send megabytes back: Lambda accepts a request
/// of 6 MB and drops a larger response.
const MAX_CHARS: usize = 100;

/// The name, cut after 100 characters.
pub(crate) struct ShortName<'a>(pub(crate) &'a str);

impl fmt::Display for ShortName<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0.char_indices().nth(MAX_CHARS) {
            None => f.write_str(self.0),
            Some((end, _)) => write!(f, "{}…", &self.0[..end]),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_cut_between_two_characters() {
        assert_eq!(ShortName("").to_string(), "");
        assert_eq!(ShortName(&"ü".repeat(100)).to_string(), "ü".repeat(100));
        assert_eq!(
            ShortName(&"ü".repeat(101)).to_string(),
            format!("{}…", "ü".repeat(100))
        );
    }
}
