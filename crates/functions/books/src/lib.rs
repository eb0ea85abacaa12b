//! `GET /api/books`: the list of books, one book, and the service's health.

#[cfg(test)]
mod tests;

use fleet_http::{ApiError, Collection, Entry, EntryId, Function, Request, Response, Route};
use serde::{Deserialize, Serialize};

/// The function, with its list.
#[derive(Clone, Debug)]
pub struct Books(Collection<Book>);

/// A book.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct Book {
    id: EntryId,
    #[cfg_attr(feature = "schema", schema(minimum = 0))]
    isbn: u64,
    title: String,
    publisher: String,
    /// Month, day and year.
    #[cfg_attr(feature = "schema", schema(pattern = "^[0-9]{2}/[0-9]{2}/[0-9]{4}$"))]
    date: String,
}

impl Entry for Book {
    const NOUN: &'static str = "book";

    fn id(&self) -> EntryId {
        self.id
    }
}

impl Books {
    /// The function over the list that is compiled into it.
    ///
    /// # Errors
    /// The list cannot be read. A test reads it, so a broken list is never deployed.
    pub fn new() -> Result<Self, serde_json::Error> {
        Collection::from_json(include_str!("books.json")).map(Self)
    }
}

impl Function for Books {
    const NAME: &'static str = "books";
    const ROUTES: &'static [Route] = &[
        ("GET", "/api/books"),
        ("GET", "/api/books/health"),
        ("GET", "/api/books/{id}"),
    ];

    async fn call(&self, request: Request) -> Result<Response, ApiError> {
        self.0.answer(Self::NAME, &request)
    }
}
