//! MySQL's errors for statements that are not parsed or not run.

use sqlparser::{
    ast::{Ident, ObjectName, Statement},
    dialect::MySqlDialect,
    keywords::Keyword,
    parser::ParserError,
    tokenizer::{Location, Token, TokenWithSpan, Tokenizer},
};

use crate::engine::{EngineError, EngineResult};

/// First words of MySQL statements that the parser does not know, or knows only in part.
const MYSQL: [&str; 40] = [
    "ALTER",
    "ANALYZE",
    "BINLOG",
    "CALL",
    "CHANGE",
    "CHECK",
    "CHECKSUM",
    "CLONE",
    "CREATE",
    "DEALLOCATE",
    "DESC",
    "DESCRIBE",
    "DO",
    "DROP",
    "EXECUTE",
    "EXPLAIN",
    "FLUSH",
    "GRANT",
    "HANDLER",
    "HELP",
    "IMPORT",
    "INSTALL",
    "KILL",
    "LOAD",
    "LOCK",
    "OPTIMIZE",
    "PREPARE",
    "PURGE",
    "RENAME",
    "REPAIR",
    "RESET",
    "RESTART",
    "REVOKE",
    "SHOW",
    "SHUTDOWN",
    "START",
    "STOP",
    "TABLE",
    "UNINSTALL",
    "UNLOCK",
];
/// How much of the text MySQL quotes in a syntax error, in characters.
const QUOTED_CHARACTERS: usize = 80;

/// The tokens of a statement.
pub(crate) fn tokens(sql: &str) -> EngineResult<Vec<TokenWithSpan>> {
    Tokenizer::new(&MySqlDialect {}, sql)
        .tokenize_with_location()
        .map_err(|error| near(sql, error.location))
}

/// The error for a statement that is not run.
pub(crate) fn not_run(statement: &Statement) -> EngineError {
    let text = statement.to_string();
    let words: Vec<&str> = text.split_whitespace().take(2).collect();
    EngineError::unsupported(&words.join(" "))
}

/// The error for a statement that nests too deeply.
pub(crate) fn too_deep() -> EngineError {
    EngineError::database(
        1436,
        "HY000",
        "Thread stack overrun: the statement is nested too deeply",
    )
}

/// The error for a text that does not parse: 1235 if it may be valid in MySQL.
pub(crate) fn syntax_error(sql: &str, error: &ParserError) -> EngineError {
    let text = match error {
        ParserError::RecursionLimitExceeded => return too_deep(),
        ParserError::TokenizerError(text) | ParserError::ParserError(text) => text,
    };
    // It is not known whether MySQL accepts it; server administration and definitions should not get 1064 by mistake.
    let first = first_word(sql);
    if MYSQL.contains(&first.to_ascii_uppercase().as_str()) {
        return EngineError::unsupported(&format!("this form of {}", first.to_ascii_uppercase()));
    }
    if let Some(word) = unparsed(sql) {
        return EngineError::unsupported(&format!("this form of a statement with {word}"));
    }
    let place = location(text).unwrap_or(Location::new(1, 1));
    if first.eq_ignore_ascii_case("UPDATE")
        && text_from(sql, place).starts_with(',')
        && !has_word_before(sql, "SET", place)
    {
        return EngineError::unsupported("UPDATE of several tables");
    }
    let inserts = ["INSERT", "REPLACE"]
        .iter()
        .any(|word| first.eq_ignore_ascii_case(word));
    if inserts && has_word_before(sql, "PARTITION", place) {
        return EngineError::unsupported("INSERT with PARTITION");
    }
    near(sql, place)
}

/// The compound units of EXTRACT and INTERVAL.
pub(crate) const UNITS: [&str; 11] = [
    "DAY_HOUR",
    "DAY_MICROSECOND",
    "DAY_MINUTE",
    "DAY_SECOND",
    "HOUR_MICROSECOND",
    "HOUR_MINUTE",
    "HOUR_SECOND",
    "MINUTE_MICROSECOND",
    "MINUTE_SECOND",
    "SECOND_MICROSECOND",
    "YEAR_MONTH",
];

/// A word that MySQL allows in forms that the parser does not know.
fn unparsed(sql: &str) -> Option<&'static str> {
    const WORDS: [&str; 13] = [
        "BOTH",
        "CHARACTER",
        "DUPLICATE",
        "INTERVAL",
        "LEADING",
        "LOCK",
        "MEMBER",
        "MOD",
        "OUTFILE",
        "SOUNDS",
        "TRAILING",
        "USING",
        "XOR",
    ];
    tokens(sql)
        .ok()?
        .iter()
        .find_map(|token| match &token.token {
            Token::ExclamationMark => Some("!"),
            Token::Word(word) if word.quote_style.is_none() => WORDS
                .into_iter()
                .chain(UNITS)
                .find(|known| word.value.eq_ignore_ascii_case(known)),
            _ => None,
        })
}

/// The first word of a statement, which may be in a MySQL-specific comment.
fn first_word(sql: &str) -> String {
    let tokens = tokens(sql).unwrap_or_default();
    let word = tokens.into_iter().find_map(|token| match token.token {
        Token::Word(word) => Some(word.value),
        _ => None,
    });
    word.unwrap_or_default()
}

/// Whether a word occurs before a position.
fn has_word_before(sql: &str, word: &str, place: Location) -> bool {
    tokens(sql).is_ok_and(|tokens| {
        tokens
            .iter()
            .any(|token| token.span.start < place && is_word(&token.token, word))
    })
}

/// The name itself, without that of the database before it.
pub(crate) fn last_ident(name: &ObjectName) -> Option<&Ident> {
    name.0.last()?.as_ident()
}

/// Whether a token is this word and not a quoted name.
pub(crate) fn is_word(token: &Token, word: &str) -> bool {
    matches!(token, Token::Word(found) if found.quote_style.is_none() && found.value.eq_ignore_ascii_case(word))
}

/// The keyword that a token is; a quoted name is none.
pub(crate) fn keyword(token: &Token) -> Keyword {
    match token {
        Token::Word(word) if word.quote_style.is_none() => word.keyword,
        _ => Keyword::NoKeyword,
    }
}

/// The parser gives the position only at the end of its message: `… at Line: 1, Column: 8`.
fn location(text: &str) -> Option<Location> {
    let (_, place) = text.rsplit_once("Line: ")?;
    let (line, column) = place.split_once(", Column: ")?;
    Some(Location::new(
        line.trim().parse().ok()?,
        column.trim().parse().ok()?,
    ))
}

/// A position in a text that only moves forward: a long statement has many tokens, and searching for each from the
/// beginning would take quadratic time.
pub(crate) struct TextCursor<'a> {
    text: &'a str,
    offset: usize,
    place: Location,
}

impl<'a> TextCursor<'a> {
    pub(crate) fn new(text: &'a str) -> Self {
        let place = Location::new(1, 1);
        Self {
            text,
            offset: 0,
            place,
        }
    }

    /// The byte offset of this line and column, which counts characters; the text's end if there is no such position.
    pub(crate) fn offset_of(&mut self, place: Location) -> usize {
        let mut rest = self.text[self.offset..].chars();
        while self.place < place
            && let Some(character) = rest.next()
        {
            if character == '\n' {
                self.place = Location::new(self.place.line + 1, 1);
            } else {
                self.place.column += 1;
            }
        }
        self.offset = self.text.len() - rest.as_str().len();
        self.offset
    }
}

/// The text from a position on, as much as MySQL quotes.
fn text_from(sql: &str, place: Location) -> String {
    let start = TextCursor::new(sql).offset_of(place);
    sql[start..].chars().take(QUOTED_CHARACTERS).collect()
}

/// The syntax error at this position.
pub(crate) fn near(sql: &str, place: Location) -> EngineError {
    let rest = text_from(sql, place);
    let line = place.line;
    EngineError::database(
        1064,
        "42000",
        format!(
            "You have an error in your SQL syntax; check the manual that corresponds to your MySQL server version \
             for the right syntax to use near '{rest}' at line {line}"
        ),
    )
}

#[cfg(test)]
mod tests {
    use crate::engine::{EngineError, sqlite::parse::parse};

    #[test]
    fn a_syntax_error_quotes_the_place() {
        let error = parse("SELECT a\nFROM t WHERE = b").unwrap_err();
        assert!(
            error.to_string().contains("near '= b' at line 2"),
            "{error}"
        );
    }

    #[test]
    fn what_mysql_has_is_not_a_syntax_error() {
        let code = |sql: &str| match parse(sql) {
            Err(EngineError::Database { code, .. }) => code,
            other => panic!("{sql}: {other:?}"),
        };
        for sql in [
            "TABLE t",
            "PREPARE s FROM 'SELECT 1'",
            "SHUTDOWN",
            "DESC t a",
            "/*!40000 ALTER TABLE t DISABLE KEYS */",
            "UPDATE t, u SET t.a = 1",
            "SELECT CAST(a AS CHAR CHARACTER SET utf8mb4)",
            "SELECT EXTRACT(YEAR_MONTH FROM a)",
        ] {
            assert_eq!(code(sql), 1235, "{sql}");
        }
        for sql in [
            "SELECT a == 1",
            "SELECT 'a'::text",
            "SELECT [a]",
            "SELECT a FROM t LIMIT ALL",
            "INSERT OR REPLACE INTO t VALUES (1)",
        ] {
            assert_eq!(code(sql), 1064, "{sql}");
        }
    }
}
