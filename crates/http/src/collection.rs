//! A read-only list of things with an id, as the small services return it.

use lambda_http::{Request, RequestExt, http::StatusCode};
use serde::{Deserialize, Serialize, de::DeserializeOwned};

use crate::{ApiError, Response, Status, cacheable, json, route};

/// The id of an entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EntryId(u32);

#[cfg(feature = "schema")]
impl utoipa::PartialSchema for EntryId {
    fn schema() -> utoipa::openapi::RefOr<utoipa::openapi::Schema> {
        utoipa::openapi::ObjectBuilder::new()
            .schema_type(utoipa::openapi::Type::Integer)
            .minimum(Some(0))
            .maximum(Some(u32::MAX as usize))
            .examples([serde_json::Value::from(1)])
            .into()
    }
}

#[cfg(feature = "schema")]
impl utoipa::ToSchema for EntryId {}

/// A thing in a [`Collection`].
pub trait Entry: Serialize + DeserializeOwned + Send + Sync + 'static {
    /// The word for one of them in a sentence: `book`.
    const NOUN: &'static str;

    /// Its id, which must be unique.
    fn id(&self) -> EntryId;
}

/// A list that is fixed when the function is built.
#[derive(Clone, Debug)]
pub struct Collection<T>(Vec<T>);

impl<T: Entry> Collection<T> {
    /// Reads the list from JSON.
    ///
    /// # Errors
    /// The JSON is invalid.
    pub fn from_json(text: &str) -> Result<Self, serde_json::Error> {
        serde_json::from_str(text).map(Self)
    }

    /// Responds to `…/health` and with the entry of the path parameter `id`, or the whole list.
    ///
    /// # Errors
    /// [`ApiError::NotFound`] for an unknown id, including one that is not a whole number.
    pub fn answer(&self, service: &'static str, request: &Request) -> Result<Response, ApiError> {
        if route(request).ends_with("/health") {
            return json(
                StatusCode::OK,
                &ServiceHealth {
                    status: Status::Ok,
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
                // Compared as text, so that `1abc`, `+1` and `01` match nothing.
                let entry = self.0.iter().find(|entry| entry.id().0.to_string() == id);
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

/// A service responds.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct ServiceHealth {
    #[cfg_attr(feature = "schema", schema(schema_with = Status::ok_schema))]
    status: Status,
    /// The service's name.
    #[cfg_attr(feature = "schema", schema(min_length = 1))]
    service: &'static str,
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use lambda_http::{Body, aws_lambda_events::query_map::QueryMap};
    use serde_json::{Value, json as value};

    use super::*;
    use crate::request::EventRoute;

    #[derive(Debug, Serialize, Deserialize)]
    struct Tree {
        id: EntryId,
    }

    impl Entry for Tree {
        const NOUN: &'static str = "tree";

        fn id(&self) -> EntryId {
            self.id
        }
    }

    fn answered(route: &str, id: Option<&str>) -> Result<Value, String> {
        let trees = Collection::<Tree>::from_json(r#"[{"id": 1}, {"id": 20}]"#).unwrap();
        let mut request = Request::new(Body::Empty);
        request.extensions_mut().insert(EventRoute {
            id: "r-1".to_owned(),
            route: route.to_owned(),
        });
        let parameters = id.map(|id| ("id".to_owned(), vec![id.to_owned()]));
        let parameters: HashMap<_, _> = parameters.into_iter().collect();
        let request = request.with_path_parameters(QueryMap::from(parameters));
        let response = trees
            .answer("trees", &request)
            .map_err(|error| error.to_string())?;
        Ok(serde_json::from_slice(response.body().as_ref()).unwrap())
    }

    #[test]
    fn a_collection_answers_its_health_all_entries_or_one() {
        assert_eq!(
            answered("/trees/health", None),
            Ok(value!({"status": "ok", "service": "trees"}))
        );
        assert_eq!(
            answered("/trees", None),
            Ok(value!([{"id": 1}, {"id": 20}]))
        );
        assert_eq!(answered("/trees/{id}", Some("20")), Ok(value!({"id": 20})));
        for id in ["2", "01", "+1", "1abc"] {
            assert_eq!(
                answered("/trees/{id}", Some(id)),
                Err("There is no tree with this id.".to_owned()),
                "{id}"
            );
        }
    }
}
