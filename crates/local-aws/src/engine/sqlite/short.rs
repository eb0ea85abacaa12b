//! Short reads run on the thread that requests them. One that turns out to be longer is stopped and starts over on its
//! own thread: nobody has seen any of its results.

use std::sync::Arc;

use super::{SqliteEngine, connection::SqliteConnection};
use crate::{
    engine::{
        EngineResult, SqlStatement, StatementResult,
        plan::{StatementKind, StatementPlan},
    },
    lock::locked,
};

impl SqliteConnection {
    /// Runs plans that only read, outside a transaction; `None` if they take too long.
    fn run_shortly(
        &self,
        plans: &[Arc<StatementPlan>],
        statement: &SqlStatement,
    ) -> Option<EngineResult<Vec<StatementResult>>> {
        self.allowance.begin();
        let result = self.run_all(plans, statement);
        self.allowance.end().then_some(result)
    }
}

impl SqliteEngine {
    /// The result of a statement that reads little; `None` for any other, and if it would have to wait for anything.
    pub(super) fn read_at_once(
        &self,
        plans: &[Arc<StatementPlan>],
        statement: &SqlStatement,
    ) -> Option<EngineResult<Vec<StatementResult>>> {
        let ([plan], [_]) = (plans, &statement.sets[..]) else {
            return None;
        };
        let short = plan.short.as_ref()?;
        if plan.kind != (StatementKind::Query { locks: false }) || !short.is_likely() {
            return None;
        }
        let _place = self.shared.connections.try_acquire().ok()?;
        let connection = locked(&self.shared.idle).pop()?;
        let result = connection.run_shortly(plans, statement);
        self.shared.give_back(connection);
        if result.is_none() {
            short.took_long();
        }
        result
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{engine::Rights, options::Storage};

    async fn run(engine: &SqliteEngine, sql: &str) -> EngineResult<Vec<StatementResult>> {
        engine.execute(SqlStatement::of(sql)).await
    }

    /// How many rows the engine returns at once, if it does.
    async fn at_once(engine: &SqliteEngine, sql: &str) -> Option<usize> {
        let statement = SqlStatement::of(sql);
        let deadline = tokio::time::Instant::now() + statement.timeout;
        let plans = engine.shared.plans(Rights::Owner, &statement, deadline);
        let plans = plans.await.unwrap();
        let outcomes = engine.read_at_once(&plans, &statement)?.unwrap();
        Some(outcomes[0].rows.len())
    }

    #[tokio::test]
    async fn a_long_read_is_stopped_and_answered_all_the_same() {
        let engine = SqliteEngine::open(&Storage::InMemory, "d").unwrap();
        run(&engine, "CREATE TABLE t (id BIGINT PRIMARY KEY)")
            .await
            .unwrap();
        let rows: Vec<String> = (0..2_000).map(|id| format!("({id})")).collect();
        let insert = format!("INSERT INTO t VALUES {}", rows.join(", "));
        run(&engine, &insert).await.unwrap();
        assert_eq!(
            at_once(&engine, "SELECT id FROM t WHERE id = 7").await,
            Some(1)
        );
        let all = "SELECT id FROM t WHERE id >= 0";
        assert_eq!(at_once(&engine, all).await, None);
        // The stopped connection is as good as any other.
        assert_eq!(run(&engine, all).await.unwrap()[0].rows.len(), 2_000);
        assert_eq!(
            at_once(&engine, "SELECT id FROM t WHERE id = 7").await,
            Some(1)
        );
        let write = "DELETE FROM t WHERE id = 7";
        assert_eq!(at_once(&engine, write).await, None);
        let locks = "SELECT id FROM t WHERE id = 8 FOR UPDATE";
        assert_eq!(at_once(&engine, locks).await, None);
        engine.close().await;
    }
}
