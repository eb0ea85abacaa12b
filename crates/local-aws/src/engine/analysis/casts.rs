//! CAST.

use sqlparser::ast::{DataType, Expr, TypedString};

use super::{
    Analysis, ExprType,
    comparisons::CAST_DATE,
    conversions::{rescale, to_real},
    words::{number, raw, take, wrap},
};
use crate::engine::{
    EngineError, EngineResult,
    column_types::ColumnType,
    dates::{self, DateError, MAX_DIGITS as MAX_FRACTION},
    kinds::{INT, MAX_DIGITS, TEXT, ValueKind},
};

impl Analysis<'_> {
    /// Converts a value to another type.
    pub(super) fn cast(
        &mut self,
        expr: &mut Expr,
        typed: &ExprType,
        to: &DataType,
    ) -> EngineResult<ExprType> {
        if typed.quotient || typed.is_member() {
            return Err(EngineError::unsupported("CAST of a value of this type"));
        }
        let refused = || {
            Err(EngineError::unsupported(&format!(
                "CAST of this type AS {to}"
            )))
        };
        let text = to.to_string();
        let wanted = ColumnType::parse(&text);
        let strict = number(u8::from(self.writing));
        let kind = match wanted.name() {
            "SIGNED" | "UNSIGNED" => {
                match typed.kind {
                    ValueKind::Null | ValueKind::Int { .. } | ValueKind::Wide => {}
                    ValueKind::Decimal { scale } => wrap(expr, "fleet_round", vec![number(scale)]),
                    ValueKind::BigDecimal { scale } => {
                        wrap(expr, "fleet_big_narrow", vec![number(scale), number(0)]);
                    }
                    ValueKind::Text { .. } => wrap(expr, "fleet_text_int", vec![strict]),
                    _ => return refused(),
                }
                if wanted.name() == "UNSIGNED" {
                    let strict = self.writing || !typed.kind.is_whole();
                    wrap(expr, "fleet_cast_unsigned", vec![number(u8::from(strict))]);
                    ValueKind::Wide
                } else {
                    if typed.kind == ValueKind::Wide {
                        wrap(expr, "fleet_cast_signed", Vec::new());
                    }
                    INT
                }
            }
            "CHAR" => {
                self.as_text(expr, typed)?;
                if let Some((length, _)) = wanted.length().filter(|_| text.contains('(')) {
                    wrap(expr, "left", vec![number(length)]);
                }
                match typed.kind {
                    kind @ ValueKind::Text { .. } => kind,
                    _ => TEXT,
                }
            }
            "DECIMAL" => {
                wanted.check_supported()?;
                let scale = wanted.scale();
                if wanted.precision() > MAX_DIGITS {
                    return big(expr, typed, &wanted, strict).unwrap_or_else(refused);
                }
                match typed.kind {
                    ValueKind::Null => {}
                    ValueKind::BigDecimal { scale: from } => {
                        wrap(expr, "fleet_big_narrow", vec![number(from), number(scale)]);
                    }
                    kind if kind.is_exact() => {
                        let from = kind.scale();
                        if from > scale {
                            wrap(expr, "fleet_round", vec![number(from - scale)]);
                        } else {
                            rescale(expr, kind, scale);
                        }
                    }
                    ValueKind::Text { .. } => {
                        wrap(expr, "fleet_text_decimal", vec![number(scale), strict])
                    }
                    _ => return refused(),
                }
                wrap(expr, "fleet_cast_decimal", vec![number(wanted.precision())]);
                ValueKind::Decimal { scale }
            }
            "DATE" | "DATETIME" => {
                let digits = wanted.digits();
                if digits > MAX_FRACTION {
                    return Err(EngineError::database(
                        1426,
                        "42000",
                        format!(
                            "Too-big precision {digits} specified for 'CAST'. Maximum is {MAX_FRACTION}."
                        ),
                    ));
                }
                let is_date = wanted.name() == "DATE";
                match typed.kind {
                    ValueKind::Null => {}
                    ValueKind::Date if is_date => {}
                    ValueKind::DateTime { .. } if is_date => wrap(expr, "date", Vec::new()),
                    ValueKind::Date if digits == 0 => {
                        *expr = raw(format!("({} || ' 00:00:00')", take(expr)));
                    }
                    ValueKind::DateTime { digits: from } if from == digits => {}
                    ValueKind::Text { .. } => {
                        let name = if is_date { "DATE" } else { "DATETIME" };
                        let name = raw(format!("'{name}'"));
                        wrap(expr, CAST_DATE, vec![name, number(digits), strict]);
                    }
                    _ => return refused(),
                }
                if is_date {
                    ValueKind::Date
                } else {
                    ValueKind::DateTime { digits }
                }
            }
            "BINARY" if !text.contains('(') => {
                match typed.kind {
                    ValueKind::Null | ValueKind::Bytes => {}
                    ValueKind::Text { .. } => *expr = raw(format!("CAST({} AS BLOB)", take(expr))),
                    _ => return refused(),
                }
                ValueKind::Bytes
            }
            "DOUBLE" if typed.kind.is_exact() => {
                to_real(expr, typed.kind);
                ValueKind::Double
            }
            "DOUBLE" if typed.kind == ValueKind::Double => ValueKind::Double,
            _ => return refused(),
        };
        let whole_digits = match kind {
            ValueKind::Decimal { .. } => Some(wanted.precision() - wanted.scale()),
            _ => None,
        };
        Ok(ExprType {
            whole_digits,
            ..ExprType::of(kind)
        })
    }
}

/// A literal with its type in front: `DATE '2024-01-02'`.
pub(super) fn date_literal(typed: &TypedString) -> EngineResult<Expr> {
    let kind = typed.data_type.to_string();
    if kind != "DATE" {
        return Err(EngineError::unsupported(&format!("a literal of {kind}")));
    }
    let text = typed.value.value.clone().into_string();
    let text = text.as_deref().unwrap_or_default();
    // A DATE has no time.
    let has_time = text.trim().contains([' ', 'T', ':']);
    match dates::moment(text).map(|at| dates::date_text(at.date())) {
        Ok(date) if !has_time => Ok(raw(format!("'{date}'"))),
        Err(DateError::Unknown) => Err(EngineError::unsupported("a DATE of this form")),
        _ => Err(EngineError::database(
            1525,
            "HY000",
            format!("Incorrect DATE value: '{text}'"),
        )),
    }
}

/// A CAST to a DECIMAL of more than 18 digits; `None` for a type that cannot be cast to it here.
fn big(
    expr: &mut Expr,
    typed: &ExprType,
    wanted: &ColumnType,
    strict: Expr,
) -> Option<EngineResult<ExprType>> {
    let scale = wanted.scale();
    let mut from = typed.kind.scale();
    match typed.kind {
        ValueKind::Null => {}
        ValueKind::Text { .. } => {
            wrap(expr, "fleet_text_big", vec![number(scale), strict]);
            from = scale;
        }
        kind if kind.is_exact() => {}
        _ => return None,
    }
    let digits = vec![number(from), number(wanted.precision()), number(scale)];
    wrap(expr, "fleet_cast_big", digits);
    Some(Ok(ExprType::of(ValueKind::BigDecimal { scale })))
}
