//! Clauses of queries, tables and joins.

use sqlparser::ast::{
    Distinct, Expr, GroupByExpr, GroupByWithModifier, Join, JoinOperator, LimitClause, OffsetRows,
    OrderBy, OrderByExpr, OrderByKind, Query, Select, SelectFlavor, SelectItem,
    SelectItemQualifiedWildcardKind, SetExpr, SetOperator, SetQuantifier, TableFactor,
    TableWithJoins, Value as Literal, WildcardAdditionalOptions,
};

use super::{fault::DialectFault, names};
use crate::engine::sqlite::syntax::last_ident;

/// The fault of the first clause that is present.
pub(super) fn first(clauses: &[(bool, &str)]) -> Option<DialectFault> {
    let found = clauses.iter().find(|clause| clause.0);
    found.map(|clause| DialectFault::word(clause.1))
}

pub(super) fn query(query: &Query, inserts: bool) -> Option<DialectFault> {
    let tables = query.with.iter().flat_map(|with| &with.cte_tables);
    let writes = |body: &SetExpr| {
        matches!(
            body,
            SetExpr::Insert(_) | SetExpr::Update(_) | SetExpr::Delete(_)
        )
    };
    tables
        .clone()
        .find_map(|table| {
            first(&[
                (table.from.is_some(), "FROM"),
                (table.materialized.is_some(), "MATERIALIZED"),
                (writes(&table.query.body), "AS"),
            ])
            .or_else(|| names::alias(&table.alias))
        })
        .or_else(|| {
            first(&[
                (query.fetch.is_some(), "FETCH"),
                (query.for_clause.is_some(), "FOR"),
                (query.settings.is_some(), "SETTINGS"),
                (query.format_clause.is_some(), "FORMAT"),
                (!query.pipe_operators.is_empty(), "|>"),
                // UPDATE and DELETE may follow a WITH.
                (matches!(*query.body, SetExpr::Insert(_)), "INSERT"),
                (matches!(*query.body, SetExpr::Merge(_)), "MERGE"),
            ])
        })
        .or_else(|| match &*query.body {
            SetExpr::Values(_) if inserts => None,
            other => body(other),
        })
        .or_else(|| query.order_by.as_ref().and_then(order_by))
        .or_else(|| query.limit_clause.as_ref().and_then(limit_clause))
}

fn body(part: &SetExpr) -> Option<DialectFault> {
    match part {
        SetExpr::Values(values) if !values.explicit_row => Some(DialectFault::word("VALUES")),
        SetExpr::SetOperation {
            left,
            op,
            set_quantifier,
            right,
        } => first(&[
            (*op == SetOperator::Minus, "MINUS"),
            (
                matches!(
                    set_quantifier,
                    SetQuantifier::ByName
                        | SetQuantifier::AllByName
                        | SetQuantifier::DistinctByName
                ),
                "NAME",
            ),
        ])
        .or_else(|| body(left))
        .or_else(|| body(right)),
        _ => None,
    }
}

fn order_by(order_by: &OrderBy) -> Option<DialectFault> {
    match &order_by.kind {
        OrderByKind::All(_) => Some(DialectFault::word("ALL")),
        OrderByKind::Expressions(_) if order_by.interpolate.is_some() => {
            Some(DialectFault::word("INTERPOLATE"))
        }
        OrderByKind::Expressions(terms) => terms.iter().find_map(order_term),
    }
}

pub(super) fn order_term(term: &OrderByExpr) -> Option<DialectFault> {
    first(&[
        (term.options.nulls_first.is_some(), "NULLS"),
        (term.with_fill.is_some(), "FILL"),
    ])
}

fn limit_clause(clause: &LimitClause) -> Option<DialectFault> {
    match clause {
        LimitClause::OffsetCommaLimit {
            offset,
            limit: rows,
        } => limit(rows).or_else(|| limit(offset)),
        LimitClause::LimitOffset {
            limit: rows,
            offset,
            limit_by,
        } => first(&[(rows.is_none(), "OFFSET"), (!limit_by.is_empty(), "BY")])
            .or_else(|| rows.as_ref().and_then(limit))
            .or_else(|| {
                let offset = offset.as_ref()?;
                match offset.rows {
                    OffsetRows::None => limit(&offset.value),
                    OffsetRows::Row => Some(DialectFault::word("ROW")),
                    OffsetRows::Rows => Some(DialectFault::word("ROWS")),
                }
            }),
    }
}

/// A number of rows: an integer or a parameter.
pub(super) fn limit(rows: &Expr) -> Option<DialectFault> {
    match rows {
        Expr::Identifier(name) => Some(DialectFault::Undeclared(name.value.clone())),
        Expr::Value(value) => match &value.value {
            Literal::Placeholder(_) => None,
            Literal::Number(digits, _) if digits.bytes().all(|b| b.is_ascii_digit()) => None,
            _ => Some(DialectFault::At(value.span.start)),
        },
        _ => Some(DialectFault::word("LIMIT")),
    }
}

pub(super) fn select(select: &Select) -> Option<DialectFault> {
    let into = select.into.as_ref();
    first(&[
        (select.top.is_some(), "TOP"),
        (select.exclude.is_some(), "EXCLUDE"),
        (select.value_table_mode.is_some(), "AS"),
        (select.flavor != SelectFlavor::Standard, "FROM"),
        (!select.lateral_views.is_empty(), "VIEW"),
        (select.prewhere.is_some(), "PREWHERE"),
        (!select.connect_by.is_empty(), "CONNECT"),
        (!select.cluster_by.is_empty(), "CLUSTER"),
        (!select.distribute_by.is_empty(), "DISTRIBUTE"),
        (!select.sort_by.is_empty(), "SORT"),
        (select.qualify.is_some(), "QUALIFY"),
        (matches!(select.distinct, Some(Distinct::On(_))), "ON"),
        (
            into.is_some_and(|into| into.temporary || into.unlogged || into.table),
            "INTO",
        ),
    ])
    .or_else(|| match &select.group_by {
        GroupByExpr::All(_) => Some(DialectFault::word("ALL")),
        GroupByExpr::Expressions(_, modifiers) => modifiers.iter().find_map(|modifier| {
            Some(DialectFault::word(match modifier {
                GroupByWithModifier::Rollup => return None,
                GroupByWithModifier::Cube => "CUBE",
                GroupByWithModifier::Totals => "TOTALS",
                GroupByWithModifier::GroupingSets(_) => "GROUPING",
            }))
        }),
    })
    .or_else(|| select.projection.iter().find_map(item))
    .or_else(|| select.from.iter().find_map(joined))
}

fn item(item: &SelectItem) -> Option<DialectFault> {
    match item {
        SelectItem::UnnamedExpr(_) => None,
        SelectItem::ExprWithAlias { alias, .. } => names::reserved(alias),
        SelectItem::ExprWithAliases { aliases, .. } => aliases.first().map(DialectFault::at),
        SelectItem::QualifiedWildcard(SelectItemQualifiedWildcardKind::Expr(_), options) => {
            Some(DialectFault::At(options.wildcard_token.0.span.start))
        }
        SelectItem::QualifiedWildcard(_, options) | SelectItem::Wildcard(options) => {
            wildcard(options)
        }
    }
}

fn wildcard(options: &WildcardAdditionalOptions) -> Option<DialectFault> {
    first(&[
        (options.opt_ilike.is_some(), "ILIKE"),
        (options.opt_exclude.is_some(), "EXCLUDE"),
        (options.opt_except.is_some(), "EXCEPT"),
        (options.opt_replace.is_some(), "REPLACE"),
        (options.opt_rename.is_some(), "RENAME"),
    ])
    .or_else(|| options.opt_alias.as_ref().map(DialectFault::at))
}

/// A table with its joins.
pub(super) fn joined(tables: &TableWithJoins) -> Option<DialectFault> {
    tables.joins.iter().find_map(join)
}

fn join(join: &Join) -> Option<DialectFault> {
    use JoinOperator as J;
    let word = match &join.join_operator {
        _ if join.global => "GLOBAL",
        J::Join(_)
        | J::Inner(_)
        | J::Left(_)
        | J::LeftOuter(_)
        | J::Right(_)
        | J::RightOuter(_)
        | J::CrossJoin(_)
        | J::StraightJoin(_) => return None,
        J::FullOuter(_) => "FULL",
        J::Semi(_) | J::LeftSemi(_) | J::RightSemi(_) => "SEMI",
        J::Anti(_) | J::LeftAnti(_) | J::RightAnti(_) => "ANTI",
        J::CrossApply | J::OuterApply => "APPLY",
        J::AsOf { .. } => "ASOF",
        J::ArrayJoin | J::LeftArrayJoin | J::InnerArrayJoin => "ARRAY",
    };
    Some(DialectFault::word(word))
}

pub(super) fn factor(factor: &TableFactor) -> Option<DialectFault> {
    match factor {
        TableFactor::Table {
            name,
            alias,
            args,
            with_hints,
            version,
            with_ordinality,
            json_path,
            sample,
            ..
        } => {
            let called = last_ident(name).filter(|_| args.is_some() || json_path.is_some());
            called
                .map(DialectFault::at)
                .or_else(|| {
                    first(&[
                        (!with_hints.is_empty() || *with_ordinality, "WITH"),
                        (version.is_some(), "OF"),
                        (sample.is_some(), "TABLESAMPLE"),
                    ])
                })
                .or_else(|| {
                    let alias = alias.as_ref()?;
                    // Only a query can have its columns named.
                    let named = alias
                        .columns
                        .first()
                        .map(|column| DialectFault::at(&column.name));
                    named.or_else(|| names::alias(alias))
                })
        }
        TableFactor::Derived { sample, alias, .. } => first(&[(sample.is_some(), "TABLESAMPLE")])
            .or_else(|| alias.as_ref().and_then(names::alias)),
        TableFactor::NestedJoin {
            table_with_joins,
            alias,
        } => match alias {
            Some(alias) => Some(DialectFault::at(&alias.name)),
            None => joined(table_with_joins),
        },
        TableFactor::JsonTable { alias, .. } => alias.as_ref().and_then(names::alias),
        TableFactor::TableFunction { .. } => Some(DialectFault::word("TABLE")),
        TableFactor::Function { name, .. } | TableFactor::SemanticView { name, .. } => {
            Some(last_ident(name).map_or(DialectFault::word("FROM"), DialectFault::at))
        }
        TableFactor::UNNEST { .. } => Some(DialectFault::word("UNNEST")),
        TableFactor::OpenJsonTable { .. } => Some(DialectFault::word("OPENJSON")),
        TableFactor::Pivot { .. } => Some(DialectFault::word("PIVOT")),
        TableFactor::Unpivot { .. } | TableFactor::UnpivotExpr { .. } => {
            Some(DialectFault::word("UNPIVOT"))
        }
        TableFactor::MatchRecognize { .. } => Some(DialectFault::word("MATCH_RECOGNIZE")),
        TableFactor::XmlTable { .. } => Some(DialectFault::word("XMLTABLE")),
    }
}
