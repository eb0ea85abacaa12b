//! Query parameters: each at most once, and no unknown ones.

use lambda_http::{Request, RequestExt};

use crate::{ApiError, ErrorCode, InvalidInput, shown::ShortName, suggestion};

/// A request's query parameters.
#[derive(Debug)]
pub struct Query(Vec<(String, String)>);

impl Query {
    /// Accepts the parameters in `known`.
    ///
    /// # Errors
    /// [`InvalidInput`] that names a parameter which is unknown or sent more than once.
    pub fn read(request: &Request, known: &[&str]) -> Result<Self, ApiError> {
        Self::take(request, known, true)
    }

    fn take(request: &Request, known: &[&str], refuses_others: bool) -> Result<Self, ApiError> {
        let mut taken: Vec<(String, String)> = Vec::new();
        for (name, value) in request
            .query_string_parameters_ref()
            .into_iter()
            .flat_map(|query| query.iter())
        {
            if !known.contains(&name) && !refuses_others {
                continue;
            }
            if !known.contains(&name) {
                let hint = suggestion::of(name, known);
                return Err(InvalidInput::new(
                    ErrorCode::UnknownParameter,
                    format!("Unknown query parameter `{}`{hint}", ShortName(name)),
                    "unknown query parameter",
                )
                .into());
            }
            if taken.iter().any(|(seen, _)| seen == name) {
                return Err(InvalidInput::parameter(name, "must be sent only once").into());
            }
            taken.push((name.to_owned(), value.to_owned()));
        }
        Ok(Self(taken))
    }

    /// Accepts the parameters in `known` and ignores others, for routes whose callers may add their own.
    ///
    /// # Errors
    /// [`InvalidInput`] that names a known parameter which is sent more than once.
    pub fn read_known(request: &Request, known: &[&str]) -> Result<Self, ApiError> {
        Self::take(request, known, false)
    }

    /// The parameter `name` as a domain value, if it was sent.
    ///
    /// # Errors
    /// [`InvalidInput`] that names it.
    pub fn optional<T, E: std::fmt::Display>(
        &self,
        name: &str,
        parse: impl FnOnce(String) -> Result<T, E>,
    ) -> Result<Option<T>, ApiError> {
        let sent = self.0.iter().find(|(known, _)| known == name);
        sent.map(|(_, value)| {
            parse(value.clone()).map_err(|error| InvalidInput::parameter(name, error).into())
        })
        .transpose()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use lambda_http::aws_lambda_events::query_map::QueryMap;

    use super::*;

    fn request(parameters: &[(&str, &[&str])]) -> Request {
        let map: HashMap<String, Vec<String>> = parameters
            .iter()
            .map(|(name, values)| {
                (
                    (*name).to_owned(),
                    values.iter().map(|v| (*v).to_owned()).collect(),
                )
            })
            .collect();
        Request::default().with_query_string_parameters(QueryMap::from(map))
    }

    #[test]
    fn an_unknown_or_repeated_parameter_is_named() {
        let refused = |parameters: &[(&str, &[&str])]| {
            Query::read(&request(parameters), &["limit", "next_token"])
                .unwrap_err()
                .to_string()
        };
        assert_eq!(
            refused(&[("Limit", &["5"])]),
            "Unknown query parameter `Limit`; did you mean `limit`? Allowed are limit, next_token."
        );
        assert_eq!(
            refused(&[("limit", &["5", "6"])]),
            "limit must be sent only once."
        );
    }

    #[test]
    fn others_are_left_alone_where_a_route_says_so() {
        let parameters: &[(&str, &[&str])] = &[("colour", &["red", "blue"]), ("limit", &["5"])];
        let query = Query::read_known(&request(parameters), &["limit"]).unwrap();
        let limit = query.optional("limit", Ok::<_, &str>).unwrap();
        assert_eq!(limit, Some("5".to_owned()));
        let twice: &[(&str, &[&str])] = &[("limit", &["5", "6"])];
        assert!(Query::read_known(&request(twice), &["limit"]).is_err());
    }

    #[test]
    fn a_parameter_is_parsed_when_it_was_sent() {
        let query = Query::read(&request(&[("limit", &["x"])]), &["limit", "after"]).unwrap();
        assert_eq!(
            query
                .optional("after", |_| Err::<(), _>("unreached"))
                .unwrap(),
            None
        );
        let refused = query
            .optional("limit", |_| Err::<(), _>("must be a whole number"))
            .unwrap_err();
        assert_eq!(refused.to_string(), "limit must be a whole number.");
    }
}
