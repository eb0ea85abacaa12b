//! The text of a statement on its way to MySQL: its parameters, and what it does.

use crate::engine::{EngineError, EngineResult};

/// A statement with `?` for its parameters, and what it does.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct PositionalText {
    pub(crate) sql: String,
    /// The parameters' names, in order of position.
    pub(crate) names: Vec<String>,
    /// The byte offset of each `?`.
    pub(crate) places: Vec<usize>,
    pub(crate) verb: Verb,
}

/// The kind of statement, as far as its result depends on it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum Verb {
    Insert,
    /// `INSERT … ON DUPLICATE KEY UPDATE`.
    Upsert,
    Replace,
    Update,
    #[default]
    Other,
}

/// Turns `:name` into `?`, except in strings, quoted names and comments. A second statement is refused, as the service
/// does, and so is `?`: it would have no value.
pub(crate) fn positional(sql: &str) -> EngineResult<PositionalText> {
    let mut ended = false;
    let mut out = String::with_capacity(sql.len());
    let (mut names, mut places) = (Vec::new(), Vec::new());
    let mut words = Words::default();
    for piece in pieces(sql) {
        match piece {
            Piece::Comment(text) | Piece::Space(text) => {
                out.push_str(text);
                continue;
            }
            Piece::Mark(";") => ended = true,
            _ if ended => return Err(EngineError::SeveralStatements),
            Piece::Mark("?") => return Err(EngineError::MissingParameter("?".into())),
            Piece::Word(word) => words.read(word),
            _ => {}
        }
        match piece {
            Piece::Parameter(name) => {
                places.push(out.len());
                out.push('?');
                names.push(name.to_owned());
            }
            Piece::Quoted(text) | Piece::Word(text) | Piece::Mark(text) => out.push_str(text),
            Piece::Comment(_) | Piece::Space(_) => {}
        }
    }
    if words.load && words.local {
        return Err(load_data_local());
    }
    Ok(PositionalText {
        sql: out,
        names,
        places,
        verb: words.verb,
    })
}

/// The error for LOAD DATA LOCAL: the file would be on the client, and the service has none.
pub(crate) fn load_data_local() -> EngineError {
    EngineError::database(
        3948,
        "42000",
        "Loading local data is disabled; this must be enabled on both the client and server sides",
    )
}

/// The facts gathered from the words of a statement.
#[derive(Default)]
struct Words {
    begun: bool,
    verb: Verb,
    load: bool,
    local: bool,
    duplicate: bool,
}

impl Words {
    fn read(&mut self, word: &str) {
        let is = |other: &str| word.eq_ignore_ascii_case(other);
        if !self.begun {
            self.begun = true;
            self.load = is("LOAD");
            self.verb = match () {
                () if is("INSERT") => Verb::Insert,
                () if is("REPLACE") => Verb::Replace,
                () if is("UPDATE") => Verb::Update,
                () => Verb::Other,
            };
        }
        self.local |= self.load && is("LOCAL");
        if self.verb == Verb::Insert && self.duplicate && is("KEY") {
            self.verb = Verb::Upsert;
        }
        self.duplicate = is("DUPLICATE");
    }
}

/// A piece of a statement's text.
#[derive(Debug, Clone, Copy)]
enum Piece<'a> {
    Comment(&'a str),
    Space(&'a str),
    /// A string or a quoted name, with its quotes.
    Quoted(&'a str),
    /// The name of a parameter, without its colon.
    Parameter(&'a str),
    Word(&'a str),
    /// Any other single character.
    Mark(&'a str),
}

fn pieces<'a>(mut rest: &'a str) -> impl Iterator<Item = Piece<'a>> {
    std::iter::from_fn(move || {
        let letter = rest.chars().next()?;
        let (length, piece): (usize, fn(&'a str) -> Piece<'a>) = match letter {
            '\'' | '"' | '`' => (quoted_length(rest, letter), Piece::Quoted),
            '#' => (line_length(rest), Piece::Comment),
            '-' if is_comment(rest) => (line_length(rest), Piece::Comment),
            '/' if rest.starts_with("/*") => {
                let end = rest[2..].find("*/");
                (end.map_or(rest.len(), |end| 2 + end + 2), Piece::Comment)
            }
            ':' if word_length(&rest[1..]) > 0 => (1 + word_length(&rest[1..]), |text| {
                Piece::Parameter(&text[1..])
            }),
            letter if letter.is_whitespace() => (letter.len_utf8(), Piece::Space),
            _ => match word_length(rest) {
                0 => (letter.len_utf8(), Piece::Mark),
                length => (length, Piece::Word),
            },
        };
        let (text, after) = rest.split_at(length);
        rest = after;
        Some(piece(text))
    })
}

fn word_length(text: &str) -> usize {
    text.find(|letter: char| !letter.is_alphanumeric() && letter != '_')
        .unwrap_or(text.len())
}

fn line_length(text: &str) -> usize {
    text.find('\n').unwrap_or(text.len())
}

fn is_comment(rest: &str) -> bool {
    rest.strip_prefix("--")
        .is_some_and(|after| after.chars().next().is_none_or(char::is_whitespace))
}

fn quoted_length(text: &str, quote: char) -> usize {
    let mut escaped = false;
    for (index, letter) in text.char_indices().skip(1) {
        if escaped {
            escaped = false;
        } else if letter == '\\' && quote != '`' {
            escaped = true;
        } else if letter == quote {
            // A doubled quote reads as the end of one string and the start of the next, which has the same effect.
            return index + 1;
        }
    }
    text.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_become_question_marks_outside_strings_and_comments() {
        let sql = "SELECT ':a', \":b\", `:c`, 'it''s :d', 'x\\':e' /* :f */ -- :g\n, :h #:i\nFROM t WHERE a = :h AND b=:j1";
        let positional = positional(sql).unwrap();
        assert_eq!(positional.names, ["h", "h", "j1"]);
        assert_eq!(positional.sql, sql.replace(":h", "?").replace(":j1", "?"));
    }

    #[test]
    fn a_second_statement_is_refused() {
        assert!(positional("SELECT ';' ; -- done\n /* ; */ ").is_ok());
        assert_eq!(
            positional("SELECT 1; SELECT 2"),
            Err(EngineError::SeveralStatements)
        );
    }

    #[test]
    fn a_comment_does_not_end_with_the_star_that_begins_it() {
        let positional = positional("SELECT /*/ :a */ :b, 1 /*:c").unwrap();
        assert_eq!(
            (positional.sql.as_str(), positional.names),
            ("SELECT /*/ :a */ ?, 1 /*:c", vec!["b".to_owned()])
        );
    }

    #[test]
    fn a_minus_sign_is_no_comment() {
        assert_eq!(positional("SELECT 1--:a").unwrap().names, ["a"]);
        assert_eq!(
            positional("SELECT 1 := 2").unwrap().names,
            Vec::<String>::new()
        );
    }

    #[test]
    fn a_positional_parameter_has_no_value() {
        assert_eq!(
            positional("SELECT ?"),
            Err(EngineError::MissingParameter("?".into()))
        );
        assert!(positional("SELECT '?' /* ? */").is_ok());
    }

    #[test]
    fn a_statement_is_known_by_its_words() {
        for (sql, verb) in [
            (
                " /* UPDATE */ insert into t values ('on duplicate key update')",
                Verb::Insert,
            ),
            (
                "INSERT INTO t (n) VALUES (:n)\nON DUPLICATE KEY UPDATE n = 1",
                Verb::Upsert,
            ),
            ("REPLACE INTO t VALUES (1)", Verb::Replace),
            ("UPDATE t SET n = REPLACE(n, 'a', 'b')", Verb::Update),
            ("SELECT `insert` FROM t", Verb::Other),
        ] {
            assert_eq!(positional(sql).unwrap().verb, verb, "{sql}");
        }
    }

    #[test]
    fn files_of_the_client_are_not_loaded() {
        let refused = Err(load_data_local());
        assert_eq!(
            positional("load data /**/ local infile 'f' into table t"),
            refused
        );
        assert!(positional("SELECT load FROM local").is_ok());
    }
}
