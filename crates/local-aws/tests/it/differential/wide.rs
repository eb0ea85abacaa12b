//! Numbers that SQLite has no type for: their tables, and statements over them. The service has no field for whole
//! numbers above 2⁶³−1, so most are shown as texts.

use aws_sdk_rdsdata::types::{Field, TypeHint};

use super::{expressions::Expressions, tree::Node};

/// The table of BIGINT UNSIGNED numbers.
pub(super) const TABLE: &str = "CREATE TABLE w (id INT NOT NULL PRIMARY KEY, n BIGINT UNSIGNED, \
     m BIGINT UNSIGNED NOT NULL DEFAULT 18446744073709551615, i BIGINT, UNIQUE KEY by_m (m), KEY by_n (n))";

/// A table of DECIMALs with many digits.
pub(super) const DECIMALS: &str = "CREATE TABLE m (id INT NOT NULL PRIMARY KEY, p DECIMAL(40, 20), q DECIMAL(65, 30), \
     r DECIMAL(30, 4) NOT NULL DEFAULT 0.5, d DECIMAL(12, 6), n BIGINT UNSIGNED, UNIQUE KEY by_r (r), KEY by_p (p))";

const DIGITS: [&str; 14] = [
    "0",
    "1",
    "-1.5",
    "0.00000000000000000001",
    "12345678901234567890.12345678901234567890",
    "-12345678901234567890.12345678901234567890",
    "99999999999999999999.99999999999999999999",
    "99999999999999999999999999999999999.999999999999999999999999999999",
    "0.000000000000000000000000000001",
    "18446744073709551616",
    "1000000000000000000",
    "-999999999999999999.9999",
    "7",
    "2.00005",
];

const LITERALS: [&str; 8] = [
    "0",
    "1",
    "7",
    "-1",
    "9223372036854775807",
    "9223372036854775808",
    "18446744073709551614",
    "18446744073709551615",
];

impl Expressions {
    /// A whole number.
    pub(super) fn whole(&mut self, depth: usize) -> Node {
        if depth == 0 || self.random.below(3) == 0 {
            return Node::leaf(match self.random.below(3) {
                0 => self.random.pick(&LITERALS),
                _ => self.random.pick(&["n", "m", "n", "i", "id"]),
            });
        }
        let d = depth - 1;
        let pattern = self.random.pick(&[
            "(@ + @)",
            "(@ - @)",
            "(@ * @)",
            "(@ DIV @)",
            "(@ % @)",
            "(@ | @)",
            "(@ & @)",
            "IFNULL(@, @)",
            "NULLIF(@, @)",
            "GREATEST(@, @)",
            "LEAST(@, @)",
            "CASE WHEN @ THEN @ ELSE n END",
        ]);
        let one = match self.random.below(6) {
            0 => {
                let pattern = self.random.pick(&[
                    "CAST(@ AS UNSIGNED)",
                    "CAST(@ AS SIGNED)",
                    "ABS(@)",
                    "FLOOR(@)",
                    "(-@)",
                ]);
                return Node::new(pattern, vec![self.whole(d)]);
            }
            _ => self.whole(d),
        };
        Node::new(pattern, vec![one, self.whole(d)])
    }

    fn whole_condition(&mut self) -> Node {
        let op = self.random.pick(&["=", "<>", "<", ">", "<=", ">=", "<=>"]);
        match self.random.below(8) {
            0 => self.whole(1),
            1 => Node::new("(NOT @)", vec![self.whole(1)]),
            2 => Node::new(
                "(@ IN (@, @))",
                vec![self.whole(1), self.whole(0), self.whole(0)],
            ),
            3 => Node::new(
                "(@ BETWEEN @ AND @)",
                vec![self.whole(0), self.whole(0), self.whole(0)],
            ),
            4 => {
                let other = self
                    .random
                    .pick(&["1.5", "2e3", "1.9e19", "'7'", "'12x'", "7.0"]);
                Node::new(&format!("(@ {op} {other})"), vec![self.whole(0)])
            }
            _ => Node::new(&format!("(@ {op} @)"), vec![self.whole(1), self.whole(0)]),
        }
    }

    /// A statement over the table.
    pub(super) fn wide_statement(&mut self) -> Node {
        let id = self.random.below(20);
        match self.random.below(16) {
            0..=3 => Node::new(
                &format!("REPLACE INTO w (id, n, m, i) VALUES ({id}, @, @, NULLIF({id}, 3) - 9)"),
                vec![self.literal_or(1), self.literal_or(0)],
            ),
            4 => Node::new(
                &format!("INSERT INTO w (id, n) VALUES ({id}, @)"),
                vec![self.literal_or(1)],
            ),
            5 => Node::new(
                "UPDATE w SET n = @ WHERE @",
                vec![self.whole(1), self.whole_condition()],
            ),
            6 => Node::new(
                "DELETE FROM w WHERE @ AND id > 4",
                vec![self.whole_condition()],
            ),
            7 => Node::new(
                "SELECT CAST(MIN(@) AS CHAR), CAST(MAX(@) AS CHAR), COUNT(DISTINCT n) FROM w",
                vec![self.whole(1), self.whole(1)],
            ),
            8 => Node::new(
                "SELECT SUM(@), AVG(@) FROM w",
                vec![self.whole(1), self.whole(0)],
            ),
            9 => Node::new(
                "SELECT COUNT(*), CAST(MAX(m) AS CHAR) FROM w GROUP BY @",
                vec![self.whole(1)],
            ),
            10 => Node::new("SELECT id FROM w ORDER BY @, id", vec![self.whole(1)]),
            11 => Node::new(
                "SELECT CAST(x AS CHAR) FROM (SELECT @ AS x FROM w UNION SELECT @ FROM w) AS q",
                vec![self.whole(1), self.whole(1)],
            ),
            12 => Node::new(
                "SELECT id, @ FROM w WHERE @ ORDER BY id",
                vec![self.whole(1), self.whole_condition()],
            ),
            13 => {
                let number = self.random.pick(&LITERALS);
                Node::leaf(format!(
                    "SELECT q.id, w.id FROM w JOIN w AS q ON w.n = q.m OR w.m = {number} AND q.i < w.n"
                ))
            }
            _ => Node::new(
                "SELECT id, CAST(@ AS CHAR), CONCAT(@, '') FROM w WHERE @ ORDER BY id",
                vec![self.whole(2), self.whole(1), self.whole_condition()],
            ),
        }
    }

    fn literal_or(&mut self, depth: usize) -> Node {
        match self.random.below(4) {
            0 => Node::leaf(self.random.pick(&[
                "'18446744073709551615'",
                "18446744073709551616",
                "'18446744073709551616'",
                "1.8e19",
                "NULL",
                "2.5",
            ])),
            _ if depth > 0 => {
                let pattern = self.random.pick(&["(@ + @)", "(@ | @)", "(@ - @)"]);
                let one = Node::leaf(self.random.pick(&LITERALS));
                Node::new(pattern, vec![one, Node::leaf(self.random.pick(&LITERALS))])
            }
            _ => Node::leaf(self.random.pick(&LITERALS)),
        }
    }

    /// A DECIMAL with many digits.
    fn digits(&mut self, depth: usize) -> Node {
        if depth == 0 || self.random.below(3) == 0 {
            return match self.random.below(8) {
                0 | 1 => Node::leaf(self.random.pick(&DIGITS)),
                _ => Node::leaf(self.random.pick(&["p", "q", "r", "p", "r", "d", "n", "id"])),
            };
        }
        let d = depth - 1;
        match self.random.below(14) {
            0..=2 => Node::new("(@ + @)", vec![self.digits(d), self.digits(d)]),
            3 => Node::new("(@ - @)", vec![self.digits(d), self.digits(d)]),
            4 | 5 => Node::new("(@ * @)", vec![self.digits(d), self.digits(d)]),
            6 => Node::new("(@ / @)", vec![self.digits(d), self.digits(d)]),
            7 => Node::new("(@ % @)", vec![self.digits(d), self.digits(d)]),
            8 => {
                let pattern = self.random.pick(&[
                    "ROUND(@, 2)",
                    "ROUND(@)",
                    "TRUNCATE(@, 3)",
                    "ABS(@)",
                    "(-@)",
                ]);
                Node::new(pattern, vec![self.digits(d)])
            }
            9 => {
                let pattern = self.random.pick(&[
                    "CAST(@ AS DECIMAL(30, 10))",
                    "CAST(@ AS DECIMAL(65, 30))",
                    "CAST(@ AS DECIMAL(12, 2))",
                    "CAST(@ AS SIGNED)",
                ]);
                Node::new(pattern, vec![self.digits(d)])
            }
            10 => Node::new("COALESCE(@, @)", vec![self.digits(d), self.digits(d)]),
            11 => Node::new("GREATEST(@, @)", vec![self.digits(d), self.digits(d)]),
            12 => Node::new(
                "CASE WHEN @ THEN @ ELSE p END",
                vec![self.digits(0), self.digits(d)],
            ),
            _ => Node::new("NULLIF(@, @)", vec![self.digits(d), self.digits(d)]),
        }
    }

    /// As a parameter, which MariaDB takes for a text within an expression.
    fn digits_parameter(&mut self) -> Node {
        let digits = self.random.pick(&DIGITS);
        Node::parameter(Field::StringValue(digits.into()), Some(TypeHint::Decimal))
    }

    fn digits_condition(&mut self) -> Node {
        let op = self.random.pick(&["=", "<>", "<", ">", "<=", ">=", "<=>"]);
        match self.random.below(7) {
            0 => self.digits(1),
            1 => Node::new(
                "(@ IN (@, @))",
                vec![self.digits(0), self.digits(0), self.digits(0)],
            ),
            2 => Node::new(
                "(@ BETWEEN @ AND @)",
                vec![self.digits(0), self.digits(0), self.digits(0)],
            ),
            3 => {
                let other = self
                    .random
                    .pick(&["1.5", "2e3", "1e30", "'7'", "7.0", "'x'"]);
                Node::new(&format!("(@ {op} {other})"), vec![self.digits(0)])
            }
            _ => Node::new(&format!("(@ {op} @)"), vec![self.digits(1), self.digits(0)]),
        }
    }

    fn digits_value(&mut self) -> Node {
        match self.random.below(4) {
            0 => Node::leaf(self.random.pick(&[
                "NULL",
                "'12345678901234567890.125'",
                "'x'",
                "'1.5x'",
                "1e25",
                "2.5e0",
                "99999999999999999999999999999999999999999999999999",
            ])),
            1 => self.digits_parameter(),
            _ => Node::leaf(self.random.pick(&DIGITS)),
        }
    }

    /// A statement over the table of DECIMALs.
    pub(super) fn decimal_statement(&mut self) -> Node {
        let id = self.random.below(20);
        match self.random.below(16) {
            0..=3 => {
                let n = self.random.pick(&["5", "18446744073709551615", "NULL"]);
                Node::new(
                    &format!("REPLACE INTO m (id, p, q, r, d, n) VALUES ({id}, @, @, @, 1.5, {n})"),
                    vec![
                        Node::leaf(self.random.pick(&DIGITS)),
                        Node::leaf(self.random.pick(&DIGITS)),
                        Node::leaf(self.random.pick(&DIGITS)),
                    ],
                )
            }
            4 => {
                let column = self.random.pick(&["p", "q", "r", "d", "n"]);
                Node::new(
                    &format!("INSERT INTO m (id, {column}) VALUES ({id}, @)"),
                    vec![self.digits_value()],
                )
            }
            5 => {
                // The order in which the rows of a unique column are changed is up to the database.
                let column = self.random.pick(&["p", "q", "d", "n"]);
                Node::new(
                    &format!("UPDATE m SET {column} = @ WHERE @"),
                    vec![self.digits(1), self.digits_condition()],
                )
            }
            6 => Node::new(
                "DELETE FROM m WHERE @ AND id > 4",
                vec![self.digits_condition()],
            ),
            7 => Node::new(
                "SELECT MIN(@), MAX(@), COUNT(DISTINCT r) FROM m",
                vec![self.digits(1), self.digits(1)],
            ),
            8 => Node::new(
                "SELECT SUM(@), AVG(@) FROM m",
                vec![self.digits(1), self.digits(0)],
            ),
            9 => Node::new(
                "SELECT COUNT(*), SUM(r) FROM m GROUP BY @",
                vec![self.digits(1)],
            ),
            10 => Node::new("SELECT id FROM m ORDER BY @, id", vec![self.digits(1)]),
            11 => Node::new(
                "SELECT x FROM (SELECT @ AS x FROM m UNION SELECT @ FROM m) AS q",
                vec![self.digits(0), self.digits(0)],
            ),
            12 => Node::leaf("SELECT * FROM m WHERE n IS NULL ORDER BY id"),
            13 => Node::new("SELECT DISTINCT @ FROM m", vec![self.digits(1)]),
            _ => Node::new(
                "SELECT id, @, CONCAT(@, '') FROM m WHERE @ ORDER BY id",
                vec![self.digits(2), self.digits(1), self.digits_condition()],
            ),
        }
    }
}
