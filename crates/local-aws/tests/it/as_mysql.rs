//! The embedded engine, kind by kind: the same results as MySQL 8, or error 1235.

use aws_sdk_rdsdata::types::{Field, SqlParameter, TypeHint};
use fleet_local_aws::{Schema, Storage};

use crate::support::{Aws, options, text};

/// A result as one text: rows separated by semicolons and values by commas, `updated N` and the generated ids, or
/// `error N`.
pub(crate) async fn answer(aws: &Aws, sql: &str, parameters: Vec<SqlParameter>) -> String {
    let output = match aws.described(sql, parameters).await {
        Ok(output) => output,
        Err(error) => {
            let message = error.meta().message().unwrap_or_default().to_owned();
            let code = message.split("Error code: ").nth(1);
            return match code.and_then(|rest| rest.split(';').next()) {
                Some(code) => {
                    if code == "1235" {
                        assert!(message.contains("--engine mariadb"), "{sql}: {message}");
                    }
                    format!("error {code}")
                }
                None => message,
            };
        }
    };
    if output.column_metadata().is_empty() {
        let ids = output.generated_fields().iter().map(value);
        let ids: Vec<String> = ids.collect();
        return format!(
            "updated {} {}",
            output.number_of_records_updated(),
            ids.join(",")
        )
        .trim_end()
        .to_owned();
    }
    let rows = output.records().iter().map(|row| {
        let values: Vec<String> = row.iter().map(value).collect();
        values.join(",")
    });
    rows.collect::<Vec<_>>().join(";")
}

fn value(field: &Field) -> String {
    match field {
        Field::IsNull(_) => "NULL".into(),
        Field::BooleanValue(value) => value.to_string(),
        Field::LongValue(value) => value.to_string(),
        Field::DoubleValue(value) => format!("{value:?}"),
        // Quoted, unlike a number.
        Field::StringValue(value) => format!("'{value}'"),
        Field::BlobValue(bytes) => format!("{:02x?}", bytes.as_ref()),
        other => format!("{other:?}"),
    }
}

/// An empty database, after running these statements one by one and checking their results.
pub(crate) async fn session(statements: &[(&str, &str)]) -> Aws {
    let mut options = options(Storage::InMemory);
    options.schema = Schema::default();
    let aws = Aws::with(options).await;
    for (sql, expected) in statements {
        assert_eq!(answer(&aws, sql, Vec::new()).await, *expected, "{sql}");
    }
    aws
}

pub(crate) fn hinted(value: &str, hint: TypeHint) -> Vec<SqlParameter> {
    let parameter = SqlParameter::builder().name("p").value(text(value));
    vec![parameter.type_hint(hint).build()]
}

#[tokio::test]
async fn dates_are_checked_normalised_and_compared_as_such() {
    let aws = session(&[
        (
            "CREATE TABLE t (id INT PRIMARY KEY, day DATE, at DATETIME, at3 DATETIME(3), ts TIMESTAMP NULL, tm TIME, y YEAR)",
            "updated 0",
        ),
        ("INSERT INTO t (id, at) VALUES (1, '2024-01-02')", "updated 1"),
        ("SELECT at FROM t", "'2024-01-02 00:00:00'"),
        ("INSERT INTO t (id, day) VALUES (2, '2024-02-30')", "error 1292"),
        ("INSERT INTO t (id, at) VALUES (2, 'soon')", "error 1292"),
        ("INSERT INTO t (id, ts) VALUES (2, '2040-01-01 00:00:00')", "error 1292"),
        (
            "INSERT INTO t VALUES (2, '2024-2-9', '2024-02-09T10:00:00', '2024-02-09 10:00:00.9996', '2024-02-09 10:00', '9:05', 24)",
            "updated 1",
        ),
        (
            "SELECT day, at, at3, ts, tm, y FROM t WHERE id = 2",
            "'2024-02-09','2024-02-09 10:00:00','2024-02-09 10:00:01.000','2024-02-09 10:00:00','09:05:00',2024",
        ),
        ("INSERT INTO t (id, at) VALUES (3, '2024-12-31 23:59:59.5')", "updated 1"),
        ("SELECT at FROM t WHERE id = 3", "'2025-01-01 00:00:00'"),
        ("INSERT INTO t (id, at) VALUES (4, '2024-02-09 10:00:00+02:00')", "updated 1"),
        ("SELECT at FROM t WHERE id = 4", "'2024-02-09 08:00:00'"),
        ("INSERT INTO t (id, y) VALUES (5, 2156)", "error 1264"),
        ("SELECT id FROM t WHERE at < '2024-2-1'", "1"),
        ("SELECT id FROM t WHERE at = '2024-02-30'", "error 1525"),
        ("SELECT id FROM t WHERE day = at", ""),
        ("SELECT id FROM t WHERE tm = at", "error 1235"),
        ("SELECT id FROM t WHERE at > 20240101", "error 1235"),
    ])
    .await;
    let by_day = "SELECT id FROM t WHERE at = :p";
    assert_eq!(
        answer(&aws, by_day, hinted("2024-01-02", TypeHint::Date)).await,
        "1"
    );
    let update = "UPDATE t SET at3 = :p WHERE id = 1";
    let moment = hinted("2024-05-06 07:08:09.125", TypeHint::Timestamp);
    assert_eq!(answer(&aws, update, moment).await, "updated 1");
    let read = "SELECT at3 FROM t WHERE id = 1";
    assert_eq!(
        answer(&aws, read, Vec::new()).await,
        "'2024-05-06 07:08:09.125'"
    );
}

#[tokio::test]
async fn text_is_compared_without_case_and_accents_unless_it_is_binary() {
    session(&[
        (
            "CREATE TABLE t (n VARCHAR(20) PRIMARY KEY, b VARCHAR(20) COLLATE utf8mb4_bin UNIQUE)",
            "updated 0",
        ),
        (
            "INSERT INTO t VALUES ('Émile', 'a'), ('zoë', 'A'), ('abc', 'b')",
            "updated 3",
        ),
        ("INSERT INTO t VALUES ('EMILE', 'c')", "error 1062"),
        ("INSERT INTO t VALUES ('x', 'a')", "error 1062"),
        ("SELECT n FROM t WHERE n = 'emile'", "'Émile'"),
        (
            "SELECT n FROM t WHERE n IN ('ZOE', 'ABC') ORDER BY n",
            "'abc';'zoë'",
        ),
        ("SELECT n FROM t WHERE n LIKE 'E%'", "'Émile'"),
        ("SELECT n FROM t ORDER BY n", "'abc';'Émile';'zoë'"),
        ("SELECT b FROM t WHERE b = 'A'", "'A'"),
        ("SELECT b FROM t ORDER BY b", "'A';'a';'b'"),
        (
            "SELECT COUNT(*) FROM t GROUP BY n = 'EMILE' ORDER BY 1",
            "1;2",
        ),
        ("SELECT INSTR(n, 'C') FROM t WHERE n = 'ABC'", "3"),
        ("CREATE TABLE u (n VARCHAR(9))", "updated 0"),
        ("INSERT INTO u VALUES ('a'), ('Á'), ('b')", "updated 3"),
        ("SELECT COUNT(*) FROM u GROUP BY n ORDER BY 1", "1;2"),
        ("SELECT COUNT(DISTINCT n) FROM u", "2"),
        // Sorted by rules for other scripts, which the engine does not have.
        ("INSERT INTO u VALUES ('жук')", "error 1235"),
        (
            "CREATE TABLE v (n VARCHAR(9) COLLATE utf8mb4_da_0900_ai_ci)",
            "error 1235",
        ),
    ])
    .await;
}

#[tokio::test]
async fn numbers_are_exact_and_meet_text() {
    let aws = session(&[
        ("SELECT '1' = 1, 'x' = 0, '1.50' = 1.5, 1 = 1.0", "1,1,1,1"),
        ("CREATE TABLE t (id INT PRIMARY KEY, d DECIMAL(10,2), u INT UNSIGNED, b BIGINT, s VARCHAR(9))", "updated 0"),
        ("INSERT INTO t VALUES (1, 0.1, 4294967295, 9223372036854775807, '12')", "updated 1"),
        ("INSERT INTO t VALUES (2, 0.2, 0, -9223372036854775808, '7')", "updated 1"),
        ("SELECT d + 0.2 = 0.3, d + 0.2, SUM(d) FROM t WHERE id = 1 GROUP BY id, d", "1,'0.30','0.10'"),
        ("SELECT SUM(d) FROM t", "'0.30'"),
        ("SELECT b + 1 FROM t WHERE id = 1", "error 1690"),
        ("SELECT u - 1 FROM t WHERE id = 2", "error 1690"),
        ("UPDATE t SET u = -1", "error 1264"),
        ("UPDATE t SET d = 1.005 WHERE id = 1", "updated 1"),
        ("SELECT d FROM t WHERE id = 1", "'1.01'"),
        ("UPDATE t SET d = 123456789.1", "error 1264"),
        ("SELECT ROUND(2.5), ROUND(-2.5), ROUND(1.005, 2), TRUNCATE(1.999, 1)", "'3','-3','1.01','1.9'"),
        ("SELECT CAST(1.5 AS SIGNED), CAST('12x' AS SIGNED), CAST(1.005 AS DECIMAL(5,2))", "2,12,'1.01'"),
        ("SELECT 7 / 2, 7 DIV 2, -7 % 3", "'3.5000',3,-1"),
        ("SELECT id FROM t WHERE s = 12", "1"),
        ("CREATE TABLE w (n BIGINT UNSIGNED)", "updated 0"),
        ("INSERT INTO w VALUES (18446744073709551615)", "updated 1"),
        ("INSERT INTO w VALUES (-1)", "error 1264"),
        ("SELECT n FROM w", "error 0"),
        ("SELECT CAST(n AS CHAR) FROM w WHERE n > 9223372036854775807", "'18446744073709551615'"),
        ("SELECT n + 1 FROM w", "error 1690"),
        ("SELECT COUNT(*) FROM w WHERE n", "1"),
        ("CREATE TABLE m (d DECIMAL(65,30), s DECIMAL(10,2))", "updated 0"),
        ("INSERT INTO m VALUES (99999999999999999999999999999999999.000000000000000000000000000001, 1.5)", "updated 1"),
        ("UPDATE m SET d = d - 1", "updated 1"),
        ("SELECT d FROM m", "'99999999999999999999999999999999998.000000000000000000000000000001'"),
        ("UPDATE m SET s = d", "error 1264"),
        ("SELECT d * d FROM m", "error 1235"),
        ("SELECT d > 1e30, d = 7, SUM(s * 100000000000000000000.5) FROM m GROUP BY d", "1,0,'150000000000000000000.750'"),
        ("ALTER TABLE m MODIFY COLUMN s DECIMAL(40,10)", "updated 0"),
        ("SELECT s, s + 0.00000000001, COALESCE(s, 'x') FROM m", "'1.5000000000','1.50000000001','1.5000000000'"),
    ])
    .await;
    let find = "SELECT id FROM t WHERE d = :p";
    assert_eq!(
        answer(&aws, find, hinted("1.010", TypeHint::Decimal)).await,
        "1"
    );
}

#[tokio::test]
async fn functions_are_on_a_list_and_give_mysqls_values() {
    session(&[
        ("SELECT sqlite_version()", "error 1305"),
        ("SELECT printf('a')", "error 1305"),
        ("SELECT randomblob(9)", "error 1305"),
        ("SELECT fleet_int(1)", "error 1305"),
        ("SELECT SLEEP(1)", "error 1235"),
        ("SELECT JSON_EXTRACT('[1, {\"a\":2}]', '$[1]'), JSON_EXTRACT('{}', '$.a')", "'{\"a\": 2}',NULL"),
        ("SELECT JSON_OBJECT('bb', 1, 'a', NULL), JSON_ARRAY(1, 'x')", "'{\"a\": null, \"bb\": 1}','[1, \"x\"]'"),
        ("SELECT JSON_UNQUOTE('\"x\"'), JSON_VALID('{'), JSON_LENGTH('[1, 2]'), JSON_CONTAINS('[1, 2]', '2')", "'x',0,2,1"),
        ("SELECT JSON_OBJECT('a', TRUE)", "error 1235"),
        ("SELECT JSON_EXTRACT('[1]', '$[*]')", "error 1235"),
        ("SELECT JSON_SET('{}', '$.a', 1), JSON_INSERT('{\"a\": 1}', '$.a', 2, '$.b', 'x')", "'{\"a\": 1}','{\"a\": 1, \"b\": \"x\"}'"),
        ("SELECT JSON_REPLACE('[1, 2]', '$[1]', JSON_ARRAY(), '$[2]', 3), JSON_REMOVE('[1, 2]', '$[0]')", "'[1, []]','[2]'"),
        ("SELECT JSON_SET('{}', '$.a'), 1", "error 1582"),
        ("SELECT JSON_SET('{}', '$.a', TRUE)", "error 1235"),
        ("SELECT REPEAT('a', 1000000000)", "error 1235"),
        ("SELECT HEX('a'), HEX(255)", "'61','FF'"),
        (
            "SELECT SUBSTRING('abc', 0), SUBSTRING('abc', -2, 1), LEFT('abc', 2)",
            "'','b','ab'",
        ),
        (
            "SELECT CONCAT('a', NULL), CONCAT('a', 1, 1.50)",
            "NULL,'a11.50'",
        ),
        ("SELECT LENGTH('é'), CHAR_LENGTH('é')", "2,1"),
        (
            "SELECT DATE('2024-02-29 10:00:00'), DATEDIFF('2024-03-01', '2024-02-28')",
            "'2024-02-29',2",
        ),
        ("SELECT TIMEDIFF('10:00:00', '09:00:00')", "'01:00:00'"),
        ("SELECT TIMEDIFF('09:00:00', '10:00:00')", "error 1235"),
        ("SELECT FORMAT(1234.5, 1), FORMAT(-1234.567, 0)", "'1,234.5','-1,235'"),
        ("SELECT DATE_FORMAT('2024-02-29', '%W, %D %b %Y'), LAST_DAY('2024-02-01')", "'Thursday, 29th Feb 2024','2024-02-29'"),
        ("SELECT DATE_FORMAT('2024-02-29', '%U')", "error 1235"),
        ("SELECT UPPER('é'), REPLACE('aba', 'b', 'c')", "'É','aca'"),
        ("CREATE TABLE flags (n INT, flag BOOLEAN)", "updated 0"),
        ("SELECT MIN(flag) FROM flags GROUP BY n", "error 1235"),
        ("SELECT CONCAT()", "error 1582"),
    ])
    .await;
}

#[tokio::test]
async fn documents_are_read_as_mysql_reads_them_where_mariadb_does_not() {
    session(&[
        ("CREATE TABLE t (id INT PRIMARY KEY, j JSON)", "updated 0"),
        (
            "INSERT INTO t VALUES (1, '{\"name\": \"Bob\", \"a\": [1]}'), (2, '7')",
            "updated 2",
        ),
        (
            "SELECT j->'$.name', j->>'$.name', j->'$.a[0]' FROM t ORDER BY id",
            "'\"Bob\"','Bob','1';NULL,NULL,NULL",
        ),
        (
            "SELECT id FROM t WHERE j->>'$.name' = 'bob' OR j->>'$[0]' = '7'",
            "2",
        ),
        ("SELECT id FROM t WHERE j->'$.a' = 1", "error 1235"),
        ("SELECT id FROM t WHERE 'x'->'$.a' = 1", "error 1235"),
        (
            "SELECT JSON_KEYS(j), JSON_EXTRACT(j, '$') FROM t WHERE id = 1",
            "'[\"a\", \"name\"]','{\"a\": [1], \"name\": \"Bob\"}'",
        ),
        (
            "SELECT JSON_CONTAINS(j, '1', '$.nope'), JSON_CONTAINS(j, NULL) FROM t WHERE id = 1",
            "NULL,NULL",
        ),
        ("SELECT JSON_OBJECT(NULL, 1)", "error 3158"),
        ("SELECT JSON_EXTRACT('{', '$')", "error 1235"),
        ("SELECT JSON_ARRAY(1.5), JSON_ARRAY(NOW())", "error 1235"),
        ("SELECT JSON_OBJECT('a')", "error 1582"),
    ])
    .await;
}

#[tokio::test]
async fn definitions_of_every_orm_are_taken() {
    session(&[
        (
            "CREATE TABLE `users` (`id` INT(11) UNSIGNED NOT NULL AUTO_INCREMENT, `name` VARCHAR(255) NOT NULL, \
             `made` DATETIME(6) NOT NULL DEFAULT CURRENT_TIMESTAMP(6), \
             `changed` DATETIME(6) NOT NULL DEFAULT CURRENT_TIMESTAMP(6) ON UPDATE CURRENT_TIMESTAMP(6), \
             `mood` ENUM('good', 'bad') NOT NULL DEFAULT 'good', `tags` SET('a', 'b'), PRIMARY KEY (`id`), \
             UNIQUE INDEX `by_name` (`name`)) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4",
            "updated 0",
        ),
        ("CREATE TABLE s (id SERIAL, n INT)", "updated 0"),
        ("INSERT INTO s () VALUES ()", "updated 1 1"),
        ("INSERT INTO users VALUES (DEFAULT, 'ann', DEFAULT, DEFAULT, DEFAULT, 'b,a')", "updated 1 1"),
        ("SELECT id, name, mood, tags FROM users", "1,'ann','good','a,b'"),
        ("INSERT INTO users (name, mood) VALUES ('bob', 'ugly')", "error 1265"),
        ("SELECT LAST_INSERT_ID()", "0"),
        ("ALTER TABLE users ADD COLUMN age INT NOT NULL DEFAULT 7 AFTER name", "updated 0"),
        ("SELECT age FROM users", "7"),
        ("ALTER TABLE users MODIFY COLUMN age BIGINT NULL", "updated 0"),
        ("ALTER TABLE users ADD INDEX by_age (age), ADD UNIQUE INDEX one_age (age)", "updated 0"),
        ("ALTER TABLE users DROP INDEX by_age", "updated 0"),
        ("ALTER TABLE users DROP COLUMN tags", "updated 0"),
        ("ALTER TABLE users AUTO_INCREMENT = 50", "updated 0"),
        ("INSERT INTO users (name, age) VALUES ('cid', 9)", "updated 1 50"),
        ("CREATE TABLE n (id INT AUTO_INCREMENT PRIMARY KEY, a INT) AUTO_INCREMENT=7", "updated 0"),
        ("INSERT INTO n (a) VALUES (1)", "updated 1 7"),
        ("CREATE TABLE z (id INT AUTO_INCREMENT PRIMARY KEY) AUTO_INCREMENT=0", "error 1235"),
        ("CREATE TABLE z (id INT) AUTO_INCREMENT=7", "error 1235"),
        ("UPDATE users SET age = age + 1, name = CONCAT(name, age) WHERE id = 1", "updated 1"),
        ("SELECT age, name FROM users WHERE id = 1", "8,'ann8'"),
        ("CREATE TABLE c (id INT, CONSTRAINT f FOREIGN KEY (id) REFERENCES nowhere (id))", "error 1824"),
        ("SELECT name, COUNT(*) FROM users", "error 1140"),
        ("SELECT mood, name FROM users GROUP BY mood", "error 1055"),
    ])
    .await;
}

#[tokio::test]
async fn clients_can_look_around() {
    session(&[
        ("CREATE TABLE t (id INT NOT NULL AUTO_INCREMENT PRIMARY KEY, n VARCHAR(9) UNIQUE, d DECIMAL(6,2) DEFAULT 1.5)", "updated 0"),
        ("SELECT @@version", "'8.0.39'"),
        ("SELECT VERSION(), DATABASE()", "'8.0.39','ec2_inventory_db'"),
        ("SHOW VARIABLES LIKE 'sql_mode'", "'sql_mode','STRICT_TRANS_TABLES,STRICT_ALL_TABLES,ONLY_FULL_GROUP_BY,NO_ZERO_IN_DATE,NO_ZERO_DATE,ERROR_FOR_DIVISION_BY_ZERO,NO_ENGINE_SUBSTITUTION'"),
        ("SHOW TABLES", "'t'"),
        ("SHOW FULL TABLES", "'t','BASE TABLE'"),
        (
            "DESCRIBE t",
            "'id','int','NO','PRI',NULL,'auto_increment';'n','varchar(9)','YES','UNI',NULL,'';'d','decimal(6,2)','YES','','1.50',''",
        ),
        ("SHOW COLUMNS FROM t LIKE 'n'", "'n','varchar(9)','YES','UNI',NULL,''"),
        ("SELECT SCHEMA_NAME FROM information_schema.schemata WHERE SCHEMA_NAME = DATABASE()", "'ec2_inventory_db'"),
        ("SELECT TABLE_NAME, ENGINE FROM information_schema.tables WHERE TABLE_SCHEMA = DATABASE()", "'t','InnoDB'"),
        (
            "SELECT COLUMN_NAME, DATA_TYPE, COLUMN_TYPE, IS_NULLABLE, COLUMN_KEY, EXTRA, NUMERIC_PRECISION, NUMERIC_SCALE \
             FROM information_schema.COLUMNS WHERE TABLE_NAME = 't' ORDER BY ORDINAL_POSITION",
            "'id','int','int','NO','PRI','auto_increment',10,0;'n','varchar','varchar(9)','YES','UNI','',NULL,NULL;\
             'd','decimal','decimal(6,2)','YES','','',6,2",
        ),
        ("SELECT INDEX_NAME, COLUMN_NAME FROM information_schema.statistics ORDER BY INDEX_NAME", "'n','n';'PRIMARY','id'"),
        ("SELECT CONSTRAINT_NAME, COLUMN_NAME FROM information_schema.key_column_usage ORDER BY 1", "'n','n';'PRIMARY','id'"),
        ("SELECT CONSTRAINT_TYPE FROM information_schema.table_constraints ORDER BY 1", "'PRIMARY KEY';'UNIQUE'"),
        ("SELECT TABLE_ROWS, CREATE_TIME, CHECKSUM FROM information_schema.tables", "NULL,NULL,NULL"),
        ("SELECT CARDINALITY FROM information_schema.statistics LIMIT 1", "NULL"),
        ("SELECT CHECK_OPTION FROM information_schema.views", ""),
        ("SELECT 1 FROM information_schema.innodb_trx", "error 1235"),
        ("SELECT user FROM mysql.user", "error 1235"),
        ("SELECT 1 FROM other.t", "error 1049"),
        ("CREATE TABLE child (id INT PRIMARY KEY, n VARCHAR(9), CONSTRAINT to_n FOREIGN KEY (n) REFERENCES t (n))", "updated 0"),
        ("SELECT UNIQUE_CONSTRAINT_NAME FROM information_schema.referential_constraints", "'n'"),
    ])
    .await;
}

#[tokio::test]
async fn what_is_not_run_is_1235_and_what_is_not_mysql_is_1064() {
    let mysql = [
        "SELECT NOW() - INTERVAL 1 DAY",
        "SELECT 'a' REGEXP 'b'",
        "SELECT 1 XOR 0",
        "SELECT 1 ^ 2",
        "SELECT ~1",
        "CREATE VIEW v AS SELECT 1",
        "CREATE TABLE v (p POINT)",
        "CREATE TABLE v (f FLOAT)",
        "SELECT @x",
        "SET @x = 1",
        "LOCK TABLES t READ",
        "CALL p()",
        "SELECT GROUP_CONCAT(1 SEPARATOR '-')",
        "EXPLAIN SELECT 1",
    ];
    let not_mysql = [
        "PRAGMA table_info(t)",
        "ATTACH DATABASE 'x' AS y",
        "VACUUM",
        "SELEC 1",
        "SELECT FROM WHERE",
    ];
    let aws = session(&[]).await;
    for (statements, expected) in [(&mysql[..], "error 1235"), (&not_mysql[..], "error 1064")] {
        for sql in statements {
            assert_eq!(answer(&aws, sql, Vec::new()).await, expected, "{sql}");
        }
    }
}
