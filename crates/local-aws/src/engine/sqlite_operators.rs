//! Operators: MySQL's, where SQLite has another of the sign or none.

use sqlparser::ast::{BinaryOperator, CastKind, DataType, Expr, Value as Literal};

use super::{EngineError, EngineResult};

/// Rewrites an operator, or refuses it.
pub(super) fn rewrite(expr: &mut Expr) -> EngineResult<()> {
    let Expr::BinaryOp { left, op, right } = expr else {
        return Ok(());
    };
    match op {
        BinaryOperator::Plus
        | BinaryOperator::Minus
        | BinaryOperator::Multiply
        | BinaryOperator::Modulo
        | BinaryOperator::Gt
        | BinaryOperator::Lt
        | BinaryOperator::GtEq
        | BinaryOperator::LtEq
        | BinaryOperator::Eq
        | BinaryOperator::NotEq
        | BinaryOperator::And
        | BinaryOperator::Or
        | BinaryOperator::BitwiseOr
        | BinaryOperator::BitwiseAnd => {}
        // `||` is OR, unless sql_mode says otherwise.
        BinaryOperator::StringConcat => *op = BinaryOperator::Or,
        BinaryOperator::Spaceship => {
            let (left, right) = (left.clone(), right.clone());
            *expr = Expr::Nested(Box::new(Expr::IsNotDistinctFrom(left, right)));
        }
        BinaryOperator::MyIntegerDivide => {
            *op = BinaryOperator::Divide;
            let quotient = expr.clone();
            *expr = Expr::Cast {
                kind: CastKind::Cast,
                expr: Box::new(quotient),
                data_type: DataType::Integer(None),
                format: None,
            };
        }
        // MySQL never divides as whole numbers.
        BinaryOperator::Divide => {
            let one = Expr::Value(Literal::Number("1.0".into(), false).into());
            let real = Expr::BinaryOp {
                left: left.clone(),
                op: BinaryOperator::Multiply,
                right: Box::new(one),
            };
            **left = Expr::Nested(Box::new(real));
        }
        other => return Err(EngineError::unsupported(&format!("the operator {other}"))),
    }
    Ok(())
}
