//! Comparisons: what each side becomes, so that SQLite's comparison is MySQL's.
//!
//! <https://dev.mysql.com/doc/refman/8.0/en/type-conversion.html>

use sqlparser::ast::{Expr, FunctionArg, FunctionArgExpr, FunctionArguments, Value as Literal};

use super::{
    Analysis, MomentText, Scope, Typed,
    words::{call, collate, number, raw, take, wrap},
};
use crate::engine::{
    EngineError, EngineResult,
    kinds::{Collation, INT, Kind, text},
};

/// What follows a date, or a time of so many digits, to have so many digits.
fn padding(from: Option<u32>, to: u32) -> String {
    let zeros = "0".repeat(to.saturating_sub(from.unwrap_or(0)) as usize);
    let start = match from {
        None => " 00:00:00",
        Some(_) => "",
    };
    match from {
        None | Some(0) if to > 0 => format!("{start}.{zeros}"),
        _ => format!("{start}{zeros}"),
    }
}

fn pad(expr: &mut Expr, from: Option<u32>, to: u32) {
    let padding = padding(from, to);
    if !padding.is_empty() {
        *expr = raw(format!("({} || '{padding}')", take(expr)));
    }
}

/// The function that makes a date of a text.
pub(super) const CAST_DATE: &str = "fleet_cast_date";

/// Has a CAST in a comparison refuse a text that is no date: MySQL and MariaDB go on with different ones.
fn refuse_wrong_dates(expr: &mut Expr) {
    match expr {
        Expr::Nested(inner) => refuse_wrong_dates(inner),
        Expr::Function(function) if function.name.to_string() == CAST_DATE => {
            if let FunctionArguments::List(list) = &mut function.args
                && let Some(strict) = list.args.last_mut()
            {
                *strict = FunctionArg::Unnamed(FunctionArgExpr::Expr(number(1)));
            }
        }
        _ => {}
    }
}

impl Analysis<'_> {
    /// Makes two values comparable.
    pub(super) fn compare(
        &mut self,
        left: &mut Expr,
        one: &Typed,
        right: &mut Expr,
        other: &Typed,
    ) -> EngineResult<()> {
        if one.quotient || other.quotient {
            return Err(EngineError::unsupported("a quotient in a comparison"));
        }
        refuse_wrong_dates(left);
        refuse_wrong_dates(right);
        for (year, expr, typed) in [(one, &mut *right, other), (other, &mut *left, one)] {
            if year.is_year() && typed.constant {
                match typed.kind {
                    Kind::Null => {}
                    Kind::Int { .. } => wrap(expr, "fleet_as_year", Vec::new()),
                    _ => return Err(EngineError::unsupported("a YEAR compared with this value")),
                }
            } else if year.is_year() && !matches!(typed.kind, Kind::Null | Kind::Int { .. }) {
                return Err(EngineError::unsupported("a YEAR compared with this value"));
            }
        }
        match (one.kind, other.kind) {
            (Kind::Null, _) | (_, Kind::Null) => Ok(()),
            (a, b) if a.is_exact() && b.is_exact() => {
                let scale = a.scale().max(b.scale());
                rescale(left, a.scale(), scale);
                rescale(right, b.scale(), scale);
                Ok(())
            }
            (a, b) if a.is_number() && b.is_number() => {
                to_real(left, a);
                to_real(right, b);
                Ok(())
            }
            (a, b) if (a.is_number() && b.is_text()) || (a.is_text() && b.is_number()) => {
                if one.is_member() || other.is_member() {
                    return Err(EngineError::unsupported("ENUM and SET as numbers"));
                }
                for (expr, kind) in [(&mut *left, a), (&mut *right, b)] {
                    match kind {
                        Kind::Text { .. } => {
                            wrap(expr, "fleet_number", vec![number(u8::from(self.writing))]);
                        }
                        // SQLite compares whole numbers with doubles as they are.
                        Kind::Decimal { .. } => to_real(expr, kind),
                        _ => {}
                    }
                }
                Ok(())
            }
            (
                Kind::Text {
                    collation: a,
                    implicit: a_implicit,
                },
                Kind::Text {
                    collation: b,
                    implicit: b_implicit,
                },
            ) => {
                let Kind::Text { collation, .. } = text(&[(a, a_implicit), (b, b_implicit)]) else {
                    return Err(EngineError::unsupported("this comparison"));
                };
                if collation == Collation::Default {
                    self.letters(left, one);
                    self.letters(right, other);
                }
                let known = if one.is_collated() {
                    Some(a)
                } else if other.is_collated() {
                    Some(b)
                } else {
                    None
                };
                if known != Some(collation) {
                    collate(left, collation);
                }
                Ok(())
            }
            (Kind::Bytes, Kind::Bytes) | (Kind::Date, Kind::Date) => Ok(()),
            (Kind::Bytes, Kind::Text { .. }) if other.constant => {
                *right = raw(format!("CAST({} AS BLOB)", take(right)));
                Ok(())
            }
            (Kind::Text { .. }, Kind::Bytes) if one.constant => {
                *left = raw(format!("CAST({} AS BLOB)", take(left)));
                Ok(())
            }
            (a, b) if is_moment(a) && is_moment(b) => moments(left, a, right, b),
            (a, Kind::Text { .. }) if is_moment(a) && other.constant => self.as_moment(right, a),
            (Kind::Text { .. }, b) if is_moment(b) && one.constant && !self.between => {
                self.as_moment(left, b)
            }
            _ => Err(EngineError::unsupported(
                "a comparison of values of these types",
            )),
        }
    }

    /// Notes a literal or a parameter that is compared by MySQL's default collation, to be looked at before any row is:
    /// not every letter's place in it is known.
    fn letters(&mut self, expr: &Expr, typed: &Typed) {
        if typed.constant
            && let Some(slot) = slot_of(expr)
        {
            self.texts.push(slot);
        }
    }

    /// Reads a text as the kind that it is compared with.
    fn as_moment(&mut self, expr: &mut Expr, kind: Kind) -> EngineResult<()> {
        let (name, digits) = match kind {
            Kind::Date => ("fleet_as_date", 0),
            Kind::DateTime { digits } => ("fleet_as_datetime", digits),
            Kind::Time { digits } => ("fleet_as_time", digits),
            _ => return Err(EngineError::unsupported("this comparison")),
        };
        if let Some(slot) = slot_of(expr) {
            self.moments.push(MomentText {
                slot,
                is_time: matches!(kind, Kind::Time { .. }),
                is_error: !self.between,
            });
        }
        wrap(expr, name, vec![number(digits)]);
        Ok(())
    }

    /// Turns a value into one of another kind that holds it: of a CASE, a UNION.
    pub(super) fn convert(&mut self, expr: &mut Expr, from: &Typed, to: Kind) -> EngineResult<()> {
        if from.quotient {
            return Err(EngineError::unsupported(
                "a quotient within another expression",
            ));
        }
        if from.is_year() {
            return Err(EngineError::unsupported(
                "a YEAR and other values in one place",
            ));
        }
        match (from.kind, to) {
            (Kind::Null, _) => Ok(()),
            (from, to) if from.is_exact() && to.is_exact() => {
                rescale(expr, from.scale(), to.scale());
                Ok(())
            }
            (from, to) if from.plain() == to.plain() || (from.is_text() && to.is_text()) => Ok(()),
            _ => Err(EngineError::unsupported(
                "values of different types in one place",
            )),
        }
    }

    /// `LIKE` by a function: SQLite's own cannot be interrupted, and knows nothing of collations.
    pub(super) fn like(&mut self, expr: &mut Expr, scope: &Scope<'_>) -> EngineResult<Typed> {
        let Expr::Like {
            negated,
            any: false,
            expr: inner,
            pattern,
            escape_char,
        } = expr
        else {
            return Err(EngineError::unsupported("LIKE ANY"));
        };
        let one = self.expr(inner, scope)?;
        let other = self.expr(pattern, scope)?;
        let mut parts = Vec::new();
        for (expr, typed) in [(&mut **inner, &one), (&mut **pattern, &other)] {
            match typed.kind {
                Kind::Text {
                    collation,
                    implicit,
                } => parts.push((collation, implicit)),
                Kind::Null => {}
                Kind::Int { .. } | Kind::Date | Kind::DateTime { .. } | Kind::Decimal { .. } => {
                    self.as_text(expr, typed)?;
                }
                _ => return Err(EngineError::unsupported("LIKE of values of these types")),
            }
        }
        let collated = match text(&parts) {
            Kind::Text { collation, .. } => collation == Collation::Default,
            _ => false,
        };
        if collated {
            self.letters(inner, &one);
            self.letters(pattern, &other);
        }
        let escape = match escape_char {
            // MySQL's escape character is a backslash.
            None => self.text("\\".into()),
            Some(escape) => {
                let letters = match &**escape {
                    Expr::Value(value) => match &value.value {
                        Literal::SingleQuotedString(text) | Literal::DoubleQuotedString(text) => {
                            Some(text.clone())
                        }
                        _ => None,
                    },
                    _ => None,
                };
                let letters = letters
                    .ok_or_else(|| EngineError::unsupported("an ESCAPE that is not a text"))?;
                if letters.chars().nth(1).is_some() {
                    return Err(EngineError::database(
                        1210,
                        "HY000",
                        "Incorrect arguments to ESCAPE",
                    ));
                }
                self.text(letters)
            }
        };
        let negated = *negated;
        let args = vec![
            take(pattern),
            take(inner),
            escape,
            number(u8::from(collated)),
        ];
        *expr = call("fleet_like", args);
        if negated {
            *expr = raw(format!("(NOT {expr})"));
        }
        Ok(Typed::of(INT))
    }

    /// Turns a value into text.
    pub(super) fn as_text(&mut self, expr: &mut Expr, typed: &Typed) -> EngineResult<()> {
        match typed.kind {
            _ if typed.quotient => Err(EngineError::unsupported("a quotient as text")),
            Kind::Decimal { scale } => {
                wrap(expr, "fleet_decimal_text", vec![number(scale)]);
                Ok(())
            }
            Kind::Int { .. } => {
                *expr = raw(format!("CAST({} AS TEXT)", take(expr)));
                Ok(())
            }
            Kind::Null
            | Kind::Text { .. }
            | Kind::Date
            | Kind::DateTime { .. }
            | Kind::Time { .. } => Ok(()),
            Kind::Double => Err(EngineError::unsupported("a DOUBLE as text")),
            Kind::Bytes => Err(EngineError::unsupported("bytes as text")),
            Kind::Json => Err(EngineError::unsupported("a JSON document as text")),
        }
    }
}

/// The slot of a numbered parameter.
fn slot_of(expr: &Expr) -> Option<usize> {
    match expr {
        Expr::Value(value) => match &value.value {
            Literal::Placeholder(number) => {
                let number: usize = number.trim_start_matches('?').parse().ok()?;
                number.checked_sub(1)
            }
            _ => None,
        },
        _ => None,
    }
}

/// Gives an exact number more digits after its point.
pub(super) fn rescale(expr: &mut Expr, from: u32, to: u32) {
    if to <= from {
        return;
    }
    let zeros = "0".repeat((to - from) as usize);
    if let Expr::Value(value) = expr
        && let Literal::Number(text, _) = &mut value.value
        && text.len() + zeros.len() <= 18
    {
        text.push_str(&zeros);
        return;
    }
    *expr = call(
        "fleet_decimal",
        vec![raw(format!("{} * 1{zeros}", take(expr)))],
    );
}

/// Turns an exact number into a double.
pub(super) fn to_real(expr: &mut Expr, kind: Kind) {
    if kind.is_exact() {
        wrap(expr, "fleet_real", vec![number(kind.scale())]);
    }
}

fn is_moment(kind: Kind) -> bool {
    matches!(kind, Kind::Date | Kind::DateTime { .. } | Kind::Time { .. })
}

fn moments(left: &mut Expr, a: Kind, right: &mut Expr, b: Kind) -> EngineResult<()> {
    match (a, b) {
        (Kind::DateTime { digits: a }, Kind::DateTime { digits: b })
        | (Kind::Time { digits: a }, Kind::Time { digits: b }) => {
            pad(left, Some(a), a.max(b));
            pad(right, Some(b), a.max(b));
            Ok(())
        }
        (Kind::Date, Kind::DateTime { digits }) => {
            pad(left, None, digits);
            Ok(())
        }
        (Kind::DateTime { digits }, Kind::Date) => {
            pad(right, None, digits);
            Ok(())
        }
        _ => Err(EngineError::unsupported("a time compared with a date")),
    }
}

#[cfg(test)]
mod tests {
    use super::padding;

    #[test]
    fn dates_and_times_are_padded_to_the_same_form() {
        assert_eq!(padding(None, 0), " 00:00:00");
        assert_eq!(padding(None, 3), " 00:00:00.000");
        assert_eq!(padding(Some(0), 2), ".00");
        assert_eq!(padding(Some(2), 6), "0000");
        assert_eq!(padding(Some(0), 0), "");
    }
}
