//! SELECT: its columns, its groups and its conditions.

use sqlparser::ast::{
    Distinct, Expr, GroupByExpr, Ident, OrderBy, Select, SelectItem,
    SelectItemQualifiedWildcardKind,
};

use super::{
    Analysis, OutputColumn, Scope, grouping,
    labels::label,
    orders::{is_fraction, is_negative, ordinal},
    shown::{self, ShownParts},
    typed::Items,
    words::{expr_of, length, truth},
};
use crate::engine::{EngineError, EngineResult, definitions::last_part, kinds::ValueKind};

impl Analysis<'_> {
    pub(super) fn select(
        &mut self,
        select: &mut Select,
        order_by: Option<&mut OrderBy>,
        parent: Option<&Scope<'_>>,
    ) -> EngineResult<Items> {
        select.optimizer_hints.clear();
        select.select_modifiers = None;
        if select.into.is_some()
            || select.top.is_some()
            || select.qualify.is_some()
            || select.prewhere.is_some()
            || !select.named_window.is_empty()
            || !select.lateral_views.is_empty()
            || matches!(select.distinct, Some(Distinct::On(_)))
        {
            return Err(EngineError::unsupported("this clause of SELECT"));
        }
        if matches!(select.distinct, Some(Distinct::All)) {
            select.distinct = None;
        }
        let mut scope = Scope::within(parent);
        self.from(&mut select.from, &mut scope)?;
        if let Some(condition) = &mut select.selection {
            if grouping::aggregates(condition) {
                return Err(EngineError::database(
                    1111,
                    "HY000",
                    "Invalid use of group function",
                ));
            }
            self.clause = "where clause";
            let typed = self.expr(condition, &scope)?;
            truth(condition, &typed)?;
            self.clause = "field list";
        }
        expand(select, &scope)?;
        if let GroupByExpr::Expressions(exprs, _) = &select.group_by
            && exprs
                .iter()
                .any(|expr| is_fraction(expr) || is_negative(expr))
        {
            return Err(EngineError::unsupported(
                "GROUP BY a number that is not a place",
            ));
        }
        let shown = ShownParts::of(select, order_by.as_deref());
        let mut shown_items = Vec::new();
        // MySQL checks the groups once every name is known.
        let grouped = grouping::check(select, order_by.as_deref(), &scope);
        let groups =
            matches!(&select.group_by, GroupByExpr::Expressions(exprs, _) if !exprs.is_empty());
        let mut items = Vec::with_capacity(select.projection.len());
        for item in &mut select.projection {
            let SelectItem::ExprWithAlias { expr, alias } = item else {
                return Err(EngineError::unsupported("this column of a query"));
            };
            let placed = self.placed;
            let expanded = self.expanded;
            let mut typed = self.expr(expr, &scope)?;
            let size = self.expanded - expanded + length(expr);
            typed.placed = self.placed > placed;
            if let ValueKind::Text { collation, .. } = typed.kind
                && !typed.is_collated()
            {
                super::words::collate(expr, collation);
            }
            if typed.constant && typed.kind == ValueKind::Bytes && groups {
                return Err(EngineError::unsupported(
                    "a parameter of bytes beside groups",
                ));
            }
            if typed.placed && (select.distinct.is_some() || groups) {
                return Err(EngineError::unsupported(
                    "a DECIMAL parameter beside DISTINCT or groups",
                ));
            }
            if typed.constant && typed.kind == ValueKind::Json {
                return Err(EngineError::unsupported("a JSON document as a column"));
            }
            if select.distinct.is_some() && (typed.quotient || typed.kind == ValueKind::Json) {
                return Err(EngineError::unsupported("DISTINCT of values of this type"));
            }
            let output = OutputColumn {
                size,
                name: alias.value.clone(),
                kind: typed.kind,
                origin: typed.origin.clone(),
            };
            items.push((output, typed));
        }
        scope.labels = items.iter().map(|item| item.0.clone()).collect();
        if let GroupByExpr::Expressions(exprs, modifiers) = &mut select.group_by {
            if !modifiers.is_empty() {
                return Err(EngineError::unsupported("GROUP BY with ROLLUP"));
            }
            // A column takes precedence over a label.
            let labels = std::mem::take(&mut scope.labels);
            for expr in exprs {
                if let Some(index) = ordinal(expr, items.len(), "group statement")? {
                    shown_items.push(index);
                    continue;
                }
                let is_column = match &*expr {
                    Expr::Identifier(name) => scope.find(None, &name.value)?.is_some(),
                    _ => true,
                };
                if !is_column {
                    scope.labels.clone_from(&labels);
                }
                let is_shown = !is_column || shown.contains(expr, &scope)?;
                self.clause = "group statement";
                let typed = self.expr(expr, &scope)?;
                self.clause = "field list";
                scope.labels.clear();
                self.sortable(expr, &typed)?;
                if is_shown {
                    shown::compare_as_shown(expr, &typed);
                }
            }
            scope.labels = labels;
        } else {
            return Err(EngineError::unsupported("GROUP BY ALL"));
        }
        if let Some(condition) = &mut select.having {
            self.clause = "having clause";
            let typed = self.expr(condition, &scope)?;
            truth(condition, &typed)?;
            self.clause = "field list";
        }
        if let Some(order_by) = order_by {
            let projection: Vec<Expr> = select
                .projection
                .iter()
                .filter_map(expr_of)
                .cloned()
                .collect();
            let distinct = select.distinct.is_some();
            self.order_by(
                order_by,
                &scope,
                &items,
                Some((projection.as_slice(), distinct)),
            )?;
        }
        grouped?;
        let all = select.projection.iter_mut().zip(&items).enumerate();
        for (index, (item, (_, typed))) in all {
            if let SelectItem::ExprWithAlias { expr, .. } = item
                && (select.distinct.is_some() || shown_items.contains(&index))
            {
                shown::compare_as_shown(expr, typed);
            }
        }
        Ok(items)
    }
}

/// The error for SELECTs of a UNION with different numbers of columns.
pub(crate) fn uneven() -> EngineError {
    EngineError::database(
        1222,
        "21000",
        "The used SELECT statements have a different number of columns",
    )
}

/// Gives each result column its label, and replaces each `*` with its columns.
fn expand(select: &mut Select, scope: &Scope<'_>) -> EngineResult<()> {
    let mut projection = Vec::with_capacity(select.projection.len());
    for item in std::mem::take(&mut select.projection) {
        match item {
            SelectItem::UnnamedExpr(expr) => {
                let alias = label(&expr);
                projection.push(SelectItem::ExprWithAlias { expr, alias });
            }
            SelectItem::ExprWithAlias { expr, mut alias } => {
                alias.quote_style = Some('`');
                projection.push(SelectItem::ExprWithAlias { expr, alias });
            }
            SelectItem::Wildcard(_) => {
                if !projection.is_empty() {
                    return Err(EngineError::database(
                        1064,
                        "42000",
                        "You have an error in your SQL syntax; check the manual that corresponds to your MySQL server version \
                         for the right syntax to use near '*'",
                    ));
                }
                if scope.sources.is_empty() {
                    return Err(EngineError::database(1096, "HY000", "No tables used"));
                }
                all_columns(None, scope, &mut projection)?;
            }
            SelectItem::QualifiedWildcard(SelectItemQualifiedWildcardKind::ObjectName(name), _) => {
                all_columns(Some(&last_part(&name)), scope, &mut projection)?;
            }
            _ => return Err(EngineError::unsupported("this column of a query")),
        }
    }
    select.projection = projection;
    Ok(())
}

fn all_columns(
    table: Option<&str>,
    scope: &Scope<'_>,
    projection: &mut Vec<SelectItem>,
) -> EngineResult<()> {
    let before = projection.len();
    for source in &scope.sources {
        if table.is_some_and(|table| table != source.alias) {
            continue;
        }
        for column in &source.columns {
            if column.merged {
                return Err(EngineError::unsupported("* with USING"));
            }
            let name = Ident::with_quote('`', &column.name);
            let expr =
                Expr::CompoundIdentifier(vec![Ident::with_quote('`', &source.alias), name.clone()]);
            projection.push(SelectItem::ExprWithAlias { expr, alias: name });
        }
    }
    match table {
        Some(table) if projection.len() == before => Err(EngineError::database(
            1051,
            "42S02",
            format!("Unknown table '{table}'"),
        )),
        _ => Ok(()),
    }
}
