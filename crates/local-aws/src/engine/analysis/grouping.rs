//! ONLY_FULL_GROUP_BY: a column beside an aggregate must be determined by the groups.

use std::ops::ControlFlow;

use sqlparser::ast::{
    Expr, Function, GroupByExpr, OrderBy, OrderByKind, Query, Select, SelectItem, Value as Literal,
    Visit, Visitor,
};

use super::{Scope, scope::ColumnPosition, words::has};
use crate::engine::{EngineError, EngineResult};

/// Whether a function combines many rows into one value.
pub(super) fn is_aggregate(function: &Function) -> bool {
    function.over.is_none()
        && matches!(
            function.name.to_string().to_ascii_lowercase().as_str(),
            "avg" | "count" | "group_concat" | "max" | "min" | "sum"
        )
}

/// Whether an expression contains an aggregate, outside of subqueries.
pub(super) fn aggregates(expr: &Expr) -> bool {
    has(
        expr,
        |part| matches!(part, Expr::Function(function) if is_aggregate(function)),
    )
}

/// Checks a SELECT before it is rewritten.
pub(super) fn check(
    select: &Select,
    order_by: Option<&OrderBy>,
    scope: &Scope<'_>,
) -> EngineResult<()> {
    let GroupByExpr::Expressions(groups, _) = &select.group_by else {
        return Ok(());
    };
    let columns: Vec<&Expr> = select
        .projection
        .iter()
        .filter_map(|item| match item {
            SelectItem::ExprWithAlias { expr, .. } | SelectItem::UnnamedExpr(expr) => Some(expr),
            _ => None,
        })
        .collect();
    let sorted: Vec<&Expr> = match order_by.map(|order_by| &order_by.kind) {
        Some(OrderByKind::Expressions(list)) => list.iter().map(|item| &item.expr).collect(),
        _ => Vec::new(),
    };
    let is_grouped = !groups.is_empty()
        || columns.iter().any(|expr| aggregates(expr))
        || select.having.is_some()
        || sorted.iter().any(|expr| aggregates(expr));
    if !is_grouped {
        return Ok(());
    }
    if groups.is_empty()
        && !columns
            .iter()
            .chain(&sorted)
            .copied()
            .chain(select.having.as_ref())
            .any(aggregates)
    {
        return Err(EngineError::unsupported("HAVING without GROUP BY"));
    }
    let labelled = |expr: &Expr| -> Option<Expr> {
        let Expr::Identifier(name) = expr else {
            return None;
        };
        select.projection.iter().find_map(|item| match item {
            SelectItem::ExprWithAlias { expr, alias }
                if alias.value.eq_ignore_ascii_case(&name.value) =>
            {
                Some(expr.clone())
            }
            _ => None,
        })
    };
    let mut known = Groups {
        scope,
        columns: Vec::new(),
        exprs: Vec::new(),
    };
    for group in groups {
        let group = match group {
            Expr::Value(value) => match &value.value {
                Literal::Number(text, _) => {
                    let index = text
                        .parse::<usize>()
                        .ok()
                        .and_then(|place| place.checked_sub(1));
                    match index.and_then(|index| columns.get(index)) {
                        Some(expr) => (*expr).clone(),
                        None => continue,
                    }
                }
                _ => continue,
            },
            Expr::Identifier(name) if scope.find(None, &name.value)?.is_none() => {
                labelled(group).unwrap_or_else(|| group.clone())
            }
            group => group.clone(),
        };
        match scope.place(&group)? {
            Some(place) => known.columns.push(place),
            None => known.exprs.push(group),
        }
    }
    let of_labels = |expr: &Expr| labelled(expr).is_some();
    let having = select.having.as_ref();
    if let Some(having) = having {
        let mut places = known.columns.clone();
        for column in &columns {
            places.extend(scope.place(column)?);
        }
        let mut search = HavingNames {
            groups: &known,
            places,
            labelled: &labelled,
            inside: 0,
        };
        if let ControlFlow::Break(error) = having.visit(&mut search) {
            return Err(error);
        }
    }
    let checked = columns
        .iter()
        .copied()
        .chain(having)
        .chain(sorted.iter().copied().filter(|expr| !of_labels(expr)));
    for (index, expr) in checked.enumerate() {
        if matches!(expr, Expr::Value(_)) {
            continue;
        }
        match known.determine(expr, &labelled)? {
            Dependence::Yes => {}
            Dependence::Subquery => {
                return Err(EngineError::unsupported("a subquery in a grouped query"));
            }
            Dependence::No(column) => {
                // MySQL determines more columns: by equalities in WHERE and ON.
                if scope.sources.len() > 1 || select.selection.is_some() {
                    return Err(EngineError::unsupported("a column that is not in GROUP BY"));
                }
                let number = index + 1;
                return Err(if groups.is_empty() {
                    EngineError::database(
                        1140,
                        "42000",
                        format!(
                            "In aggregated query without GROUP BY, expression #{number} of SELECT list contains nonaggregated column '{column}'; this is incompatible with sql_mode=only_full_group_by"
                        ),
                    )
                } else {
                    EngineError::database(
                        1055,
                        "42000",
                        format!(
                            "Expression #{number} of SELECT list is not in GROUP BY clause and contains nonaggregated column '{column}' which is not functionally dependent on columns in GROUP BY clause; this is incompatible with sql_mode=only_full_group_by"
                        ),
                    )
                });
            }
        }
    }
    Ok(())
}

enum Dependence {
    Yes,
    No(String),
    Subquery,
}

struct Groups<'s> {
    scope: &'s Scope<'s>,
    columns: Vec<ColumnPosition>,
    exprs: Vec<Expr>,
}

impl Groups<'_> {
    /// Whether the groups determine an expression.
    fn determine(
        &self,
        expr: &Expr,
        labelled: &dyn Fn(&Expr) -> Option<Expr>,
    ) -> EngineResult<Dependence> {
        let mut search = UngroupedColumns {
            groups: self,
            labelled,
            inside: 0,
        };
        match expr.visit(&mut search) {
            ControlFlow::Continue(()) => Ok(Dependence::Yes),
            ControlFlow::Break(found) => found,
        }
    }

    fn has(&self, place: ColumnPosition) -> bool {
        if place.depth > 0 || self.columns.contains(&place) {
            return true;
        }
        // A whole primary key among the groups determines its row.
        let Some(table) = &self.scope.sources[place.source].table else {
            return false;
        };
        let grouped = |name: &String| {
            self.columns.iter().any(|other| {
                other.source == place.source
                    && other.depth == 0
                    && table.columns[other.column].name.eq_ignore_ascii_case(name)
            })
        };
        !table.primary_key.is_empty() && table.primary_key.iter().all(grouped)
    }
}

struct UngroupedColumns<'s> {
    groups: &'s Groups<'s>,
    labelled: &'s dyn Fn(&Expr) -> Option<Expr>,
    /// How many aggregates and GROUP BY expressions the visit is within.
    inside: usize,
}

impl UngroupedColumns<'_> {
    fn covers(&self, expr: &Expr) -> bool {
        matches!(expr, Expr::Function(function) if is_aggregate(function))
            || self.groups.exprs.contains(expr)
    }
}

impl Visitor for UngroupedColumns<'_> {
    type Break = EngineResult<Dependence>;

    fn pre_visit_query(&mut self, _: &Query) -> ControlFlow<Self::Break> {
        if self.inside == 0 {
            return ControlFlow::Break(Ok(Dependence::Subquery));
        }
        ControlFlow::Continue(())
    }

    fn pre_visit_expr(&mut self, expr: &Expr) -> ControlFlow<Self::Break> {
        if self.covers(expr) {
            self.inside += 1;
        }
        if self.inside > 0 {
            return ControlFlow::Continue(());
        }
        match self.groups.scope.place(expr) {
            Err(error) => ControlFlow::Break(Err(error)),
            Ok(Some(place)) if !matches!(expr, Expr::Nested(_)) && !self.groups.has(place) => {
                // HAVING also sees labels.
                if (self.labelled)(expr).is_some_and(|expr| aggregates(&expr)) {
                    return ControlFlow::Continue(());
                }
                ControlFlow::Break(Ok(Dependence::No(expr.to_string())))
            }
            _ => ControlFlow::Continue(()),
        }
    }

    fn post_visit_expr(&mut self, expr: &Expr) -> ControlFlow<Self::Break> {
        if self.covers(expr) {
            self.inside -= 1;
        }
        ControlFlow::Continue(())
    }
}

/// Looks for a column in HAVING that is neither in the select list nor in GROUP BY: MySQL does not know it there.
struct HavingNames<'s> {
    groups: &'s Groups<'s>,
    places: Vec<ColumnPosition>,
    labelled: &'s dyn Fn(&Expr) -> Option<Expr>,
    /// How many aggregates, subqueries and GROUP BY expressions the visit is within.
    inside: usize,
}

impl HavingNames<'_> {
    fn covers(&self, expr: &Expr) -> bool {
        matches!(expr, Expr::Function(function) if is_aggregate(function))
            || self.groups.exprs.contains(expr)
    }
}

impl Visitor for HavingNames<'_> {
    type Break = EngineError;

    fn pre_visit_query(&mut self, _: &Query) -> ControlFlow<EngineError> {
        self.inside += 1;
        ControlFlow::Continue(())
    }

    fn post_visit_query(&mut self, _: &Query) -> ControlFlow<EngineError> {
        self.inside -= 1;
        ControlFlow::Continue(())
    }

    fn pre_visit_expr(&mut self, expr: &Expr) -> ControlFlow<EngineError> {
        if self.covers(expr) {
            self.inside += 1;
        }
        if self.inside > 0 || matches!(expr, Expr::Nested(_)) {
            return ControlFlow::Continue(());
        }
        match self.groups.scope.place(expr) {
            Err(error) => ControlFlow::Break(error),
            Ok(Some(place))
                if place.depth == 0
                    && !self.places.contains(&place)
                    && (self.labelled)(expr).is_none() =>
            {
                ControlFlow::Break(EngineError::database(
                    1054,
                    "42S22",
                    format!("Unknown column '{expr}' in 'having clause'"),
                ))
            }
            _ => ControlFlow::Continue(()),
        }
    }

    fn post_visit_expr(&mut self, expr: &Expr) -> ControlFlow<EngineError> {
        if self.covers(expr) {
            self.inside -= 1;
        }
        ControlFlow::Continue(())
    }
}
