//! Detects a file that is not a database before it is opened for use, with our own error message.

use std::path::Path;

use rusqlite::{Connection, ErrorCode, OpenFlags};

use crate::options::LocalAwsError;

/// Refuses an existing file that is not a database. Opening it reports any other problem.
pub(crate) fn check(file: &Path) -> Result<(), LocalAwsError> {
    // Does not create it; a missing or empty file becomes a database later.
    let read = || {
        let connection = Connection::open_with_flags(
            file,
            OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX,
        )?;
        connection.query_row("SELECT COUNT(*) FROM sqlite_master", [], |_| Ok(()))
    };
    match read() {
        Err(error) if error.sqlite_error_code() == Some(ErrorCode::NotADatabase) => {
            Err(LocalAwsError::NotADatabase(file.to_owned()))
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn only_what_is_no_database_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("some.sqlite");
        assert!(check(&file).is_ok() && !file.exists());
        fs::write(&file, "").unwrap();
        assert!(check(&file).is_ok());
        for foreign in [
            vec![7; 4096],
            b"short".to_vec(),
            b"SQLite format 3\0".repeat(64),
        ] {
            fs::write(&file, &foreign).unwrap();
            assert!(
                matches!(check(&file), Err(LocalAwsError::NotADatabase(named)) if named == file)
            );
            assert_eq!(fs::read(&file).unwrap(), foreign);
        }
        fs::remove_file(&file).unwrap();
        Connection::open(&file)
            .unwrap()
            .execute_batch("CREATE TABLE t (a)")
            .unwrap();
        assert!(check(&file).is_ok());
    }
}
