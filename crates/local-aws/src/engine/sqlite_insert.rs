//! What MySQL's INSERT has that SQLite's says otherwise: IGNORE, ON DUPLICATE KEY UPDATE, SET.

use std::ops::ControlFlow;

use sqlparser::ast::{
    Assignment, AssignmentTarget, BinaryOperator, DoUpdate, Expr, FunctionArg, FunctionArgExpr,
    FunctionArgumentList, FunctionArguments, Ident, Insert, ObjectName, ObjectNamePart, OnConflict,
    OnConflictAction, OnInsert, Parens, Query, SetExpr, Value as Literal, Values, Visit, VisitMut,
    Visitor, VisitorMut,
};

use super::{
    EngineError, EngineResult,
    sqlite_calls::{self as calls, only_argument},
    sqlite_rewrite::unqualify,
};

/// The function that says whether an upsert changes a row, and counts those that it does.
pub(super) const CHANGES: &str = "fleet_changes";

/// Rewrites an INSERT before its expressions are.
pub(super) fn rewrite(tree: &mut Insert) -> EngineResult<()> {
    if tree.partitioned.is_some() || tree.returning.is_some() {
        return Err(EngineError::unsupported(
            "INSERT with PARTITION or RETURNING",
        ));
    }
    tree.optimizer_hints.clear();
    tree.priority = None;
    tree.into = true;
    if !tree.assignments.is_empty() {
        set_to_values(tree)?;
    }
    let row_alias = tree
        .insert_alias
        .take()
        .map(|alias| alias.row_alias.to_string());
    // Duplicates only: anything else that is wrong with a row stays an error.
    let ignore = std::mem::take(&mut tree.ignore);
    let action = match tree.on.take() {
        Some(OnInsert::DuplicateKeyUpdate(assignments)) => {
            Some(update(assignments, row_alias.as_deref())?)
        }
        Some(OnInsert::OnConflict(_)) => return Err(EngineError::unsupported("ON CONFLICT")),
        Some(_) => return Err(EngineError::unsupported("this ON clause")),
        None if ignore => Some(OnConflictAction::DoNothing),
        None => None,
    };
    if let Some(action) = action {
        if let Some(source) = &mut tree.source {
            end_with_where(source)?;
        }
        tree.on = Some(OnInsert::OnConflict(OnConflict {
            conflict_target: None,
            action,
        }));
    }
    Ok(())
}

/// `INSERT INTO t SET a = 1` is `INSERT INTO t (a) VALUES (1)`.
fn set_to_values(tree: &mut Insert) -> EngineResult<()> {
    let mut row = Vec::with_capacity(tree.assignments.len());
    for mut assignment in std::mem::take(&mut tree.assignments) {
        unqualify(&mut assignment.target);
        let AssignmentTarget::ColumnName(name) = assignment.target else {
            return Err(EngineError::unsupported("this INSERT … SET"));
        };
        tree.columns.push(name);
        row.push(assignment.value);
    }
    let rows = vec![Parens::with_empty_span(row)];
    let values = Values {
        explicit_row: false,
        value_keyword: false,
        rows,
    };
    tree.source = Some(Box::new(query(SetExpr::Values(values))));
    Ok(())
}

fn query(body: SetExpr) -> Query {
    Query {
        with: None,
        body: Box::new(body),
        order_by: None,
        limit_clause: None,
        fetch: None,
        locks: Vec::new(),
        for_clause: None,
        settings: None,
        format_clause: None,
        pipe_operators: Vec::new(),
    }
}

/// A row that would stay as it is is left alone: MySQL does not count it.
fn update(
    mut assignments: Vec<Assignment>,
    row_alias: Option<&str>,
) -> EngineResult<OnConflictAction> {
    let mut changes: Option<Expr> = None;
    for assignment in &mut assignments {
        unqualify(&mut assignment.target);
        let _ = VisitMut::visit(&mut assignment.value, &mut Excluded { row_alias });
        let change = Expr::Nested(Box::new(Expr::IsDistinctFrom(
            Box::new(column(&assignment.target)?),
            Box::new(Expr::Nested(Box::new(assignment.value.clone()))),
        )));
        changes = Some(match changes {
            None => change,
            Some(others) => Expr::BinaryOp {
                left: Box::new(others),
                op: BinaryOperator::Or,
                right: Box::new(change),
            },
        });
    }
    independent(&assignments)?;
    Ok(OnConflictAction::DoUpdate(DoUpdate {
        assignments,
        selection: changes,
    }))
}

fn column(target: &AssignmentTarget) -> EngineResult<Expr> {
    match target {
        AssignmentTarget::ColumnName(ObjectName(parts)) => match parts.as_slice() {
            [ObjectNamePart::Identifier(name)] => Ok(Expr::Identifier(name.clone())),
            _ => Err(EngineError::unsupported("this assignment")),
        },
        AssignmentTarget::Tuple(_) => Err(EngineError::unsupported("this assignment")),
    }
}

/// Lets the changes of an upsert be counted; after its expressions are rewritten.
pub(super) fn count_changes(tree: &mut Insert) {
    if let Some(OnInsert::OnConflict(OnConflict {
        action: OnConflictAction::DoUpdate(update),
        ..
    })) = &mut tree.on
        && let Some(changes) = update.selection.take()
    {
        let argument = FunctionArg::Unnamed(FunctionArgExpr::Expr(changes));
        let list = FunctionArgumentList {
            args: vec![argument],
            ..calls::no_arguments()
        };
        update.selection = Some(calls::call(CHANGES, FunctionArguments::List(list)));
    }
}

/// MySQL assigns from left to right and SQLite all at once: an assignment that uses a column assigned before it would
/// have another value.
pub(super) fn independent(assignments: &[Assignment]) -> EngineResult<()> {
    let mut assigned: Vec<String> = Vec::new();
    for assignment in assignments {
        if Visit::visit(&assignment.value, &mut Uses(&assigned)).is_break() {
            return Err(EngineError::unsupported(
                "an assignment that uses a column assigned before it",
            ));
        }
        if let Ok(Expr::Identifier(name)) = column(&assignment.target) {
            assigned.push(name.value.to_ascii_lowercase());
        }
    }
    Ok(())
}

struct Uses<'a>(&'a [String]);

impl Visitor for Uses<'_> {
    type Break = ();

    fn pre_visit_expr(&mut self, expr: &Expr) -> ControlFlow<()> {
        let column = match expr {
            Expr::Identifier(name) => Some(name),
            Expr::CompoundIdentifier(parts) if parts[0].value != "excluded" => parts.last(),
            _ => None,
        };
        match column {
            Some(name) if self.0.contains(&name.value.to_ascii_lowercase()) => {
                ControlFlow::Break(())
            }
            _ => ControlFlow::Continue(()),
        }
    }
}

/// `VALUES(a)`, and `new.a` where the row has that alias, are what SQLite calls `excluded.a`.
struct Excluded<'a> {
    row_alias: Option<&'a str>,
}

impl VisitorMut for Excluded<'_> {
    type Break = ();

    fn pre_visit_expr(&mut self, expr: &mut Expr) -> ControlFlow<()> {
        let column = match expr {
            Expr::CompoundIdentifier(parts) => match parts.as_slice() {
                [table, column] if Some(table.value.as_str()) == self.row_alias => {
                    Some(column.clone())
                }
                _ => None,
            },
            Expr::Function(function) if is_values(&function.name) => {
                match only_argument(&function.args) {
                    Some(Expr::Identifier(column)) => Some(column),
                    Some(Expr::CompoundIdentifier(mut parts)) => parts.pop(),
                    _ => None,
                }
            }
            _ => None,
        };
        if let Some(column) = column {
            *expr = Expr::CompoundIdentifier(vec![Ident::new("excluded"), column]);
        }
        ControlFlow::Continue(())
    }
}

fn is_values(name: &ObjectName) -> bool {
    matches!(name.0.as_slice(), [ObjectNamePart::Identifier(name)] if name.value.eq_ignore_ascii_case("values"))
}

/// `SELECT … FROM t ON CONFLICT` would read as a join: SQLite asks for a WHERE in between.
fn end_with_where(source: &mut Query) -> EngineResult<()> {
    match source.body.as_mut() {
        SetExpr::Values(_) => Ok(()),
        SetExpr::Select(select) => {
            select
                .selection
                .get_or_insert_with(|| Expr::Value(Literal::Boolean(true).into()));
            Ok(())
        }
        _ => Err(EngineError::unsupported(
            "INSERT IGNORE or ON DUPLICATE KEY UPDATE of a UNION",
        )),
    }
}
