//! The edges of the embedded engine, where SQLite's result differs from MySQL 8's: it gives MySQL's, or error 1235.

use aws_sdk_rdsdata::types::{SqlParameter, TypeHint};

use crate::{
    as_mysql::{answer, hinted, session},
    support::Aws,
};

/// The labels of a statement's columns, separated by semicolons.
pub(crate) async fn labels(aws: &Aws, sql: &str, parameters: Vec<SqlParameter>) -> String {
    let sent = aws.described(sql, parameters).await.unwrap();
    let columns = sent.column_metadata().iter();
    let labels: Vec<&str> = columns.filter_map(|column| column.label()).collect();
    labels.join(";")
}

#[tokio::test]
async fn ids_are_used_up_whatever_becomes_of_the_rows() {
    let aws = session(&[
        (
            "CREATE TABLE t (id INT AUTO_INCREMENT PRIMARY KEY, u INT UNIQUE, c INT NOT NULL CHECK (c < 90))",
            "updated 0",
        ),
        ("INSERT INTO t (u, c) VALUES (1, 1)", "updated 1 1"),
        ("INSERT INTO t (u, c) VALUES (1, 1)", "error 1062"),
        ("INSERT INTO t (u, c) VALUES (2, 1)", "updated 1 3"),
        // Checked before the row gets its id.
        ("INSERT INTO t (u, c) VALUES (3, NULL)", "error 1048"),
        ("INSERT INTO t (u, c) VALUES (3, 'x')", "error 1366"),
        ("INSERT INTO t (u, c) VALUES (3, 91)", "error 3819"),
        ("INSERT INTO t (u, c) VALUES (4, 1)", "updated 1 4"),
        // All rows share one block.
        ("INSERT INTO t (u, c) VALUES (7, 1), (7, 2), (8, 3)", "error 1062"),
        ("INSERT INTO t (u, c) VALUES (9, 1)", "updated 1 8"),
        ("INSERT INTO t (u, c) VALUES (10, 1), (11, 'x')", "error 1366"),
        ("INSERT INTO t (u, c) VALUES (12, 1)", "updated 1 11"),
        // A skipped row gives its id to the next.
        ("INSERT IGNORE INTO t (u, c) VALUES (12, 1), (13, 1), (12, 1), (14, 1)", "updated 2"),
        ("SELECT id FROM t WHERE u > 12 ORDER BY id", "12;13"),
        ("INSERT INTO t (u, c) VALUES (15, 1)", "updated 1 16"),
        ("INSERT INTO t (u, c) VALUES (15, 1) ON DUPLICATE KEY UPDATE c = 2", "updated 2 16"),
        ("INSERT INTO t (u, c) VALUES (16, 1)", "updated 1 18"),
        ("INSERT INTO t (id, u, c) VALUES (30, 30, 1), (0, 31, 1), (NULL, 32, 1)", "updated 3"),
        ("SELECT id FROM t WHERE u >= 30 ORDER BY id", "30;31;32"),
        ("INSERT INTO t (u, c) VALUES (40, 1)", "updated 1 34"),
        // The rows of a query get blocks of 1, 2 and 4.
        ("CREATE TABLE f (u INT)", "updated 0"),
        ("INSERT INTO f VALUES (50), (51), (52), (53)", "updated 4"),
        ("INSERT INTO t (u, c) SELECT u, 1 FROM f", "updated 4 35,36,37,38"),
        ("INSERT INTO t (u, c) VALUES (60, 1)", "updated 1 42"),
        ("UPDATE t SET id = 100 WHERE u = 60", "updated 1"),
        ("INSERT INTO t (u, c) VALUES (61, 1)", "updated 1 101"),
        ("INSERT INTO t (id, u, c) VALUES (-5, 62, 1)", "updated 1"),
        ("INSERT IGNORE INTO t (u, c) SELECT u, 1 FROM t", "error 1235"),
        ("INSERT INTO t (id, u, c) VALUES (2147483647, 63, 1)", "updated 1 2147483647"),
        ("INSERT INTO t (u, c) VALUES (64, 1)", "error 1235"),
        ("CREATE TABLE r (id INT AUTO_INCREMENT PRIMARY KEY, n INT)", "updated 0"),
    ])
    .await;
    let transaction = aws.begin().await;
    for _ in 0..2 {
        let insert = "INSERT INTO r (n) VALUES (1), (2)";
        aws.sql_in(Some(&transaction), insert, &[]).await.unwrap();
    }
    aws.rollback(&transaction).await.unwrap();
    let insert = "INSERT INTO r (n) VALUES (3)";
    assert_eq!(answer(&aws, insert, Vec::new()).await, "updated 1 5");
}

#[tokio::test]
async fn values_that_sqlite_has_otherwise_are_mysqls_or_refused() {
    let aws = session(&[
        ("SELECT 5 <=> TRUE, 1 <=> TRUE, 0 <=> FALSE", "0,1,1"),
        ("SELECT 5 MOD 3, (5) MOD 3", "2,2"),
        ("SELECT 1e400", "error 1367"),
        ("SELECT COALESCE(NULL + 1, 2)", "error 1235"),
        ("SELECT NULL + 1 UNION SELECT 2.5", "error 1235"),
        ("SELECT NULL + 1, -NULL, NULL DIV 2", "NULL,NULL,NULL"),
        ("SELECT 'a' LIKE 'a' ESCAPE 'xx'", "error 1210"),
        ("SELECT 'a%' LIKE 'a|%' ESCAPE '|'", "1"),
        ("SELECT LOWER('İÀ'), UPPER('ßж')", "'ià','ßЖ'"),
        ("SELECT UPPER('ა')", "error 1235"),
        // Letters whose place in the default collation is not known.
        ("SELECT 'か' = 'カ'", "error 1235"),
        ("SELECT 'か' = 'カ' COLLATE utf8mb4_bin", "0"),
        ("SELECT 'か' LIKE 'カ%'", "error 1235"),
        ("SELECT DATE('2024-02-30')", "error 1235"),
        ("SELECT GROUP_CONCAT(DISTINCT 'a')", "error 1235"),
        ("SELECT @@session.autocommit = @@autocommit", "1"),
        ("SELECT CURRENT_USER", "error 1235"),
        ("SELECT 0b11", "error 1235"),
        ("SELECT !0", "error 1235"),
        ("SELECT TRIM(LEADING FROM ' a')", "error 1235"),
        ("CREATE TABLE t (a INT, ub BIGINT UNSIGNED, b BIGINT, du DECIMAL(5,2) UNSIGNED, b1 BIT(1), e ENUM('x', 'y'), st SET('x'))", "updated 0"),
        ("INSERT INTO t (ub) VALUES (2)", "updated 1"),
        ("SELECT ub + 9223372036854775807 FROM t", "error 0"),
        ("SELECT ub - 3 FROM t", "error 1690"),
        ("INSERT INTO t (du) VALUES (-0.001)", "error 1264"),
        ("INSERT INTO t (b1) VALUES (2)", "error 1406"),
        ("INSERT INTO t (ub) VALUES ('-1x')", "error 1264"),
        ("INSERT INTO t (b) VALUES ('9223372036854775808x')", "error 1264"),
        ("INSERT INTO t (e) VALUES ('1')", "error 1235"),
        ("INSERT INTO t (st) VALUES ('1')", "error 1235"),
        ("INSERT INTO t (a, b) VALUES (1, a + 1)", "error 1235"),
        ("SELECT a FROM t WHERE a == 1", "error 1064"),
        ("SELECT a, * FROM t", "error 1064"),
    ])
    .await;
    for sql in [
        "SELECT SUM(:p + 1) FROM t",
        "SELECT :p UNION SELECT a FROM t",
    ] {
        let decimal = hinted("1.5", TypeHint::Decimal);
        assert_eq!(answer(&aws, sql, decimal).await, "error 1235", "{sql}");
    }
    let json = hinted("{\"a\": 1}", TypeHint::Json);
    assert_eq!(
        answer(&aws, "SELECT 1 WHERE :p < 'x'", json).await,
        "error 1235"
    );
}

#[tokio::test]
async fn a_default_is_set_and_dropped() {
    session(&[
        (
            "CREATE TABLE t (id INT PRIMARY KEY, n INT DEFAULT 1, s VARCHAR(9) NOT NULL DEFAULT 'x')",
            "updated 0",
        ),
        ("INSERT INTO t (id) VALUES (1)", "updated 1"),
        ("ALTER TABLE t ALTER COLUMN n SET DEFAULT 7, ALTER s SET DEFAULT 'y'", "updated 0"),
        ("INSERT INTO t (id) VALUES (2)", "updated 1"),
        ("ALTER TABLE t ALTER COLUMN s DROP DEFAULT", "updated 0"),
        ("INSERT INTO t (id) VALUES (3)", "error 1364"),
        ("SELECT * FROM t ORDER BY id", "1,1,'x';2,7,'y'"),
        ("ALTER TABLE t ALTER COLUMN s SET DEFAULT NULL", "error 1067"),
        ("ALTER TABLE t ALTER COLUMN x DROP DEFAULT", "error 1054"),
        // It would have no default, not even NULL.
        ("ALTER TABLE t ALTER COLUMN n DROP DEFAULT", "error 1235"),
    ])
    .await;
}

#[tokio::test]
async fn a_value_that_is_unknown_is_null() {
    session(&[(
        "SELECT NULL IS UNKNOWN, 0 IS UNKNOWN, 'x' IS UNKNOWN, (NULL > 1) IS NOT UNKNOWN, 1 IS NOT UNKNOWN",
        "1,0,0,0,1",
    )])
    .await;
}

#[tokio::test]
async fn columns_have_the_labels_that_mysql_gives_them() {
    let aws = session(&[("CREATE TABLE t (a INT)", "updated 0")]).await;
    for (columns, expected) in [
        ("x'00ff', 0x41, X'42'", "x'00ff';0x41;X'42'"),
        ("(1), ( a), +a, - a, (a + 1)", "1;a;a;- a;(a + 1)"),
        ("true, NULL, 'it''s', _utf8mb4'y'", "TRUE;NULL;it's;y"),
        ("2--1, 'a\\\\b' = 'c'", "2--1;'a\\\\b' = 'c'"),
        ("SQL_NO_CACHE a+1", "a+1"),
        ("LENGTH('😀')", "LENGTH('?')"),
    ] {
        let sql = format!("SELECT {columns} FROM t");
        assert_eq!(labels(&aws, &sql, Vec::new()).await, expected, "{sql}");
        if !columns.contains('a') {
            let sql = format!("SELECT {columns}");
            assert_eq!(labels(&aws, &sql, Vec::new()).await, expected, "{sql}");
        }
    }
}

#[tokio::test]
async fn queries_that_sqlite_takes_and_mysql_does_not_are_errors() {
    session(&[
        ("CREATE TABLE t (a INT, b INT, n VARCHAR(9), KEY k (a))", "updated 0"),
        ("INSERT INTO t VALUES (1, 2, 'x'), (1, 3, 'y')", "updated 2"),
        ("SELECT a FROM t GROUP BY nosuch", "error 1054"),
        ("SELECT a FROM t GROUP BY a HAVING b = 2", "error 1054"),
        ("SELECT a FROM t GROUP BY a HAVING MAX(b) = 3 AND a = 1", "1"),
        ("SELECT a FROM t HAVING a > 0", "error 1235"),
        ("SELECT DISTINCT a FROM t ORDER BY b", "error 3065"),
        ("SELECT DISTINCT a FROM t ORDER BY a + 1", "error 1235"),
        ("SELECT a FROM t USE INDEX (k) WHERE b = 2", "1"),
        ("SELECT a FROM t USE INDEX (nope)", "error 1176"),
        ("SELECT a FROM t LOCK IN SHARE MODE", "error 1235"),
        (
            "WITH RECURSIVE r (n) AS (SELECT 'a' UNION ALL SELECT CONCAT(n, 'a') FROM r WHERE CHAR_LENGTH(n) < 5) SELECT n FROM r",
            "error 1235",
        ),
        ("CREATE TABLE p (id INT PRIMARY KEY, n VARCHAR(2) NOT NULL CHECK (n <> 'no'))", "updated 0"),
        ("CREATE TABLE c (p INT, FOREIGN KEY (p) REFERENCES p (id))", "updated 0"),
        ("INSERT INTO p VALUES (1, 'a')", "updated 1"),
        // MySQL deletes the row first.
        ("REPLACE INTO p VALUES (1, 'b')", "error 1235"),
        // MySQL writes another value, or skips the row.
        ("INSERT IGNORE INTO p VALUES (2, NULL)", "error 1235"),
        ("INSERT IGNORE INTO p VALUES (2, 'long')", "error 1235"),
        ("INSERT IGNORE INTO p VALUES (2, 'no')", "error 1235"),
        ("INSERT IGNORE INTO p (id) VALUES (2)", "error 1235"),
        ("INSERT IGNORE INTO c VALUES (9)", "error 1235"),
        ("INSERT IGNORE INTO p VALUES (1, 'c'), (2, 'd')", "updated 1"),
        ("INSERT INTO p SELECT 2, 'e' ON DUPLICATE KEY UPDATE n = 'e'", "error 1235"),
        ("ALTER TABLE t MODIFY n VARCHAR(9) NULL, ADD PRIMARY KEY (b)", "updated 0"),
        ("ALTER TABLE t ADD c INT PRIMARY KEY", "error 1068"),
    ])
    .await;
}
