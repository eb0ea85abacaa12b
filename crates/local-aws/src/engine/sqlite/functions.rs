//! MySQL's functions that SQLite lacks, or has with another meaning.

use std::sync::{
    Arc,
    atomic::{AtomicI64, Ordering},
};

use rusqlite::{
    Connection,
    functions::{Context, FunctionFlags},
};
use time::{OffsetDateTime, format_description::BorrowedFormatItem, macros::format_description};

use crate::engine::{
    extremes, numbers,
    sqlite::{dates, decimals, document_changes, documents, formats, text},
    stores, sums,
    variables::MYSQL_VERSION,
    wholes,
};

const DATE: &[BorrowedFormatItem<'static>] = format_description!("[year]-[month]-[day]");
const TIME: &[BorrowedFormatItem<'static>] = format_description!("[hour]:[minute]:[second]");
/// The most digits of a fraction of a second.
const MAX_FRACTION_DIGITS: i64 = 6;

/// When the statement under way began, in microseconds since 1970: the clock stands still within one statement.
pub(crate) type StatementClock = Arc<AtomicI64>;

/// The first id that the last INSERT that generated any has generated, for LAST_INSERT_ID().
pub(crate) type LastInsertId = Arc<AtomicI64>;

/// The microseconds since 1970.
pub(crate) fn microseconds() -> i64 {
    i64::try_from(OffsetDateTime::now_utc().unix_timestamp_nanos() / 1_000).unwrap_or(0)
}

/// Registers them all on one connection.
pub(crate) fn register(
    connection: &Connection,
    clock: &StatementClock,
    generated: &LastInsertId,
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

    text::register(connection)?;
    dates::register(connection)?;
    numbers::register(connection)?;
    sums::register(connection)?;
    wholes::register(connection)?;
    decimals::register(connection)?;
    extremes::register(connection)?;
    documents::register(connection)?;
    document_changes::register(connection)?;
    formats::register(connection)?;
    stores::register(connection)?;

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
