//! The generator: statements from a seed.

use super::{
    expressions::{Expressions, Random},
    tree::Node,
    values::{COLUMNS, WORDS},
    wide,
};

/// The tables, with the default collation of each database.
pub(super) const TABLES: [&str; 6] = [
    "CREATE TABLE a (id INT NOT NULL AUTO_INCREMENT PRIMARY KEY, i INT, u INT UNSIGNED, b BIGINT, ub BIGINT UNSIGNED, \
     d DECIMAL(10, 2), f DOUBLE, s VARCHAR(12), c VARCHAR(12) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin, x TEXT, \
     day DATE, at DATETIME, at3 DATETIME(3), ts TIMESTAMP NULL, tm TIME, y YEAR, flag TINYINT(1), \
     e ENUM('red', 'green', 'blue'), st SET('x', 'y', 'z'), j JSON, raw BLOB, KEY by_s (s))",
    "CREATE TABLE b (id INT NOT NULL PRIMARY KEY, i INT NOT NULL DEFAULT 7, s VARCHAR(12) NOT NULL DEFAULT 'none', \
     d DECIMAL(6, 3) DEFAULT -1.5, at DATETIME(2) DEFAULT '2024-01-02 03:04:05.678', UNIQUE KEY by_i (i))",
    "CREATE TABLE n (num INT NOT NULL AUTO_INCREMENT PRIMARY KEY, k VARCHAR(12) NOT NULL UNIQUE, \
     v SMALLINT UNSIGNED NOT NULL)",
    "CREATE TABLE p (id INT NOT NULL PRIMARY KEY, s VARCHAR(12), d DECIMAL(6, 3))",
    wide::TABLE,
    wide::DECIMALS,
];

/// The large table is emptied after this many statements, so that the test stays quick.
const GENERATION: usize = 150;

/// Generates statements endlessly.
pub(super) struct Statements {
    exprs: Expressions,
    next_id: usize,
    count: usize,
    /// Whether all statements use the tables of numbers that SQLite has no type for.
    numbers_only: bool,
}

impl Statements {
    pub(super) fn new(seed: u64, numbers_only: bool) -> Self {
        Self {
            exprs: Expressions::new(Random::new(seed)),
            next_id: 1,
            count: 0,
            numbers_only,
        }
    }

    pub(super) fn next(&mut self) -> Node {
        self.count += 1;
        match self.count % GENERATION {
            0 => return Node::leaf("DELETE FROM a"),
            // Reading an empty table tests nothing.
            1..20 if !self.numbers_only => return self.insert(),
            _ => {}
        }
        if self.numbers_only {
            return self.number();
        }
        match self.below(20) {
            0..=3 => self.insert(),
            4 | 5 => self.update(),
            6 => self.delete(),
            7 | 8 => self.small_table(),
            9 | 10 => self.grouped(),
            11 => self.joined(),
            12 => self.union(),
            13 => self.number(),
            _ => self.select(),
        }
    }

    /// A statement over a table of numbers that SQLite has no type for.
    fn number(&mut self) -> Node {
        match self.below(2) {
            0 => self.exprs.wide_statement(),
            _ => self.exprs.decimal_statement(),
        }
    }

    fn below(&mut self, end: usize) -> usize {
        self.exprs.random.below(end)
    }

    fn pick<'a>(&mut self, from: &[&'a str]) -> &'a str {
        self.exprs.random.pick(from)
    }

    fn select(&mut self) -> Node {
        let (one, other) = (self.exprs.any(2), self.exprs.any(2));
        let condition = self.exprs.condition(2);
        match self.below(7) {
            0 => Node::new(
                "SELECT id, @ FROM a WHERE @ ORDER BY id",
                vec![one, condition],
            ),
            1 => Node::new("SELECT DISTINCT @ FROM a", vec![one]),
            2 => Node::new(
                "SELECT @ AS x, @ AS y FROM a WHERE @",
                vec![one, other, condition],
            ),
            3 => Node::new("SELECT * FROM a WHERE @ ORDER BY id DESC", vec![condition]),
            4 => Node::new(
                "SELECT x FROM (SELECT @ AS x FROM a WHERE @) AS q",
                vec![one, condition],
            ),
            5 => {
                let down = self.pick(&["", " DESC"]);
                Node::new(
                    &format!("SELECT id FROM a ORDER BY @{down}, id LIMIT 5"),
                    vec![other],
                )
            }
            _ => {
                let compared = self.exprs.comparison(2);
                Node::new(
                    "SELECT id, @ FROM a WHERE @ ORDER BY id",
                    vec![compared, condition],
                )
            }
        }
    }

    fn grouped(&mut self) -> Node {
        let value = match self.below(9) {
            0 => Node::new("SUM(@)", vec![self.exprs.int(1)]),
            1 => Node::new("SUM(@)", vec![self.exprs.decimal(1)]),
            2 => Node::new("AVG(@)", vec![self.exprs.int(1)]),
            3 => Node::new("COUNT(DISTINCT @)", vec![self.exprs.text(1)]),
            4 => Node::new("MAX(@)", vec![self.exprs.any(1)]),
            5 => Node::new("MIN(@)", vec![self.exprs.any(1)]),
            6 => Node::new("SUM(@)", vec![self.exprs.any(1)]),
            7 => Node::new("AVG(@)", vec![self.exprs.decimal(1)]),
            _ => Node::new("COUNT(@)", vec![self.exprs.any(1)]),
        };
        match self.below(5) {
            0 => Node::new("SELECT @ FROM a", vec![value]),
            1 => Node::new("SELECT i, @ FROM a GROUP BY i", vec![value]),
            2 => Node::new(
                "SELECT COUNT(*), @ FROM a GROUP BY s HAVING COUNT(*) > 1",
                vec![value],
            ),
            3 => {
                let group = self.exprs.any(1);
                Node::new("SELECT @ FROM a GROUP BY @", vec![value, group])
            }
            _ => Node::new("SELECT flag, day, @ FROM a GROUP BY flag", vec![value]),
        }
    }

    fn joined(&mut self) -> Node {
        let join = self.pick(&["JOIN", "LEFT JOIN"]);
        let on = self.pick(&[
            "a.i = b.i",
            "a.s = b.s",
            "a.d = b.d",
            "a.c = b.s",
            "a.u = b.id",
            "a.at = b.at",
            "a.day = b.at",
            "a.s = b.i",
            "a.ub = b.i",
        ]);
        let order = self.pick(&["", " ORDER BY id, other"]);
        Node::leaf(format!(
            "SELECT a.id AS id, b.id AS other, b.s, b.d, b.at FROM a {join} b ON {on}{order}"
        ))
    }

    fn union(&mut self) -> Node {
        let all = self.pick(&["UNION", "UNION ALL"]);
        let (one, other) = match self.below(4) {
            0 => (self.exprs.int(1), self.exprs.decimal(1)),
            1 => (self.exprs.text(1), self.exprs.text(1)),
            2 => (self.exprs.decimal(1), self.exprs.int(1)),
            _ => (self.exprs.any(1), self.exprs.any(1)),
        };
        Node::new(
            &format!("SELECT @ AS x FROM a {all} SELECT @ FROM a"),
            vec![one, other],
        )
    }

    fn insert(&mut self) -> Node {
        // Mostly few columns: one refused value is enough to refuse the row.
        let most = self.below(5) + 1;
        let mut chosen: Vec<&str> = Vec::new();
        for _ in 0..most {
            let column = self.pick(&COLUMNS);
            if !chosen.contains(&column) {
                chosen.push(column);
            }
        }
        let rows = if self.below(6) == 0 { 2 } else { 1 };
        let mut values = Vec::new();
        for _ in 0..rows {
            values.extend(chosen.iter().map(|column| self.exprs.value(column)));
        }
        let row = format!("({})", vec!["@"; chosen.len()].join(", "));
        let into = chosen.join(", ");
        let pattern = format!(
            "INSERT INTO a ({into}) VALUES {}",
            vec![row; rows].join(", ")
        );
        Node::new(&pattern, values)
    }

    fn update(&mut self) -> Node {
        let condition = self.exprs.condition(1);
        match self.below(6) {
            0 => Node::new(
                "UPDATE a SET i = @ WHERE @",
                vec![self.exprs.int(1), condition],
            ),
            1 => Node::new(
                "UPDATE a SET d = @ WHERE @",
                vec![self.exprs.decimal(1), condition],
            ),
            2 => Node::new(
                "UPDATE a SET s = @ WHERE @",
                vec![self.exprs.text(1), condition],
            ),
            3 => Node::new(
                "UPDATE a SET i = @, u = i WHERE @",
                vec![self.exprs.int(1), condition],
            ),
            4 => {
                let column = self.pick(&COLUMNS);
                let value = self.exprs.any(1);
                Node::new(
                    &format!("UPDATE a SET {column} = @ WHERE @"),
                    vec![value, condition],
                )
            }
            _ => {
                let column = self.pick(&COLUMNS);
                let value = self.exprs.value(column);
                Node::new(
                    &format!("UPDATE a SET {column} = @ WHERE @"),
                    vec![value, condition],
                )
            }
        }
    }

    fn delete(&mut self) -> Node {
        let (low, condition) = (self.exprs.int(0), self.exprs.condition(1));
        Node::new(
            "DELETE FROM a WHERE id % 7 = 3 AND i < @ AND @",
            vec![low, condition],
        )
    }

    fn small_table(&mut self) -> Node {
        self.next_id += 1;
        let (key, word) = (self.pick(&WORDS), self.pick(&WORDS));
        let (i, id) = (self.below(30), self.next_id);
        let row = |values: String| Node::leaf(format!("INSERT INTO n (k, v) VALUES {values}"));
        match self.below(16) {
            0 | 1 => Node::leaf(format!(
                "INSERT INTO b (id, i, s, d) VALUES ({id}, {i}, {word}, {i}.5)"
            )),
            2 => Node::leaf(format!("INSERT INTO b (id) VALUES ({id})")),
            3 => Node::leaf(format!(
                "INSERT INTO b VALUES ({id}, DEFAULT, {word}, DEFAULT, DEFAULT)"
            )),
            4 => row(format!("({key}, {i})")),
            5 => row(format!(
                "({key}, {i}) ON DUPLICATE KEY UPDATE v = v + VALUES(v)"
            )),
            6 => Node::leaf(format!("INSERT IGNORE INTO n (k, v) VALUES ({key}, {i})")),
            7 => Node::leaf(format!("REPLACE INTO n (k, v) VALUES ({key}, {i})")),
            8 => row(format!(
                "({key}, {i}), ({word}, {i}) ON DUPLICATE KEY UPDATE v = {i}"
            )),
            9 => Node::leaf(format!(
                "INSERT INTO n (k, v) SELECT s, i FROM b WHERE i > {i}"
            )),
            10 => Node::leaf(format!("DELETE FROM n WHERE k LIKE {word} OR v < {i}")),
            // Few values, so that a row is often replaced by the same one.
            11 | 12 => Node::leaf(format!(
                "REPLACE INTO p (id, s) VALUES ({}, {word}), (7, 'a')",
                i % 4
            )),
            13 => Node::leaf("SELECT s, COUNT(*), MAX(s) FROM p GROUP BY s ORDER BY s"),
            14 => Node::leaf(format!(
                "WITH RECURSIVE r (x) AS (SELECT id FROM p WHERE id > {i} UNION SELECT r.x - 1 FROM r WHERE r.x > 0) \
                 SELECT x, COUNT(*) FROM r GROUP BY x ORDER BY x"
            )),
            _ => Node::leaf(format!("DELETE FROM b WHERE i = {i}")),
        }
    }
}
