//! The kinds of values that MySQL distinguishes, and how SQLite stores each of them.

use crate::engine::{EngineError, EngineResult, SqlValue};

/// The most digits of a DECIMAL that is stored as a 64-bit integer.
pub(crate) const MAX_DIGITS: u32 = 18;

/// How text is compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Collation {
    /// `utf8mb4_0900_ai_ci`, MySQL's default: without case and accents.
    Default,
    /// `utf8mb4_bin`: by code points, ignoring trailing spaces.
    Binary,
}

/// The kind of an expression's values.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ValueKind {
    Null,
    /// A whole number; `boolean` if a TINYINT(1) or BIT(1) column is returned as true and false.
    Int {
        unsigned: bool,
        boolean: bool,
    },
    /// A BIGINT UNSIGNED: an INTEGER in SQLite or, above 2⁶³−1, eight bytes, which SQLite sorts after every INTEGER.
    Wide,
    /// A whole number in SQLite: the value multiplied by ten to the power of `scale`.
    Decimal {
        scale: u32,
    },
    /// A number of up to 65 digits, as in `decimals.rs`: the value multiplied by ten to the power of `scale`.
    BigDecimal {
        scale: u32,
    },
    Double,
    /// `implicit` if a column's collation is involved, which takes precedence over a literal's.
    Text {
        collation: Collation,
        implicit: bool,
    },
    Bytes,
    /// `YYYY-MM-DD`.
    Date,
    /// `YYYY-MM-DD HH:MM:SS`, with this many fractional digits.
    DateTime {
        digits: u32,
    },
    /// `HH:MM:SS`, with this many fractional digits.
    Time {
        digits: u32,
    },
    Json,
}

/// The kind of a whole number in an expression.
pub(crate) const INT: ValueKind = ValueKind::Int {
    unsigned: false,
    boolean: false,
};
/// A whole number that is never negative, and never above 2⁶³−1.
pub(crate) const UNSIGNED: ValueKind = ValueKind::Int {
    unsigned: true,
    boolean: false,
};
/// The kind of a literal text.
pub(crate) const TEXT: ValueKind = ValueKind::Text {
    collation: Collation::Default,
    implicit: false,
};

impl ValueKind {
    pub(crate) fn is_text(self) -> bool {
        matches!(self, Self::Text { .. })
    }

    /// Whether values are numbers without a rounding error.
    pub(crate) fn is_exact(self) -> bool {
        self.is_whole() || matches!(self, Self::Decimal { .. } | Self::BigDecimal { .. })
    }

    /// Whether values are whole numbers.
    pub(crate) fn is_whole(self) -> bool {
        matches!(self, Self::Int { .. } | Self::Wide)
    }

    pub(crate) fn is_big(self) -> bool {
        matches!(self, Self::BigDecimal { .. })
    }

    /// The DECIMAL for exact numbers of both kinds, with the larger number of digits after the point.
    pub(crate) fn decimal(self, other: Self) -> Self {
        let scale = self.scale().max(other.scale());
        match self.is_big() || other.is_big() {
            true => Self::BigDecimal { scale },
            false => Self::Decimal { scale },
        }
    }

    /// Whether values are whole numbers of an unsigned type.
    pub(crate) fn is_unsigned(self) -> bool {
        matches!(self, Self::Int { unsigned: true, .. } | Self::Wide)
    }

    pub(crate) fn is_number(self) -> bool {
        self.is_exact() || self == Self::Double
    }

    /// Whether values are dates or times.
    pub(crate) fn is_moment(self) -> bool {
        matches!(self, Self::Date | Self::DateTime { .. } | Self::Time { .. })
    }

    /// How many digits follow the point.
    pub(crate) fn scale(self) -> u32 {
        match self {
            Self::Decimal { scale } | Self::BigDecimal { scale } => scale,
            _ => 0,
        }
    }

    /// The kind of a parameter's value.
    pub(crate) fn of(value: &SqlValue) -> Self {
        match value {
            SqlValue::Null => Self::Null,
            SqlValue::Boolean(_) | SqlValue::Long(_) => INT,
            SqlValue::Double(_) => Self::Double,
            SqlValue::Decimal(text) => {
                let scale = scale_of(text);
                match unscaled(text) {
                    Some(_) => Self::Decimal { scale },
                    None => Self::BigDecimal { scale },
                }
            }
            SqlValue::Text(_) => TEXT,
            SqlValue::Json(_) => Self::Json,
            SqlValue::Blob(_) => Self::Bytes,
        }
    }

    /// The same kind without what only columns have.
    pub(crate) fn plain(self) -> Self {
        match self {
            Self::Int { unsigned, .. } => Self::Int {
                unsigned,
                boolean: false,
            },
            kind => kind,
        }
    }

    /// The common kind that values of both fit into unchanged, if there is one: for CASE, COALESCE or UNION.
    pub(crate) fn common(self, other: Self) -> EngineResult<Self> {
        Ok(match (self, other) {
            (Self::Null, kind) | (kind, Self::Null) => kind,
            (one, other) if one == other => one,
            (
                Self::Int { unsigned, .. },
                Self::Int {
                    unsigned: other, ..
                },
            ) if unsigned == other => Self::Int {
                unsigned,
                boolean: false,
            },
            (one, other) if one.is_unsigned() && other.is_unsigned() => Self::Wide,
            // One is signed and one unsigned, and no integer type holds all values of both.
            (Self::Wide, Self::Int { .. }) | (Self::Int { .. }, Self::Wide) => {
                Self::Decimal { scale: 0 }
            }
            (one, other) if one.is_whole() && other.is_whole() => {
                return Err(EngineError::unsupported(
                    "whole numbers with and without a sign in one place",
                ));
            }
            (one, other) if one.is_exact() && other.is_exact() => one.decimal(other),
            (
                Self::Text {
                    collation,
                    implicit,
                },
                Self::Text {
                    collation: other_collation,
                    implicit: other_implicit,
                },
            ) => text(&[(collation, implicit), (other_collation, other_implicit)]),
            // All become texts, as MySQL shows them.
            (kind @ Self::Text { .. }, other) | (other, kind @ Self::Text { .. })
                if other.is_exact() || other.is_moment() =>
            {
                kind
            }
            _ => {
                return Err(EngineError::unsupported(
                    "values of different types in one place",
                ));
            }
        })
    }
}

/// The collation of several texts combined: a column's wins over a literal's, and `_bin` over the default.
pub(crate) fn text(parts: &[(Collation, bool)]) -> ValueKind {
    let implicit = parts.iter().any(|part| part.1);
    let binary = parts
        .iter()
        .any(|part| part.1 == implicit && part.0 == Collation::Binary);
    ValueKind::Text {
        collation: if binary {
            Collation::Binary
        } else {
            Collation::Default
        },
        implicit,
    }
}

/// How many digits follow the point of a decimal number.
pub(crate) fn scale_of(text: &str) -> u32 {
    text.split_once('.').map_or(0, |(_, fraction)| {
        u32::try_from(fraction.len()).unwrap_or(u32::MAX)
    })
}

/// A decimal number without its point; `None` if it has too many digits.
pub(crate) fn unscaled(text: &str) -> Option<i64> {
    let digits: String = text.chars().filter(|letter| *letter != '.').collect();
    let number: i64 = digits.parse().ok()?;
    (number.unsigned_abs() < 10_u64.pow(MAX_DIGITS)).then_some(number)
}

/// The number above 2⁶³−1 that eight bytes represent.
pub(crate) fn wide(bytes: &[u8]) -> Option<u64> {
    bytes.try_into().ok().map(u64::from_be_bytes)
}

/// A scaled number as text.
pub(crate) fn scaled_text(number: i64, scale: u32) -> String {
    if scale == 0 {
        return number.to_string();
    }
    let scale = scale as usize;
    let sign = if number < 0 { "-" } else { "" };
    let digits = format!("{:0>width$}", number.unsigned_abs(), width = scale + 1);
    let (whole, fraction) = digits.split_at(digits.len() - scale);
    format!("{sign}{whole}.{fraction}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decimals_lose_and_gain_their_point() {
        for (text, number, scale) in [
            ("12.50", 1250, 2),
            ("-0.5", -5, 1),
            ("0.05", 5, 2),
            ("7", 7, 0),
        ] {
            assert_eq!((unscaled(text), scale_of(text)), (Some(number), scale));
            assert_eq!(scaled_text(number, scale), text);
        }
        assert_eq!(unscaled("1234567890123456789"), None);
    }

    #[test]
    fn a_columns_collation_counts_before_a_literals() {
        let binary_column = (Collation::Binary, true);
        let default_column = (Collation::Default, true);
        let literal = (Collation::Default, false);
        for (parts, collation) in [
            ([binary_column, literal], Collation::Binary),
            ([default_column, literal], Collation::Default),
            ([default_column, binary_column], Collation::Binary),
            ([literal, literal], Collation::Default),
        ] {
            let ValueKind::Text { collation: got, .. } = text(&parts) else {
                panic!()
            };
            assert_eq!(got, collation);
        }
    }
}
