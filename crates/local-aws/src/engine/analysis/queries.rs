//! Queries: SELECT, UNION, WITH, ORDER BY and LIMIT.

use sqlparser::ast::{
    CteAsMaterialized, Expr, GroupByExpr, LimitClause, Offset, OrderBy, Query, SelectItem, SetExpr,
    SetOperator, SetQuantifier, Value as Literal,
};

use super::{
    Analysis, ExprType, OutputColumn, Scope, grouping,
    recursion::{Recursion, reads, step_column},
    selects::uneven,
    shown::show_item,
    typed::Items,
    words::{self, expr_of},
};
use crate::engine::{EngineError, EngineResult, kinds::ValueKind};

impl Analysis<'_> {
    /// Rewrites a query; returns its columns.
    pub(crate) fn query(
        &mut self,
        query: &mut Query,
        parent: Option<&Scope<'_>>,
    ) -> EngineResult<Vec<OutputColumn>> {
        if query.fetch.is_some()
            || query.for_clause.is_some()
            || query.settings.is_some()
            || query.format_clause.is_some()
            || !query.pipe_operators.is_empty()
        {
            return Err(EngineError::unsupported("this clause of a query"));
        }
        if !query.locks.is_empty() {
            query.locks.clear();
            self.locks = true;
        }
        let named = self.named.len();
        self.with(query, parent)?;
        let Query {
            body,
            order_by,
            limit_clause,
            ..
        } = query;
        unwrap(body);
        let items = self.body(body, order_by.as_mut(), parent)?;
        let outputs: Vec<OutputColumn> = items.iter().map(|item| item.0.clone()).collect();
        if let (SetExpr::SetOperation { .. }, Some(order_by)) = (&**body, order_by) {
            let scope = Scope {
                labels: outputs.clone(),
                ..Scope::default()
            };
            self.order_by(order_by, &scope, &items, None)?;
        }
        self.limit(limit_clause)?;
        self.named.truncate(named);
        Ok(outputs)
    }

    fn with(&mut self, query: &mut Query, parent: Option<&Scope<'_>>) -> EngineResult<()> {
        let Some(with) = &mut query.with else {
            return Ok(());
        };
        for cte in &mut with.cte_tables {
            let expanded = self.expanded;
            if cte.from.is_some() || cte.materialized.is_some() {
                return Err(EngineError::unsupported("this clause of WITH"));
            }
            let name = cte.alias.name.value.clone();
            cte.alias.name.quote_style = Some('`');
            let columns: Vec<String> = cte
                .alias
                .columns
                .iter_mut()
                .map(|column| {
                    column.name.quote_style = Some('`');
                    column.name.value.clone()
                })
                .collect();
            let renamed = |outputs: Vec<OutputColumn>| -> EngineResult<Vec<OutputColumn>> {
                if columns.is_empty() {
                    return Ok(outputs);
                }
                if columns.len() != outputs.len() {
                    return Err(EngineError::database(
                        1353,
                        "HY000",
                        "In definition of view, derived table or common table expression, SELECT list and column names list have different column counts",
                    ));
                }
                let names = columns.iter().cloned();
                let both = outputs.into_iter().zip(names);
                Ok(both
                    .map(|(output, name)| OutputColumn { name, ..output })
                    .collect())
            };
            let outputs = match (with.recursive, cte.query.body.as_mut()) {
                (true, SetExpr::SetOperation { right, .. }) if reads(right, &name) => {
                    let recursion = Recursion {
                        name: &name,
                        renamed: &renamed,
                    };
                    let outputs = self.recursive(&mut cte.query, &recursion, parent)?;
                    if recursion.has_step(&cte.query) && !columns.is_empty() {
                        cte.alias.columns.push(step_column());
                    }
                    // MySQL runs it to its end, however much of it is read.
                    cte.materialized = Some(CteAsMaterialized::Materialized);
                    outputs
                }
                _ => self.query(&mut cte.query, parent)?,
            };
            let size = self.expanded - expanded + words::length(&cte.query);
            self.named_sizes.insert(name.to_lowercase(), size);
            self.named.push((name, renamed(outputs)?));
        }
        Ok(())
    }

    pub(super) fn body(
        &mut self,
        body: &mut SetExpr,
        order_by: Option<&mut OrderBy>,
        parent: Option<&Scope<'_>>,
    ) -> EngineResult<Items> {
        match body {
            SetExpr::Select(select) => self.select(select, order_by, parent),
            SetExpr::SetOperation {
                left,
                op: SetOperator::Union,
                set_quantifier,
                right,
            } => {
                match set_quantifier {
                    SetQuantifier::All | SetQuantifier::None => {}
                    // SQLite has no keyword for it.
                    SetQuantifier::Distinct => *set_quantifier = SetQuantifier::None,
                    _ => return Err(EngineError::unsupported("this UNION")),
                }
                unwrap(right);
                // MySQL may compute one side with another type's arithmetic because of the other side's values.
                let lazy = std::mem::replace(&mut self.lazy, true);
                let one = self.body(left, None, parent)?;
                let other = self.body(right, None, parent)?;
                self.lazy = lazy;
                if one.len() != other.len() {
                    return Err(uneven());
                }
                let mut items = Vec::with_capacity(one.len());
                for (index, (one, other)) in one.into_iter().zip(other).enumerate() {
                    if one.1.placed || other.1.placed {
                        return Err(EngineError::unsupported(
                            "a DECIMAL parameter as a column of a UNION",
                        ));
                    }
                    check_union_types(&one.1, &other.1)?;
                    // BOOLEAN is only a display width, which the result of a UNION does not have.
                    let kind = one.0.kind.common(other.0.kind)?.plain();
                    let typed = ExprType::of(kind);
                    for (side, item) in [(&mut **left, &one), (&mut **right, &other)] {
                        self.convert_item(side, index, &item.1, kind)?;
                        if *set_quantifier != SetQuantifier::All {
                            show_item(side, index, &typed);
                        }
                    }
                    items.push((
                        OutputColumn {
                            size: one.0.size + other.0.size,
                            kind,
                            origin: None,
                            name: one.0.name,
                        },
                        typed,
                    ));
                }
                Ok(items)
            }
            SetExpr::Insert(_) | SetExpr::Update(_) | SetExpr::Delete(_) | SetExpr::Merge(_) => {
                // The parser takes it for a query, so it would run where nothing may be written.
                Err(EngineError::unsupported(
                    "WITH before INSERT, UPDATE or DELETE",
                ))
            }
            _ => Err(EngineError::unsupported("this form of a query")),
        }
    }

    /// Converts a column of every SELECT of one side of a UNION.
    fn convert_item(
        &mut self,
        body: &mut SetExpr,
        index: usize,
        typed: &ExprType,
        kind: ValueKind,
    ) -> EngineResult<()> {
        match body {
            SetExpr::Select(select) => {
                if let Some(SelectItem::ExprWithAlias { expr, .. }) =
                    select.projection.get_mut(index)
                {
                    self.convert(expr, typed, kind)?;
                    if let ValueKind::Text { collation, .. } = kind {
                        super::words::collate(expr, collation);
                    }
                }
                Ok(())
            }
            SetExpr::SetOperation { left, right, .. } => {
                self.convert_item(left, index, typed, kind)?;
                self.convert_item(right, index, typed, kind)
            }
            _ => Ok(()),
        }
    }

    fn limit(&mut self, limit: &mut Option<LimitClause>) -> EngineResult<()> {
        let mut numbers: Vec<&mut Expr> = match limit {
            None => return Ok(()),
            Some(LimitClause::OffsetCommaLimit { offset, limit }) => vec![offset, limit],
            Some(LimitClause::LimitOffset {
                limit: Some(limit),
                offset,
                limit_by,
            }) if limit_by.is_empty() => {
                let offset = offset.as_mut().map(|Offset { value, .. }| value);
                std::iter::once(limit).chain(offset).collect()
            }
            _ => return Err(EngineError::unsupported("this LIMIT")),
        };
        let scope = Scope::default();
        for number in &mut numbers {
            if !matches!(number, Expr::Value(_)) {
                return Err(EngineError::unsupported("a LIMIT that is an expression"));
            }
            if is_beyond(number) {
                // The manual's way to get all rows after an OFFSET: no table has more.
                **number = words::number(i64::MAX);
            }
            let typed = self.expr(number, &scope)?;
            if !matches!(typed.kind, ValueKind::Int { .. }) {
                return Err(EngineError::unsupported(
                    "a LIMIT that is not a whole number",
                ));
            }
        }
        Ok(())
    }
}

/// Whether it is a whole number above 2⁶³−1 and below 2⁶⁴.
fn is_beyond(expr: &Expr) -> bool {
    let Expr::Value(value) = expr else {
        return false;
    };
    matches!(&value.value, Literal::Number(text, _)
        if text.parse::<u64>().is_ok_and(|number| i64::try_from(number).is_err()))
}

/// Refuses UNION columns for which MySQL may choose another DECIMAL than the one that fits all values.
fn check_union_types(one: &ExprType, other: &ExprType) -> EngineResult<()> {
    let (a, b) = (one.kind, other.kind);
    if a.is_text() != b.is_text() && a != ValueKind::Null && b != ValueKind::Null {
        return Err(EngineError::unsupported(
            "a UNION of texts and other values",
        ));
    }
    if a.is_whole() && b.is_whole() && a.is_unsigned() != b.is_unsigned() {
        return Err(EngineError::unsupported(
            "a UNION of whole numbers with and without a sign",
        ));
    }
    let computed = |typed: &ExprType| {
        (typed.kind.is_whole() || typed.kind.is_big()) && !typed.bare && !typed.constant
    };
    let decimal = |kind: ValueKind| kind.is_exact() && !kind.is_whole();
    if computed(one) && decimal(b) || computed(other) && decimal(a) {
        return Err(EngineError::unsupported(
            "a UNION of a number that is computed and a DECIMAL",
        ));
    }
    Ok(())
}

/// Unwraps a query in parentheses that has nothing around it.
fn unwrap(body: &mut SetExpr) {
    while let SetExpr::Query(inner) = body
        && inner.with.is_none()
        && inner.order_by.is_none()
        && inner.limit_clause.is_none()
        && inner.locks.is_empty()
        && inner.fetch.is_none()
        && matches!(*inner.body, SetExpr::Select(_) | SetExpr::Query(_))
    {
        let inner = std::mem::replace(
            &mut *inner.body,
            SetExpr::Values(sqlparser::ast::Values {
                explicit_row: false,
                value_keyword: false,
                rows: Vec::new(),
            }),
        );
        *body = inner;
    }
}

/// Whether a query returns at most one row, for any data; to be called before it is rewritten.
pub(super) fn gives_one_row(query: &Query) -> bool {
    let limited = query
        .limit_clause
        .as_ref()
        .is_some_and(|limit| limit.to_string().trim() == "LIMIT 1");
    let grouped = match &*query.body {
        SetExpr::Select(select) => {
            let none =
                matches!(&select.group_by, GroupByExpr::Expressions(list, _) if list.is_empty());
            let mut columns = select.projection.iter().filter_map(expr_of);
            none && (select.from.is_empty() || columns.any(grouping::aggregates))
        }
        _ => false,
    };
    limited || grouped
}
