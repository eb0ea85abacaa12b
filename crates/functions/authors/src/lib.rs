//! `GET /api/authors`: the list of authors, one author, and the service's health.

#[cfg(test)]
mod tests;

use fleet_http::{ApiError, Collection, Entry, EntryId, Function, Request, Response, Route};
use serde::{Deserialize, Serialize};

/// The function, with its list.
#[derive(Clone, Debug)]
pub struct Authors(Collection<Author>);

/// An author.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct Author {
    id: EntryId,
    name: String,
    /// The title of one of the author's books.
    book: String,
}

impl Entry for Author {
    const NOUN: &'static str = "author";

    fn id(&self) -> EntryId {
        self.id
    }
}

impl Authors {
    /// The function over the list that is compiled into it.
    ///
    /// # Errors
    /// The list cannot be read. A test reads it, so a broken list is never deployed.
    pub fn new() -> Result<Self, serde_json::Error> {
        Collection::from_json(include_str!("authors.json")).map(Self)
    }
}

impl Function for Authors {
    const NAME: &'static str = "authors";
    const ROUTES: &'static [Route] = &[
        ("GET", "/api/authors"),
        ("GET", "/api/authors/health"),
        ("GET", "/api/authors/{id}"),
    ];

    async fn call(&self, request: Request) -> Result<Response, ApiError> {
        self.0.answer(Self::NAME, &request)
    }
}
