//! A real MariaDB or MySQL for the tests of the inventory.

use uuid::Uuid;

/// The environment variable that names a server whose user may create databases: `mysql://user:password@host:port/`.
const SERVER: &str = "FLEET_TEST_DATABASE_URL";

/// The URL of a database for one test, which the Data API creates when it starts; `None`, which stands for the
/// embedded engine, unless `FLEET_TEST_DATABASE_URL` names a server. It is not removed: the server belongs to the test run.
///
/// # Panics
/// If the variable does not hold a URL with a path.
#[must_use]
pub fn fresh_database() -> Option<String> {
    let url = std::env::var(SERVER).ok()?;
    let (server, _) = url
        .rsplit_once('/')
        .unwrap_or_else(|| panic!("{SERVER} must be a URL like mysql://user:password@host:3306/"));
    Some(format!("{server}/fleet_{}", Uuid::new_v4().simple()))
}
