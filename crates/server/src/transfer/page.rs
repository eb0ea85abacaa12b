//! The pages of a list.

/// The API's own limit for a list.
pub(super) const PAGE: &str = "100";

/// A page of a list, and the token of the next one.
pub(super) struct ListPage<T> {
    pub(super) lines: Vec<T>,
    pub(super) next: Option<String>,
}
