//! The rows of an INSERT: in which columns some give a value and others leave it to MySQL.

use sqlparser::{
    dialect::MySqlDialect,
    tokenizer::{Token, Tokenizer},
};

/// An INSERT of several rows that do not all give values for the same columns.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct MixedRows {
    /// The table, preceded by its database if that is named.
    pub(crate) table: Vec<String>,
    /// The columns, if they are named.
    columns: Vec<String>,
    /// The positions, from 0, that some rows leave to MySQL.
    places: Vec<usize>,
}

impl MixedRows {
    /// Parses a statement; `left[n]` says whether `?` number n leaves the value to MySQL, as NULL and 0 do in an
    /// AUTO_INCREMENT column. `None` if each column is given in all rows or in none, and for any other statement.
    pub(crate) fn read(sql: &str, left: &[bool]) -> Option<Self> {
        let tokens = Tokenizer::new(&MySqlDialect {}, sql).tokenize().ok()?;
        let mut tokens = tokens
            .iter()
            .filter(|token| !matches!(token, Token::Whitespace(_)))
            .peekable();
        let (mut table, mut columns) = (Vec::new(), Vec::new());
        let mut in_columns = false;
        loop {
            match tokens.next()? {
                Token::Word(word) if word.quote_style.is_some() || in_columns => {
                    let names = if in_columns { &mut columns } else { &mut table };
                    names.push(word.value.clone());
                }
                Token::Word(word) => match word.value.to_ascii_uppercase().as_str() {
                    "VALUES" | "VALUE" => break,
                    "INSERT" | "REPLACE" | "INTO" | "IGNORE" | "LOW_PRIORITY" | "DELAYED"
                    | "HIGH_PRIORITY" => {}
                    _ => table.push(word.value.clone()),
                },
                Token::LParen => in_columns = true,
                Token::RParen => in_columns = false,
                Token::Comma | Token::Period => {}
                _ => return None,
            }
        }
        let mut left = left.iter();
        let mut rows: Vec<Vec<bool>> = Vec::new();
        while let Some(token) = tokens.next() {
            match token {
                Token::LParen => rows.push(row(&mut tokens, &mut left)?),
                Token::Comma => {}
                // ON DUPLICATE KEY UPDATE, AS or the end.
                _ => break,
            }
        }
        let (first, others) = rows.split_first()?;
        let places: Vec<usize> = (0..first.len())
            .filter(|place| {
                others
                    .iter()
                    .any(|row| row.get(*place) != first.get(*place))
            })
            .collect();
        (!places.is_empty()).then_some(Self {
            table,
            columns,
            places,
        })
    }

    /// Whether some rows give a value for this column, the table's `ordinal`th from 1, and others do not.
    pub(crate) fn has(&self, name: &str, ordinal: usize) -> bool {
        let place = if self.columns.is_empty() {
            ordinal.checked_sub(1)
        } else {
            let mut columns = self.columns.iter();
            columns.position(|column| column.eq_ignore_ascii_case(name))
        };
        place.is_some_and(|place| self.places.contains(&place))
    }
}

/// For each value of a row, up to its closing parenthesis, whether it is left to MySQL.
fn row<'t>(
    tokens: &mut impl Iterator<Item = &'t Token>,
    left: &mut std::slice::Iter<'_, bool>,
) -> Option<Vec<bool>> {
    let (mut values, mut depth, mut length, mut is_left) = (Vec::new(), 0_usize, 0_usize, false);
    loop {
        let token = tokens.next()?;
        match token {
            Token::RParen if depth == 0 => {
                if length > 0 {
                    values.push(length == 1 && is_left);
                }
                return Some(values);
            }
            Token::Comma if depth == 0 => {
                values.push(length == 1 && is_left);
                length = 0;
                continue;
            }
            Token::LParen => depth += 1,
            Token::RParen => depth -= 1,
            _ => {}
        }
        length += 1;
        is_left = match token {
            Token::Placeholder(_) => *left.next()?,
            Token::Word(word) => {
                let word = word.value.as_str();
                word.eq_ignore_ascii_case("NULL") || word.eq_ignore_ascii_case("DEFAULT")
            }
            Token::Number(number, _) => number == "0",
            _ => false,
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mixed(sql: &str, left: &[bool], name: &str, ordinal: usize) -> bool {
        MixedRows::read(sql, left).is_some_and(|rows| rows.has(name, ordinal))
    }

    #[test]
    fn a_column_that_some_rows_leave_to_mysql_is_told_by_name_or_place() {
        let sql = "INSERT INTO `d`.`t` (`n`, id) VALUES ('a', 10), ('b', NULL)";
        assert!(mixed(sql, &[], "ID", 7) && !mixed(sql, &[], "n", 1));
        assert_eq!(MixedRows::read(sql, &[]).unwrap().table, ["d", "t"]);
        let sql = "insert ignore t values (?, f(1, (2))), (DEFAULT, ?), (0, 'NULL') on duplicate key update n = 1";
        assert!(mixed(sql, &[false, false], "id", 1) && !mixed(sql, &[false, false], "n", 2));
        assert!(!mixed(sql, &[true, false], "id", 1) && mixed(sql, &[true, true], "n", 2));
    }

    #[test]
    fn rows_that_give_the_same_columns_and_other_statements_are_not_mixed() {
        for sql in [
            "INSERT INTO t VALUES (NULL, 1), (NULL, 2)",
            "INSERT INTO t (id) VALUES (1), (2), (-3)",
            "INSERT INTO t () VALUES (), ()",
            "INSERT INTO t SELECT * FROM u",
            "INSERT INTO t SET id = 1",
            "INSERT INTO t VALUES (1",
            "UPDATE t SET id = NULL",
            "",
        ] {
            assert_eq!(MixedRows::read(sql, &[]), None, "{sql}");
        }
    }
}
