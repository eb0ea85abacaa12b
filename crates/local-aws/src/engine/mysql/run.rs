//! Runs one statement on a connection to MySQL: its executions and their results.

use mysql_async::{
    Conn, DriverError, Error, QueryResult,
    prelude::{Protocol, Queryable},
};

use crate::engine::{
    EngineError, EngineResult, Meter, Parameters, SqlStatement, StatementResult,
    mysql::{
        bound::BoundStatement,
        rows::MixedRows,
        text::{self, PositionalText},
        values,
        writes::WriteResult,
    },
};

/// The error for commands that MySQL cannot prepare; they are sent as text.
const NOT_PREPARABLE: u16 = 1295;

/// Whether a batch runs within a transaction.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum BatchScope {
    Alone,
    Transaction,
}

/// Runs a statement once for each set of parameters: all of them or, if one fails, none.
pub(crate) async fn run_all(
    connection: &mut Conn,
    statement: &SqlStatement,
    scope: BatchScope,
) -> EngineResult<Vec<StatementResult>> {
    let positional = text::positional(&statement.sql)?;
    let mut meter = Meter::new(statement.max_bytes);
    if let [one] = statement.sets.as_slice() {
        return Ok(vec![
            run_one(connection, &positional, one, statement.metadata, &mut meter).await?,
        ]);
    }
    let [begin, commit, rollback] = match scope {
        BatchScope::Alone => ["START TRANSACTION", "COMMIT", "ROLLBACK"],
        BatchScope::Transaction => [
            "SAVEPOINT fleet",
            "RELEASE SAVEPOINT fleet",
            "ROLLBACK TO SAVEPOINT fleet",
        ],
    };
    connection
        .query_drop(begin)
        .await
        .map_err(|error| failure(&error))?;
    let mut all = Vec::with_capacity(statement.sets.len());
    for set in &statement.sets {
        match run_one(connection, &positional, set, statement.metadata, &mut meter).await {
            Ok(outcome) => all.push(outcome),
            Err(error) => {
                // The first error is more useful than one from a failed rollback.
                let _ = connection.query_drop(rollback).await;
                return Err(error);
            }
        }
    }
    connection
        .query_drop(commit)
        .await
        .map_err(|error| failure(&error))?;
    Ok(all)
}

async fn run_one(
    connection: &mut Conn,
    positional: &PositionalText,
    parameters: &Parameters,
    metadata: bool,
    meter: &mut Meter,
) -> EngineResult<StatementResult> {
    let bound = BoundStatement::new(positional, parameters)?;
    let left = bound.left();
    let answer = match connection.exec_iter(&*bound.sql, bound.values).await {
        Ok(result) => collect(result, positional, metadata, meter).await?,
        Err(Error::Server(error))
            if error.code == NOT_PREPARABLE && positional.names.is_empty() =>
        {
            let result = connection
                .query_iter(positional.sql.as_str())
                .await
                .map_err(|error| failure(&error))?;
            collect(result, positional, metadata, meter).await?
        }
        Err(error) => return Err(failure(&error)),
    };
    match answer {
        CollectedResult::Rows(mut outcome) => {
            for column in outcome.columns.iter_mut().flatten() {
                bound.casts.remove_from(&mut column.label);
                bound.casts.remove_from(&mut column.name);
            }
            Ok(outcome)
        }
        CollectedResult::Write(write) => Ok(StatementResult {
            updated: write.updated(),
            generated: generated_ids(connection, &write, &positional.sql, &left).await?,
            ..StatementResult::default()
        }),
    }
}

/// The ids that a write generated, if MySQL's response reveals them. Of several rows with explicit ids, MySQL reports
/// only the last one, recognisable because it is not the session's last generated id. If only some rows have an
/// explicit id, it reports the first id that it generated, but not which rows those are.
async fn generated_ids(
    connection: &mut Conn,
    write: &WriteResult,
    sql: &str,
    left: &[bool],
) -> EngineResult<Vec<i64>> {
    let ids = write.generated_ids();
    if ids.len() < 2 {
        return Ok(ids);
    }
    let last: Option<u64> = connection
        .query_first("SELECT LAST_INSERT_ID()")
        .await
        .map_err(|error| failure(&error))?;
    if last != write.id || some_ids_are_given(connection, sql, left).await? {
        return Ok(Vec::new());
    }
    Ok(ids)
}

/// Whether an INSERT gives explicit ids for some of its rows, and leaves the others to MySQL.
async fn some_ids_are_given(connection: &mut Conn, sql: &str, left: &[bool]) -> EngineResult<bool> {
    let Some(rows) = MixedRows::read(sql, left) else {
        return Ok(false);
    };
    let (database, table) = match rows.table.as_slice() {
        [table] => (None, table),
        [database, table] => (Some(database), table),
        _ => return Ok(false),
    };
    let column: Option<(String, usize)> = connection
        .exec_first(
            "SELECT COLUMN_NAME, ORDINAL_POSITION FROM information_schema.COLUMNS WHERE TABLE_SCHEMA = COALESCE(?, DATABASE()) \
             AND TABLE_NAME = ? AND EXTRA LIKE '%auto_increment%'",
            (database, table),
        )
        .await
        .map_err(|error| failure(&error))?;
    Ok(column.is_some_and(|(name, ordinal)| rows.has(&name, ordinal)))
}

/// The result of a statement.
enum CollectedResult {
    Rows(StatementResult),
    Write(WriteResult),
}

async fn collect<P: Protocol>(
    mut result: QueryResult<'_, 'static, P>,
    positional: &PositionalText,
    metadata: bool,
    meter: &mut Meter,
) -> EngineResult<CollectedResult> {
    let columns = result.columns().filter(|columns| !columns.is_empty());
    let Some(columns) = columns else {
        let write = WriteResult {
            verb: positional.verb,
            id: result.last_insert_id(),
            affected: result.affected_rows(),
            info: result.info().into_owned(),
        };
        result
            .drop_result()
            .await
            .map_err(|error| failure(&error))?;
        return Ok(CollectedResult::Write(write));
    };
    let mut rows = Vec::new();
    while let Some(row) = result.next().await.map_err(|error| failure(&error))? {
        let row = values::row(row.unwrap(), &columns)?;
        meter.row(&row)?;
        rows.push(row);
    }
    result
        .drop_result()
        .await
        .map_err(|error| failure(&error))?;
    let columns = columns
        .iter()
        .map(|column| values::column(column, metadata))
        .collect();
    Ok(CollectedResult::Rows(StatementResult {
        columns: Some(columns),
        rows,
        ..StatementResult::default()
    }))
}

pub(crate) fn failure(error: &Error) -> EngineError {
    match error {
        Error::Server(error) => match error.code {
            1213 => EngineError::Deadlock,
            // Interrupted, or MariaDB's code for a statement that took too long.
            1317 | 1969 | 3024 => EngineError::Timeout,
            // The server is shutting down, or someone killed the connection.
            1053 | 1077 | 1079 | 1927 | 4031 => EngineError::LinkFailure,
            code => EngineError::Database {
                message: error.message.clone(),
                code,
                state: error.state.clone(),
            },
        },
        Error::Io(_) | Error::Driver(DriverError::ConnectionClosed) => EngineError::LinkFailure,
        Error::Driver(DriverError::LocalInfile(_)) => text::load_data_local(),
        Error::Driver(DriverError::PoolDisconnected) => EngineError::Unavailable,
        other => EngineError::Internal(other.to_string()),
    }
}
