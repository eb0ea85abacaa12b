//! Which of several equal texts a statement shows, where MySQL leaves that open: in a group, a DISTINCT or a UNION.
//! They are compared by a collation that notices two with different bytes, and then the statement is refused.

use std::ops::ControlFlow;

use sqlparser::ast::{
    Expr, OrderBy, OrderByKind, Query, Select, SelectItem, SetExpr, Visit, Visitor,
};

use super::{
    ExprType, Scope,
    grouping::is_aggregate,
    scope::ColumnPosition,
    words::{collate_shown, expr_of, take},
};
use crate::engine::{
    EngineResult,
    kinds::{Collation, ValueKind},
};

/// Compares a text by the collation for texts that are shown.
pub(super) fn compare_as_shown(expr: &mut Expr, typed: &ExprType) {
    if is_folded(typed) {
        collate_shown(expr);
    }
}

/// Whether equal texts may have different letters.
fn is_folded(typed: &ExprType) -> bool {
    matches!(
        typed.kind,
        ValueKind::Text {
            collation: Collation::Default,
            ..
        }
    )
}

/// Compares a column in every SELECT of a query by the collation for texts that are shown.
pub(super) fn show_item(body: &mut SetExpr, index: usize, typed: &ExprType) {
    match body {
        SetExpr::Select(select) => {
            if let Some(SelectItem::ExprWithAlias { expr, .. }) = select.projection.get_mut(index) {
                compare_as_shown(expr, typed);
            }
        }
        SetExpr::SetOperation { left, right, .. } => {
            show_item(left, index, typed);
            show_item(right, index, typed);
        }
        _ => {}
    }
}

/// The parts of a grouped SELECT that show something of each group: columns, HAVING and ORDER BY, before they are
/// rewritten.
pub(super) struct ShownParts(Vec<Expr>);

impl ShownParts {
    pub(super) fn of(select: &Select, order_by: Option<&OrderBy>) -> Self {
        let columns = select.projection.iter().filter_map(expr_of);
        let sorted = match order_by.map(|order_by| &order_by.kind) {
            Some(OrderByKind::Expressions(list)) => list.as_slice(),
            _ => &[],
        };
        let sorted = sorted.iter().map(|item| &item.expr);
        let parts = columns.chain(select.having.as_ref()).chain(sorted);
        Self(parts.cloned().collect())
    }

    /// Whether they show the value of a group: the column itself or, if the group is another expression, any column.
    pub(super) fn contains(&self, group: &Expr, scope: &Scope<'_>) -> EngineResult<bool> {
        let place = scope.place(group)?;
        let mut search = GroupColumnSearch {
            scope,
            place,
            inside: 0,
        };
        Ok(self.0.iter().any(|part| part.visit(&mut search).is_break()))
    }
}

/// Looks for a column outside of aggregates.
struct GroupColumnSearch<'s> {
    scope: &'s Scope<'s>,
    place: Option<ColumnPosition>,
    inside: usize,
}

fn aggregates(expr: &Expr) -> bool {
    matches!(expr, Expr::Function(function) if is_aggregate(function))
}

impl Visitor for GroupColumnSearch<'_> {
    type Break = ();

    fn pre_visit_query(&mut self, _: &Query) -> ControlFlow<()> {
        // A subquery may read any column.
        if self.inside == 0 {
            return ControlFlow::Break(());
        }
        ControlFlow::Continue(())
    }

    fn pre_visit_expr(&mut self, expr: &Expr) -> ControlFlow<()> {
        self.inside += usize::from(aggregates(expr));
        let is_name = matches!(expr, Expr::Identifier(_) | Expr::CompoundIdentifier(_));
        if self.inside > 0 || !is_name {
            return ControlFlow::Continue(());
        }
        let found = self.scope.place(expr).ok().flatten();
        if found.is_some() && (self.place.is_none() || found == self.place) {
            return ControlFlow::Break(());
        }
        ControlFlow::Continue(())
    }

    fn post_visit_expr(&mut self, expr: &Expr) -> ControlFlow<()> {
        self.inside -= usize::from(aggregates(expr));
        ControlFlow::Continue(())
    }
}

/// Drops DISTINCT from a query that is only checked for having rows.
pub(super) fn without_distinct(query: &mut Query) {
    if let SetExpr::Select(select) = &mut *query.body
        && query.limit_clause.is_none()
    {
        select.distinct = None;
    }
}

/// The smallest or largest text, where MySQL may show either of two that are equal.
pub(super) fn extreme(expr: &mut Expr, least: bool, typed: &ExprType) -> Option<String> {
    is_folded(typed).then(|| format!("fleet_extreme({}, {})", take(expr), u8::from(least)))
}
