//! INSERT, REPLACE, UPDATE, DELETE and TRUNCATE.

use sqlparser::ast::{
    Assignment, AssignmentTarget, Delete, Expr, FromTable, Insert, OnInsert, TableObject, Truncate,
    Update,
};

use super::{
    fault::DialectFault,
    names,
    queries::{first, joined, limit, order_term},
};

pub(super) fn insert(tree: &Insert) -> Option<DialectFault> {
    let partitions = tree.partitioned.iter().flatten();
    let names_values = partitions
        .clone()
        .any(|part| !matches!(part, Expr::Identifier(_)));
    first(&[
        (tree.or.is_some(), "OR"),
        (tree.overwrite, "OVERWRITE"),
        (tree.has_table_keyword, "TABLE"),
        (!matches!(tree.table, TableObject::TableName(_)), "INTO"),
        (tree.table_alias.is_some(), "AS"),
        (names_values || !tree.after_columns.is_empty(), "PARTITION"),
        (
            tree.source.is_none() && tree.assignments.is_empty(),
            "DEFAULT",
        ),
        (matches!(tree.on, Some(OnInsert::OnConflict(_))), "CONFLICT"),
        (tree.returning.is_some(), "RETURNING"),
        (tree.output.is_some(), "OUTPUT"),
        (tree.settings.is_some(), "SETTINGS"),
        (tree.format_clause.is_some(), "FORMAT"),
        (tree.multi_table_insert_type.is_some(), "INTO"),
        (tree.replace_into && tree.ignore, "IGNORE"),
        (tree.replace_into && tree.on.is_some(), "ON"),
    ])
    .or_else(|| tree.columns.iter().find_map(names::object))
    .or_else(|| tree.assignments.iter().find_map(assignment))
    .or_else(|| match &tree.on {
        Some(OnInsert::DuplicateKeyUpdate(list)) => list.iter().find_map(assignment),
        _ => None,
    })
}

pub(super) fn update(tree: &Update) -> Option<DialectFault> {
    first(&[
        (tree.or.is_some(), "OR"),
        (tree.from.is_some(), "FROM"),
        (tree.returning.is_some(), "RETURNING"),
        (tree.output.is_some(), "OUTPUT"),
    ])
    .or_else(|| joined(&tree.table))
    .or_else(|| tree.assignments.iter().find_map(assignment))
    .or_else(|| tree.order_by.iter().find_map(order_term))
    .or_else(|| tree.limit.as_ref().and_then(limit))
}

fn assignment(assignment: &Assignment) -> Option<DialectFault> {
    match &assignment.target {
        AssignmentTarget::ColumnName(name) => names::object(name),
        AssignmentTarget::Tuple(list) => {
            let first = list.first().and_then(|name| name.0.first());
            first.and_then(|part| part.as_ident()).map(DialectFault::at)
        }
    }
}

pub(super) fn delete(tree: &Delete) -> Option<DialectFault> {
    let (FromTable::WithFromKeyword(tables) | FromTable::WithoutKeyword(tables)) = &tree.from;
    first(&[
        (tree.returning.is_some(), "RETURNING"),
        (tree.output.is_some(), "OUTPUT"),
    ])
    .or_else(|| {
        tables
            .iter()
            .chain(tree.using.iter().flatten())
            .find_map(joined)
    })
    .or_else(|| tree.order_by.iter().find_map(order_term))
    .or_else(|| tree.limit.as_ref().and_then(limit))
}

pub(super) fn truncate(tree: &Truncate) -> Option<DialectFault> {
    first(&[
        (tree.table_names.len() > 1, ","),
        (tree.table_names.iter().any(|table| table.only), "ONLY"),
        (tree.table_names.iter().any(|table| table.has_asterisk), "*"),
        (tree.if_exists, "IF"),
        (tree.partitions.is_some(), "PARTITION"),
        (tree.identity.is_some(), "IDENTITY"),
        (tree.cascade.is_some(), "TABLE"),
        (tree.on_cluster.is_some(), "ON"),
    ])
}
