//! What a query's columns are called and how their values are typed, as far as its text tells.

use sqlparser::ast::{
    BinaryOperator, Expr, Ident, Query, SelectItem, SetExpr, Value as Literal, ValueWithSpan,
};

use super::sqlite_types::Shape;

/// MySQL's longest alias.
const MAX_LABEL_CHARACTERS: usize = 256;
/// How many digits a quotient has after the point (`div_precision_increment`).
const QUOTIENT_DIGITS: usize = 4;

/// MySQL names a column without an alias by its text. SQLite would name it by the rewritten text.
/// The answer is the columns' shapes, as far as the text tells them.
pub(super) fn label(query: &mut Query) -> Vec<Shape> {
    let mut body = query.body.as_mut();
    let select = loop {
        body = match body {
            SetExpr::Select(select) => break select,
            SetExpr::Query(inner) => inner.body.as_mut(),
            SetExpr::SetOperation { left, .. } => left.as_mut(),
            _ => return Vec::new(),
        };
    };
    let mut shapes = Some(Vec::with_capacity(select.projection.len()));
    for item in &mut select.projection {
        match item {
            SelectItem::UnnamedExpr(expr) | SelectItem::ExprWithAlias { expr, .. } => {
                if let Some(shapes) = &mut shapes {
                    shapes.push(shape(expr));
                }
            }
            _ => shapes = None,
        }
        if let SelectItem::UnnamedExpr(expr) = item
            && !matches!(expr, Expr::Identifier(_) | Expr::CompoundIdentifier(_))
        {
            let text = match &*expr {
                Expr::Value(ValueWithSpan {
                    value: Literal::SingleQuotedString(text) | Literal::DoubleQuotedString(text),
                    ..
                }) => text.clone(),
                other => other.to_string(),
            };
            let text: String = text
                .replace('`', "")
                .chars()
                .take(MAX_LABEL_CHARACTERS)
                .collect();
            *item = SelectItem::ExprWithAlias {
                expr: expr.clone(),
                alias: Ident::with_quote('`', text),
            };
        }
    }
    shapes.unwrap_or_default()
}

/// The expressions whose results MySQL types as DECIMAL: quotients, sums, averages and literals with a point.
fn shape(expr: &Expr) -> Shape {
    match expr {
        Expr::Nested(inner) => shape(inner),
        Expr::BinaryOp {
            op: BinaryOperator::Divide,
            ..
        } => Shape::Decimal(QUOTIENT_DIGITS),
        Expr::Function(function) => match function.name.to_string().to_ascii_lowercase().as_str() {
            "sum" => Shape::Sum,
            "avg" => Shape::Decimal(QUOTIENT_DIGITS),
            _ => Shape::Plain,
        },
        Expr::Value(ValueWithSpan {
            value: Literal::Number(text, _),
            ..
        }) if !text.contains(['e', 'E']) => text
            .split_once('.')
            .map_or(Shape::Plain, |(_, fraction)| Shape::Decimal(fraction.len())),
        _ => Shape::Plain,
    }
}
