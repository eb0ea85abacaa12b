//! Where the embedded engine would silently differ from MySQL 8: such statements are refused, or give MySQL's result.

use crate::{
    as_mysql::{answer, session},
    edges::labels,
    support::{Aws, parameter, text},
};

const WORDS: [(&str, &str); 2] = [
    (
        "CREATE TABLE t (id INT PRIMARY KEY, s VARCHAR(9), b VARCHAR(9) COLLATE utf8mb4_bin, n INT)",
        "updated 0",
    ),
    (
        "INSERT INTO t VALUES (1, 'a', 'x', 1), (2, 'b', 'y', 1), (3, 'B', 'y ', 2), (4, 'b', 'y', 2)",
        "updated 4",
    ),
];

#[tokio::test]
async fn one_of_several_equal_texts_is_shown_only_where_they_are_alike() {
    let aws = session(&WORDS).await;
    for (sql, expected) in [
        ("SELECT DISTINCT s FROM t", "error 1235"),
        ("SELECT COUNT(*) FROM (SELECT DISTINCT b FROM t) AS q", "2"),
        (
            "SELECT DISTINCT s FROM t WHERE id <> 3 ORDER BY s",
            "'a';'b'",
        ),
        (
            "SELECT DISTINCT s, id FROM t WHERE id < 3 ORDER BY id",
            "'a',1;'b',2",
        ),
        ("SELECT DISTINCT UPPER(s) FROM t ORDER BY 1", "'A';'B'"),
        ("SELECT s FROM t UNION SELECT 'c'", "error 1235"),
        (
            "SELECT COUNT(*) FROM (SELECT s FROM t UNION ALL SELECT 'c') AS q",
            "5",
        ),
        (
            "SELECT s FROM t WHERE id < 3 UNION SELECT 'b' ORDER BY 1",
            "'a';'b'",
        ),
        ("SELECT s, COUNT(*) FROM t GROUP BY s", "error 1235"),
        ("SELECT 1 AS one, s AS x FROM t GROUP BY x", "error 1235"),
        ("SELECT s FROM t GROUP BY 1", "error 1235"),
        ("SELECT COUNT(*) FROM t GROUP BY s ORDER BY COUNT(*)", "1;3"),
        (
            "SELECT n, COUNT(*) FROM t GROUP BY n, s ORDER BY n, COUNT(*)",
            "1,1;1,1;2,2",
        ),
        (
            "SELECT CONCAT(s, '!') FROM t WHERE id <> 3 GROUP BY s ORDER BY s",
            "'a!';'b!'",
        ),
        ("SELECT COUNT(DISTINCT s), COUNT(DISTINCT b) FROM t", "2,2"),
        ("SELECT MAX(s) FROM t", "error 1235"),
        ("SELECT MIN(s), MIN(b) FROM t", "'a','x'"),
        ("SELECT MAX(s) FROM t WHERE id <> 3", "'b'"),
        ("SELECT MAX(s) OVER () FROM t", "error 1235"),
        (
            "SELECT id FROM t WHERE s IN (SELECT DISTINCT s FROM t WHERE id = 3) ORDER BY id",
            "2;3;4",
        ),
        (
            "SELECT x FROM (SELECT DISTINCT s AS x FROM t WHERE id < 3) AS q WHERE x = 'B'",
            "'b'",
        ),
        (
            "SELECT id, RANK() OVER (ORDER BY s) FROM t ORDER BY id",
            "1,1;2,2;3,2;4,2",
        ),
        // Everything that it has written is undone.
        (
            "INSERT INTO t (id, s) SELECT 5, s FROM t GROUP BY s HAVING s > 'a'",
            "error 1235",
        ),
        ("SELECT COUNT(*) FROM t", "4"),
    ] {
        assert_eq!(answer(&aws, sql, Vec::new()).await, expected, "{sql}");
    }
    let transaction = aws.begin().await;
    let insert = "INSERT INTO t (id, s) SELECT id + 10, s FROM (SELECT MIN(id) AS id, s FROM t GROUP BY s) AS q";
    aws.sql_in(Some(&transaction), insert, &[])
        .await
        .unwrap_err();
    aws.commit(&transaction).await.unwrap();
    assert_eq!(
        answer(&aws, "SELECT COUNT(*) FROM t", Vec::new()).await,
        "4"
    );
}

#[tokio::test]
async fn a_replace_counts_a_row_that_stays_as_it_is_once() {
    session(&[
        (
            "CREATE TABLE k (id INT PRIMARY KEY, s VARCHAR(9), d DECIMAL(4,1), n INT DEFAULT 7)",
            "updated 0",
        ),
        ("REPLACE INTO k VALUES (1, 'a', 1.5, NULL)", "updated 1"),
        ("REPLACE INTO k VALUES (1, 'a', 1.5, NULL)", "updated 1"),
        ("REPLACE INTO k VALUES (1, 'A', 1.5, NULL)", "updated 2"),
        ("REPLACE INTO k (id, s) VALUES (1, 'A')", "updated 2"),
        ("SELECT * FROM k", "1,'A',NULL,7"),
        (
            "REPLACE INTO k (id, s) VALUES (1, 'A'), (2, 'b'), (2, 'c')",
            "updated 4",
        ),
        ("REPLACE INTO k (id, s) SELECT id, s FROM k", "updated 2"),
        ("SELECT id, s, n FROM k ORDER BY id", "1,'A',7;2,'c',7"),
        (
            "CREATE TABLE two (id INT PRIMARY KEY, s VARCHAR(9) UNIQUE)",
            "updated 0",
        ),
        ("REPLACE INTO two VALUES (1, 'a')", "updated 1"),
        // The primary key is not the last key: the row is deleted first.
        ("REPLACE INTO two VALUES (1, 'a')", "updated 2"),
        ("REPLACE INTO two VALUES (2, 'b')", "updated 1"),
        ("REPLACE INTO two VALUES (1, 'b')", "updated 3"),
        (
            "CREATE TABLE no_primary (a INT UNIQUE, b INT UNIQUE)",
            "updated 0",
        ),
        ("REPLACE INTO no_primary VALUES (NULL, 1)", "error 1235"),
        (
            "CREATE TABLE auto (id INT AUTO_INCREMENT PRIMARY KEY, s VARCHAR(9))",
            "updated 0",
        ),
        ("REPLACE INTO auto (s) VALUES ('a')", "updated 1 1"),
        ("REPLACE INTO auto VALUES (1, 'a')", "updated 1 1"),
        ("REPLACE INTO auto VALUES (1, 'b')", "updated 2 1"),
        ("REPLACE INTO auto (s) VALUES ('a')", "updated 1 2"),
    ])
    .await;
}

#[tokio::test]
async fn an_insert_of_a_table_from_itself_that_fails_is_refused() {
    session(&[
        (
            "CREATE TABLE t (id INT AUTO_INCREMENT PRIMARY KEY, n INT UNIQUE)",
            "updated 0",
        ),
        ("INSERT INTO t (n) VALUES (1), (2), (3)", "updated 3 1,2,3"),
        ("INSERT INTO t (n) SELECT n + 1 FROM t", "error 1235"),
        ("INSERT INTO t (n) SELECT n + 10 FROM t", "updated 3 4,5,6"),
        ("CREATE TABLE plain (n INT UNIQUE)", "updated 0"),
        ("INSERT INTO plain SELECT n FROM t", "updated 6"),
        ("INSERT INTO plain SELECT n FROM plain", "error 1062"),
    ])
    .await;
}

#[tokio::test]
async fn a_recursive_query_takes_as_many_steps_as_mysql_lets_it() {
    let count = |limit: usize, all: &str, select: &str| {
        format!(
            "WITH RECURSIVE r (n) AS (SELECT 1 UNION {all} SELECT n + 1 FROM r WHERE n < {limit}) SELECT {select} FROM r"
        )
    };
    let aws = session(&[
        ("CREATE TABLE tree (id INT PRIMARY KEY, parent INT, name VARCHAR(9))", "updated 0"),
        ("INSERT INTO tree VALUES (1, NULL, 'a'), (2, 1, 'b'), (3, 1, 'c'), (4, 2, 'd')", "updated 4"),
        (
            "WITH RECURSIVE below AS (SELECT id, name FROM tree WHERE id = 2 UNION ALL \
             SELECT t.id, t.name FROM below AS b JOIN tree AS t ON t.parent = b.id) SELECT * FROM below ORDER BY id",
            "2,'b';4,'d'",
        ),
        (
            "WITH RECURSIVE below AS (SELECT id FROM tree WHERE id = 1 UNION \
             SELECT t.id FROM tree AS t JOIN below ON t.parent = below.id) SELECT id FROM below ORDER BY id",
            "1;2;3;4",
        ),
        // This query is not recursive.
        ("WITH RECURSIVE r AS (SELECT 1 AS n UNION SELECT 2) SELECT n FROM r ORDER BY n", "1;2"),
        (
            "WITH RECURSIVE r (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM r WHERE n < 3) SELECT a.n, b.n FROM r AS a, r AS b \
             WHERE a.n = b.n ORDER BY 1",
            "1,1;2,2;3,3",
        ),
        ("WITH RECURSIVE r (n) AS (SELECT 1 UNION ALL SELECT n FROM r AS a JOIN r AS b ON a.n < b.n) SELECT n FROM r", "error 1052"),
        ("WITH RECURSIVE r (n) AS (SELECT 1 UNION ALL SELECT a.n FROM r AS a JOIN r AS b ON a.n < b.n) SELECT n FROM r", "error 1235"),
        ("WITH RECURSIVE r (n) AS (SELECT 1 UNION ALL SELECT DISTINCT n + 1 FROM r WHERE n < 3) SELECT n FROM r", "error 1235"),
        ("WITH RECURSIVE r (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM r WHERE n < 9 LIMIT 3) SELECT n FROM r", "error 1235"),
        (
            "WITH RECURSIVE r (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM r WHERE n < 3 UNION ALL SELECT n + 5 FROM r WHERE n < 2) \
             SELECT n FROM r",
            "error 1235",
        ),
    ])
    .await;
    for (sql, expected) in [
        (count(1000, "ALL", "COUNT(*)"), "1000"),
        (count(1001, "ALL", "COUNT(*)"), "error 3636"),
        (count(1001, "ALL", "1"), "error 3636"),
        (count(999_999, "ALL", "n") + " LIMIT 3", "error 3636"),
        (count(1000, "", "MAX(n)"), "1000"),
        (count(1002, "DISTINCT", "MAX(n)"), "error 1235"),
    ] {
        assert_eq!(answer(&aws, &sql, Vec::new()).await, expected, "{sql}");
    }
}

#[tokio::test]
async fn a_parameter_is_a_question_mark_in_a_label() {
    let aws = Aws::start().await;
    for (sql, expected) in [
        ("SELECT :p", "?"),
        (
            "SELECT CONCAT( :p,'a:p'), :p AS `:p`",
            "CONCAT( ?,'a:p');:p",
        ),
        (
            "SELECT * FROM (SELECT CONCAT(:p, 'a')) AS q",
            "CONCAT(?, 'a')",
        ),
    ] {
        let parameters = vec![parameter("p", text("x"))];
        assert_eq!(labels(&aws, sql, parameters).await, expected, "{sql}");
    }
}

#[tokio::test]
async fn floor_and_ceil_are_whole_numbers_or_decimals_by_the_digits_of_the_type() {
    session(&[
        (
            "CREATE TABLE t (d DECIMAL(10,2), n INT, b BIGINT, p DECIMAL(18,0))",
            "updated 0",
        ),
        ("INSERT INTO t VALUES (4.50, 3, 6, 7)", "updated 1"),
        ("SELECT FLOOR(d), CEIL(d * 2), FLOOR(-d) FROM t", "4,9,-5"),
        (
            "SELECT FLOOR(d * d), FLOOR(n * 1.5), CEIL(1.25) FROM t",
            "20,4,2",
        ),
        (
            "SELECT FLOOR(ROUND(d, 1)), FLOOR(MAX(d)) FROM t GROUP BY d",
            "4,4",
        ),
        ("SELECT FLOOR(CAST(n AS DECIMAL(9,1))) FROM t", "3"),
        // In MySQL, these DECIMALs have more digits than a 64-bit integer.
        ("SELECT FLOOR(SUM(n)), CEIL(SUM(d)) FROM t", "'3','5'"),
        (
            "SELECT FLOOR(MAX(d) * MAX(d) * MAX(d)), FLOOR(COUNT(*) * 1.5) FROM t",
            "'91','1'",
        ),
        ("SELECT CEIL(b + 0.5) FROM t", "'7'"),
        // The same number of digits, or one more or less.
        ("SELECT FLOOR(p) FROM t", "error 1235"),
        ("SELECT FLOOR(COALESCE(d, 1.5)) FROM t", "error 1235"),
        (
            "SELECT FLOOR(x) FROM (SELECT SUM(n) AS x FROM t) AS q",
            "error 1235",
        ),
    ])
    .await;
}

#[tokio::test]
async fn a_boolean_is_one_as_a_column_alone() {
    session(&[
        (
            "CREATE TABLE t (flag TINYINT(1), u INT UNSIGNED)",
            "updated 0",
        ),
        ("INSERT INTO t VALUES (1, 7)", "updated 1"),
        ("SELECT flag FROM t", "true"),
        ("SELECT flag FROM (SELECT flag FROM t) AS q", "true"),
        ("SELECT flag FROM t UNION SELECT flag FROM t", "1"),
        (
            "SELECT flag FROM t UNION ALL SELECT NULL ORDER BY 1",
            "NULL;1",
        ),
        ("SELECT u FROM t UNION ALL SELECT NULL ORDER BY 1", "NULL;7"),
        ("SELECT (SELECT flag FROM t LIMIT 1)", "error 1235"),
    ])
    .await;
}

#[tokio::test]
async fn a_literal_of_a_date_is_a_date() {
    session(&[
        (
            "SELECT DATE '2024-1-02', DATE \"2024-12-31\"",
            "'2024-01-02','2024-12-31'",
        ),
        ("SELECT DATE '2024-02-30'", "error 1525"),
        ("SELECT DATE ''", "error 1525"),
        ("SELECT DATE 'x'", "error 1525"),
        ("SELECT DATE '2024-01-02 10:00:00'", "error 1525"),
        ("SELECT DATE '20240102'", "error 1235"),
        ("SELECT TIMESTAMP '2024-01-02 03:04:05'", "error 1235"),
        ("SELECT DATETIME '2024-01-02'", "error 1235"),
        ("SELECT CAST('2024-01-02' AS DATETIME(7))", "error 1426"),
    ])
    .await;
}

#[tokio::test]
async fn what_mysql_refuses_to_define_or_to_store_is_its_error() {
    session(&[
        ("CREATE TABLE a (id INT PRIMARY KEY, s TEXT DEFAULT 'x')", "error 1101"),
        ("CREATE TABLE a (id INT NULL PRIMARY KEY)", "error 1171"),
        ("CREATE TABLE a (id INT NULL, n INT, PRIMARY KEY (n, id))", "error 1171"),
        ("CREATE TABLE a (id INT DEFAULT NULL, PRIMARY KEY (id))", "error 1171"),
        ("CREATE TABLE a (id INT DEFAULT NULL PRIMARY KEY)", "error 1067"),
        ("CREATE TABLE a (id INT PRIMARY KEY, f DOUBLE)", "updated 0"),
        (
            "CREATE TABLE b (id INT PRIMARY KEY, a INT NOT NULL, FOREIGN KEY (a) REFERENCES a (id) ON DELETE SET NULL)",
            "error 1830",
        ),
        ("INSERT INTO a VALUES (1, '1e400')", "error 1264"),
        ("INSERT INTO a VALUES (1, '-1e400')", "error 1264"),
        ("INSERT INTO a VALUES (1, '1e-400')", "updated 1"),
        ("SELECT f FROM a", "0.0"),
        ("UPDATE IGNORE a SET id = 2", "error 1235"),
        ("UPDATE LOW_PRIORITY a SET id = 2", "error 1235"),
        ("DELETE LOW_PRIORITY FROM a", "error 1235"),
        ("SELECT FORMAT(1234.5, 2, 'de_DE')", "error 1235"),
        ("SELECT MID('abc', 2)", "'bc'"),
        ("SELECT ST_AsText(POINT(1, 2))", "error 1235"),
    ])
    .await;
}

/// Each of these statements doubles at each of its 30 levels, here or where SQLite prepares it.
#[tokio::test]
async fn copies_within_copies_are_refused_before_they_take_memory() {
    let columns: Vec<String> = (0..30).map(|n| format!("c{n} VARCHAR(20)")).collect();
    let table = format!(
        "CREATE TABLE w (id INT PRIMARY KEY, {})",
        columns.join(", ")
    );
    let aws = session(&[(&table, "updated 0")]).await;
    let nest = |inner: &str, step: &dyn Fn(usize, String) -> String| {
        (0..30).fold(inner.to_owned(), |inner, level| step(level, inner))
    };
    let assignments: Vec<String> = (1..30)
        .map(|n| format!("c{n} = CONCAT(c{0}, c{0})", n - 1))
        .collect();
    let queries: Vec<String> = (1..30)
        .map(|n| format!("q{n} AS (SELECT a.x FROM q{0} AS a, q{0} AS b)", n - 1))
        .collect();
    for sql in [
        nest("SELECT 1 AS x", &|level, inner| {
            format!("SELECT x + x AS x FROM ({inner}) AS q{level}")
        }),
        nest("1", &|_, inner| format!("NULLIF({inner}, 5)")).replacen("NULLIF", "SELECT NULLIF", 1),
        format!(
            "SELECT {}",
            nest("1", &|_, inner| format!("ABS({inner} BETWEEN 0 AND 2)"))
        ),
        format!("UPDATE w SET {}", assignments.join(", ")),
        format!(
            "INSERT INTO w (id) VALUES (1) ON DUPLICATE KEY UPDATE {}",
            assignments.join(", ")
        ),
        format!(
            "WITH q0 AS (SELECT 1 AS x), {} SELECT x FROM q29",
            queries.join(", ")
        ),
    ] {
        assert_eq!(answer(&aws, &sql, Vec::new()).await, "error 1235", "{sql}");
    }
    // A few levels are fine.
    let some = (0..5).fold("SELECT 1 AS x".to_owned(), |inner, level| {
        format!("SELECT x + x AS x FROM ({inner}) AS q{level}")
    });
    assert_eq!(answer(&aws, &some, Vec::new()).await, "32");
}

#[tokio::test]
async fn a_large_dictionary_is_read_and_not_without_bound() {
    let columns: Vec<String> = (0..1_000).map(|n| format!("column_{n} INT")).collect();
    let mut statements = Vec::new();
    for table in 0..5 {
        statements.push(format!(
            "CREATE TABLE wide_{table} ({})",
            columns.join(", ")
        ));
    }
    let statements: Vec<_> = statements.iter().map(|sql| (&**sql, "updated 0")).collect();
    let aws = session(&statements).await;
    let count = "SELECT COUNT(*) FROM information_schema.columns";
    assert_eq!(answer(&aws, count, Vec::new()).await, "5000");
    let many: Vec<String> = (0..40).map(|_| format!("({count})")).collect();
    let many = format!("SELECT {}", many.join(" + "));
    assert_eq!(answer(&aws, &many, Vec::new()).await, "error 1235");
}
