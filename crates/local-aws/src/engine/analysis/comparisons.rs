//! Comparisons: how each side is rewritten so that SQLite compares as MySQL does.
//!
//! <https://dev.mysql.com/doc/refman/8.0/en/type-conversion.html>

use sqlparser::ast::{Expr, FunctionArg, FunctionArgExpr, FunctionArguments, Value as Literal};

use super::{
    Analysis, ExprType, MomentText, Scope,
    context::BetweenBounds,
    conversions::{decimal, narrow, to_real},
    words::{call, collate, number, raw, take, wrap},
};
use crate::engine::{
    EngineError, EngineResult,
    kinds::{Collation, INT, ValueKind, text},
};

/// What to append to a date, or to a time with `from` digits, so that it has `to` digits.
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

/// The function that converts a text to a date.
pub(super) const CAST_DATE: &str = "fleet_cast_date";

/// Makes a CAST in a comparison refuse a text that is not a date: MySQL and MariaDB continue with different ones.
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
        one: &ExprType,
        right: &mut Expr,
        other: &ExprType,
    ) -> EngineResult<()> {
        if one.quotient || other.quotient {
            return Err(EngineError::unsupported("a quotient in a comparison"));
        }
        refuse_wrong_dates(left);
        refuse_wrong_dates(right);
        let (mut one, mut other) = (one.clone(), other.clone());
        if one.is_year() {
            narrow(right, &mut other.kind);
        } else if other.is_year() {
            narrow(left, &mut one.kind);
        }
        let (one, other) = (&one, &other);
        for (year, expr, typed) in [(one, &mut *right, other), (other, &mut *left, one)] {
            if year.is_year() && typed.constant {
                match typed.kind {
                    ValueKind::Null => {}
                    ValueKind::Int { .. } => wrap(expr, "fleet_as_year", Vec::new()),
                    _ => return Err(EngineError::unsupported("a YEAR compared with this value")),
                }
            } else if year.is_year()
                && !matches!(typed.kind, ValueKind::Null | ValueKind::Int { .. })
            {
                return Err(EngineError::unsupported("a YEAR compared with this value"));
            }
        }
        match (one.kind, other.kind) {
            (ValueKind::Null, _) | (_, ValueKind::Null) => Ok(()),
            (a, b) if a.is_whole() && b.is_whole() => Ok(()),
            (a, b) if a.is_exact() && b.is_exact() => {
                let scale = a.scale().max(b.scale());
                let both = match a == ValueKind::Wide || b == ValueKind::Wide {
                    true => ValueKind::BigDecimal { scale },
                    false => a.decimal(b),
                };
                decimal(left, a, both);
                decimal(right, b, both);
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
                self.note_bound(BetweenBounds::Numbers)?;
                for (expr, typed) in [(&mut *left, one), (&mut *right, other)] {
                    let kind = typed.kind;
                    match kind {
                        ValueKind::Text { .. } => {
                            self.numeral(expr, typed)?;
                            wrap(expr, "fleet_number", vec![number(u8::from(self.writing))]);
                        }
                        // SQLite compares whole numbers with doubles directly.
                        ValueKind::Decimal { .. }
                        | ValueKind::BigDecimal { .. }
                        | ValueKind::Wide => {
                            to_real(expr, kind);
                        }
                        _ => {}
                    }
                }
                Ok(())
            }
            (
                ValueKind::Text {
                    collation: a,
                    implicit: a_implicit,
                },
                ValueKind::Text {
                    collation: b,
                    implicit: b_implicit,
                },
            ) => {
                self.note_bound(BetweenBounds::Texts)?;
                let ValueKind::Text { collation, .. } = text(&[(a, a_implicit), (b, b_implicit)])
                else {
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
            (ValueKind::Bytes, ValueKind::Bytes) | (ValueKind::Date, ValueKind::Date) => Ok(()),
            (ValueKind::Bytes, ValueKind::Text { .. }) if other.constant => {
                *right = raw(format!("CAST({} AS BLOB)", take(right)));
                Ok(())
            }
            (ValueKind::Text { .. }, ValueKind::Bytes) if one.constant => {
                *left = raw(format!("CAST({} AS BLOB)", take(left)));
                Ok(())
            }
            (a, b) if a.is_moment() && b.is_moment() => moments(left, a, right, b),
            (a, ValueKind::Text { .. }) if a.is_moment() && other.constant => {
                self.as_moment(right, a)
            }
            (ValueKind::Text { .. }, b)
                if b.is_moment() && one.constant && self.between.is_none() =>
            {
                self.as_moment(left, b)
            }
            _ => Err(EngineError::unsupported(
                "a comparison of values of these types",
            )),
        }
    }

    /// Records a literal or parameter that is compared by MySQL's default collation, so that it is checked before any
    /// row is: not every letter's place in the order is known.
    fn letters(&mut self, expr: &Expr, typed: &ExprType) {
        if typed.constant
            && let Some(slot) = slot_of(expr)
        {
            self.texts.push(slot);
        }
    }

    /// Refuses a BETWEEN with one bound compared as a number and the other as a text: MySQL chooses once, for all three
    /// values.
    fn note_bound(&mut self, bound: BetweenBounds) -> EngineResult<()> {
        match self.between {
            Some(BetweenBounds::Unknown) => self.between = Some(bound),
            Some(other) if other != bound => {
                return Err(EngineError::unsupported(
                    "a BETWEEN of a text, with a text and a number",
                ));
            }
            _ => {}
        }
        Ok(())
    }

    /// Records a literal or parameter that is compared with a number, where strict mode raises an error if it is not
    /// one: MySQL reads it whether or not the comparison is needed.
    fn numeral(&mut self, expr: &Expr, typed: &ExprType) -> EngineResult<()> {
        match slot_of(expr).filter(|_| typed.constant) {
            _ if !self.writing => {}
            Some(slot) => self.numerals.push(slot),
            None if self.between.is_some() => {
                return Err(EngineError::unsupported(
                    "BETWEEN of numbers and a text, in a statement that writes",
                ));
            }
            None => {}
        }
        Ok(())
    }

    /// Parses a text as the kind that it is compared with.
    fn as_moment(&mut self, expr: &mut Expr, kind: ValueKind) -> EngineResult<()> {
        let (name, digits) = match kind {
            ValueKind::Date => ("fleet_as_date", 0),
            ValueKind::DateTime { digits } => ("fleet_as_datetime", digits),
            ValueKind::Time { digits } => ("fleet_as_time", digits),
            _ => return Err(EngineError::unsupported("this comparison")),
        };
        if let Some(slot) = slot_of(expr) {
            self.moments.push(MomentText {
                slot,
                is_time: matches!(kind, ValueKind::Time { .. }),
                is_error: self.between.is_none(),
            });
        }
        wrap(expr, name, vec![number(digits)]);
        Ok(())
    }

    /// `LIKE` as a function: SQLite's own cannot be interrupted, and ignores collations.
    pub(super) fn like(&mut self, expr: &mut Expr, scope: &Scope<'_>) -> EngineResult<ExprType> {
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
                ValueKind::Text {
                    collation,
                    implicit,
                } => parts.push((collation, implicit)),
                ValueKind::Null => {}
                ValueKind::Int { .. }
                | ValueKind::Wide
                | ValueKind::Date
                | ValueKind::DateTime { .. }
                | ValueKind::Decimal { .. }
                | ValueKind::BigDecimal { .. } => {
                    self.as_text(expr, typed)?;
                }
                _ => return Err(EngineError::unsupported("LIKE of values of these types")),
            }
        }
        let collated = match text(&parts) {
            ValueKind::Text { collation, .. } => collation == Collation::Default,
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
        Ok(ExprType::of(INT))
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

fn moments(left: &mut Expr, a: ValueKind, right: &mut Expr, b: ValueKind) -> EngineResult<()> {
    match (a, b) {
        (ValueKind::DateTime { digits: a }, ValueKind::DateTime { digits: b })
        | (ValueKind::Time { digits: a }, ValueKind::Time { digits: b }) => {
            pad(left, Some(a), a.max(b));
            pad(right, Some(b), a.max(b));
            Ok(())
        }
        (ValueKind::Date, ValueKind::DateTime { digits }) => {
            pad(left, None, digits);
            Ok(())
        }
        (ValueKind::DateTime { digits }, ValueKind::Date) => {
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
