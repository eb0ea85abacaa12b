//! Aggregates: sums and means.

use sqlparser::ast::Expr;

use super::{
    Analysis, ExprType,
    arguments::{Argument, wrong_type},
    arithmetic::{divide, divided},
    words::{call, number, raw, take},
};
use crate::engine::{
    EngineError, EngineResult,
    kinds::{INT, UNSIGNED, ValueKind},
};

/// How many digits the types of COUNT and SUM have before the point; SUM has this many more than its argument.
pub(super) const COUNT_DIGITS: u32 = 20;
const SUM_DIGITS: u32 = 22;

/// A placeholder after a call until its OVER is known.
pub(super) const OVER: &str = " /*over*/";

/// A call of a SQLite aggregate.
pub(super) fn aggregate(name: &str, expr: &Expr, distinct: bool, over: bool) -> Expr {
    let distinct = if distinct { "DISTINCT " } else { "" };
    let marker = if over { OVER } else { "" };
    raw(format!("{name}({distinct}{expr}){marker}"))
}

/// Whether a function supports whole numbers above 2⁶³−1.
pub(super) fn takes_wide(name: &str, over: bool) -> bool {
    match name {
        "avg" | "sum" => !over,
        _ => matches!(
            name,
            "abs"
                | "ceil"
                | "ceiling"
                | "char_length"
                | "coalesce"
                | "concat"
                | "concat_ws"
                | "count"
                | "first_value"
                | "floor"
                | "greatest"
                | "group_concat"
                | "if"
                | "ifnull"
                | "isnull"
                | "last_value"
                | "least"
                | "length"
                | "max"
                | "min"
                | "nullif"
                | "round"
                | "truncate"
        ),
    }
}

impl Analysis<'_> {
    /// SUM and AVG.
    pub(super) fn summed(
        &mut self,
        name: &str,
        arg: &mut Argument,
        distinct: bool,
        over: bool,
    ) -> EngineResult<(Expr, ExprType)> {
        let upper = name.to_uppercase();
        let wrong = || wrong_type(name);
        let aggregate = |name: &str, expr: &Expr| aggregate(name, expr, distinct, over);
        let (expr, kind) = (take(&mut arg.expr), arg.typed.kind);
        if arg.typed.placed {
            return Err(EngineError::unsupported(&format!(
                "{upper} of a DECIMAL parameter"
            )));
        }
        // MySQL treats NULL as a text, so the result is a double.
        let kind = match kind {
            ValueKind::Null => ValueKind::Double,
            kind => kind,
        };
        match (kind, name) {
            (ValueKind::Double, _) if over || distinct => Err(wrong()),
            (ValueKind::Double, "sum") => Ok((aggregate("fleet_sum", &expr), ExprType::of(kind))),
            (ValueKind::Double, _) => Ok((aggregate("fleet_mean", &expr), ExprType::of(kind))),
            (ValueKind::BigDecimal { .. }, _) if over => Err(wrong()),
            (ValueKind::BigDecimal { .. }, "sum") => {
                Ok((aggregate("fleet_big_total", &expr), ExprType::of(kind)))
            }
            (ValueKind::BigDecimal { scale }, _) => {
                let total = aggregate("fleet_big_total", &expr);
                let count = aggregate("count", &expr);
                divided((total, kind), (count, UNSIGNED), scale)
            }
            (kind, "sum") if kind.is_exact() || kind == ValueKind::Null => {
                let total = if over { "sum" } else { "fleet_total" };
                let sum = call("fleet_decimal", vec![aggregate(total, &expr)]);
                let typed = ExprType {
                    whole_digits: Some(arg.typed.whole_digits.unwrap_or(0) + SUM_DIGITS),
                    ..ExprType::of(ValueKind::Decimal {
                        scale: kind.scale(),
                    })
                };
                Ok((sum, typed))
            }
            (kind, _) if kind.is_exact() => {
                let args = vec![
                    aggregate(if over { "sum" } else { "fleet_total" }, &expr),
                    aggregate("count", &expr),
                    number(super::arithmetic::QUOTIENT_DIGITS),
                ];
                let scale = kind.scale() + super::arithmetic::QUOTIENT_DIGITS;
                let typed = ExprType {
                    quotient: true,
                    ..ExprType::of(ValueKind::Decimal { scale })
                };
                Ok((call(divide(kind, INT), args), typed))
            }
            _ => Err(wrong()),
        }
    }
}
