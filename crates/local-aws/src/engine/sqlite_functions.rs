//! MySQL's functions that SQLite lacks, or has with another meaning.

use std::sync::{
    Arc,
    atomic::{AtomicI64, Ordering},
};

use rusqlite::{
    Connection,
    functions::{Context, FunctionFlags},
    types::ValueRef,
};
use time::{OffsetDateTime, format_description::BorrowedFormatItem, macros::format_description};

use super::{collation, numbers, sqlite_dates, sqlite_text, stores};

const DATE: &[BorrowedFormatItem<'static>] = format_description!("[year]-[month]-[day]");
const TIME: &[BorrowedFormatItem<'static>] = format_description!("[hour]:[minute]:[second]");
/// The version that the embedded engine imitates.
pub(super) const MYSQL_VERSION: &str = "8.0.39";
/// The most digits of a fraction of a second.
const MAX_FRACTION_DIGITS: i64 = 6;

/// When the statement under way began, in microseconds since 1970: the clock stands still within one statement.
pub(super) type StatementClock = Arc<AtomicI64>;

/// The first id that the last INSERT that generated any has generated, for LAST_INSERT_ID().
pub(super) type LastGenerated = Arc<AtomicI64>;

/// Starts the message of a function that refuses a value: MySQL has an answer to it, and this engine has not.
pub(super) const REFUSED: &str = "refused: ";

/// The error of a function for a value that it does not take as MySQL does.
pub(super) fn refused(what: &str) -> rusqlite::Error {
    rusqlite::Error::UserFunctionError(format!("{REFUSED}{what}").into())
}

/// Starts the message of a function that fails as MySQL does: number, state and words follow.
pub(super) const MYSQL: &str = "mysql:";

/// An error of MySQL's.
pub(super) fn mysql_error(code: u16, state: &str, message: &str) -> rusqlite::Error {
    rusqlite::Error::UserFunctionError(format!("{MYSQL}{code}:{state}:{message}").into())
}

/// The microseconds since 1970.
pub(super) fn microseconds() -> i64 {
    i64::try_from(OffsetDateTime::now_utc().unix_timestamp_nanos() / 1_000).unwrap_or(0)
}

/// Registers them all on one connection.
pub(super) fn register(
    connection: &Connection,
    clock: &StatementClock,
    generated: &LastGenerated,
    database: &str,
) -> rusqlite::Result<()> {
    let steady = FunctionFlags::SQLITE_UTF8 | FunctionFlags::SQLITE_DETERMINISTIC;
    let moving = FunctionFlags::SQLITE_UTF8;

    let now = Arc::clone(clock);
    connection.create_scalar_function("utc_timestamp", -1, moving, move |context| {
        Ok(moment(&now)
            .map(|at| format!("{} {}", format(at, DATE), time_with_fraction(at, context))))
    })?;
    let now = Arc::clone(clock);
    connection.create_scalar_function("utc_date", 0, moving, move |_| {
        Ok(moment(&now).map(|at| format(at, DATE)))
    })?;
    let now = Arc::clone(clock);
    connection.create_scalar_function("utc_time", -1, moving, move |context| {
        Ok(moment(&now).map(|at| time_with_fraction(at, context)))
    })?;
    let now = Arc::clone(clock);
    connection.create_scalar_function("unix_timestamp", 0, moving, move |_| {
        Ok(now.load(Ordering::Relaxed) / 1_000_000)
    })?;

    sqlite_text::register(connection)?;
    sqlite_dates::register(connection)?;
    numbers::register(connection)?;
    stores::register(connection)?;
    collation::register(connection)?;

    let last = Arc::clone(generated);
    connection.create_scalar_function("last_insert_id", 0, moving, move |_| {
        Ok(last.load(Ordering::Relaxed))
    })?;
    let name = database.to_owned();
    connection.create_scalar_function("database", 0, steady, move |_| Ok(name.clone()))?;
    connection.create_scalar_function("version", 0, steady, |_| Ok(MYSQL_VERSION))?;
    connection
        .create_scalar_function("uuid", 0, moving, |_| Ok(uuid::Uuid::new_v4().to_string()))?;
    Ok(())
}

fn moment(clock: &StatementClock) -> Option<OffsetDateTime> {
    OffsetDateTime::from_unix_timestamp_nanos(i128::from(clock.load(Ordering::Relaxed)) * 1_000)
        .ok()
}

fn format(at: OffsetDateTime, form: &[BorrowedFormatItem<'static>]) -> String {
    at.format(form).unwrap_or_default()
}

fn time_with_fraction(at: OffsetDateTime, context: &Context<'_>) -> String {
    let digits = if context.is_empty() {
        0
    } else {
        context
            .get::<i64>(0)
            .unwrap_or(0)
            .clamp(0, MAX_FRACTION_DIGITS)
    };
    let whole = format(at, TIME);
    match usize::try_from(digits) {
        Ok(digits @ 1..) => format!("{whole}.{}", &format!("{:06}", at.microsecond())[..digits]),
        _ => whole,
    }
}

pub(super) fn text(context: &Context<'_>, index: usize) -> Option<String> {
    match context.get_raw(index) {
        ValueRef::Null => None,
        ValueRef::Integer(number) => Some(number.to_string()),
        ValueRef::Real(number) => Some(number.to_string()),
        ValueRef::Text(bytes) | ValueRef::Blob(bytes) => {
            Some(String::from_utf8_lossy(bytes).into_owned())
        }
    }
}
