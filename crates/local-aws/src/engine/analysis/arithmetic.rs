//! Arithmetic: whole numbers that do not overflow silently, exact decimals, doubles.

use sqlparser::ast::{BinaryOperator, Expr, Value as Literal};

use super::{
    Analysis, ExprType, Scope,
    conversions::{narrow, rescale, to_real},
    scalars::SURELY_WHOLE,
    words::{call, nested, number, raw, take, wrap},
};
use crate::engine::{
    EngineError, EngineResult,
    decimals::MOST_SCALE,
    kinds::{INT, MAX_DIGITS, ValueKind},
};

/// How many more digits a quotient has than its dividend (`div_precision_increment`).
pub(super) const QUOTIENT_DIGITS: u32 = 4;

impl Analysis<'_> {
    /// An operator between two numbers.
    pub(super) fn arithmetic(
        &mut self,
        expr: &mut Expr,
        scope: &Scope<'_>,
    ) -> EngineResult<ExprType> {
        let Expr::BinaryOp { left, op, right } = expr else {
            return Err(EngineError::unsupported("this operator"));
        };
        let op = op.clone();
        let divides = matches!(
            op,
            BinaryOperator::Divide | BinaryOperator::MyIntegerDivide | BinaryOperator::Modulo
        );
        let safe_divisor = matches!(&**right, Expr::Value(value) if matches!(
            &value.value, Literal::Number(text, _) if text.bytes().any(|b| (b'1'..=b'9').contains(&b))));
        if super::operators::is_comparison(left) || super::operators::is_comparison(right) {
            return Err(EngineError::unsupported(
                "comparisons in a row without parentheses",
            ));
        }
        let (mut left, mut right) = (take(left), take(right));
        let placed = self.placed;
        let (one, year, digits) = self.operand(&mut left, scope)?;
        let (other, another, more_digits) = self.operand(&mut right, scope)?;
        let whole_digits = digits.zip(more_digits).and_then(|(digits, more)| match op {
            BinaryOperator::Plus | BinaryOperator::Minus => Some(digits.max(more) + 1),
            BinaryOperator::Multiply => Some(digits + more),
            // An upper bound.
            BinaryOperator::Modulo => Some(digits.max(more)).filter(|most| *most <= SURELY_WHOLE),
            _ => None,
        });
        if self.placed > placed && (year || another) {
            return Err(EngineError::unsupported(
                "a parameter with the hint DECIMAL and a YEAR",
            ));
        }
        if divides && self.writing && (op == BinaryOperator::Divide || !safe_divisor) {
            return Err(EngineError::unsupported(
                "a division in a statement that writes",
            ));
        }
        let unsigned = one.is_unsigned() || other.is_unsigned();
        let whole_only = matches!(
            op,
            BinaryOperator::MyIntegerDivide
                | BinaryOperator::BitwiseOr
                | BinaryOperator::BitwiseAnd
        );
        let (mut one, mut other) = match (one, other) {
            // MySQL treats NULL as a text, so the result is a double.
            (ValueKind::Null, kind) | (kind, ValueKind::Null) if !whole_only => match kind {
                ValueKind::Null => (ValueKind::Double, ValueKind::Double),
                kind if one == ValueKind::Null => (ValueKind::Double, kind),
                kind => (kind, ValueKind::Double),
            },
            (ValueKind::Null, ValueKind::Null) => (INT, INT),
            (ValueKind::Null, kind) | (kind, ValueKind::Null) => (kind, kind),
            both => both,
        };
        let infix = |left: Expr, op: BinaryOperator, right: Expr| {
            nested(Expr::BinaryOp {
                left: Box::new(left),
                op,
                right: Box::new(right),
            })
        };
        let lazy = self.is_lazy();
        let checked = |value: Expr, kind: ValueKind| match kind {
            ValueKind::Int { .. } if lazy => call("fleet_int_if", vec![value]),
            ValueKind::Int { .. } => call("fleet_int", vec![value]),
            ValueKind::Decimal { .. } => call("fleet_decimal", vec![value]),
            _ => value,
        };
        let finite = if lazy {
            "fleet_finite_if"
        } else {
            "fleet_finite"
        };
        let both_exact = one.is_exact() && other.is_exact();
        let both_whole = one.is_whole() && other.is_whole();
        let is_big = one.is_big()
            || other.is_big()
            || (op == BinaryOperator::Multiply && one.scale() + other.scale() > MAX_DIGITS);
        if both_exact && !both_whole && !is_big {
            narrow(&mut left, &mut one);
            narrow(&mut right, &mut other);
        }
        let wide = |left: Expr, op: &str, right: Expr| {
            let op = raw(format!("'{op}'"));
            call("fleet_whole", vec![op, left, right, number(u8::from(lazy))])
        };
        if both_exact && is_big {
            let (value, typed) = big(op, (left, one), (right, other))?;
            *expr = value;
            return Ok(typed);
        }
        let (value, kind, quotient) = match op {
            BinaryOperator::Plus | BinaryOperator::Minus | BinaryOperator::Multiply
                if both_whole && unsigned =>
            {
                (wide(left, &op.to_string(), right), ValueKind::Wide, false)
            }
            BinaryOperator::Plus | BinaryOperator::Minus if both_exact => {
                let scale = one.scale().max(other.scale());
                rescale(&mut left, one, scale);
                rescale(&mut right, other, scale);
                let kind = if both_whole {
                    INT
                } else {
                    ValueKind::Decimal { scale }
                };
                (checked(infix(left, op, right), kind), kind, false)
            }
            BinaryOperator::Multiply if both_exact => {
                let scale = one.scale() + other.scale();
                let kind = if both_whole {
                    INT
                } else {
                    ValueKind::Decimal { scale }
                };
                (checked(infix(left, op, right), kind), kind, false)
            }
            BinaryOperator::Plus | BinaryOperator::Minus | BinaryOperator::Multiply => {
                to_real(&mut left, one);
                to_real(&mut right, other);
                let value = call(finite, vec![infix(left, op, right)]);
                (value, ValueKind::Double, false)
            }
            BinaryOperator::Divide if both_exact => {
                let scale = one.scale() + QUOTIENT_DIGITS;
                let shift = number(QUOTIENT_DIGITS + other.scale());
                let value = call(divide(one, other), vec![left, right, shift]);
                (value, ValueKind::Decimal { scale }, true)
            }
            BinaryOperator::Divide => {
                to_real(&mut left, one);
                to_real(&mut right, other);
                let value = call(finite, vec![infix(left, op, right)]);
                (value, ValueKind::Double, false)
            }
            BinaryOperator::MyIntegerDivide if both_whole && unsigned => {
                (wide(left, "DIV", right), ValueKind::Wide, false)
            }
            BinaryOperator::MyIntegerDivide if both_whole => {
                let value = call("fleet_quotient", vec![left, right]);
                (checked(value, INT), INT, false)
            }
            BinaryOperator::Modulo
                if both_whole && (one == ValueKind::Wide || other == ValueKind::Wide) =>
            {
                (call("fleet_modulo", vec![left, right]), one, false)
            }
            BinaryOperator::Modulo if both_exact => {
                let scale = one.scale().max(other.scale());
                rescale(&mut left, one, scale);
                rescale(&mut right, other, scale);
                let kind = if both_whole {
                    one
                } else {
                    ValueKind::Decimal { scale }
                };
                (infix(left, op, right), kind, false)
            }
            BinaryOperator::BitwiseOr | BinaryOperator::BitwiseAnd if both_whole => {
                let name = match op {
                    BinaryOperator::BitwiseOr => "fleet_or",
                    _ => "fleet_and",
                };
                (call(name, vec![left, right]), ValueKind::Wide, false)
            }
            other => {
                return Err(EngineError::unsupported(&format!(
                    "the operator {other} of these types"
                )));
            }
        };
        *expr = value;
        Ok(ExprType {
            quotient,
            whole_digits,
            ..ExprType::of(kind)
        })
    }

    /// Rewrites an operand: a number, or a text with a numeric value. Returns its kind, whether it is a YEAR column,
    /// and its digits before the point.
    fn operand(
        &mut self,
        expr: &mut Expr,
        scope: &Scope<'_>,
    ) -> EngineResult<(ValueKind, bool, Option<u32>)> {
        let typed = self.expr(expr, scope)?;
        if typed.quotient {
            return Err(EngineError::unsupported(
                "a quotient within another expression",
            ));
        }
        match typed.kind {
            ValueKind::Text { .. } if typed.is_member() => {
                Err(EngineError::unsupported("ENUM and SET as numbers"))
            }
            ValueKind::Text { .. } => {
                wrap(expr, "fleet_number", vec![number(u8::from(self.writing))]);
                Ok((ValueKind::Double, false, None))
            }
            kind if kind.is_number() || kind == ValueKind::Null => {
                Ok((kind.plain(), typed.is_year(), typed.whole_digits))
            }
            _ => Err(EngineError::unsupported("arithmetic of these types")),
        }
    }
}

/// Whether MySQL truncates a quotient instead of rounding it: it computes digits after the point in groups of nine, and
/// if the digits it shows fill their groups, there is no further digit to round by.
fn is_cut(one: ValueKind, other: ValueKind) -> bool {
    (one.scale() + QUOTIENT_DIGITS).is_multiple_of(9) && other.scale() == 0
}

/// The function that divides exact numbers.
pub(super) fn divide(one: ValueKind, other: ValueKind) -> &'static str {
    if is_cut(one, other) {
        "fleet_divide_cut"
    } else {
        "fleet_divide"
    }
}

/// A quotient of exact numbers, one of which has more than 18 digits.
pub(super) fn divided(
    (left, one): (Expr, ValueKind),
    (right, other): (Expr, ValueKind),
    scale: u32,
) -> EngineResult<(Expr, ExprType)> {
    let is_cut = is_cut(one, other);
    let scale = scale + QUOTIENT_DIGITS;
    if scale > MOST_SCALE || is_cut {
        return Err(EngineError::unsupported(
            "a quotient or a mean of so many digits after the point",
        ));
    }
    let typed = ExprType {
        quotient: true,
        ..ExprType::of(ValueKind::BigDecimal { scale })
    };
    Ok((operation("/", (left, one), (right, other), scale), typed))
}

fn operation(
    operator: &str,
    left: (Expr, ValueKind),
    right: (Expr, ValueKind),
    scale: u32,
) -> Expr {
    let operator = raw(format!("'{operator}'"));
    let sides = [left, right].map(|(side, kind)| [side, number(kind.scale())]);
    let args = std::iter::once(operator).chain(sides.into_iter().flatten());
    call("fleet_big_op", args.chain([number(scale)]).collect())
}

/// An operator between exact numbers, where one of them or the result has more than 18 digits.
fn big(
    op: BinaryOperator,
    left: (Expr, ValueKind),
    right: (Expr, ValueKind),
) -> EngineResult<(Expr, ExprType)> {
    let (one, other) = (left.1.scale(), right.1.scale());
    let scale = match op {
        BinaryOperator::Plus | BinaryOperator::Minus | BinaryOperator::Modulo => one.max(other),
        BinaryOperator::Multiply if one + other <= MOST_SCALE => one + other,
        BinaryOperator::Divide => return divided(left, right, one),
        _ => {
            return Err(EngineError::unsupported(&format!(
                "the operator {op} of these types"
            )));
        }
    };
    let value = operation(&op.to_string(), left, right, scale);
    Ok((value, ExprType::of(ValueKind::BigDecimal { scale })))
}
