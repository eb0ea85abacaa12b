//! A read-only list of things with an id: what the small services answer.

use lambda_http::{Request, RequestExt, http::StatusCode};
use serde::{Serialize, de::DeserializeOwned};

use crate::{ApiError, Response, cacheable, json, route};

/// A thing in a [`Collection`].
pub trait Entry: Serialize + DeserializeOwned + Send + Sync + 'static {
    /// What one of them is called in a sentence: `book`.
    const NOUN: &'static str;

    /// Its id, which no other entry has.
    fn id(&self) -> u32;
}

/// A list that is fixed when the function is built.
#[derive(Clone, Debug)]
pub struct Collection<T>(Vec<T>);

impl<T: Entry> Collection<T> {
    /// Reads the list from JSON.
    ///
    /// # Errors
    /// What is wrong with the JSON.
    pub fn from_json(text: &str) -> Result<Self, serde_json::Error> {
        serde_json::from_str(text).map(Self)
    }

    /// Answers `…/health`, the entry with the path parameter `id`, or the whole list.
    ///
    /// # Errors
    /// [`ApiError::NotFound`] for an id that no entry has; one that is not a whole number is such an id.
    pub fn answer(&self, service: &'static str, request: &Request) -> Result<Response, ApiError> {
        if route(request).ends_with("/health") {
            return json(
                StatusCode::OK,
                &Healthy {
                    status: "ok",
                    service,
                },
            );
        }
        match request
            .path_parameters_ref()
            .and_then(|parameters| parameters.first("id"))
        {
            None => json(StatusCode::OK, &self.0).map(cacheable),
            Some(id) => {
                // Compared as text: `1abc`, `+1` and `01` are ids of nothing.
                let entry = self.0.iter().find(|entry| entry.id().to_string() == id);
                json(
                    StatusCode::OK,
                    entry.ok_or_else(|| {
                        ApiError::NotFound(format!("There is no {} with this id.", T::NOUN))
                    })?,
                )
                .map(cacheable)
            }
        }
    }
}

#[derive(Serialize)]
struct Healthy {
    status: &'static str,
    service: &'static str,
}
