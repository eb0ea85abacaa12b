//! Queries: SELECT, UNION, WITH, ORDER BY and LIMIT.

use sqlparser::ast::{
    Distinct, Expr, GroupByExpr, Ident, LimitClause, Offset, OrderBy, OrderByExpr, OrderByKind,
    Query, Select, SelectItem, SelectItemQualifiedWildcardKind, SetExpr, SetOperator,
    SetQuantifier, Value as Literal, ValueWithSpan,
};

use super::{Analysis, Output, Scope, Typed, grouping, raw, truth};
use crate::engine::{EngineError, EngineResult, definitions::last, kinds::Kind};

/// MySQL's longest alias.
const MAX_LABEL_CHARACTERS: usize = 256;

/// What a SELECT gives, before it is put together with others.
type Items = Vec<(Output, Typed)>;

impl Analysis<'_> {
    /// Labels a query's columns with their texts, as they were written.
    pub(in crate::engine) fn labels(&mut self, query: &mut Query, labels: Vec<String>) {
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
                && !matches!(
                    expr,
                    Expr::Value(_) | Expr::Identifier(_) | Expr::CompoundIdentifier(_)
                )
            {
                let text: String = text.chars().take(MAX_LABEL_CHARACTERS).collect();
                *item = SelectItem::ExprWithAlias {
                    expr: expr.clone(),
                    alias: Ident::with_quote('`', text),
                };
            }
        }
    }

    /// Rewrites a query; the answer is its columns.
    pub(in crate::engine) fn query(
        &mut self,
        query: &mut Query,
        parent: Option<&Scope<'_>>,
    ) -> EngineResult<Vec<Output>> {
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
        let outputs: Vec<Output> = items.iter().map(|item| item.0.clone()).collect();
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
            let renamed = |outputs: Vec<Output>| -> EngineResult<Vec<Output>> {
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
                    .map(|(output, name)| Output { name, ..output })
                    .collect())
            };
            let outputs = match (with.recursive, cte.query.body.as_mut()) {
                (
                    true,
                    SetExpr::SetOperation {
                        left,
                        right,
                        op: SetOperator::Union,
                        ..
                    },
                ) if cte.query.order_by.is_none() && cte.query.limit_clause.is_none() => {
                    let items = self.body(left, None, parent)?;
                    let outputs = items.iter().map(|item| item.0.clone()).collect();
                    self.named.push((name.clone(), renamed(outputs)?));
                    let other = self.body(right, None, parent)?;
                    self.named.pop();
                    for ((one, _), (other, _)) in items.iter().zip(&other) {
                        if other.kind != Kind::Null && one.kind.plain() != other.kind.plain() {
                            return Err(EngineError::unsupported(
                                "a recursive query with columns of other types",
                            ));
                        }
                    }
                    items.into_iter().map(|item| item.0).collect()
                }
                _ => self.query(&mut cte.query, parent)?,
            };
            self.named.push((name, renamed(outputs)?));
        }
        Ok(())
    }

    fn body(
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
                    // SQLite has no word for it.
                    SetQuantifier::Distinct => *set_quantifier = SetQuantifier::None,
                    _ => return Err(EngineError::unsupported("this UNION")),
                }
                unwrap(right);
                // What one side makes of the other's values may be another type's arithmetic.
                let lazy = std::mem::replace(&mut self.lazy, true);
                let one = self.body(left, None, parent)?;
                let other = self.body(right, None, parent)?;
                self.lazy = lazy;
                if one.len() != other.len() {
                    return Err(EngineError::database(
                        1222,
                        "21000",
                        "The used SELECT statements have a different number of columns",
                    ));
                }
                let mut items = Vec::with_capacity(one.len());
                for (index, (one, other)) in one.into_iter().zip(other).enumerate() {
                    let kind = one.0.kind.common(other.0.kind)?;
                    for (side, item) in [(&mut **left, &one), (&mut **right, &other)] {
                        self.convert_item(side, index, &item.1, kind)?;
                    }
                    items.push((
                        Output {
                            kind,
                            origin: None,
                            name: one.0.name,
                        },
                        Typed::of(kind),
                    ));
                }
                Ok(items)
            }
            SetExpr::Insert(_) | SetExpr::Update(_) | SetExpr::Delete(_) | SetExpr::Merge(_) => {
                // It is a query to the parser, and would be run as one: where nothing may be written.
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
        typed: &Typed,
        kind: Kind,
    ) -> EngineResult<()> {
        match body {
            SetExpr::Select(select) => {
                if let Some(SelectItem::ExprWithAlias { expr, .. }) =
                    select.projection.get_mut(index)
                {
                    self.convert(expr, typed, kind)?;
                    if let Kind::Text { collation, .. } = kind {
                        super::collate(expr, collation);
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

    fn select(
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
            truth(&self.expr(condition, &scope)?)?;
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
        grouping::check(select, order_by.as_deref(), &scope)?;
        let mut items = Vec::with_capacity(select.projection.len());
        for item in &mut select.projection {
            let SelectItem::ExprWithAlias { expr, alias } = item else {
                return Err(EngineError::unsupported("this column of a query"));
            };
            let typed = self.expr(expr, &scope)?;
            if let Kind::Text { collation, .. } = typed.kind
                && !typed.bare
            {
                super::collate(expr, collation);
            }
            if select.distinct.is_some() && (typed.quotient || typed.kind == Kind::Json) {
                return Err(EngineError::unsupported("DISTINCT of values of this type"));
            }
            let output = Output {
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
            // A column is meant before a label.
            let labels = std::mem::take(&mut scope.labels);
            for expr in exprs {
                if ordinal(expr, items.len(), "group statement")?.is_some() {
                    continue;
                }
                let is_column = match &*expr {
                    Expr::Identifier(name) => scope.find(None, &name.value)?.is_some(),
                    _ => true,
                };
                if !is_column {
                    scope.labels.clone_from(&labels);
                }
                self.clause = "group statement";
                let typed = self.expr(expr, &scope)?;
                self.clause = "field list";
                scope.labels.clear();
                self.sortable(expr, &typed)?;
            }
            scope.labels = labels;
        } else {
            return Err(EngineError::unsupported("GROUP BY ALL"));
        }
        if let Some(condition) = &mut select.having {
            self.clause = "having clause";
            truth(&self.expr(condition, &scope)?)?;
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
        Ok(items)
    }

    fn order_by(
        &mut self,
        order_by: &mut OrderBy,
        scope: &Scope<'_>,
        items: &[(Output, Typed)],
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
                // It sorts nothing, and would be a place to SQLite.
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
                } else if typed.kind == Kind::Json || typed.quotient {
                    return Err(EngineError::unsupported("sorting by values of this type"));
                }
                continue;
            }
            // A label is meant before a column, where it is all that a term has.
            let label = match &*expr {
                Expr::Identifier(name) => items
                    .iter()
                    .find(|item| item.0.name.eq_ignore_ascii_case(&name.value)),
                _ => None,
            };
            let typed = match label {
                Some((output, typed)) => {
                    *expr = Expr::Identifier(Ident::with_quote('`', &output.name));
                    Typed {
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
            let typed = self.expr(number, &scope)?;
            if !matches!(typed.kind, Kind::Int { .. }) {
                return Err(EngineError::unsupported(
                    "a LIMIT that is not a whole number",
                ));
            }
        }
        Ok(())
    }
}

/// A query in parentheses without anything around it is that query.
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

/// Whether a query gives one row at most, whatever the data; asked before it is rewritten.
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

fn expr_of(item: &SelectItem) -> Option<&Expr> {
    match item {
        SelectItem::ExprWithAlias { expr, .. } | SelectItem::UnnamedExpr(expr) => Some(expr),
        _ => None,
    }
}

/// A number that is no column's place.
fn is_fraction(expr: &Expr) -> bool {
    matches!(expr, Expr::Value(ValueWithSpan { value: Literal::Number(text, _), .. }) if text.contains(['.', 'e', 'E']))
}

/// A number with a sign, or a parameter: whether MySQL takes it for a place depends on how it is sent.
fn is_negative(expr: &Expr) -> bool {
    match expr {
        Expr::Value(value) => matches!(value.value, Literal::Placeholder(_)),
        Expr::Nested(inner) => is_negative(inner),
        Expr::UnaryOp { expr, .. } => matches!(**expr, Expr::Value(_)) || is_negative(expr),
        _ => false,
    }
}

/// The place of a column that is named by its number.
fn ordinal(expr: &Expr, columns: usize, clause: &str) -> EngineResult<Option<usize>> {
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

/// The place of an ENUM's value among its members.
fn member_order(expr: &Expr, typed: &Typed) -> EngineResult<Expr> {
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

/// Gives each column of the result its label, and each `*` its columns.
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
                if scope.sources.is_empty() {
                    return Err(EngineError::database(1096, "HY000", "No tables used"));
                }
                all_columns(None, scope, &mut projection)?;
            }
            SelectItem::QualifiedWildcard(SelectItemQualifiedWildcardKind::ObjectName(name), _) => {
                all_columns(Some(&last(&name)), scope, &mut projection)?;
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

/// MySQL names a column without an alias by its text.
fn label(expr: &Expr) -> Ident {
    let text = match expr {
        Expr::Identifier(name) => name.value.clone(),
        Expr::CompoundIdentifier(parts) => parts
            .last()
            .map_or_else(String::new, |name| name.value.clone()),
        Expr::Value(ValueWithSpan {
            value: Literal::SingleQuotedString(text) | Literal::DoubleQuotedString(text),
            ..
        }) => text.clone(),
        other => other.to_string(),
    };
    Ident::with_quote(
        '`',
        text.chars().take(MAX_LABEL_CHARACTERS).collect::<String>(),
    )
}
