//! ORDER BY: by a position, a label or an expression.

use sqlparser::ast::{
    Expr, Ident, OrderBy, OrderByExpr, OrderByKind, Value as Literal, ValueWithSpan,
};

use super::{Analysis, ExprType, OutputColumn, Scope, words::raw};
use crate::engine::{EngineError, EngineResult, kinds::ValueKind};

impl Analysis<'_> {
    pub(super) fn order_by(
        &mut self,
        order_by: &mut OrderBy,
        scope: &Scope<'_>,
        items: &[(OutputColumn, ExprType)],
        projection: Option<(&[Expr], bool)>,
    ) -> EngineResult<()> {
        let OrderByKind::Expressions(list) = &mut order_by.kind else {
            return Err(EngineError::unsupported("ORDER BY ALL"));
        };
        for OrderByExpr {
            expr,
            options,
            with_fill,
        } in list
        {
            if options.nulls_first.is_some() || with_fill.is_some() {
                return Err(EngineError::unsupported("NULLS FIRST"));
            }
            self.clause = "order clause";
            if is_negative(expr) {
                return Err(EngineError::unsupported(
                    "ORDER BY a number with a sign, or a parameter",
                ));
            }
            if is_fraction(expr) {
                // It sorts nothing in MySQL, but SQLite would take it for a position.
                *expr = Expr::Value(Literal::Null.into());
                continue;
            }
            if let Some(index) = ordinal(expr, items.len(), "order clause")? {
                let typed = &items[index].1;
                if typed.is_member() {
                    match projection {
                        Some((projection, _)) => {
                            *expr = member_order(&projection[index], typed)?;
                        }
                        None => return Err(EngineError::unsupported("sorting a UNION by an ENUM")),
                    }
                } else if typed.kind == ValueKind::Json || typed.quotient {
                    return Err(EngineError::unsupported("sorting by values of this type"));
                }
                continue;
            }
            // If a term is just a name, a label takes precedence over a column.
            let label = match &*expr {
                Expr::Identifier(name) => items
                    .iter()
                    .find(|item| item.0.name.eq_ignore_ascii_case(&name.value)),
                _ => None,
            };
            let typed = match label {
                Some((output, typed)) => {
                    *expr = Expr::Identifier(Ident::with_quote('`', &output.name));
                    ExprType {
                        bare: true,
                        ..typed.clone()
                    }
                }
                None => self.expr(expr, scope)?,
            };
            self.clause = "field list";
            if typed.is_member() {
                *expr = member_order(expr, &typed)?;
                continue;
            }
            self.sortable(expr, &typed)?;
            if let Some((projection, true)) = projection
                && !projection.contains(expr)
                && !matches!(&*expr, Expr::Identifier(name) if scope.labels.iter().any(|label| label.name == name.value))
            {
                if !matches!(expr, Expr::Identifier(_) | Expr::CompoundIdentifier(_)) {
                    // MySQL accepts an expression of columns in the select list.
                    return Err(EngineError::unsupported("DISTINCT sorted by an expression"));
                }
                return Err(EngineError::database(
                    3065,
                    "HY000",
                    "Expression #1 of ORDER BY clause is not in SELECT list; this is incompatible with DISTINCT",
                ));
            }
        }
        self.clause = "field list";
        Ok(())
    }
}

/// A number that cannot be a column's position.
pub(super) fn is_fraction(expr: &Expr) -> bool {
    matches!(expr, Expr::Value(ValueWithSpan { value: Literal::Number(text, _), .. }) if text.parse::<u64>().is_err())
}

/// A number with a sign, or a parameter: whether MySQL takes it for a position depends on how it is sent.
pub(super) fn is_negative(expr: &Expr) -> bool {
    match expr {
        Expr::Value(value) => matches!(value.value, Literal::Placeholder(_)),
        Expr::Nested(inner) => is_negative(inner),
        Expr::UnaryOp { expr, .. } => matches!(**expr, Expr::Value(_)) || is_negative(expr),
        _ => false,
    }
}

/// The index of a column that is given by its number.
pub(super) fn ordinal(expr: &Expr, columns: usize, clause: &str) -> EngineResult<Option<usize>> {
    let Expr::Value(ValueWithSpan {
        value: Literal::Number(text, _),
        ..
    }) = expr
    else {
        return Ok(None);
    };
    match text.parse::<usize>() {
        Ok(number) if (1..=columns).contains(&number) => Ok(Some(number - 1)),
        _ => Err(EngineError::database(
            1054,
            "42S22",
            format!("Unknown column '{text}' in '{clause}'"),
        )),
    }
}

/// The position of an ENUM's value among its members.
fn member_order(expr: &Expr, typed: &ExprType) -> EngineResult<Expr> {
    let Some((table, index)) = &typed.origin else {
        return Err(EngineError::unsupported("sorting by this ENUM"));
    };
    let kind = &table.columns[*index].kind;
    if kind.name() != "ENUM" {
        return Err(EngineError::unsupported("sorting by a SET"));
    }
    let whens: Vec<String> = kind
        .values()
        .iter()
        .enumerate()
        .map(|(place, member)| {
            format!(
                "WHEN {} THEN {}",
                crate::engine::column_types::literal(member),
                place + 1
            )
        })
        .collect();
    Ok(raw(format!("CASE {expr} {} END", whens.join(" "))))
}
