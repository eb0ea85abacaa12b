//! What becomes of MySQL's texts.

use super::{
    super::{EngineError, sqlite_parse::parse},
    Kind, Plan, Slot, plan,
};

fn planned(sql: &str) -> Result<Plan, EngineError> {
    plan(parse(sql)?, "shop")
}

/// The rewritten texts, one a line.
fn rewritten(sql: &str) -> String {
    planned(sql)
        .unwrap_or_else(|error| panic!("{sql}: {error}"))
        .sql
        .join("\n")
}

fn slots(sql: &str) -> Vec<Slot> {
    planned(sql).unwrap().slots
}

fn named(name: &str) -> Slot {
    Slot::Named(name.into())
}

fn literal(text: &str) -> Slot {
    Slot::Literal(text.into())
}

#[test]
fn names_and_literals_become_numbered_parameters_in_order() {
    let sql = "SELECT a FROM t WHERE a = :x AND b = 'it''s' AND c = :y AND d = :x LIMIT :n";
    assert_eq!(
        rewritten(sql),
        "SELECT a FROM t WHERE a = ?1 AND b = ?2 AND c = ?3 AND d = ?1 LIMIT ?4"
    );
    assert_eq!(
        slots(sql),
        [named("x"), literal("it's"), named("y"), named("n")]
    );
}

#[test]
fn positional_parameters_are_refused() {
    assert!(matches!(
        planned("SELECT ?"),
        Err(EngineError::MissingParameter(_))
    ));
}

#[test]
fn the_database_before_a_table_is_dropped_and_another_one_is_refused() {
    assert_eq!(
        rewritten("SELECT shop.t.a FROM shop.t"),
        "SELECT t.a FROM t"
    );
    assert_eq!(
        rewritten("SELECT a FROM information_schema.TABLES"),
        "SELECT a FROM `information_schema.tables`"
    );
    assert!(
        planned("SELECT a FROM other.t")
            .unwrap_err()
            .to_string()
            .contains("Unknown database 'other'")
    );
    assert!(
        planned("SELECT * FROM pragma_table_info('t')")
            .unwrap_err()
            .to_string()
            .contains("a table that is a function")
    );
}

#[test]
fn locks_are_dropped_and_remembered() {
    let plan = planned("SELECT a FROM t FOR UPDATE").unwrap();
    assert_eq!(
        (plan.kind, plan.sql[0].as_str()),
        (Kind::Query { locks: true }, "SELECT a FROM t")
    );
    assert_eq!(
        planned("SELECT a FROM t").unwrap().kind,
        Kind::Query { locks: false }
    );
}

#[test]
fn insert_ignore_ignores_duplicates_only() {
    assert_eq!(
        rewritten("INSERT IGNORE INTO t (a) VALUES (1)"),
        "INSERT INTO t (a) VALUES (1) ON CONFLICT DO NOTHING"
    );
    assert_eq!(
        rewritten("INSERT IGNORE t SELECT a FROM u"),
        "INSERT INTO t SELECT a FROM u WHERE true ON CONFLICT DO NOTHING"
    );
}

#[test]
fn on_duplicate_key_update_becomes_an_upsert() {
    assert_eq!(
        rewritten(
            "INSERT INTO t (a, b) VALUES (1, 2) ON DUPLICATE KEY UPDATE b = b + VALUES(b), t.a = 1"
        ),
        "INSERT INTO t (a, b) VALUES (1, 2) ON CONFLICT DO UPDATE SET b = b + excluded.b, a = 1 \
         WHERE fleet_changes((b IS DISTINCT FROM (b + excluded.b)) OR (a IS DISTINCT FROM (1)))"
    );
    assert_eq!(
        rewritten("INSERT INTO t (a) VALUES (1) AS new ON DUPLICATE KEY UPDATE a = new.a"),
        "INSERT INTO t (a) VALUES (1) ON CONFLICT DO UPDATE SET a = excluded.a \
         WHERE fleet_changes((a IS DISTINCT FROM (excluded.a)))"
    );
    assert_eq!(
        rewritten("INSERT INTO t SET a = 1, b = 2"),
        "INSERT INTO t (a, b) VALUES (1, 2)"
    );
}

#[test]
fn columns_without_an_alias_keep_mysqls_label() {
    assert_eq!(
        rewritten("SELECT 'x', COUNT(*), a FROM t"),
        "SELECT ?1 AS `x`, count(*) AS `COUNT(*)`, a FROM t"
    );
}

#[test]
fn functions_and_operators_are_translated() {
    for (mysql, sqlite) in [
        ("UTC_TIMESTAMP()", "utc_timestamp()"),
        ("UTC_TIMESTAMP", "utc_timestamp()"),
        ("CURRENT_TIMESTAMP", "utc_timestamp()"),
        ("NOW(3)", "utc_timestamp(3)"),
        ("CURDATE()", "utc_date()"),
        ("CHAR_LENGTH(a)", "char_length(a)"),
        ("LENGTH(a)", "octet_length(a)"),
        ("a || b", "a OR b"),
        ("a <=> b", "(a IS NOT DISTINCT FROM b)"),
        ("a / b", "(a * 1.0) / b"),
        ("ISNULL(a)", "(a IS NULL)"),
        ("CAST(a AS SIGNED)", "CAST(a AS INTEGER)"),
        ("SUBSTRING(a FROM 2 FOR 3)", "SUBSTRING(a, 2, 3)"),
    ] {
        assert_eq!(
            rewritten(&format!("SELECT 1 FROM t WHERE {mysql}")),
            format!("SELECT 1 AS `1` FROM t WHERE {sqlite}"),
            "{mysql}"
        );
    }
    let like = "SELECT a FROM t WHERE a LIKE 'x\\_%'";
    assert_eq!(rewritten(like), "SELECT a FROM t WHERE a LIKE ?1 ESCAPE ?2");
    assert_eq!(slots(like), [literal("x\\_%"), literal("\\")]);
}

#[test]
fn names_that_only_sqlite_reserves_are_quoted() {
    assert_eq!(
        rewritten("SELECT transaction FROM t"),
        "SELECT `transaction` FROM t"
    );
    assert_eq!(rewritten("SELECT $a FROM t"), "SELECT `$a` FROM t");
}

#[test]
fn a_table_is_defined_with_checks_for_strict_mode() {
    let sql = "CREATE TABLE IF NOT EXISTS t (
        id VARCHAR(9) NOT NULL COMMENT 'the id', at DATETIME NOT NULL, n INT DEFAULT 7, s TEXT CHARACTER SET utf8mb4,
        PRIMARY KEY (id), INDEX by_n (n), UNIQUE KEY (at),
        CONSTRAINT to_u FOREIGN KEY (n) REFERENCES u (n) ON DELETE CASCADE
    ) ENGINE=InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin COMMENT 'a table'";
    let expected = "CREATE TABLE IF NOT EXISTS `t` (\
        `id` VARCHAR(9) NOT NULL CONSTRAINT `fits:id` CHECK (length(`id`) <= 9 AND octet_length(`id`) <= 36), \
        `at` DATETIME NOT NULL CONSTRAINT `type:at` CHECK (`at` IS NULL OR (typeof(`at`) = 'text' AND length(`at`) >= 10 \
        AND datetime(`at`) IS NOT NULL)), \
        `n` INT DEFAULT 7 CONSTRAINT `type:n` CHECK (typeof(`n`) IN ('integer', 'null')) \
        CONSTRAINT `range:n` CHECK (`n` BETWEEN -2147483648 AND 2147483647), \
        `s` TEXT CONSTRAINT `fits:s` CHECK (octet_length(`s`) <= 65535), \
        CONSTRAINT `to_u` FOREIGN KEY (`n`) REFERENCES `u` (`n`) ON DELETE CASCADE, PRIMARY KEY (`id`)) WITHOUT ROWID\n\
        CREATE INDEX IF NOT EXISTS `t.by_n` ON `t` (`n`)\n\
        CREATE UNIQUE INDEX IF NOT EXISTS `t.at` ON `t` (`at`)";
    let mut lines: Vec<String> = rewritten(sql).lines().map(str::to_owned).collect();
    let mut wanted: Vec<String> = expected.lines().map(str::to_owned).collect();
    lines[1..].sort();
    wanted[1..].sort();
    assert_eq!(lines, wanted);
}

#[test]
fn what_has_no_counterpart_is_refused() {
    for sql in [
        "UPDATE t SET a = 1 LIMIT 1",
        "DELETE FROM t ORDER BY a LIMIT 1",
        "ALTER TABLE t ADD COLUMN b INT",
        "CREATE TABLE t (a INT, b INT AUTO_INCREMENT, PRIMARY KEY (a))",
        "CREATE TABLE t (a DATETIME ON UPDATE CURRENT_TIMESTAMP)",
        "SELECT a FROM t WHERE a REGEXP 'b'",
        "SELECT NOW() + INTERVAL 1 DAY",
        "PRAGMA journal_mode",
        "SELECT ROUND(a) FROM t",
        "SELECT rowid FROM t",
        "SELECT * FROM json_each('[1]')",
        "SELECT a ^ 1 FROM t",
        "SELECT EXTRACT(YEAR FROM a) FROM t",
        "SELECT GROUP_CONCAT(a SEPARATOR ' ') FROM t",
        "SELECT @x, :y",
        "SELECT @@version",
        "WITH x AS (SELECT 1) DELETE FROM t",
        "WITH x AS (SELECT 1) UPDATE t SET a = 1",
        "WITH x AS (SELECT 1) INSERT INTO t SELECT a FROM u",
    ] {
        let error = planned(sql).unwrap_err();
        assert!(
            matches!(
                error,
                EngineError::Database {
                    code: 1235 | 1064,
                    ..
                }
            ),
            "{sql}: {error}"
        );
    }
}
