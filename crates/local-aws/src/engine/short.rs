//! Which reads may be so short that waking a thread for them would take longer.

use std::{
    ops::ControlFlow,
    sync::atomic::{AtomicU8, Ordering},
};

use sqlparser::ast::{BinaryOperator, Expr, Query, Statement, Visit as _, Visitor};

/// How many executions skip the attempt after a statement turned out not to be short.
const PAUSE: u8 = 64;

/// A statement that may be short, depending on the data.
#[derive(Debug, Default)]
pub(crate) struct ShortQuery {
    pause: AtomicU8,
}

impl ShortQuery {
    /// `None` for a statement with any part that may take long by itself: a function, a pattern, a recursion. For all
    /// others, the time is roughly proportional to the number of instructions.
    pub(crate) fn of(statement: &Statement) -> Option<Self> {
        let is_plain = matches!(statement, Statement::Query(_))
            && statement.visit(&mut PlainQueryCheck).is_continue();
        is_plain.then(Self::default)
    }

    /// Whether to try it.
    pub(crate) fn is_likely(&self) -> bool {
        let one_less = |pause: u8| pause.checked_sub(1);
        self.pause
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, one_less)
            .is_err()
    }

    /// Records that it was not short.
    pub(crate) fn took_long(&self) {
        self.pause.store(PAUSE, Ordering::Relaxed);
    }
}

/// Breaks at the first part that is not plain.
struct PlainQueryCheck;

impl Visitor for PlainQueryCheck {
    type Break = ();

    fn pre_visit_query(&mut self, query: &Query) -> ControlFlow<()> {
        go_on(query.with.is_none())
    }

    fn pre_visit_expr(&mut self, expr: &Expr) -> ControlFlow<()> {
        go_on(match expr {
            Expr::Identifier(_)
            | Expr::CompoundIdentifier(_)
            | Expr::Value(_)
            | Expr::Nested(_)
            | Expr::IsNull(_)
            | Expr::IsNotNull(_)
            | Expr::InList { .. } => true,
            Expr::BinaryOp { op, .. } => matches!(
                op,
                BinaryOperator::And
                    | BinaryOperator::Or
                    | BinaryOperator::Eq
                    | BinaryOperator::NotEq
                    | BinaryOperator::Lt
                    | BinaryOperator::LtEq
                    | BinaryOperator::Gt
                    | BinaryOperator::GtEq
            ),
            _ => false,
        })
    }
}

fn go_on(is_plain: bool) -> ControlFlow<()> {
    if is_plain {
        ControlFlow::Continue(())
    } else {
        ControlFlow::Break(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::sqlite::parse::parse;

    fn may_be_short(sql: &str) -> bool {
        ShortQuery::of(&parse(sql).unwrap()).is_some()
    }

    #[test]
    fn plain_reads_may_be_short() {
        for sql in [
            "SELECT a FROM t WHERE id = :id",
            "SELECT 0 AS kind, a FROM t WHERE id = :id UNION ALL SELECT 1, b FROM u WHERE id = :id ORDER BY 1, 2 LIMIT 9",
            "SELECT t.a FROM t CROSS JOIN u ON u.id = t.id WHERE (t.a > :a OR u.b <= 'x') AND t.c IS NULL AND t.d IN (1, 2)",
        ] {
            assert!(may_be_short(sql), "{sql}");
        }
    }

    #[test]
    fn what_may_take_long_within_one_instruction_is_not_tried() {
        for sql in [
            "SELECT COUNT(*) FROM t",
            "SELECT REPEAT(a, 1000000) FROM t",
            "SELECT a FROM t WHERE a LIKE :a",
            "SELECT a FROM t WHERE a IN (SELECT b FROM u)",
            "SELECT a FROM t ORDER BY LENGTH(a)",
            "SELECT a * 2 FROM t",
            "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT i FROM n",
            "INSERT INTO t VALUES (1)",
            "UPDATE t SET a = 1",
        ] {
            assert!(!may_be_short(sql), "{sql}");
        }
    }

    #[test]
    fn after_one_that_took_long_some_are_not_tried() {
        let short = ShortQuery::default();
        assert!(short.is_likely() && short.is_likely());
        short.took_long();
        assert!((0..PAUSE).all(|_| !short.is_likely()));
        assert!(short.is_likely());
    }
}
