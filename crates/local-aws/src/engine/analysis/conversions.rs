//! Conversions of a value from one kind to another.

use sqlparser::ast::{Expr, Value as Literal};

use super::{
    Analysis, ExprType,
    words::{call, number, raw, take, wrap},
};
use crate::engine::{
    EngineError, EngineResult,
    kinds::{UNSIGNED, ValueKind},
};

impl Analysis<'_> {
    /// Converts a value to another kind that can hold it, for CASE or UNION.
    pub(super) fn convert(
        &mut self,
        expr: &mut Expr,
        from: &ExprType,
        to: ValueKind,
    ) -> EngineResult<()> {
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
            (ValueKind::Null, _) => Ok(()),
            (from, to) if from.is_whole() && to.is_whole() => Ok(()),
            (from, to) if from.is_exact() && to.is_exact() => {
                decimal(expr, from, to);
                Ok(())
            }
            (kind, ValueKind::Text { .. }) if kind.is_exact() || kind.is_moment() => {
                self.as_text(expr, from)
            }
            (from, to) if from.plain() == to.plain() || (from.is_text() && to.is_text()) => Ok(()),
            _ => Err(EngineError::unsupported(
                "values of different types in one place",
            )),
        }
    }

    /// Converts a value to text.
    pub(super) fn as_text(&mut self, expr: &mut Expr, typed: &ExprType) -> EngineResult<()> {
        match typed.kind {
            _ if typed.quotient => Err(EngineError::unsupported("a quotient as text")),
            ValueKind::Decimal { scale } => {
                wrap(expr, "fleet_decimal_text", vec![number(scale)]);
                Ok(())
            }
            ValueKind::BigDecimal { scale } => {
                wrap(expr, "fleet_big_text", vec![number(scale)]);
                Ok(())
            }
            ValueKind::Int { .. } => {
                *expr = raw(format!("CAST({} AS TEXT)", take(expr)));
                Ok(())
            }
            ValueKind::Wide => {
                wrap(expr, "fleet_whole_text", Vec::new());
                Ok(())
            }
            ValueKind::Null
            | ValueKind::Text { .. }
            | ValueKind::Date
            | ValueKind::DateTime { .. }
            | ValueKind::Time { .. } => Ok(()),
            ValueKind::Double => Err(EngineError::unsupported("a DOUBLE as text")),
            ValueKind::Bytes => Err(EngineError::unsupported("bytes as text")),
            ValueKind::Json => Err(EngineError::unsupported("a JSON document as text")),
        }
    }
}

/// Refuses a number above 2⁶³−1 when the statement runs: what follows does not accept one.
pub(super) fn narrow(expr: &mut Expr, kind: &mut ValueKind) {
    if *kind == ValueKind::Wide {
        wrap(expr, "fleet_narrow", Vec::new());
        *kind = UNSIGNED;
    }
}

/// Converts an exact number to a DECIMAL with more digits after the point.
pub(super) fn rescale(expr: &mut Expr, mut kind: ValueKind, to: u32) {
    narrow(expr, &mut kind);
    let from = kind.scale();
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

/// Converts an exact number to a DECIMAL with at least as many digits after the point.
pub(super) fn decimal(expr: &mut Expr, from: ValueKind, to: ValueKind) {
    if !to.is_big() {
        rescale(expr, from, to.scale());
    } else if from != to {
        let scales = vec![number(from.scale()), number(to.scale())];
        wrap(expr, "fleet_big", scales);
    }
}

/// Converts an exact number to a double.
pub(super) fn to_real(expr: &mut Expr, kind: ValueKind) {
    if kind.is_big() {
        wrap(expr, "fleet_big_real", vec![number(kind.scale())]);
    } else if kind.is_exact() {
        wrap(expr, "fleet_real", vec![number(kind.scale())]);
    }
}
