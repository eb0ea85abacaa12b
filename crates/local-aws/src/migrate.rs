//! Applies a schema's migrations to a database, one run at a time.
//!
//! `deploy_scripts/create_schema.sh` does the same through the Data API, with the same rows in `schema_version`, so
//! that a server and the script do not interfere. A run claims a migration by its row, runs it, and records it. A claim
//! that does not change for a while belongs to a dead run, and is taken over: running a statement twice is harmless
//! (see [`Migration`]), just wasteful.

use std::{
    collections::HashMap,
    time::{Duration, Instant},
};

use uuid::Uuid;

use crate::{
    engine::{Database, EngineError, SqlStatement, SqlValue, StatementResult},
    options::LocalAwsError,
    schema::{BOOKKEEPING, Migration, Schema},
};

/// The longest time that a live run leaves its claim unchanged, given the Data API's limit of 45 s per statement.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);
/// How long a definition may take: an index on millions of rows takes minutes.
const STATEMENT_LIMIT: Duration = Duration::from_secs(30 * 60);
const PAUSE: Duration = Duration::from_millis(250);
/// More than any statement here returns.
const MAX_BYTES: usize = 1024 * 1024;

/// MySQL's codes for a definition whose work is done: a table, column or key already exists, or is already gone.
const DONE_ALREADY: [u16; 4] = [1050, 1060, 1061, 1091];
const DUPLICATE_KEY: u16 = 1062;

const NEWEST: &str = "SELECT MAX(version), MAX(oldest_functions) FROM schema_version";
const STATE: &str =
    "SELECT checksum, claim, applied_utc FROM schema_version WHERE version = :version";
const CLAIM: &str = "INSERT INTO schema_version (version, name, checksum, oldest_functions, claim, applied_utc) \
                     VALUES (:version, :name, :checksum, :oldest_functions, :claim, NULL)";
const TAKE_OVER: &str = "UPDATE schema_version SET claim = :claim \
                         WHERE version = :version AND claim = :left AND applied_utc IS NULL";
const GIVE_UP: &str = "DELETE FROM schema_version WHERE version = :version AND claim = :claim AND applied_utc IS NULL";
const RECORD: &str = "UPDATE schema_version SET applied_utc = UTC_TIMESTAMP() \
                      WHERE version = :version AND claim = :claim AND applied_utc IS NULL";

/// Brings `database` up to `schema`. Waits for another run's claim, and takes it over if it has not changed within
/// `patience`: zero if there can be no other run.
pub(crate) async fn apply(
    database: &Database,
    schema: &Schema,
    patience: Duration,
) -> Result<(), LocalAwsError> {
    if schema.migrations.is_empty() {
        return Ok(());
    }
    let run = MigrationRun {
        database,
        claim: Uuid::new_v4().to_string(),
        patience,
    };
    run.execute(BOOKKEEPING, &[]).await.map_err(failed)?;
    let before = run.version(schema.newest()).await?;
    for migration in &schema.migrations {
        run.migrate(migration).await?;
    }
    if let Some(layout) = &schema.layout {
        run.execute(layout, &[])
            .await
            .map_err(|error| match error {
                EngineError::Database { message, .. } => LocalAwsError::SchemaLayout(message),
                other => failed(other),
            })?;
    }
    if (1..schema.newest()).contains(&before) {
        tracing::info!(
            before,
            now = schema.newest(),
            "the database's schema is brought up to date"
        );
    }
    Ok(())
}

struct MigrationRun<'a> {
    database: &'a Database,
    claim: String,
    patience: Duration,
}

/// The row of a migration in `schema_version`.
enum MigrationState {
    Absent,
    Claimed(String),
    Applied { checksum: String },
}

impl MigrationRun<'_> {
    /// The newest migration in the database, or 0. An error if the database has left this build, which knows `known`,
    /// behind.
    async fn version(&self, known: u32) -> Result<u32, LocalAwsError> {
        let found = self.execute(NEWEST, &[]).await.map_err(failed)?;
        let number = |column: usize| match found.rows.first().and_then(|row| row.get(column)) {
            Some(SqlValue::Long(number)) => u32::try_from(*number).unwrap_or_default(),
            _ => 0,
        };
        let (version, needed) = (number(0), number(1));
        if needed > known {
            return Err(LocalAwsError::SchemaTooNew {
                version,
                needed,
                known,
            });
        }
        if version > known {
            tracing::info!(version, known, "the database has a newer schema");
        }
        Ok(version)
    }

    async fn migrate(&self, migration: &Migration) -> Result<(), LocalAwsError> {
        let mut seen: Option<(String, Instant)> = None;
        loop {
            match self.state(migration).await.map_err(failed)? {
                MigrationState::Applied { checksum } if checksum == migration.checksum() => {
                    return Ok(());
                }
                MigrationState::Applied { .. } => {
                    return Err(LocalAwsError::SchemaEdited(migration.version));
                }
                MigrationState::Absent => {
                    if self.claims(migration).await.map_err(failed)? {
                        return self.run(migration).await;
                    }
                }
                MigrationState::Claimed(claim) => {
                    let since = match &seen {
                        Some((before, since)) if *before == claim => *since,
                        _ => Instant::now(),
                    };
                    if since.elapsed() >= self.patience {
                        if self.takes_over(migration, &claim).await.map_err(failed)? {
                            return self.run(migration).await;
                        }
                        continue;
                    }
                    seen = Some((claim, since));
                    tokio::time::sleep(PAUSE).await;
                }
            }
        }
    }

    /// Runs a claimed migration, and records it.
    async fn run(&self, migration: &Migration) -> Result<(), LocalAwsError> {
        let mine = [version(migration), ("claim", text(&self.claim))];
        match self.execute(&migration.sql, &[]).await {
            Ok(_) => {}
            Err(EngineError::Database { code, .. }) if DONE_ALREADY.contains(&code) => {}
            Err(error) => {
                // Release the claim, so that no other run has to wait. If that fails, nothing else changes.
                let _ = self.execute(GIVE_UP, &mine).await;
                return Err(LocalAwsError::Schema(format!(
                    "migration {} ({}): {error}",
                    migration.version, migration.name
                )));
            }
        }
        // If the claim was taken over meanwhile, the other run records it.
        self.execute(RECORD, &mine).await.map_err(failed)?;
        tracing::debug!(
            version = migration.version,
            name = migration.name,
            "applied a migration of the schema"
        );
        Ok(())
    }

    async fn state(&self, migration: &Migration) -> Result<MigrationState, EngineError> {
        let found = self.execute(STATE, &[version(migration)]).await?;
        Ok(match found.rows.first().map(Vec::as_slice) {
            None => MigrationState::Absent,
            Some([SqlValue::Text(_), SqlValue::Text(claim), SqlValue::Null]) => {
                MigrationState::Claimed(claim.clone())
            }
            Some([SqlValue::Text(checksum), SqlValue::Text(_), _]) => MigrationState::Applied {
                checksum: checksum.clone(),
            },
            Some(_) => {
                return Err(EngineError::Internal(
                    "schema_version has other columns".into(),
                ));
            }
        })
    }

    /// Whether this run is the first to claim the migration.
    async fn claims(&self, migration: &Migration) -> Result<bool, EngineError> {
        let row = [
            version(migration),
            ("name", text(&migration.name)),
            ("checksum", text(&migration.checksum())),
            (
                "oldest_functions",
                SqlValue::Long(migration.oldest_functions().into()),
            ),
            ("claim", text(&self.claim)),
        ];
        match self.execute(CLAIM, &row).await {
            Ok(_) => Ok(true),
            Err(EngineError::Database { code, .. }) if code == DUPLICATE_KEY => Ok(false),
            Err(error) => Err(error),
        }
    }

    async fn takes_over(&self, migration: &Migration, left: &str) -> Result<bool, EngineError> {
        let parameters = [
            version(migration),
            ("claim", text(&self.claim)),
            ("left", text(left)),
        ];
        Ok(self.execute(TAKE_OVER, &parameters).await?.updated == 1)
    }

    async fn execute(
        &self,
        sql: &str,
        parameters: &[(&str, SqlValue)],
    ) -> Result<StatementResult, EngineError> {
        let parameters: HashMap<_, _> = parameters
            .iter()
            .map(|(name, value)| ((*name).to_owned(), value.clone()))
            .collect();
        let statement = SqlStatement {
            sql: sql.into(),
            sets: vec![parameters],
            timeout: STATEMENT_LIMIT,
            continue_after_timeout: false,
            metadata: false,
            max_bytes: MAX_BYTES,
        };
        let outcomes = self.database.execute(statement).await?;
        Ok(outcomes.into_iter().next().unwrap_or_default())
    }
}

fn version(migration: &Migration) -> (&'static str, SqlValue) {
    ("version", SqlValue::Long(migration.version.into()))
}

fn text(value: &str) -> SqlValue {
    SqlValue::Text(value.to_owned())
}

fn failed(error: EngineError) -> LocalAwsError {
    LocalAwsError::Schema(error.to_string())
}
