//! Numbers that SQLite has no type for: their table, and statements over it. The service has no field for whole numbers above
//! 2⁶³−1, so that most are shown as texts.

use super::{expressions::Expressions, tree::Node};

/// The table.
pub(super) const TABLE: &str = "CREATE TABLE w (id INT NOT NULL PRIMARY KEY, n BIGINT UNSIGNED, \
     m BIGINT UNSIGNED NOT NULL DEFAULT 18446744073709551615, i BIGINT, UNIQUE KEY by_m (m), KEY by_n (n))";

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
}
