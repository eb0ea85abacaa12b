//! The words that MySQL statements begin with.

use sqlparser::{
    keywords::Keyword,
    tokenizer::{Location, Token, TokenWithSpan},
};

use crate::engine::sqlite::syntax::keyword;

/// The first words, each with those of which one must follow; any may if there are none.
const BEGINNINGS: [(&str, &[&str]); 60] = [
    (
        "ALTER",
        &[
            "ALGORITHM",
            "DATABASE",
            "DEFINER",
            "EVENT",
            "FUNCTION",
            "INSTANCE",
            "LOGFILE",
            "PROCEDURE",
            "RESOURCE",
            "SCHEMA",
            "SERVER",
            "SQL",
            "TABLE",
            "TABLESPACE",
            "UNDO",
            "USER",
            "VIEW",
        ],
    ),
    ("ANALYZE", &[]),
    ("BEGIN", &["WORK"]),
    ("BINLOG", &[]),
    ("CACHE", &["INDEX"]),
    ("CALL", &[]),
    ("CHANGE", &[]),
    ("CHECK", &[]),
    ("CHECKSUM", &[]),
    ("CLONE", &[]),
    ("COMMIT", &["AND", "NO", "RELEASE", "WORK"]),
    (
        "CREATE",
        &[
            "AGGREGATE",
            "ALGORITHM",
            "DATABASE",
            "DEFINER",
            "EVENT",
            "FULLTEXT",
            "FUNCTION",
            "INDEX",
            "LOGFILE",
            "OR",
            "PROCEDURE",
            "RESOURCE",
            "ROLE",
            "SCHEMA",
            "SERVER",
            "SPATIAL",
            "SQL",
            "TABLE",
            "TABLESPACE",
            "TEMPORARY",
            "TRIGGER",
            "UNDO",
            "UNIQUE",
            "USER",
            "VIEW",
        ],
    ),
    ("DEALLOCATE", &["PREPARE"]),
    ("DELETE", &[]),
    ("DESC", &[]),
    ("DESCRIBE", &[]),
    ("DO", &[]),
    (
        "DROP",
        &[
            "DATABASE",
            "EVENT",
            "FUNCTION",
            "INDEX",
            "LOGFILE",
            "PREPARE",
            "PROCEDURE",
            "RESOURCE",
            "ROLE",
            "SCHEMA",
            "SERVER",
            "SPATIAL",
            "TABLE",
            "TABLES",
            "TABLESPACE",
            "TEMPORARY",
            "TRIGGER",
            "UNDO",
            "USER",
            "VIEW",
        ],
    ),
    ("EXECUTE", &[]),
    ("EXPLAIN", &[]),
    ("FLUSH", &[]),
    ("GET", &[]),
    ("GRANT", &[]),
    ("HANDLER", &[]),
    ("HELP", &[]),
    ("IMPORT", &["TABLE"]),
    ("INSERT", &[]),
    ("INSTALL", &["COMPONENT", "PLUGIN"]),
    ("KILL", &[]),
    ("LOAD", &["DATA", "INDEX", "XML"]),
    ("LOCK", &["INSTANCE", "TABLE", "TABLES"]),
    ("OPTIMIZE", &[]),
    ("PREPARE", &[]),
    ("PURGE", &[]),
    ("RELEASE", &["SAVEPOINT"]),
    ("RENAME", &["TABLE", "TABLES", "USER"]),
    ("REPAIR", &[]),
    ("REPLACE", &[]),
    ("RESET", &[]),
    ("RESIGNAL", &[]),
    ("RESTART", &[]),
    ("REVOKE", &[]),
    ("ROLLBACK", &["AND", "NO", "RELEASE", "TO", "WORK"]),
    ("SAVEPOINT", &[]),
    ("SELECT", &[]),
    ("SET", &[]),
    (
        "SHOW",
        &[
            "BINARY",
            "BINLOG",
            "CHARACTER",
            "CHARSET",
            "COLLATION",
            "COLUMNS",
            "COUNT",
            "CREATE",
            "DATABASES",
            "ENGINE",
            "ENGINES",
            "ERRORS",
            "EVENTS",
            "EXTENDED",
            "FIELDS",
            "FULL",
            "FUNCTION",
            "GLOBAL",
            "GRANTS",
            "INDEX",
            "INDEXES",
            "KEYS",
            "LOCAL",
            "MASTER",
            "OPEN",
            "PARSE_TREE",
            "PLUGINS",
            "PRIVILEGES",
            "PROCEDURE",
            "PROCESSLIST",
            "PROFILE",
            "PROFILES",
            "RELAYLOG",
            "REPLICA",
            "REPLICAS",
            "SCHEMAS",
            "SESSION",
            "SLAVE",
            "STATUS",
            "STORAGE",
            "TABLE",
            "TABLES",
            "TRIGGERS",
            "VARIABLES",
            "WARNINGS",
        ],
    ),
    ("SHUTDOWN", &[]),
    ("SIGNAL", &[]),
    (
        "START",
        &["GROUP_REPLICATION", "REPLICA", "SLAVE", "TRANSACTION"],
    ),
    ("STOP", &["GROUP_REPLICATION", "REPLICA", "SLAVE"]),
    ("TABLE", &[]),
    ("TRUNCATE", &[]),
    ("UNINSTALL", &["COMPONENT", "PLUGIN"]),
    ("UNLOCK", &["INSTANCE", "TABLE", "TABLES"]),
    ("UPDATE", &[]),
    ("USE", &[]),
    ("VALUES", &[]),
    ("WITH", &[]),
    ("XA", &[]),
];

/// Where words belong to no MySQL statement, although the parser accepts them.
pub(super) fn foreign(tokens: &[TokenWithSpan]) -> Option<Location> {
    let tokens: Vec<&TokenWithSpan> = tokens
        .iter()
        .filter(|token| !matches!(token.token, Token::Whitespace(_)))
        .collect();
    beginning(&tokens).or_else(|| {
        let defines = [Keyword::ALTER, Keyword::CREATE].contains(&keyword(&tokens.first()?.token));
        let within = tokens.windows(3).find(|words| {
            let [before, word, after] = words else {
                return false;
            };
            match (keyword(&word.token), keyword(&after.token)) {
                // The parser takes it for IS NOT NULL.
                (Keyword::NOT, Keyword::NULL) => !defines && is_value(&before.token),
                // The parser drops it.
                (Keyword::AUTOINCREMENT, _) => defines && is_type(keyword(&before.token)),
                (Keyword::IF, Keyword::NOT | Keyword::EXISTS) => {
                    keyword(&tokens[0].token) == Keyword::ALTER
                        && keyword(&tokens[1].token) == Keyword::TABLE
                }
                _ => false,
            }
        });
        within.map(|words| words[1].span.start)
    })
}

fn is_value(token: &Token) -> bool {
    match token {
        Token::RParen | Token::Number(..) | Token::SingleQuotedString(_) => true,
        Token::Word(word) => word.keyword == Keyword::NoKeyword,
        _ => false,
    }
}

/// Whether a column type may end with this word, or the word may follow a type.
fn is_type(word: Keyword) -> bool {
    matches!(
        word,
        Keyword::BIGINT
            | Keyword::INT
            | Keyword::INTEGER
            | Keyword::SMALLINT
            | Keyword::TINYINT
            | Keyword::UNSIGNED
            | Keyword::KEY
            | Keyword::NULL
            | Keyword::UNIQUE
    )
}

/// Where the first words do not begin a MySQL statement.
fn beginning(tokens: &[&TokenWithSpan]) -> Option<Location> {
    let mut words = tokens.iter();
    let first = words.next()?;
    let Token::Word(word) = &first.token else {
        // Empty, in parentheses, or not a statement, which the parser reports.
        return None;
    };
    let is = |word: &str, other: &str| word.eq_ignore_ascii_case(other);
    let beginning = BEGINNINGS.iter().find(|known| is(&word.value, known.0));
    let Some((_, seconds)) = beginning.filter(|_| word.quote_style.is_none()) else {
        return Some(first.span.start);
    };
    let second = words.next()?;
    match &second.token {
        Token::Word(word) if !seconds.is_empty() => {
            let known = seconds.iter().any(|known| is(&word.value, known));
            (!known || word.quote_style.is_some()).then_some(second.span.start)
        }
        _ => None,
    }
}
