//! Values for each column: those that fit, those at its limits, and those that do not fit.

use aws_sdk_rdsdata::{
    primitives::Blob,
    types::{Field, TypeHint},
};

use super::{expressions::Expressions, tree::Node};

/// The large table's columns, without its key.
pub(super) const COLUMNS: [&str; 20] = [
    "i", "u", "b", "ub", "d", "f", "s", "c", "x", "day", "at", "at3", "ts", "tm", "y", "flag", "e",
    "st", "j", "raw",
];

pub(super) const WORDS: [&str; 16] = [
    "''", "'a'", "'A'", "'b'", "'ab'", "'Ab'", "'é'", "'E'", "'zoo'", "'12'", "'3.5'", "'x y'",
    "'a '", "'ß'", "'red'", "'Ä_b%'",
];

const MOMENTS: [&str; 12] = [
    "'2024-02-29 10:00:00'",
    "'2024-02-29'",
    "'2024-12-31 23:59:59.9996'",
    "'2024-02-30 10:00:00'",
    "'2024-02-29 10:00'",
    "'x'",
    "'2024-02-29 10:00:00.12345'",
    "'2024-01-02T03:04:05'",
    "'2024-00-01'",
    "''",
    "'2024-1-2 3:4:5'",
    "20240229",
];

impl Expressions {
    /// A value for a column.
    pub(super) fn value(&mut self, column: &str) -> Node {
        match self.random.below(12) {
            0 => return Node::leaf("NULL"),
            1 | 2 => return self.parameter(column),
            3 => {
                // A value for another column.
                let other = self.random.pick(&COLUMNS);
                return Node::leaf(self.literal(other));
            }
            _ => {}
        }
        Node::leaf(self.literal(column))
    }

    fn literal(&mut self, column: &str) -> &'static str {
        self.random.pick(match column {
            "i" => &[
                "0",
                "1",
                "-5",
                "2147483647",
                "2147483648",
                "'7'",
                "'8x'",
                "'x'",
                "1.5",
                "2.5e0",
                "''",
                "1",
                "TRUE",
                "' 9'",
            ],
            "u" => &[
                "0",
                "3",
                "4294967295",
                "-1",
                "4294967296",
                "'12'",
                "2.4",
                "-0.4",
            ],
            "b" => &[
                "0",
                "9223372036854775807",
                "-9223372036854775807",
                "12",
                "'99'",
                "1e3",
                "9223372036854775808",
                "'1e2'",
            ],
            "ub" => &[
                "0",
                // Larger ones are in a separate table: the service has no field for them.
                "9223372036854775807",
                "18446744073709551616",
                "-1",
                "5",
                "'6'",
                "1.5",
            ],
            "d" => &[
                "0",
                "1.005",
                "-2.555",
                "99999999.99",
                "99999999.995",
                "'3.14'",
                "'3.14x'",
                "'x'",
                "7",
                "0.5e0",
                "100000000",
            ],
            "f" => &[
                "0", "1.5", "-2.25e3", "'4.5'", "'x'", "'4.5x'", "3", "1e308", "0.1",
            ],
            "s" | "c" | "x" => &WORDS,
            "day" => &[
                "'2024-02-29'",
                "'2024-2-9'",
                "'2024-02-30'",
                "'2023-12-31 10:00:00'",
                "'x'",
                "''",
                "'2024-01-02T03:04:05'",
                "20240229",
                "DATE '2024-02-29'",
            ],
            "at" | "at3" | "ts" => &MOMENTS,
            "tm" => &[
                "'10:00:00'",
                "'9:05'",
                "'23:59:59.4'",
                "'x'",
                "'100:00:00'",
                "'-01:00:00'",
                "101112",
            ],
            "y" => &["2024", "1901", "2155", "2156", "0", "'2024'", "24", "'x'"],
            "flag" => &["0", "1", "TRUE", "FALSE", "5", "200"],
            "e" => &["'red'", "'GREEN'", "'blue'", "'pink'", "''", "2", "0"],
            "st" => &["'x'", "'z,x'", "'X,Y'", "'w'", "''", "'x,x'", "3"],
            "j" => &[
                "'{\"a\": 1}'",
                "'[1, 2]'",
                "'null'",
                "'\"t\"'",
                "'7'",
                "'{'",
                "''",
                "'x'",
            ],
            "raw" => &["x'00ff'", "'abc'", "x''", "'é'", "7"],
            _ => &["1"],
        })
    }

    /// A value sent as a parameter.
    fn parameter(&mut self, column: &str) -> Node {
        let text = |value: &str, hint| Node::parameter(Field::StringValue(value.into()), hint);
        match column {
            "i" | "u" | "b" | "ub" | "y" | "flag" => match self.random.below(4) {
                0 => Node::parameter(Field::BooleanValue(true), None),
                1 => text(self.random.pick(&["1", "2024", "12x", "x"]), None),
                2 => Node::parameter(Field::DoubleValue(2.5), None),
                _ => {
                    let number = [0, 1, -5, 2024, i64::MAX, 4_294_967_295][self.random.below(6)];
                    Node::parameter(Field::LongValue(number), None)
                }
            },
            "d" => {
                let hint = [Some(TypeHint::Decimal), None][self.random.below(2)].clone();
                text(
                    self.random
                        .pick(&["1.005", "-2.5", "7", "99999999.995", "12345678.90"]),
                    hint,
                )
            }
            "f" => Node::parameter(
                Field::DoubleValue([0.5, -1e10, 0.1][self.random.below(3)]),
                None,
            ),
            "day" => text(
                self.random.pick(&["2024-02-29", "2024-01-02"]),
                Some(TypeHint::Date),
            ),
            "at" | "at3" | "ts" => match self.random.below(3) {
                0 => text("2024-02-29", Some(TypeHint::Date)),
                1 => text("2024-02-29 10:00:00", None),
                _ => text(
                    self.random
                        .pick(&["2024-02-29 10:00:00", "2024-02-29 10:00:00.678"]),
                    Some(TypeHint::Timestamp),
                ),
            },
            "tm" => text(
                self.random.pick(&["10:00:00", "23:59:59.4"]),
                Some(TypeHint::Time),
            ),
            "j" => text("{\"a\": 1}", Some(TypeHint::Json)),
            "raw" => Node::parameter(Field::BlobValue(Blob::new([0, 255])), None),
            _ => match self.random.below(4) {
                0 => Node::parameter(Field::IsNull(true), None),
                1 => Node::parameter(Field::LongValue(12), None),
                _ => text(
                    self.random.pick(&["a", "É", "zoo", "x", "red", "12", ""]),
                    None,
                ),
            },
        }
    }
}
