//! Expressions, by their form.

use sqlparser::ast::{
    BinaryOperator, CastKind, CeilFloorKind, DateTimeField, Expr, UnaryOperator, Value as Literal,
};

use super::{
    Analysis, ExprType, Scope,
    context::BetweenBounds,
    operators::{comparison, needs_all, unambiguous},
    shown::without_distinct,
    words::{call, length, nested, take, truth},
};
use crate::engine::{
    EngineError, EngineResult, charsets,
    definitions::{last_part, quoted},
    kinds::{INT, ValueKind},
};

impl Analysis<'_> {
    /// Rewrites an expression; returns what is known about it.
    pub(super) fn expr(&mut self, expr: &mut Expr, scope: &Scope<'_>) -> EngineResult<ExprType> {
        let before = self.lazy;
        self.lazy |= !needs_all(expr);
        let typed = self.form(expr, scope);
        self.lazy = before;
        typed
    }

    /// Whether MySQL may skip evaluating the current value, and so never raise its error.
    pub(super) fn is_lazy(&self) -> bool {
        self.lazy || self.clause != "field list"
    }

    fn form(&mut self, expr: &mut Expr, scope: &Scope<'_>) -> EngineResult<ExprType> {
        match expr {
            Expr::Identifier(_) | Expr::CompoundIdentifier(_) => self.name(expr, scope),
            Expr::Value(value) => {
                let (replaced, typed) = self.value(&mut value.value)?;
                if let Some(replaced) = replaced {
                    *expr = replaced;
                }
                Ok(typed)
            }
            Expr::Nested(inner) => self.expr(inner, scope),
            Expr::TypedString(typed) => {
                *expr = super::casts::date_literal(typed)?;
                Ok(ExprType::constant(ValueKind::Date))
            }
            Expr::UnaryOp { .. } => self.unary(expr, scope),
            Expr::BinaryOp { left, op, right } => match op {
                BinaryOperator::And | BinaryOperator::Or => {
                    for side in [left, right] {
                        let typed = self.expr(side, scope)?;
                        truth(side, &typed)?;
                    }
                    Ok(ExprType::of(INT))
                }
                op if comparison(op) => {
                    unambiguous(&[left, right])?;
                    let one = self.expr(left, scope)?;
                    let other = self.expr(right, scope)?;
                    self.compare(left, &one, right, &other)?;
                    if *op == BinaryOperator::Spaceship {
                        let (left, right) = (Box::new(take(left)), Box::new(take(right)));
                        *expr = nested(Expr::IsNotDistinctFrom(left, right));
                    }
                    Ok(ExprType::of(INT))
                }
                BinaryOperator::Arrow | BinaryOperator::LongArrow => self.arrow(expr, scope),
                _ => self.arithmetic(expr, scope),
            },
            Expr::IsNull(inner) | Expr::IsNotNull(inner) => {
                unambiguous(&[inner])?;
                self.expr(inner, scope)?;
                Ok(ExprType::of(INT))
            }
            Expr::IsUnknown(inner) => {
                *expr = Expr::IsNull(Box::new(take(inner)));
                self.expr(expr, scope)
            }
            Expr::IsNotUnknown(inner) => {
                *expr = Expr::IsNotNull(Box::new(take(inner)));
                self.expr(expr, scope)
            }
            Expr::IsTrue(inner)
            | Expr::IsFalse(inner)
            | Expr::IsNotTrue(inner)
            | Expr::IsNotFalse(inner) => {
                unambiguous(&[inner])?;
                let typed = self.expr(inner, scope)?;
                truth(inner, &typed)?;
                Ok(ExprType::of(INT))
            }
            Expr::Between {
                expr: inner,
                negated,
                low,
                high,
            } => {
                unambiguous(&[inner, low, high])?;
                let negated = *negated;
                self.expand_by(length(inner))?;
                let compare = |op, bound: &mut Expr, inner: Expr| Expr::BinaryOp {
                    left: Box::new(inner),
                    op,
                    right: Box::new(take(bound)),
                };
                let above = compare(BinaryOperator::GtEq, low, (**inner).clone());
                let below = compare(BinaryOperator::LtEq, high, take(inner));
                let both = nested(Expr::BinaryOp {
                    left: Box::new(above),
                    op: BinaryOperator::And,
                    right: Box::new(below),
                });
                *expr = if negated {
                    nested(Expr::UnaryOp {
                        op: UnaryOperator::Not,
                        expr: Box::new(both),
                    })
                } else {
                    both
                };
                let between = self.between.replace(BetweenBounds::Unknown);
                let typed = self.expr(expr, scope);
                self.between = between;
                typed
            }
            Expr::InList {
                expr: inner, list, ..
            } => {
                unambiguous(&[inner])?;
                let typed = self.expr(inner, scope)?;
                let mut collated = (**inner).clone();
                for item in list {
                    unambiguous(&[item])?;
                    let other = self.expr(item, scope)?;
                    let mut one = (**inner).clone();
                    self.compare(&mut one, &typed, item, &other)?;
                    // Only a collation may be added to the left side, since it applies to the whole list.
                    match &one {
                        one if *one == **inner => {}
                        Expr::Collate { expr, .. } if **expr == **inner => collated = one,
                        _ => return Err(EngineError::unsupported("IN with values of other types")),
                    }
                }
                **inner = collated;
                Ok(ExprType::of(INT))
            }
            Expr::InSubquery {
                expr: inner,
                subquery,
                ..
            } => {
                unambiguous(&[inner])?;
                let typed = self.expr(inner, scope)?;
                without_distinct(subquery);
                let outputs = self.query(subquery, Some(scope))?;
                let [output] = outputs.as_slice() else {
                    return Err(one_column());
                };
                if subquery.limit_clause.is_some() {
                    return Err(EngineError::database(
                        1235,
                        "42000",
                        "This version of MySQL doesn't yet support 'LIMIT & IN/ALL/ANY/SOME subquery'",
                    ));
                }
                let other = ExprType::of(output.kind);
                let (mut one, mut null) = ((**inner).clone(), Expr::Value(Literal::Null.into()));
                self.compare(&mut one, &typed, &mut null, &other)?;
                let unchanged = null == Expr::Value(Literal::Null.into());
                match &one {
                    one if *one == **inner && unchanged => {}
                    Expr::Collate { expr, .. } if **expr == **inner && unchanged => **inner = one,
                    _ => return Err(EngineError::unsupported("IN with values of other types")),
                }
                Ok(ExprType::of(INT))
            }
            Expr::Like { .. } => self.like(expr, scope),
            Expr::Case {
                operand,
                conditions,
                else_result,
                ..
            } => {
                let mut kind = ValueKind::Null;
                let operand_kind = match operand {
                    Some(operand) => Some(self.expr(operand, scope)?),
                    None => None,
                };
                let mut results = Vec::new();
                for when in conditions.iter_mut() {
                    let condition = self.expr(&mut when.condition, scope)?;
                    match (operand.as_mut(), &operand_kind) {
                        (Some(operand), Some(typed)) => {
                            let before = operand.clone();
                            self.compare(operand, typed, &mut when.condition, &condition)?;
                            if *operand != before && conditions_differ(operand, &before) {
                                return Err(EngineError::unsupported(
                                    "CASE with values of other types",
                                ));
                            }
                        }
                        _ => truth(&mut when.condition, &condition)?,
                    }
                    let result = self.expr(&mut when.result, scope)?;
                    kind = kind.common(result.kind.plain())?;
                    results.push(result);
                }
                if let Some(result) = else_result {
                    let result = self.expr(result, scope)?;
                    kind = kind.common(result.kind.plain())?;
                    results.push(result);
                }
                let places = conditions.iter_mut().map(|when| &mut when.result);
                for (place, typed) in places.chain(else_result.as_deref_mut()).zip(&results) {
                    self.convert(place, typed, kind)?;
                }
                Ok(ExprType::of(kind))
            }
            Expr::Exists { subquery, .. } => {
                without_distinct(subquery);
                self.query(subquery, Some(scope))?;
                Ok(ExprType::of(INT))
            }
            Expr::Subquery(query) => {
                let one_row = super::queries::gives_one_row(query);
                let outputs = self.query(query, Some(scope))?;
                let [output] = outputs.as_slice() else {
                    return Err(one_column());
                };
                let kind = output.kind;
                if matches!(kind, ValueKind::Int { boolean: true, .. }) {
                    // MySQL has not been tested for whether it stays one; MariaDB turns it into a number.
                    return Err(EngineError::unsupported("a BOOLEAN of a subquery"));
                }
                if !one_row {
                    // SQLite would use the first of several rows.
                    let column = quoted(&output.name);
                    let text = format!("(SELECT fleet_single({column}) FROM ({query}))");
                    *expr = super::words::raw(text);
                }
                Ok(ExprType::of(kind))
            }
            Expr::Cast {
                kind: CastKind::Cast,
                expr: inner,
                data_type,
                format: None,
                ..
            } => {
                let typed = self.expr(inner, scope)?;
                let kind = data_type.clone();
                *expr = take(inner);
                self.cast(expr, &typed, &kind)
            }
            Expr::Collate {
                expr: inner,
                collation,
            } => {
                let collation = charsets::collation(&last_part(collation))?;
                let typed = self.expr(inner, scope)?;
                if !typed.kind.is_text() {
                    return Err(EngineError::unsupported("COLLATE of what is not text"));
                }
                *expr = take(inner);
                super::words::collate(expr, collation);
                Ok(ExprType::of(ValueKind::Text {
                    collation,
                    implicit: true,
                }))
            }
            Expr::Function(_) => self.function(expr, scope),
            Expr::Substring {
                expr: inner,
                substring_from: Some(from),
                substring_for,
                ..
            } => {
                let mut args = vec![take(inner), take(from)];
                args.extend(substring_for.as_deref_mut().map(take));
                *expr = call("substring", args);
                self.function(expr, scope)
            }
            Expr::Trim {
                expr: inner,
                trim_where: None,
                trim_what: None,
                trim_characters: None,
            } => {
                *expr = call("trim", vec![take(inner)]);
                self.function(expr, scope)
            }
            Expr::Ceil {
                expr: inner,
                field: CeilFloorKind::DateTimeField(DateTimeField::NoDateTime),
            } => {
                *expr = call("ceiling", vec![take(inner)]);
                self.function(expr, scope)
            }
            Expr::Floor {
                expr: inner,
                field: CeilFloorKind::DateTimeField(DateTimeField::NoDateTime),
            } => {
                *expr = call("floor", vec![take(inner)]);
                self.function(expr, scope)
            }
            Expr::Extract {
                field, expr: inner, ..
            } => {
                let name = match field {
                    DateTimeField::Year => "year",
                    DateTimeField::Month => "month",
                    DateTimeField::Day => "day",
                    DateTimeField::Hour => "hour",
                    DateTimeField::Minute => "minute",
                    DateTimeField::Second => "second",
                    _ => return Err(EngineError::unsupported("this EXTRACT")),
                };
                *expr = call(name, vec![take(inner)]);
                self.function(expr, scope)
            }
            Expr::Prefixed { prefix, value } if prefix.value.eq_ignore_ascii_case("_utf8mb4") => {
                *expr = take(value);
                self.expr(expr, scope)
            }
            other => Err(EngineError::unsupported(name_of(other))),
        }
    }
}

/// Whether more than a collation was added.
fn conditions_differ(after: &Expr, before: &Expr) -> bool {
    !matches!(after, Expr::Collate { expr, .. } if **expr == *before)
}

fn one_column() -> EngineError {
    EngineError::database(1241, "21000", "Operand should contain 1 column(s)")
}

fn name_of(expr: &Expr) -> &'static str {
    match expr {
        Expr::Trim { .. } => "TRIM with characters",
        Expr::Interval(_) => "INTERVAL",
        Expr::RLike { .. } => "REGEXP",
        Expr::MatchAgainst { .. } => "MATCH … AGAINST",
        Expr::Convert { .. } => "CONVERT",
        Expr::Position { .. } => "POSITION",
        Expr::MemberOf(_) => "MEMBER OF",
        Expr::Prefixed { .. } => "a character set before a literal",
        Expr::Tuple(_) => "a row of values in an expression",
        _ => "this expression",
    }
}
