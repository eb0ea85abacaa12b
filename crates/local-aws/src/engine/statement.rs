//! The interface of an engine: statements, values and results.

use std::{collections::HashMap, sync::Arc, time::Duration};

use crate::engine::errors::{EngineError, EngineResult};

/// A value on its way to or from the database.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum SqlValue {
    Null,
    Boolean(bool),
    Long(i64),
    Double(f64),
    /// A decimal number, digit by digit.
    Decimal(String),
    Text(String),
    /// A text that was sent as JSON.
    Json(String),
    Blob(Vec<u8>),
}

impl SqlValue {
    /// A BIGINT UNSIGNED number.
    ///
    /// # Errors
    ///
    /// The service's own error above 2⁶³−1, for which it has no field: <https://github.com/aws/aws-sdk-js/issues/2888>.
    pub(crate) fn of_unsigned(number: u64) -> EngineResult<Self> {
        i64::try_from(number).map(Self::Long).map_err(|_| {
            let digits = number.to_string();
            let mut shown = String::new();
            for (index, digit) in digits.chars().enumerate() {
                if index > 0 && (digits.len() - index).is_multiple_of(3) {
                    shown.push(',');
                }
                shown.push(digit);
            }
            EngineError::database(
                0,
                "22003",
                format!("Value '{shown}' is outside of valid range for type java.lang.Long"),
            )
        })
    }

    /// Roughly how many bytes the database sends for it.
    pub(crate) fn size(&self) -> usize {
        match self {
            Self::Null | Self::Boolean(_) => 1,
            Self::Long(_) | Self::Double(_) => 8,
            Self::Decimal(text) | Self::Text(text) | Self::Json(text) => text.len(),
            Self::Blob(bytes) => bytes.len(),
        }
    }
}

/// The named parameters of one execution.
pub(crate) type Parameters = HashMap<String, SqlValue>;

/// One statement to run.
#[derive(Debug, Clone)]
pub(crate) struct SqlStatement {
    pub(crate) sql: Arc<str>,
    /// One execution per set; only a batch has more than one.
    pub(crate) sets: Vec<Parameters>,
    /// How long it may take.
    pub(crate) timeout: Duration,
    /// Whether it continues, unwatched, after its time is up.
    pub(crate) continue_after_timeout: bool,
    /// Whether columns are described.
    pub(crate) metadata: bool,
    /// How many bytes of values the result may hold.
    pub(crate) max_bytes: usize,
}

#[cfg(test)]
impl SqlStatement {
    /// A statement without parameters, and with limits that no test reaches.
    pub(crate) fn of(sql: &str) -> Self {
        Self {
            sql: sql.into(),
            sets: vec![Parameters::new()],
            timeout: Duration::from_secs(60),
            continue_after_timeout: false,
            metadata: false,
            max_bytes: usize::MAX,
        }
    }
}

/// A column of a result, in the terms of JDBC's `ResultSetMetaData`, as the service describes it.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct ResultColumn {
    pub(crate) name: String,
    pub(crate) label: String,
    /// A `java.sql.Types` number.
    pub(crate) type_code: i32,
    pub(crate) type_name: String,
    pub(crate) table_name: String,
    pub(crate) auto_increment: bool,
    pub(crate) signed: bool,
    pub(crate) case_sensitive: bool,
    pub(crate) nullable: bool,
    pub(crate) precision: i32,
    pub(crate) scale: i32,
}

/// The result of a statement.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct StatementResult {
    /// Set for a query, with only the labels unless metadata was requested.
    pub(crate) columns: Option<Vec<ResultColumn>>,
    pub(crate) rows: Vec<Vec<SqlValue>>,
    pub(crate) updated: u64,
    /// The values of an AUTO_INCREMENT column, one for each row inserted.
    pub(crate) generated: Vec<i64>,
}

/// The longest row of a result, in bytes:
/// <https://docs.aws.amazon.com/AmazonRDS/latest/AuroraUserGuide/data-api.limitations.html>.
pub(crate) const MAX_ROW_BYTES: usize = 64 * 1024;

/// Counts the bytes of a result as it is read, so that an oversized one is never held in memory.
#[derive(Debug)]
pub(crate) struct Meter {
    left: usize,
}

impl Meter {
    pub(crate) fn new(max_bytes: usize) -> Self {
        Self { left: max_bytes }
    }

    /// Takes one row into account.
    pub(crate) fn row(&mut self, row: &[SqlValue]) -> Result<(), EngineError> {
        let size = row.iter().map(SqlValue::size).sum();
        if size > MAX_ROW_BYTES {
            return Err(EngineError::RowTooLarge);
        }
        self.left = self
            .left
            .checked_sub(size)
            .ok_or(EngineError::ResultTooLarge)?;
        Ok(())
    }
}

/// The rights of a user.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Rights {
    /// Everything.
    Owner,
    /// `SELECT`.
    Reader,
    /// `SELECT`, `INSERT` and `DELETE`.
    Writer,
}

impl Rights {
    /// The user's name.
    pub(crate) fn user(self) -> &'static str {
        match self {
            Self::Owner => "fleet",
            Self::Reader => "fleet_reader",
            Self::Writer => "fleet_writer",
        }
    }
}
