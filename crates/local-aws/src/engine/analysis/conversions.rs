//! Conversions: a value of one kind as one of another.

use sqlparser::ast::{Expr, Value as Literal};

use super::{
    Analysis, ExprType,
    words::{call, number, raw, take, wrap},
};
use crate::engine::{
    EngineError, EngineResult,
    kinds::{Kind, UNSIGNED},
};

impl Analysis<'_> {
    /// Turns a value into one of another kind that holds it: of a CASE, a UNION.
    pub(super) fn convert(
        &mut self,
        expr: &mut Expr,
        from: &ExprType,
        to: Kind,
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
            (Kind::Null, _) => Ok(()),
            (from, to) if from.is_whole() && to.is_whole() => Ok(()),
            (from, to) if from.is_exact() && to.is_exact() => {
                decimal(expr, from, to);
                Ok(())
            }
            (kind, Kind::Text { .. }) if kind.is_exact() || kind.is_moment() => {
                self.as_text(expr, from)
            }
            (from, to) if from.plain() == to.plain() || (from.is_text() && to.is_text()) => Ok(()),
            _ => Err(EngineError::unsupported(
                "values of different types in one place",
            )),
        }
    }

    /// Turns a value into text.
    pub(super) fn as_text(&mut self, expr: &mut Expr, typed: &ExprType) -> EngineResult<()> {
        match typed.kind {
            _ if typed.quotient => Err(EngineError::unsupported("a quotient as text")),
            Kind::Decimal { scale } => {
                wrap(expr, "fleet_decimal_text", vec![number(scale)]);
                Ok(())
            }
            Kind::BigDecimal { scale } => {
                wrap(expr, "fleet_big_text", vec![number(scale)]);
                Ok(())
            }
            Kind::Int { .. } => {
                *expr = raw(format!("CAST({} AS TEXT)", take(expr)));
                Ok(())
            }
            Kind::Wide => {
                wrap(expr, "fleet_whole_text", Vec::new());
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

/// Refuses a number above 2⁶³−1 where the statement runs: what follows takes none.
pub(super) fn narrow(expr: &mut Expr, kind: &mut Kind) {
    if *kind == Kind::Wide {
        wrap(expr, "fleet_narrow", Vec::new());
        *kind = UNSIGNED;
    }
}

/// Makes a DECIMAL of an exact number, with more digits after its point.
pub(super) fn rescale(expr: &mut Expr, mut kind: Kind, to: u32) {
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

/// Makes a DECIMAL of an exact number, of no fewer digits after the point.
pub(super) fn decimal(expr: &mut Expr, from: Kind, to: Kind) {
    if !to.is_big() {
        rescale(expr, from, to.scale());
    } else if from != to {
        let scales = vec![number(from.scale()), number(to.scale())];
        wrap(expr, "fleet_big", scales);
    }
}

/// Turns an exact number into a double.
pub(super) fn to_real(expr: &mut Expr, kind: Kind) {
    if kind.is_big() {
        wrap(expr, "fleet_big_real", vec![number(kind.scale())]);
    } else if kind.is_exact() {
        wrap(expr, "fleet_real", vec![number(kind.scale())]);
    }
}
