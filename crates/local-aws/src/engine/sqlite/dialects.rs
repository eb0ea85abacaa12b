//! Syntax that the parser accepts for other databases, but that no MySQL statement has: error 1064, as in MySQL.
//!
//! The parser has one syntax tree for all databases, and accepts much of it in any dialect.

mod definitions;
mod expressions;
mod fault;
mod names;
mod queries;
mod statements;
mod types;
mod writes;

use std::ops::ControlFlow;

use sqlparser::{
    ast::{Expr, ObjectName, Query, Select, SetExpr, Statement, TableFactor, Visit, Visitor},
    tokenizer::{Location, Token, TokenWithSpan},
};

use self::fault::DialectFault;
use super::syntax::{is_word, near, tokens};
use crate::engine::{EngineError, EngineResult};

/// Refuses statements that begin with words of other databases, before they are parsed.
pub(super) fn check_words(sql: &str, tokens: &[TokenWithSpan]) -> EngineResult<()> {
    statements::foreign(tokens).map_or(Ok(()), |place| Err(near(sql, place)))
}

/// Refuses syntax that only other databases have.
pub(super) fn check(sql: &str, statement: &Statement) -> EngineResult<()> {
    // Names of variables and names in SHOW are not checked.
    if !matches!(
        statement,
        Statement::Query(_)
            | Statement::Insert(_)
            | Statement::Update(_)
            | Statement::Delete(_)
            | Statement::CreateTable(_)
            | Statement::CreateIndex(_)
            | Statement::AlterTable(_)
            | Statement::Truncate(_)
            | Statement::Drop { .. }
            | Statement::Explain { .. }
    ) {
        return Ok(());
    }
    match statement.visit(&mut Foreign::default()) {
        ControlFlow::Continue(()) => Ok(()),
        ControlFlow::Break(DialectFault::At(place)) => Err(near(sql, place)),
        ControlFlow::Break(DialectFault::Word(word)) => Err(near(sql, place_of(sql, &word)?)),
        ControlFlow::Break(DialectFault::Undeclared(name)) => Err(EngineError::database(
            1327,
            "42000",
            format!("Undeclared variable: {name}"),
        )),
    }
}

/// The first position of an unquoted word or an operator; the beginning if there is none.
fn place_of(sql: &str, word: &str) -> EngineResult<Location> {
    let tokens = tokens(sql)?;
    let found = tokens.iter().find(|token| match &token.token {
        Token::Whitespace(_) => false,
        name @ Token::Word(_) => is_word(name, word),
        other => other.to_string() == word,
    });
    Ok(found.map_or(Location::new(1, 1), |token| token.span.start))
}

/// Looks for syntax that no MySQL statement has.
#[derive(Debug, Default)]
struct Foreign {
    /// Whether the next rows are those of an INSERT.
    inserts: bool,
    /// Whether the next time zone is within CAST, where MySQL allows one.
    casts: bool,
}

fn broken(fault: Option<DialectFault>) -> ControlFlow<DialectFault> {
    fault.map_or(ControlFlow::Continue(()), ControlFlow::Break)
}

impl Visitor for Foreign {
    type Break = DialectFault;

    fn pre_visit_statement(&mut self, statement: &Statement) -> ControlFlow<DialectFault> {
        broken(match statement {
            Statement::Insert(tree) => {
                self.inserts = tree.source.is_some();
                writes::insert(tree)
            }
            Statement::Update(tree) => writes::update(tree),
            Statement::Delete(tree) => writes::delete(tree),
            Statement::Truncate(tree) => writes::truncate(tree),
            Statement::CreateTable(tree) => definitions::create_table(tree),
            Statement::CreateIndex(tree) => definitions::create_index(tree),
            Statement::AlterTable(tree) => definitions::alter_table(tree),
            Statement::Drop { .. } => definitions::drop(statement),
            Statement::Explain {
                query_plan: true, ..
            } => Some(DialectFault::word("PLAN")),
            _ => None,
        })
    }

    fn pre_visit_query(&mut self, query: &Query) -> ControlFlow<DialectFault> {
        let inserts = std::mem::take(&mut self.inserts);
        broken(queries::query(
            query,
            inserts && matches!(*query.body, SetExpr::Values(_)),
        ))
    }

    fn pre_visit_select(&mut self, select: &Select) -> ControlFlow<DialectFault> {
        broken(queries::select(select))
    }

    fn pre_visit_table_factor(&mut self, factor: &TableFactor) -> ControlFlow<DialectFault> {
        broken(queries::factor(factor))
    }

    fn pre_visit_relation(&mut self, name: &ObjectName) -> ControlFlow<DialectFault> {
        broken(names::object(name))
    }

    fn pre_visit_expr(&mut self, expr: &Expr) -> ControlFlow<DialectFault> {
        let casts = std::mem::take(&mut self.casts);
        self.casts = expressions::casts_time(expr);
        if casts && matches!(expr, Expr::AtTimeZone { .. }) {
            return ControlFlow::Continue(());
        }
        broken(expressions::expr(expr))
    }
}

#[cfg(test)]
mod tests;
