//! Definitions of tables, columns and indexes.

use sqlparser::{
    ast::{
        AlterColumnOperation, AlterTable, AlterTableOperation as Alteration, CheckConstraint,
        ColumnDef, ColumnOption, ConstraintCharacteristics, CreateIndex, CreateTable,
        CreateTableOptions, DataType, GeneratedAs, Ident, IndexColumn, IndexType,
        NullsDistinctOption, ObjectType, RenameTableNameKind, Statement, TableConstraint,
        helpers::stmt_create_table::CreateTableBuilder,
    },
    tokenizer::Token,
};

use super::{
    fault::DialectFault,
    names,
    queries::{first, order_term},
    types,
};

pub(super) fn create_table(tree: &CreateTable) -> Option<DialectFault> {
    let options = match &tree.table_options {
        CreateTableOptions::None | CreateTableOptions::Plain(_) => tree.table_options.clone(),
        _ => return Some(DialectFault::word("WITH")),
    };
    first(&[
        (tree.or_replace, "REPLACE"),
        (tree.unlogged, "UNLOGGED"),
        (tree.external, "EXTERNAL"),
        (tree.global.is_some(), "TEMPORARY"),
        (tree.without_rowid, "WITHOUT"),
        (tree.strict, "STRICT"),
        (tree.inherits.is_some(), "INHERITS"),
    ])
    .or_else(|| tree.columns.iter().find_map(column))
    .or_else(|| tree.constraints.iter().find_map(constraint))
    .or_else(|| {
        // The parts that a MySQL table can have; anything else belongs to another database.
        let known = CreateTableBuilder::new(tree.name.clone())
            .if_not_exists(tree.if_not_exists)
            .temporary(tree.temporary)
            .columns(tree.columns.clone())
            .constraints(tree.constraints.clone())
            .table_options(options)
            .comment_after_column_def(tree.comment.clone())
            .partition_by(tree.partition_by.clone())
            .like(tree.like.clone())
            .query(tree.query.clone())
            .hive_distribution(tree.hive_distribution.clone())
            .hive_formats(tree.hive_formats.clone())
            .build();
        (known != *tree).then(|| DialectFault::word("CREATE"))
    })
}

fn column(tree: &ColumnDef) -> Option<DialectFault> {
    names::reserved(&tree.name)
        .or_else(|| types::foreign(&tree.data_type).map(DialectFault::Word))
        .or_else(|| {
            tree.options
                .iter()
                .find_map(|option| column_option(&option.option))
        })
}

fn column_option(option: &ColumnOption) -> Option<DialectFault> {
    let word = match option {
        ColumnOption::Null
        | ColumnOption::NotNull
        | ColumnOption::Default(_)
        | ColumnOption::CharacterSet(_)
        | ColumnOption::Collation(_)
        | ColumnOption::Comment(_)
        | ColumnOption::OnUpdate(_)
        | ColumnOption::Srid(_)
        | ColumnOption::Invisible => return None,
        ColumnOption::PrimaryKey(key) => return characteristics(key.characteristics.as_ref()),
        ColumnOption::Unique(key) => return characteristics(key.characteristics.as_ref()),
        ColumnOption::ForeignKey(key) => return characteristics(key.characteristics.as_ref()),
        ColumnOption::Check(condition) => return check(condition),
        ColumnOption::DialectSpecific(words) => {
            return words.iter().find_map(|word| match word {
                Token::Word(word) if word.value.eq_ignore_ascii_case("AUTOINCREMENT") => {
                    Some(DialectFault::word("AUTOINCREMENT"))
                }
                _ => None,
            });
        }
        ColumnOption::Generated {
            generated_as: GeneratedAs::Always | GeneratedAs::ExpStored,
            generation_expr: Some(_),
            sequence_options: None,
            ..
        } => return None,
        ColumnOption::Generated { .. } => "GENERATED",
        ColumnOption::Identity(_) => "IDENTITY",
        ColumnOption::Materialized(_) => "MATERIALIZED",
        ColumnOption::Ephemeral(_) => "EPHEMERAL",
        ColumnOption::Alias(_) => "ALIAS",
        ColumnOption::OnConflict(_) => "CONFLICT",
        ColumnOption::Options(_) => "OPTIONS",
        ColumnOption::Policy(_) => "POLICY",
        ColumnOption::Tags(_) => "TAG",
    };
    Some(DialectFault::word(word))
}

/// When a constraint is checked: MySQL always checks at once, and has ENFORCED only for CHECK.
fn characteristics(when: Option<&ConstraintCharacteristics>) -> Option<DialectFault> {
    let when = when?;
    first(&[
        (when.deferrable.is_some(), "DEFERRABLE"),
        (when.initially.is_some(), "INITIALLY"),
        (when.enforced.is_some(), "ENFORCED"),
    ])
}

fn check(condition: &CheckConstraint) -> Option<DialectFault> {
    first(&[(condition.no_inherit, "INHERIT")])
}

fn constraint(constraint: &TableConstraint) -> Option<DialectFault> {
    match constraint {
        TableConstraint::Unique(key) => first(&[
            (!key.include.is_empty(), "INCLUDE"),
            (key.nulls_distinct != NullsDistinctOption::None, "NULLS"),
        ])
        .or_else(|| key.index_name.as_ref().and_then(names::reserved))
        .or_else(|| index(key.index_type.as_ref(), &key.columns))
        .or_else(|| characteristics(key.characteristics.as_ref())),
        TableConstraint::PrimaryKey(key) => first(&[(!key.include.is_empty(), "INCLUDE")])
            .or_else(|| index(key.index_type.as_ref(), &key.columns))
            .or_else(|| characteristics(key.characteristics.as_ref())),
        TableConstraint::ForeignKey(key) => characteristics(key.characteristics.as_ref()),
        TableConstraint::Check(condition) => check(condition),
        TableConstraint::Index(key) => key
            .name
            .as_ref()
            .and_then(names::reserved)
            .or_else(|| index(key.index_type.as_ref(), &key.columns)),
        TableConstraint::FulltextOrSpatial(_) => None,
        TableConstraint::PrimaryKeyUsingIndex(_) | TableConstraint::UniqueUsingIndex(_) => {
            Some(DialectFault::word("USING"))
        }
        TableConstraint::Exclude(_) => Some(DialectFault::word("EXCLUDE")),
    }
}

fn index(kind: Option<&IndexType>, columns: &[IndexColumn]) -> Option<DialectFault> {
    let is_mysql = match kind {
        None | Some(IndexType::BTree | IndexType::Hash) => true,
        Some(IndexType::Custom(name)) => name.value.eq_ignore_ascii_case("RTREE"),
        Some(_) => false,
    };
    first(&[(!is_mysql, "USING")]).or_else(|| {
        columns.iter().find_map(|column| {
            first(&[(column.operator_class.is_some(), "(")]).or_else(|| order_term(&column.column))
        })
    })
}

pub(super) fn create_index(tree: &CreateIndex) -> Option<DialectFault> {
    let columns = &tree.columns;
    first(&[
        (tree.concurrently, "CONCURRENTLY"),
        (tree.r#async, "ASYNC"),
        (tree.if_not_exists, "IF"),
        (tree.name.is_none(), "ON"),
        (!tree.include.is_empty(), "INCLUDE"),
        (tree.nulls_distinct.is_some(), "NULLS"),
        (!tree.with.is_empty(), "WITH"),
        (tree.predicate.is_some(), "WHERE"),
    ])
    .or_else(|| tree.name.as_ref().and_then(names::object))
    .or_else(|| index(tree.using.as_ref(), columns))
}

pub(super) fn drop(statement: &Statement) -> Option<DialectFault> {
    let Statement::Drop {
        object_type,
        if_exists,
        table,
        purge,
        ..
    } = statement
    else {
        return None;
    };
    let is_index = *object_type == ObjectType::Index;
    first(&[
        (is_index && *if_exists, "IF"),
        (is_index && table.is_none(), "INDEX"),
        (*purge, "PURGE"),
    ])
}

pub(super) fn alter_table(tree: &AlterTable) -> Option<DialectFault> {
    first(&[
        (tree.if_exists, "IF"),
        (tree.only, "ONLY"),
        (tree.location.is_some(), "LOCATION"),
        (tree.on_cluster.is_some(), "ON"),
        (tree.table_type.is_some(), "ALTER"),
    ])
    .or_else(|| tree.operations.iter().find_map(alteration))
}

fn alteration(operation: &Alteration) -> Option<DialectFault> {
    match operation {
        Alteration::AddConstraint {
            constraint: added,
            not_valid,
        } => first(&[(*not_valid, "VALID")]).or_else(|| constraint(added)),
        Alteration::AddColumn {
            if_not_exists,
            column_def,
            ..
        } => first(&[(*if_not_exists, "IF")]).or_else(|| column(column_def)),
        Alteration::DropColumn { if_exists, .. } => first(&[(*if_exists, "IF")]),
        Alteration::DropConstraint {
            if_exists,
            drop_behavior,
            name,
        } => first(&[(*if_exists, "IF")])
            .or_else(|| drop_behavior.as_ref().map(|_| DialectFault::at(name))),
        Alteration::ChangeColumn {
            new_name,
            data_type,
            options,
            ..
        } => changed(new_name, data_type, options),
        Alteration::ModifyColumn {
            col_name,
            data_type,
            options,
            ..
        } => changed(col_name, data_type, options),
        Alteration::RenameColumn {
            new_column_name, ..
        } => names::reserved(new_column_name),
        Alteration::RenameTable {
            table_name: RenameTableNameKind::As(name) | RenameTableNameKind::To(name),
        } => names::object(name),
        Alteration::AlterColumn { op, .. } => match op {
            AlterColumnOperation::SetDefault { .. } | AlterColumnOperation::DropDefault => None,
            AlterColumnOperation::SetNotNull | AlterColumnOperation::DropNotNull => {
                Some(DialectFault::word("NOT"))
            }
            AlterColumnOperation::SetDataType { .. } => Some(DialectFault::word("TYPE")),
            AlterColumnOperation::AddGenerated { .. } => Some(DialectFault::word("GENERATED")),
        },
        Alteration::DropPrimaryKey { .. }
        | Alteration::DropForeignKey { .. }
        | Alteration::DropIndex { .. }
        | Alteration::AddPartitions { .. }
        | Alteration::DropPartitions { .. }
        | Alteration::Algorithm { .. }
        | Alteration::Lock { .. }
        | Alteration::AutoIncrement { .. } => None,
        other => {
            let text = other.to_string();
            Some(DialectFault::word(
                text.split_whitespace().next().unwrap_or_default(),
            ))
        }
    }
}

fn changed(name: &Ident, kind: &DataType, options: &[ColumnOption]) -> Option<DialectFault> {
    names::reserved(name)
        .or_else(|| types::foreign(kind).map(DialectFault::Word))
        .or_else(|| options.iter().find_map(column_option))
}
