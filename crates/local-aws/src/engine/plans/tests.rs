//! How MySQL's statements are rewritten.

use sqlparser::ast::Statement;

use std::sync::Arc;

use super::*;
use crate::engine::{analysis::Slot, catalogue::TableDefinition, sqlite::parse};

const TABLES: [&str; 2] = [
    "CREATE TABLE t (a INT, b VARCHAR(9), c VARCHAR(9) COLLATE utf8mb4_bin, d DECIMAL(10, 2), at DATETIME, e ENUM('x', 'y'))",
    "CREATE TABLE u (id INT PRIMARY KEY, a INT, b VARCHAR(9))",
];

fn planned(sql: &str) -> EngineResult<StatementPlan> {
    let mut catalogue = Catalogue::default();
    for table in TABLES {
        let Statement::CreateTable(tree) = parse::parse(table)? else {
            panic!("{table}");
        };
        let table = TableDefinition::read(&tree)?;
        catalogue.tables.insert(table.name.clone(), Arc::new(table));
    }
    plan(
        parse::parse(sql)?,
        crate::engine::sqlite::labels::labels(sql),
        &catalogue,
        "shop",
        Bindings::AnyText,
    )
}

/// The rewritten texts, one per line.
fn rewritten(sql: &str) -> String {
    planned(sql)
        .unwrap_or_else(|error| panic!("{sql}: {error}"))
        .sql
        .join("\n")
}

fn code(sql: &str) -> u16 {
    match planned(sql) {
        Err(EngineError::Database { code, .. }) => code,
        other => panic!("{sql}: {other:?}"),
    }
}

#[test]
fn names_and_literals_become_numbered_parameters_in_order() {
    let sql = "SELECT a FROM t WHERE c = :x AND c = 'it''s' AND c = :y AND b = :x";
    assert_eq!(
        rewritten(sql),
        "SELECT `a` AS `a` FROM `t` WHERE `c` = ?1 AND `c` = ?2 AND `c` = ?3 AND `b` = ?1"
    );
    let named = |name: &str| Slot::Named(name.into());
    let slots = [named("x"), Slot::Literal("it's".into()), named("y")];
    assert_eq!(planned(sql).unwrap().slots, slots);
    assert!(matches!(
        planned("SELECT ?"),
        Err(EngineError::MissingParameter(_))
    ));
}

#[test]
fn conditions_become_what_makes_sqlite_answer_alike() {
    for (mysql, sqlite) in [
        ("a = 1", "`a` = 1"),
        ("a = '1'", "`a` = fleet_number(?1, 0)"),
        ("d = 1.5", "`d` = 150"),
        ("d = 1.505", "fleet_decimal(`d` * 10) = 1505"),
        ("b = c", "`b` COLLATE padded = `c`"),
        ("UPPER(b) = 'A'", "upper(`b`) COLLATE ai_ci = ?1"),
        ("at = '2024-01-02'", "`at` = fleet_as_datetime(?1, 0)"),
        ("a || b = 'x'", "`a` OR `b` = ?1"),
        ("a <=> NULL", "(`a` IS NOT DISTINCT FROM NULL)"),
        ("a + 1 > 2", "fleet_int_if((`a` + 1)) > 2"),
        ("b LIKE 'x%'", "fleet_like(?1, `b`, ?2, 1)"),
    ] {
        assert_eq!(
            rewritten(&format!("SELECT 1 FROM t WHERE {mysql}")),
            format!("SELECT 1 AS `1` FROM `t` WHERE {sqlite}"),
            "{mysql}"
        );
    }
}

#[test]
fn a_between_of_a_text_with_a_text_and_a_number_is_refused() {
    for sql in [
        "SELECT 1 FROM t WHERE b BETWEEN 1 AND 'x'",
        "SELECT 1 FROM t WHERE '99' NOT BETWEEN 'x' AND a",
        "UPDATE t SET a = 1 WHERE b BETWEEN a AND 'x'",
    ] {
        assert_eq!(code(sql), 1235, "{sql}");
    }
    for sql in [
        "SELECT 1 FROM t WHERE b BETWEEN 'a' AND 'x'",
        "SELECT 1 FROM t WHERE a BETWEEN 1 AND '7'",
        "UPDATE t SET a = 1 WHERE a BETWEEN '1' AND '9'",
    ] {
        assert!(planned(sql).is_ok(), "{sql}");
    }
}

#[test]
fn columns_without_an_alias_keep_mysqls_label() {
    let plan = planned("SELECT 'x', count( * ), a+1, u.b FROM u GROUP BY a, b").unwrap();
    let names: Vec<_> = plan.outputs.iter().map(|output| &*output.name).collect();
    assert_eq!(names, ["x", "count( * )", "a+1", "b"]);
}

#[test]
fn errors_of_names_and_groups_are_mysqls() {
    for (sql, expected) in [
        ("SELECT x FROM t", 1054),
        ("SELECT a AS x FROM t WHERE x = 1", 1054),
        ("SELECT a FROM t, u", 1052),
        ("SELECT 1 FROM other.t", 1049),
        ("SELECT 1 FROM nowhere", 1146),
        ("SELECT 1 FROM sqlite_master", 1146),
        ("SELECT 1 FROM fleet_catalogue", 1146),
        ("SELECT a, COUNT(*) FROM t", 1140),
        ("SELECT b, COUNT(*) FROM t GROUP BY a", 1055),
        ("SELECT 1 FROM t WHERE COUNT(*) > 1", 1111),
        ("SELECT (SELECT a, b FROM t)", 1241),
        ("SELECT 1 FROM (SELECT 1)", 1248),
        ("SELECT 1 UNION SELECT 1, 2", 1222),
        ("INSERT INTO u (a) VALUES (1)", 1364),
        ("INSERT INTO u (id) VALUES (1, 2)", 1136),
        ("INSERT INTO u (x) VALUES (1)", 1054),
        ("SELECT SHOUT(a) FROM t", 1305),
        ("SELECT fleet_int(a) FROM t", 1305),
        ("SELECT LOWER(a, b) FROM t", 1582),
        (
            "CREATE TABLE v (a INT, FOREIGN KEY (a) REFERENCES w (a))",
            1824,
        ),
        ("CREATE TABLE v (a INT DEFAULT 'x')", 1067),
        ("DROP TABLE nowhere", 1051),
    ] {
        assert_eq!(code(sql), expected, "{sql}");
    }
    assert!(planned("SELECT id, b FROM u GROUP BY id").is_ok());
}

#[test]
fn what_has_no_counterpart_is_refused_by_name() {
    for sql in [
        "UPDATE t SET a = 1 LIMIT 1",
        "DELETE FROM t ORDER BY a LIMIT 1",
        "CREATE TABLE v (a INT, b INT AUTO_INCREMENT, PRIMARY KEY (a))",
        "CREATE TABLE v (a FLOAT)",
        "CREATE TABLE v (a VARCHAR(9)) COLLATE utf8mb4_general_ci",
        "SELECT a FROM t WHERE b REGEXP 'b'",
        "SELECT NOW() + INTERVAL 1 DAY",
        "SELECT a FROM t WHERE a = b = 1",
        "SELECT 1 FROM t WHERE e = 1",
        "SELECT a / 2 + 1 FROM t",
        "UPDATE t SET d = d / 2",
        "SELECT a ^ 1 FROM t",
        "SELECT GROUP_CONCAT(a SEPARATOR ' ') FROM t",
        "SELECT @x",
        "WITH x AS (SELECT 1) DELETE FROM t",
        "CREATE VIEW v AS SELECT 1",
        "ANALYZE TABLE t",
    ] {
        assert_eq!(code(sql), 1235, "{sql}");
    }
    for sql in [
        "PRAGMA journal_mode",
        "ATTACH DATABASE 'x' AS y",
        "SELEC 1",
        "SELECT rowid FROM json_each('[1]')",
    ] {
        assert_eq!(code(sql), 1064, "{sql}");
    }
}

#[test]
fn a_table_is_kept_as_mysql_defines_it() {
    let sql = "CREATE TABLE IF NOT EXISTS v (
        id VARCHAR(9) NOT NULL COMMENT 'the id', at DATETIME NOT NULL, n INT(11) UNSIGNED DEFAULT 7, price DECIMAL(10, 2) DEFAULT 1,
        PRIMARY KEY (id), INDEX by_n (n), UNIQUE KEY (at), CONSTRAINT dear CHECK (price > 1.5),
        CONSTRAINT to_u FOREIGN KEY (id) REFERENCES v (id) ON DELETE CASCADE
    ) ENGINE=InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin COMMENT 'a table'";
    let lines = rewritten(sql);
    assert!(
        lines.starts_with(
            "CREATE TABLE `v` (`id` TEXT COLLATE padded NOT NULL, `at` TEXT NOT NULL, `n` INTEGER, `price` INTEGER, \
             CONSTRAINT `dear` CHECK (`price` > 150)"
        ),
        "{lines}"
    );
    assert!(lines.contains("`n` int unsigned DEFAULT ''7''"), "{lines}");
    assert!(
        lines.contains("COLLATE=utf8mb4_bin COMMENT=''a table''"),
        "{lines}"
    );
}

/// `template` nested in itself this many times.
fn nested(template: &str, innermost: &str, levels: usize) -> String {
    let inner = (0..levels).fold(innermost.to_owned(), |inner, _| {
        template.replacen("{}", &inner, 1)
    });
    format!("SELECT {inner} FROM t")
}

/// A rewriting that repeats its operand doubles at each level.
#[test]
fn a_text_within_itself_grows_by_the_same_at_each_level_or_has_a_bound() {
    // Statements have a large stack, too.
    let compared = std::thread::Builder::new()
        .stack_size(64 * 1024 * 1024)
        .spawn(compare_nested)
        .unwrap();
    // Most can be nested.
    let compared = compared.join().unwrap();
    assert!(compared > 300, "{compared}");
}

/// How many templates were compared.
fn compare_nested() -> usize {
    const OPERATORS: [&str; 34] = [
        "({} + 1)",
        "(1 - {})",
        "({} / 2)",
        "({} DIV 2)",
        "({} % 2)",
        "(- {})",
        "(NOT {})",
        "({} = 1)",
        "({} = 'x')",
        "({} < 2)",
        "({} <=> 1)",
        "({} AND 1)",
        "({} OR 0)",
        "({} XOR 1)",
        "({} IS NULL)",
        "({} IS TRUE)",
        "({} IN (1, 2, 3))",
        "(1 IN ({}, 2))",
        "({} BETWEEN 0 AND 2)",
        "(1 BETWEEN {} AND 2)",
        "(1 BETWEEN 0 AND {})",
        "({} LIKE 'x%')",
        "('x' LIKE {})",
        "(CASE {} WHEN 1 THEN 2 WHEN 2 THEN 3 ELSE 4 END)",
        "(CASE 1 WHEN {} THEN 2 ELSE 3 END)",
        "(CASE WHEN a THEN {} ELSE 3 END)",
        "(CASE WHEN {} THEN 2 END)",
        "CAST({} AS CHAR)",
        "CAST({} AS SIGNED)",
        "CAST({} AS DECIMAL(10, 2))",
        "CAST({} AS DATETIME)",
        "({} + INTERVAL 1 DAY)",
        "TRIM({})",
        "SUBSTRING({}, 1, 2)",
    ];
    let fillers = ["1", "'$.a'", "at"];
    let functions = crate::engine::arities::ARITIES
        .iter()
        .flat_map(|(name, least, most)| {
            (*least..=*most.min(&4)).flat_map(move |count| {
                (0..count).flat_map(move |place| {
                    fillers.map(|filler| {
                        let mut arguments = vec![filler; count];
                        arguments[place] = "{}";
                        format!("{name}({})", arguments.join(", "))
                    })
                })
            })
        });
    let operators = OPERATORS.map(str::to_owned);
    let (mut compared, mut bounded) = (0, 0);
    for template in operators.into_iter().chain(functions) {
        for innermost in ["1", "b", "at"] {
            let Ok(plan) = planned(&nested(&template, innermost, 13)) else {
                continue;
            };
            compared += 1;
            if plan.sql.join("").len() > 1 << 13 {
                let refused = planned(&nested(&template, innermost, 24));
                assert!(
                    matches!(refused, Err(EngineError::Database { code: 1235, .. })),
                    "{template} of {innermost} has no bound"
                );
                bounded += 1;
            }
        }
    }
    // BETWEEN and NULLIF are among them.
    assert!(bounded > 1, "{bounded}");
    compared
}
