//! Expressions of each type, mostly of the type that their position requires.

use super::{
    tree::Node,
    values::{COLUMNS, WORDS},
};

/// Random numbers from a seed: xorshift, which is uniform enough.
#[derive(Debug)]
pub(super) struct Random(u64);

impl Random {
    pub(super) fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    pub(super) fn below(&mut self, end: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 >> 16).unwrap() % end
    }

    pub(super) fn pick<'a>(&mut self, from: &[&'a str]) -> &'a str {
        from[self.below(from.len())]
    }
}

/// Generates expressions endlessly.
pub(super) struct Expressions {
    pub(super) random: Random,
}

impl Expressions {
    pub(super) fn new(random: Random) -> Self {
        Self { random }
    }

    fn below(&mut self, end: usize) -> usize {
        self.random.below(end)
    }

    fn pick<'a>(&mut self, from: &[&'a str]) -> &'a str {
        self.random.pick(from)
    }

    /// Any column, or a value for one.
    fn wild(&mut self) -> Node {
        let column = self.pick(&COLUMNS);
        if self.below(3) == 0 {
            self.value(column)
        } else {
            Node::leaf(column)
        }
    }

    pub(super) fn int(&mut self, depth: usize) -> Node {
        if depth == 0 || self.below(4) == 0 {
            return match self.below(10) {
                0 | 1 => Node::leaf(self.pick(&[
                    "0",
                    "1",
                    "2",
                    "-3",
                    "7",
                    "100",
                    "2147483647",
                    "4294967295",
                    "9223372036854775807",
                ])),
                2 => self.value("b"),
                3 => self.wild(),
                _ => Node::leaf(self.pick(&["i", "u", "b", "ub", "id", "flag", "y"])),
            };
        }
        let d = depth - 1;
        match self.below(17) {
            0..=2 => Node::new("(@ + @)", vec![self.int(d), self.int(d)]),
            3 | 4 => Node::new("(@ - @)", vec![self.int(d), self.int(d)]),
            5 => Node::new("(@ * @)", vec![self.int(d), self.int(d)]),
            6 => Node::new("(@ % @)", vec![self.int(d), self.int(d)]),
            7 => Node::new("(@ DIV @)", vec![self.int(d), self.int(d)]),
            8 => Node::new("ABS(@)", vec![self.int(d)]),
            9 => Node::new(
                self.pick(&["CHAR_LENGTH(@)", "LENGTH(@)", "ASCII(@)"]),
                vec![self.text(d)],
            ),
            10 => Node::new(
                self.pick(&[
                    "IFNULL(@, @)",
                    "NULLIF(@, @)",
                    "GREATEST(@, @)",
                    "LEAST(@, @)",
                ]),
                vec![self.int(d), self.int(d)],
            ),
            11 => Node::new(
                "CASE WHEN @ THEN @ ELSE @ END",
                vec![self.condition(d), self.int(d), self.int(d)],
            ),
            12 => Node::new(
                self.pick(&[
                    "CAST(@ AS SIGNED)",
                    "CAST(@ AS UNSIGNED)",
                    "FLOOR(@)",
                    "CEILING(@)",
                    "SIGN(@)",
                ]),
                vec![self.decimal(d)],
            ),
            13 => Node::new("(-@)", vec![self.int(d)]),
            14 => Node::new(
                self.pick(&[
                    "YEAR(@)",
                    "MONTH(@)",
                    "DAY(@)",
                    "DATEDIFF(@, '2024-01-01')",
                    "HOUR(@)",
                    "MINUTE(@)",
                    "SECOND(@)",
                    "DAYOFWEEK(@)",
                    "QUARTER(@)",
                    "(JSON_LENGTH(j) * DAY(@))",
                    "(JSON_CONTAINS(j, '1') + DAYOFYEAR(@))",
                ]),
                vec![self.date(0)],
            ),
            15 => Node::new(
                self.pick(&["(@ | @)", "(@ & @)"]),
                vec![self.int(d), self.int(d)],
            ),
            _ => Node::new("(@)", vec![self.condition(d)]),
        }
    }

    pub(super) fn decimal(&mut self, depth: usize) -> Node {
        if depth == 0 || self.below(4) == 0 {
            return match self.below(10) {
                0 => self.value("d"),
                1 => self.wild(),
                _ => Node::leaf(self.pick(&["d", "d", "1.50", "0.005", "-12.345", "99999999.99"])),
            };
        }
        let e = depth - 1;
        match self.below(9) {
            0 | 1 => Node::new("(@ + @)", vec![self.decimal(e), self.int(e)]),
            2 => Node::new("(@ - @)", vec![self.decimal(e), self.decimal(e)]),
            3 => Node::new("(@ * @)", vec![self.decimal(e), self.decimal(e)]),
            4 => Node::new(
                self.pick(&["ROUND(@, 1)", "ROUND(@)", "ROUND(@, 3)"]),
                vec![self.decimal(e)],
            ),
            5 => Node::new("TRUNCATE(@, 1)", vec![self.decimal(e)]),
            6 => Node::new("CAST(@ AS DECIMAL(12, 1))", vec![self.decimal(e)]),
            7 => Node::new("(@ / @)", vec![self.decimal(e), self.int(e)]),
            _ => Node::new("COALESCE(@, @)", vec![self.decimal(e), self.int(e)]),
        }
    }

    pub(super) fn text(&mut self, depth: usize) -> Node {
        if depth == 0 || self.below(3) == 0 {
            return match self.below(10) {
                0 | 1 => Node::leaf(self.pick(&WORDS)),
                2 => self.value("s"),
                3 => self.wild(),
                4 if depth > 0 => Node::leaf("JSON_UNQUOTE(JSON_EXTRACT(j, '$.a'))"),
                _ => Node::leaf(self.pick(&["s", "c", "s", "x", "e", "st"])),
            };
        }
        let d = depth - 1;
        match self.below(14) {
            0 => Node::new("UPPER(@)", vec![self.text(d)]),
            12 => Node::new(
                self.pick(&[
                    "DATE_FORMAT(@, '%Y-%m-%d %H:%i:%s')",
                    "DATE_FORMAT(@, '%W %e %b %y %f %p')",
                    "DAYNAME(@)",
                ]),
                vec![self.date(d)],
            ),
            13 => Node::new(
                self.pick(&["FORMAT(@, 2)", "FORMAT(@, 0)"]),
                vec![self.decimal(d)],
            ),
            1 => Node::new("LOWER(@)", vec![self.text(d)]),
            2 | 3 => Node::new("CONCAT(@, @)", vec![self.text(d), self.text(d)]),
            4 => Node::new(
                self.pick(&["SUBSTRING(@, 2)", "SUBSTRING(@, -2, 1)", "RIGHT(@, 1)"]),
                vec![self.text(d)],
            ),
            5 => Node::new("LEFT(@, 2)", vec![self.text(d)]),
            6 => Node::new("REPLACE(@, 'a', 'bb')", vec![self.text(d)]),
            7 => Node::new(
                "IF(@, @, @)",
                vec![self.condition(d), self.text(d), self.text(d)],
            ),
            8 => Node::new("CAST(@ AS CHAR)", vec![self.decimal(d)]),
            9 => Node::new(
                self.pick(&["TRIM(@)", "REVERSE(@)", "HEX(@)"]),
                vec![self.text(d)],
            ),
            10 => Node::new("CONCAT_WS('-', @, @)", vec![self.text(d), self.any(d)]),
            _ => Node::new("CONCAT(@, @)", vec![self.text(d), self.any(d)]),
        }
    }

    pub(super) fn date(&mut self, depth: usize) -> Node {
        match self.below(12) {
            0 => return self.wild(),
            1 => return self.value("at"),
            2 | 3 if depth > 0 => return Node::new("DATE(@)", vec![self.date(0)]),
            4 if depth > 0 => return Node::new("CAST(@ AS DATETIME)", vec![self.date(0)]),
            _ => {}
        }
        Node::leaf(self.pick(&["day", "at", "at3", "ts"]))
    }

    /// A comparison of two values of any types.
    pub(super) fn comparison(&mut self, depth: usize) -> Node {
        let op = self.pick(&["=", "<>", "<", ">", "<=", ">=", "<=>"]);
        let sides = vec![self.any(depth), self.any(depth)];
        Node::new(&format!("(@ {op} @)"), sides)
    }

    pub(super) fn condition(&mut self, depth: usize) -> Node {
        let d = depth.saturating_sub(1);
        let op = self.pick(&["=", "<>", "<", ">", "<=", ">=", "<=>"]);
        let pair = format!("(@ {op} @)");
        if depth == 0 {
            return Node::new(&pair, vec![self.int(0), self.int(0)]);
        }
        match self.below(22) {
            0 | 1 => Node::new(&pair, vec![self.int(d), self.int(d)]),
            2 => Node::new(&pair, vec![self.decimal(d), self.int(d)]),
            3 => Node::new(&pair, vec![Node::leaf("f"), self.decimal(0)]),
            4 | 5 => {
                let column = self.pick(&["s", "c", "x"]);
                Node::new(&pair, vec![Node::leaf(column), self.text(d)])
            }
            6 => {
                let date = self.pick(&[
                    "'2024-02-29'",
                    "'2024-1-2'",
                    "'2023-12-31 23:59:59'",
                    "'2024-02-29 10:00:00.5'",
                    "'2024-02-30'",
                ]);
                Node::new(&pair, vec![self.date(0), Node::leaf(date)])
            }
            7 => Node::new(&pair, vec![self.date(d), self.date(d)]),
            8 => Node::new(
                &pair,
                vec![
                    self.int(0),
                    Node::leaf(self.pick(&["'1'", "'7'", "'3.5'", "'12abc'", "''", "'x'"])),
                ],
            ),
            9 => Node::new("(@ AND @)", vec![self.condition(d), self.condition(d)]),
            10 => Node::new("(@ OR @)", vec![self.condition(d), self.condition(d)]),
            11 => Node::new("(NOT @)", vec![self.condition(d)]),
            12 => Node::new("(@ IS NULL)", vec![self.any(d)]),
            13 => Node::new("(@ IN (@, @))", vec![self.int(d), self.int(0), self.int(0)]),
            14 => {
                let pattern = self.pick(&["'a%'", "'%B'", "'_'", "'%é%'", "'\\\\_%'"]);
                let column = self.pick(&["s", "c", "x", "e", "i", "at"]);
                Node::leaf(format!("({column} LIKE {pattern})"))
            }
            15 => Node::new(
                "(@ BETWEEN @ AND @)",
                vec![self.int(d), self.int(0), self.int(0)],
            ),
            16 => Node::new("(s IN (@, @))", vec![self.text(0), self.text(0)]),
            17 => self.comparison(d),
            18 => {
                let column = self.pick(&COLUMNS);
                let value = self.value(column);
                Node::new(&pair, vec![Node::leaf(column), value])
            }
            19 => Node::new(
                "(i IN (SELECT b.i FROM b WHERE b.s = @))",
                vec![self.text(0)],
            ),
            20 => Node::new(
                "(@ BETWEEN @ AND @)",
                vec![self.date(0), self.date(0), self.date(0)],
            ),
            _ => Node::new(
                "(EXISTS (SELECT 1 FROM b WHERE b.i = @))",
                vec![self.int(0)],
            ),
        }
    }

    pub(super) fn any(&mut self, depth: usize) -> Node {
        match self.below(9) {
            0 | 1 => self.int(depth),
            2 => self.decimal(depth),
            3 | 4 => self.text(depth),
            5 => self.date(depth),
            6 => Node::leaf(
                self.pick(&["f", "f * 2", "tm", "flag", "e", "st", "y", "j", "raw", "ub"]),
            ),
            7 => self.wild(),
            _ => self.condition(depth),
        }
    }
}
