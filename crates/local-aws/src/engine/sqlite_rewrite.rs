//! From MySQL's dialect to SQLite's, on the syntax tree.
//!
//! String literals become bound parameters, so that no text is ever quoted again; named parameters become numbered ones.

use std::{collections::HashMap, ops::ControlFlow};

use sqlparser::ast::{
    AssignmentTarget, CastKind, DataType, Expr, FunctionArguments, Ident, ObjectName,
    ObjectNamePart, Query, Select, Set, SetExpr, Statement, TableFactor, UnaryOperator,
    Value as Literal, ValueWithSpan, VisitMut, VisitorMut,
};

use super::{
    EngineError, EngineResult, Value, sqlite_calls as calls, sqlite_ddl as ddl,
    sqlite_insert as insert, sqlite_labels as labels, sqlite_operators as operators,
    sqlite_types::Shape,
};

/// A statement ready for SQLite.
#[derive(Debug)]
pub(super) struct Plan {
    pub(super) kind: Kind,
    /// One text, or several for a definition.
    pub(super) sql: Vec<String>,
    /// The shapes of a query's columns, where the statement's text tells them; empty where it has a `*`.
    pub(super) shapes: Vec<Shape>,
    /// What is bound to `?1`, `?2` and so on.
    pub(super) slots: Vec<Slot>,
    /// The rewritten tree: errors are explained from it.
    pub(super) tree: Statement,
}

/// What a statement does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// Reads; `locks` where it wants to be the only one to write what it reads.
    Query {
        locks: bool,
    },
    Insert,
    /// UPDATE or DELETE.
    Change,
    /// DDL, which commits whatever is open, as in MySQL.
    Definition,
    /// Nothing to do.
    Nothing,
}

impl Kind {
    /// Whether it needs the one place of a writer.
    pub(super) fn writes(self) -> bool {
        !matches!(self, Self::Query { locks: false } | Self::Nothing)
    }
}

/// What is bound to one numbered parameter.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Slot {
    Named(String),
    Literal(String),
}

/// Rewrites one statement of a database.
pub(super) fn plan(statement: Statement, database: &str) -> EngineResult<Plan> {
    let not_now = || {
        Err(EngineError::database(
            1295,
            "HY000",
            "This command is not supported in the prepared statement protocol yet",
        ))
    };
    match statement {
        Statement::Query(mut query) => {
            let shapes = labels::label(&mut query);
            let plan = rewritten(Statement::Query(query), database, |locks| Kind::Query {
                locks,
            })?;
            Ok(Plan { shapes, ..plan })
        }
        Statement::Insert(mut tree) => {
            insert::rewrite(&mut tree)?;
            let mut plan = rewritten(Statement::Insert(tree), database, |_| Kind::Insert)?;
            if let Statement::Insert(tree) = &mut plan.tree
                && tree.on.is_some()
            {
                insert::count_changes(tree);
                plan.sql = vec![plan.tree.to_string()];
            }
            Ok(plan)
        }
        Statement::Update(mut tree) => {
            if !tree.table.joins.is_empty()
                || !tree.order_by.is_empty()
                || tree.limit.is_some()
                || tree.from.is_some()
            {
                return Err(EngineError::unsupported(
                    "UPDATE with a join, ORDER BY or LIMIT",
                ));
            }
            tree.optimizer_hints.clear();
            for assignment in &mut tree.assignments {
                unqualify(&mut assignment.target);
            }
            insert::independent(&tree.assignments)?;
            if let TableFactor::Table {
                alias: Some(alias), ..
            } = &mut tree.table.relation
            {
                alias.explicit = true;
            }
            rewritten(Statement::Update(tree), database, |_| Kind::Change)
        }
        Statement::Delete(mut tree) => {
            if !tree.tables.is_empty()
                || tree.using.is_some()
                || !tree.order_by.is_empty()
                || tree.limit.is_some()
            {
                return Err(EngineError::unsupported(
                    "DELETE with several tables, ORDER BY or LIMIT",
                ));
            }
            tree.optimizer_hints.clear();
            rewritten(Statement::Delete(tree), database, |_| Kind::Change)
        }
        Statement::ShowTables {
            full: false,
            ref show_options,
            ..
        } if show_options.filter_position.is_none() && show_options.show_in.is_none() => Ok(Plan {
            kind: Kind::Query { locks: false },
            sql: vec![show_tables(database)],
            shapes: Vec::new(),
            slots: Vec::new(),
            tree: statement,
        }),
        Statement::Set(Set::SetNames { .. } | Set::SetNamesDefault {}) => Ok(Plan {
            kind: Kind::Nothing,
            sql: Vec::new(),
            shapes: Vec::new(),
            slots: Vec::new(),
            tree: statement,
        }),
        Statement::StartTransaction { .. }
        | Statement::Commit { .. }
        | Statement::Rollback { .. }
        | Statement::Savepoint { .. }
        | Statement::ReleaseSavepoint { .. } => not_now(),
        mut statement => {
            // The tables' names lose the database's here too.
            let mut rewriter = Rewriter {
                names_only: true,
                ..Rewriter::new(database)
            };
            rewriter.walk(&mut statement)?;
            Ok(Plan {
                kind: Kind::Definition,
                sql: ddl::statements(&statement)?,
                shapes: Vec::new(),
                slots: Vec::new(),
                tree: statement,
            })
        }
    }
}

fn show_tables(database: &str) -> String {
    format!(
        "SELECT name AS {} FROM sqlite_master WHERE type = 'table' AND substr(name, 1, 7) <> 'sqlite_' ORDER BY name",
        ddl::quoted(&format!("Tables_in_{database}"))
    )
}

fn rewritten(
    mut tree: Statement,
    database: &str,
    kind: impl FnOnce(bool) -> Kind,
) -> EngineResult<Plan> {
    let mut rewriter = Rewriter::new(database);
    rewriter.walk(&mut tree)?;
    Ok(Plan {
        kind: kind(rewriter.locks),
        sql: vec![tree.to_string()],
        shapes: Vec::new(),
        slots: rewriter.slots,
        tree,
    })
}

/// SQLite takes no table name before an assigned column.
pub(super) fn unqualify(target: &mut AssignmentTarget) {
    if let AssignmentTarget::ColumnName(name) = target
        && let Some(last) = name.0.pop()
    {
        name.0 = vec![last];
    }
}

/// What MySQL lets a name be and SQLite does not, unless quoted.
const RESERVED_IN_SQLITE: [&str; 9] = [
    "AUTOINCREMENT",
    "COMMIT",
    "DEFERRABLE",
    "ESCAPE",
    "ISNULL",
    "NOTHING",
    "NOTNULL",
    "RETURNING",
    "TRANSACTION",
];

struct Rewriter<'a> {
    database: &'a str,
    slots: Vec<Slot>,
    numbers: HashMap<String, usize>,
    locks: bool,
    names_only: bool,
}

type Step = ControlFlow<Box<EngineError>>;

impl<'a> Rewriter<'a> {
    fn new(database: &'a str) -> Self {
        Self {
            database,
            slots: Vec::new(),
            numbers: HashMap::new(),
            locks: false,
            names_only: false,
        }
    }

    fn walk(&mut self, tree: &mut Statement) -> EngineResult<()> {
        match tree.visit(self) {
            ControlFlow::Continue(()) => Ok(()),
            ControlFlow::Break(error) => Err(*error),
        }
    }

    /// Numbers a slot; one name has one number.
    fn number(&mut self, slot: Slot) -> Literal {
        let number = match &slot {
            Slot::Named(name) => match self.numbers.get(name) {
                Some(number) => *number,
                None => {
                    self.numbers.insert(name.clone(), self.slots.len() + 1);
                    self.slots.push(slot);
                    self.slots.len()
                }
            },
            Slot::Literal(_) => {
                self.slots.push(slot);
                self.slots.len()
            }
        };
        Literal::Placeholder(format!("?{number}"))
    }
}

impl VisitorMut for Rewriter<'_> {
    type Break = Box<EngineError>;

    fn pre_visit_query(&mut self, query: &mut Query) -> Step {
        // `WITH x AS (…) DELETE …` is a query to the parser, and would be run as one: where nothing may be written.
        if matches!(
            *query.body,
            SetExpr::Insert(_) | SetExpr::Update(_) | SetExpr::Delete(_) | SetExpr::Merge(_)
        ) {
            return refuse(EngineError::unsupported(
                "WITH before INSERT, UPDATE or DELETE",
            ));
        }
        if !query.locks.is_empty() {
            query.locks.clear();
            self.locks = true;
        }
        ControlFlow::Continue(())
    }

    fn pre_visit_select(&mut self, select: &mut Select) -> Step {
        select.optimizer_hints.clear();
        select.select_modifiers = None;
        let from_dual = |from: &str| from.eq_ignore_ascii_case("dual");
        if select.from.len() == 1 && from_dual(&select.from[0].to_string()) {
            select.from.clear();
        }
        ControlFlow::Continue(())
    }

    fn pre_visit_relation(&mut self, relation: &mut ObjectName) -> Step {
        let parts: Vec<&Ident> = relation
            .0
            .iter()
            .filter_map(ObjectNamePart::as_ident)
            .collect();
        let name = match parts.as_slice() {
            [table] => (*table).clone(),
            [database, table] if database.value == self.database => (*table).clone(),
            [database, table] if database.value.eq_ignore_ascii_case("information_schema") => {
                Ident::with_quote(
                    '`',
                    format!("information_schema.{}", table.value.to_ascii_lowercase()),
                )
            }
            [database, ..] => {
                return refuse(EngineError::database(
                    1049,
                    "42000",
                    format!("Unknown database '{}'", database.value),
                ));
            }
            [] => return refuse(EngineError::unsupported("this table name")),
        };
        let lower = name.value.to_ascii_lowercase();
        if lower.starts_with("sqlite_") || lower.starts_with("pragma_") {
            return refuse(no_table(self.database, &name.value));
        }
        *relation = ObjectName(vec![ObjectNamePart::Identifier(name)]);
        ControlFlow::Continue(())
    }

    fn pre_visit_table_factor(&mut self, factor: &mut TableFactor) -> Step {
        match factor {
            TableFactor::Table {
                args: None,
                index_hints,
                ..
            } => {
                index_hints.clear();
                ControlFlow::Continue(())
            }
            TableFactor::Derived { .. } | TableFactor::NestedJoin { .. } => {
                ControlFlow::Continue(())
            }
            _ => refuse(EngineError::unsupported("a table that is a function")),
        }
    }

    fn pre_visit_ident(&mut self, ident: &mut Ident) -> Step {
        // Columns that every table has in SQLite alone.
        if ["rowid", "_rowid_"]
            .iter()
            .any(|name| ident.value.eq_ignore_ascii_case(name))
        {
            return refuse(EngineError::unsupported("a column of this name"));
        }
        if ident.quote_style.is_some() {
            return ControlFlow::Continue(());
        }
        // Unquoted, either would be a parameter to SQLite, and without a value.
        if ident.value.starts_with('@') {
            return refuse(EngineError::unsupported("variables"));
        }
        if ident.value.starts_with('$')
            || RESERVED_IN_SQLITE
                .iter()
                .any(|word| word.eq_ignore_ascii_case(&ident.value))
        {
            ident.quote_style = Some('`');
        }
        ControlFlow::Continue(())
    }

    fn pre_visit_expr(&mut self, expr: &mut Expr) -> Step {
        if self.names_only {
            return ControlFlow::Continue(());
        }
        match rewrite_expr(expr, self.database) {
            Ok(()) => ControlFlow::Continue(()),
            Err(error) => refuse(error),
        }
    }

    fn pre_visit_value(&mut self, value: &mut ValueWithSpan) -> Step {
        if self.names_only {
            return ControlFlow::Continue(());
        }
        match &mut value.value {
            Literal::SingleQuotedString(text)
            | Literal::DoubleQuotedString(text)
            | Literal::NationalStringLiteral(text) => {
                let text = std::mem::take(text);
                value.value = self.number(Slot::Literal(text));
            }
            Literal::Placeholder(name) => match name.strip_prefix(':') {
                Some(name) => value.value = self.number(Slot::Named(name.to_owned())),
                None => return refuse(EngineError::MissingParameter(name.clone())),
            },
            _ => {}
        }
        ControlFlow::Continue(())
    }
}

fn refuse(error: EngineError) -> Step {
    ControlFlow::Break(Box::new(error))
}

pub(super) fn no_table(database: &str, table: &str) -> EngineError {
    EngineError::database(
        1146,
        "42S02",
        format!("Table '{database}.{table}' doesn't exist"),
    )
}

fn rewrite_expr(expr: &mut Expr, database: &str) -> EngineResult<()> {
    calls::known(expr)?;
    match expr {
        Expr::Identifier(name) if name.quote_style.is_none() => {
            if let Some(function) = calls::clock(&name.value)
                .filter(|_| name.value.to_ascii_lowercase().starts_with("utc_"))
            {
                *expr = calls::call(function, FunctionArguments::List(calls::no_arguments()));
            }
        }
        Expr::CompoundIdentifier(parts) if parts.len() == 3 && parts[0].value == database => {
            parts.remove(0);
        }
        // MySQL's escape character is a backslash; SQLite has none until told.
        Expr::Like {
            escape_char: escape @ None,
            any: false,
            ..
        } => {
            *escape = Some(Box::new(Expr::Value(
                Literal::SingleQuotedString("\\".into()).into(),
            )));
        }
        Expr::TypedString(typed) => *expr = Expr::Value(typed.value.clone()),
        Expr::Substring { special, .. } => *special = true,
        Expr::Cast {
            kind: CastKind::Cast,
            data_type,
            ..
        } => cast_type(data_type),
        Expr::BinaryOp { .. } => return operators::rewrite(expr),
        Expr::UnaryOp {
            op: UnaryOperator::BitwiseNot,
            ..
        } => {
            return Err(EngineError::unsupported("~"));
        }
        Expr::Function(_) => return calls::rewrite(expr, database),
        _ => {}
    }
    Ok(())
}

fn cast_type(data_type: &mut DataType) {
    match data_type {
        DataType::Signed
        | DataType::SignedInteger
        | DataType::Unsigned
        | DataType::UnsignedInteger => {
            *data_type = DataType::Integer(None);
        }
        // Its affinity would be numeric.
        DataType::Date | DataType::Datetime(_) | DataType::Time(..) | DataType::JSON => {
            *data_type = DataType::Text
        }
        _ => {}
    }
}

/// What a slot holds in one execution.
pub(super) fn bound<'a>(
    slot: &'a Slot,
    parameters: &'a super::Parameters,
) -> EngineResult<std::borrow::Cow<'a, Value>> {
    use std::borrow::Cow;
    match slot {
        Slot::Literal(text) => Ok(Cow::Owned(Value::Text(text.clone()))),
        Slot::Named(name) => parameters
            .get(name)
            .map(Cow::Borrowed)
            .ok_or_else(|| EngineError::MissingParameter(name.clone())),
    }
}

#[cfg(test)]
mod tests;
