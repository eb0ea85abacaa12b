//! Operators: signs and NOT, and which operators compare.

use sqlparser::ast::{BinaryOperator, Expr, UnaryOperator, Value as Literal};

use super::{
    Analysis, ExprType, Scope,
    words::{nested, take, truth, wrap},
};
use crate::engine::{
    EngineError, EngineResult,
    kinds::{INT, ValueKind},
};

/// Whether it is a comparison: MySQL and the parser group several in a row differently.
pub(super) fn is_comparison(expr: &Expr) -> bool {
    match expr {
        Expr::BinaryOp { op, .. } => comparison(op),
        Expr::InList { .. }
        | Expr::InSubquery { .. }
        | Expr::Between { .. }
        | Expr::Like { .. }
        | Expr::IsNull(_)
        | Expr::IsNotNull(_)
        | Expr::IsTrue(_)
        | Expr::IsFalse(_)
        | Expr::IsNotTrue(_)
        | Expr::IsNotFalse(_) => true,
        _ => false,
    }
}

/// Whether an expression always needs the values of all its parts.
pub(super) fn needs_all(expr: &Expr) -> bool {
    match expr {
        Expr::BinaryOp { op, .. } => {
            !comparison(op)
                && !matches!(
                    op,
                    BinaryOperator::And
                        | BinaryOperator::Or
                        | BinaryOperator::BitwiseAnd
                        | BinaryOperator::BitwiseOr
                )
        }
        Expr::UnaryOp { .. } | Expr::Nested(_) | Expr::Cast { .. } => true,
        _ => false,
    }
}

pub(super) fn comparison(op: &BinaryOperator) -> bool {
    matches!(
        op,
        BinaryOperator::Gt
            | BinaryOperator::Lt
            | BinaryOperator::GtEq
            | BinaryOperator::LtEq
            | BinaryOperator::Eq
            | BinaryOperator::NotEq
            | BinaryOperator::Spaceship
    )
}

/// Refuses operands that the parser may have grouped differently from MySQL.
pub(super) fn unambiguous(operands: &[&Expr]) -> EngineResult<()> {
    let loose = |expr: &&Expr| {
        is_comparison(expr)
            || matches!(
                expr,
                Expr::UnaryOp {
                    op: UnaryOperator::Not,
                    ..
                }
            )
            || matches!(
                expr,
                Expr::BinaryOp {
                    op: BinaryOperator::And | BinaryOperator::Or,
                    ..
                }
            )
    };
    if operands.iter().any(loose) {
        return Err(EngineError::unsupported(
            "comparisons in a row without parentheses",
        ));
    }
    Ok(())
}

impl Analysis<'_> {
    pub(super) fn unary(&mut self, expr: &mut Expr, scope: &Scope<'_>) -> EngineResult<ExprType> {
        let Expr::UnaryOp { op, expr: inner } = expr else {
            return Err(EngineError::unsupported("this operator"));
        };
        match op {
            UnaryOperator::Not => {
                let typed = self.expr(inner, scope)?;
                truth(inner, &typed)?;
                **inner = nested(take(inner));
                Ok(ExprType::of(INT))
            }
            UnaryOperator::BangNot => {
                if !matches!(
                    **inner,
                    Expr::Nested(_)
                        | Expr::Identifier(_)
                        | Expr::Value(_)
                        | Expr::CompoundIdentifier(_)
                ) {
                    return Err(EngineError::unsupported("! without parentheses"));
                }
                let typed = self.expr(inner, scope)?;
                truth(inner, &typed)?;
                *expr = nested(Expr::UnaryOp {
                    op: UnaryOperator::Not,
                    expr: Box::new(take(inner)),
                });
                Ok(ExprType::of(INT))
            }
            UnaryOperator::Minus | UnaryOperator::Plus => {
                let minus = *op == UnaryOperator::Minus;
                let is_literal = matches!(&**inner, Expr::Value(value) if matches!(value.value, Literal::Number(..)));
                let is_least = matches!(&**inner, Expr::Value(value)
                    if matches!(&value.value, Literal::Number(text, _) if text == "9223372036854775808"));
                if minus && is_least {
                    *expr = super::words::raw("(-9223372036854775807 - 1)".into());
                    return Ok(ExprType::constant(INT));
                }
                let typed = self.expr(inner, scope)?;
                if typed.quotient || !(typed.kind.is_number() || typed.kind == ValueKind::Null) {
                    return Err(EngineError::unsupported(
                        "a sign before what is not a number",
                    ));
                }
                if !minus {
                    *expr = take(inner);
                    return Ok(typed);
                }
                if typed.kind.is_big() {
                    *expr = super::words::call("fleet_big_negative", vec![take(inner)]);
                    return Ok(ExprType {
                        constant: typed.constant,
                        ..ExprType::of(typed.kind)
                    });
                }
                if typed.kind == ValueKind::Wide {
                    if typed.constant {
                        return Err(EngineError::unsupported(
                            "a whole number below -9223372036854775808",
                        ));
                    }
                    *expr = super::words::call("fleet_negative", vec![take(inner)]);
                    return Ok(ExprType::of(INT));
                }
                let kind = match typed.kind {
                    ValueKind::Int { .. } => INT,
                    ValueKind::Null => ValueKind::Double,
                    kind => kind,
                };
                if !is_literal {
                    // `--` would start a comment.
                    *expr = nested(Expr::UnaryOp {
                        op: UnaryOperator::Minus,
                        expr: Box::new(nested(take(inner))),
                    });
                    if matches!(kind, ValueKind::Int { .. }) {
                        let name = if self.is_lazy() {
                            "fleet_int_if"
                        } else {
                            "fleet_int"
                        };
                        wrap(expr, name, Vec::new());
                    }
                }
                Ok(ExprType {
                    constant: typed.constant,
                    whole_digits: typed.whole_digits,
                    ..ExprType::of(kind)
                })
            }
            _ => Err(EngineError::unsupported("this operator")),
        }
    }
}
