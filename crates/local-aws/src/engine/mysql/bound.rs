//! A statement with the values of one parameter set.

use std::borrow::Cow;

use mysql_async::{Params, Value};

use crate::engine::{
    EngineError, EngineResult, Parameters, SqlValue, kinds,
    mysql::{text::PositionalText, values},
};

/// The most digits of MySQL's DECIMAL, and the most of them after the point.
const MOST_DIGITS: usize = 65;
const MOST_FRACTION: usize = 30;

/// A statement's text and the values of its `?`.
///
/// A prepared statement sends a DECIMAL as text, for which MySQL has different rules: `CAST('1.005' AS UNSIGNED)` is an
/// error in strict mode. The service sends an object of type DECIMAL
/// (<https://docs.aws.amazon.com/rdsdataservice/latest/APIReference/API_SqlParameter.html>), so the text is cast here.
#[derive(Debug)]
pub(crate) struct BoundStatement<'a> {
    pub(crate) sql: Cow<'a, str>,
    pub(crate) values: Params,
    pub(crate) casts: Casts,
}

impl<'a> BoundStatement<'a> {
    pub(crate) fn new(
        positional: &'a PositionalText,
        parameters: &Parameters,
    ) -> EngineResult<Self> {
        let mut list = Vec::with_capacity(positional.names.len());
        let mut casts = Casts::default();
        let mut sql = String::new();
        let mut copied = 0;
        for (name, place) in positional.names.iter().zip(&positional.places) {
            let value = parameters
                .get(name)
                .ok_or_else(|| EngineError::MissingParameter(name.clone()))?;
            if let SqlValue::Decimal(text) = value
                && let Some(cast) = decimal_cast(text)
            {
                sql.push_str(&positional.sql[copied..*place]);
                sql.push_str(&cast);
                copied = place + 1;
                casts.0.push(cast);
            }
            list.push(values::to_mysql(value));
        }
        let sql = match casts.0.is_empty() {
            true => Cow::Borrowed(positional.sql.as_str()),
            false => Cow::Owned(sql + &positional.sql[copied..]),
        };
        let values = match list.is_empty() {
            true => Params::Empty,
            false => Params::Positional(list),
        };
        Ok(Self { sql, values, casts })
    }

    /// Whether each value leaves an AUTO_INCREMENT column to MySQL.
    pub(crate) fn left(&self) -> Vec<bool> {
        match &self.values {
            Params::Positional(list) => list
                .iter()
                .map(|value| matches!(value, Value::NULL | Value::Int(0)))
                .collect(),
            _ => Vec::new(),
        }
    }
}

/// The casts that replace a `?` in a statement.
#[derive(Debug, Default)]
pub(crate) struct Casts(Vec<String>);

impl Casts {
    /// Removes them from a label, which is the text of its expression.
    pub(crate) fn remove_from(&self, label: &mut String) {
        for cast in &self.0 {
            if label.contains(cast) {
                *label = label.replace(cast, "?");
            }
        }
    }
}

/// The cast to the DECIMAL that holds all digits of a number; `None` if MySQL has no such type.
fn decimal_cast(text: &str) -> Option<String> {
    let digits = text.trim_start_matches(['-', '+']);
    let whole = digits.split('.').next().unwrap_or_default();
    let whole = whole.trim_start_matches('0').len();
    let scale = kinds::scale_of(digits) as usize;
    let precision = (whole + scale).max(1);
    (precision <= MOST_DIGITS && scale <= MOST_FRACTION)
        .then(|| format!("CAST(? AS DECIMAL({precision},{scale}))"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::mysql::text::positional;

    #[test]
    fn a_decimal_is_cast_to_the_type_of_its_digits() {
        for (text, cast) in [
            ("1.005", "CAST(? AS DECIMAL(4,3))"),
            ("-12.50", "CAST(? AS DECIMAL(4,2))"),
            ("+007", "CAST(? AS DECIMAL(1,0))"),
            ("0", "CAST(? AS DECIMAL(1,0))"),
            (".5", "CAST(? AS DECIMAL(1,1))"),
            ("7.", "CAST(? AS DECIMAL(1,0))"),
        ] {
            assert_eq!(decimal_cast(text).as_deref(), Some(cast), "{text}");
        }
        assert_eq!(decimal_cast(&"9".repeat(66)), None);
        assert_eq!(decimal_cast(&format!("0.{}", "1".repeat(31))), None);
    }

    #[test]
    fn the_other_parameters_and_the_labels_stay_as_they_are() {
        let positional = positional("SELECT :a, :d + 1, ':d', :d -- :d").unwrap();
        let parameters = Parameters::from([
            ("a".to_owned(), SqlValue::Long(0)),
            ("d".to_owned(), SqlValue::Decimal("2.5".into())),
        ]);
        let bound = BoundStatement::new(&positional, &parameters).unwrap();
        assert_eq!(
            bound.sql,
            "SELECT ?, CAST(? AS DECIMAL(2,1)) + 1, ':d', CAST(? AS DECIMAL(2,1)) -- :d"
        );
        assert_eq!(bound.left(), [true, false, false]);
        let mut label = "CAST(? AS DECIMAL(2,1)) + 1".to_owned();
        bound.casts.remove_from(&mut label);
        assert_eq!(label, "? + 1");
    }
}
