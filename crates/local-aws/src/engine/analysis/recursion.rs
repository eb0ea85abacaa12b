//! WITH RECURSIVE: a query that reads itself, for up to as many steps as MySQL takes (`cte_max_recursion_depth`).

use std::ops::ControlFlow;

use sqlparser::ast::{
    BinaryOperator, Expr, Ident, Query, SelectItem, SetExpr, SetOperator, SetQuantifier,
    TableAliasColumnDef, TableFactor, Visit, visit_relations,
};

use super::{
    Analysis, OutputColumn, Scope,
    selects::uneven,
    shown::show_item,
    words::{call, nested, number, take},
};
use crate::engine::{EngineError, EngineResult, definitions::last_part, kinds::ValueKind};

/// The function that counts the steps up to a row of a UNION ALL, given those of the previous row.
pub(crate) const STEP: &str = "fleet_step";

/// The function that counts the rows of a UNION. They cannot hold their steps, since rows are compared without them.
pub(crate) const READ: &str = "fleet_read";

/// The hidden column that holds the steps.
const COLUMN: &str = "fleet_steps";

/// A query that reads itself.
pub(super) struct Recursion<'a> {
    pub(super) name: &'a str,
    /// Gives the columns their names.
    pub(super) renamed: &'a dyn Fn(Vec<OutputColumn>) -> EngineResult<Vec<OutputColumn>>,
}

/// Whether a part of a statement reads a table with this name.
pub(super) fn reads(part: &impl Visit, name: &str) -> bool {
    visit_relations(part, |relation| {
        match last_part(relation).eq_ignore_ascii_case(name) {
            true => ControlFlow::Break(()),
            false => ControlFlow::Continue(()),
        }
    })
    .is_break()
}

/// The column of steps, for a list of names.
pub(super) fn step_column() -> TableAliasColumnDef {
    TableAliasColumnDef {
        name: Ident::with_quote('`', COLUMN),
        data_type: None,
    }
}

impl Recursion<'_> {
    /// Whether its rows have a column of steps.
    pub(super) fn has_step(&self, query: &Query) -> bool {
        matches!(
            &*query.body,
            SetExpr::SetOperation {
                set_quantifier: SetQuantifier::All,
                ..
            }
        )
    }
}

impl Analysis<'_> {
    /// Rewrites a query that reads itself; returns its columns.
    pub(super) fn recursive(
        &mut self,
        query: &mut Query,
        recursion: &Recursion<'_>,
        parent: Option<&Scope<'_>>,
    ) -> EngineResult<Vec<OutputColumn>> {
        let refused = |what: &str| Err(EngineError::unsupported(what));
        if query.order_by.is_some() || query.limit_clause.is_some() {
            return refused("a recursive query with ORDER BY or LIMIT");
        }
        let SetExpr::SetOperation {
            left,
            right,
            op: SetOperator::Union,
            set_quantifier,
        } = &mut *query.body
        else {
            return refused("this recursive query");
        };
        if reads(left, recursion.name) {
            return refused("a recursive query of several SELECTs that read it");
        }
        let is_all = match set_quantifier {
            SetQuantifier::All => true,
            SetQuantifier::None => false,
            SetQuantifier::Distinct => {
                // SQLite has no keyword for it.
                *set_quantifier = SetQuantifier::None;
                false
            }
            _ => return refused("this UNION"),
        };
        let items = self.body(left, None, parent)?;
        let outputs: Vec<OutputColumn> = items.iter().map(|item| item.0.clone()).collect();
        let named = (recursion.renamed)(outputs.clone())?;
        self.named.push((recursion.name.to_owned(), named.clone()));
        let other = self.body(right, None, parent);
        self.named.pop();
        let other = other?;
        if items.len() != other.len() {
            return Err(uneven());
        }
        for (index, ((one, own), (other, typed))) in items.iter().zip(&other).enumerate() {
            if other.kind.is_text() && !typed.bare {
                // MySQL's column is only as long as the texts of the first rows.
                return refused("a recursive query that makes texts");
            }
            if other.kind != ValueKind::Null && one.kind.plain() != other.kind.plain() {
                return refused("a recursive query with columns of other types");
            }
            if !is_all {
                show_item(left, index, own);
            }
        }
        let SetExpr::Select(select) = &mut **right else {
            return refused("a recursive query of several SELECTs that read it");
        };
        if select.distinct.is_some() {
            return refused("a recursive query with DISTINCT");
        }
        let factors = select.from.iter().flat_map(|item| {
            let joined = item.joins.iter().map(|join| &join.relation);
            std::iter::once(&item.relation).chain(joined)
        });
        let mut own = factors.filter_map(|factor| match factor {
            TableFactor::Table { name, alias, .. }
                if last_part(name).eq_ignore_ascii_case(recursion.name) =>
            {
                let alias = alias.as_ref().map(|alias| alias.name.value.clone());
                Some(alias.unwrap_or_else(|| last_part(name)))
            }
            _ => None,
        });
        let (Some(alias), None) = (own.next(), own.next()) else {
            return refused("a recursive query that reads itself in this way");
        };
        let column = |name: &str| {
            Expr::CompoundIdentifier(vec![
                Ident::with_quote('`', &alias),
                Ident::with_quote('`', name),
            ])
        };
        if is_all {
            select
                .projection
                .push(steps(call(STEP, vec![column(COLUMN)])));
            begin(left);
        } else {
            let first = named.first().map_or("", |output| output.name.as_str());
            let counted = call(READ, vec![column(first)]);
            select.selection = Some(match &mut select.selection {
                None => counted,
                Some(condition) => Expr::BinaryOp {
                    left: Box::new(nested(take(condition))),
                    op: BinaryOperator::And,
                    right: Box::new(counted),
                },
            });
        }
        Ok(outputs)
    }
}

/// The column of steps, for a SELECT.
fn steps(expr: Expr) -> SelectItem {
    SelectItem::ExprWithAlias {
        expr,
        alias: Ident::with_quote('`', COLUMN),
    }
}

/// The first rows have taken no step.
fn begin(body: &mut SetExpr) {
    match body {
        SetExpr::Select(select) => select.projection.push(steps(number(0))),
        SetExpr::SetOperation { left, right, .. } => {
            begin(left);
            begin(right);
        }
        _ => {}
    }
}
