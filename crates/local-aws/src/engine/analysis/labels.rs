//! The labels of columns without an alias, as MySQL gives them.

use std::ops::ControlFlow;

use sqlparser::ast::{
    Expr, Ident, Query, SelectItem, SetExpr, UnaryOperator, Value as Literal, visit_expressions_mut,
};

use super::Analysis;

/// MySQL's longest alias.
const MAX_LABEL_CHARACTERS: usize = 256;

/// A parameter, as shown in a label.
const PARAMETER: &str = "?";

impl Analysis<'_> {
    /// Labels a query's columns with their texts as written.
    pub(crate) fn labels(&mut self, query: &mut Query, labels: Vec<String>) {
        let mut body = query.body.as_mut();
        let select = loop {
            body = match body {
                SetExpr::Select(select) => break select,
                SetExpr::Query(inner) => inner.body.as_mut(),
                SetExpr::SetOperation { left, .. } => left.as_mut(),
                _ => return,
            };
        };
        if select.projection.len() != labels.len() {
            return;
        }
        for (item, text) in select.projection.iter_mut().zip(labels) {
            if let SelectItem::UnnamedExpr(expr) = item
                && named(expr).is_none()
            {
                *item = SelectItem::ExprWithAlias {
                    expr: expr.clone(),
                    alias: alias(&text),
                };
            }
        }
    }
}

/// The label of an expression whose original text is not known.
pub(super) fn label(expr: &Expr) -> Ident {
    let text = || {
        let mut expr = expr.clone();
        let _ = visit_expressions_mut(&mut expr, |part| {
            if let Expr::Value(value) = part
                && let Literal::Placeholder(name) = &mut value.value
            {
                *name = PARAMETER.into();
            }
            ControlFlow::<()>::Continue(())
        });
        expr.to_string()
    };
    alias(&named(expr).unwrap_or_else(text))
}

/// The name of a column or a literal, ignoring parentheses and plus signs around it.
fn named(expr: &Expr) -> Option<String> {
    match expr {
        Expr::Nested(inner)
        | Expr::UnaryOp {
            op: UnaryOperator::Plus,
            expr: inner,
        } => named(inner),
        Expr::Identifier(name) => Some(name.value.clone()),
        Expr::CompoundIdentifier(parts) if parts[0].value.starts_with("@@") => None,
        Expr::CompoundIdentifier(parts) => parts.last().map(|name| name.value.clone()),
        Expr::Prefixed { value, .. } => named(value),
        Expr::Value(value) => match &value.value {
            Literal::SingleQuotedString(text)
            | Literal::DoubleQuotedString(text)
            | Literal::NationalStringLiteral(text) => Some(text.clone()),
            Literal::Boolean(truth) => Some(truth.to_string().to_uppercase()),
            Literal::Null => Some("NULL".into()),
            Literal::Number(text, _) => Some(text.clone()),
            Literal::Placeholder(_) => Some(PARAMETER.into()),
            _ => None,
        },
        _ => None,
    }
}

/// MySQL's names have no characters above U+FFFF.
fn alias(text: &str) -> Ident {
    let letters = text.chars().take(MAX_LABEL_CHARACTERS);
    let known = letters.map(|letter| if letter > '\u{ffff}' { '?' } else { letter });
    Ident::with_quote('`', known.collect::<String>())
}
