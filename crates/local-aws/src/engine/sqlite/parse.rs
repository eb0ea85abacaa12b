//! From SQL text to a syntax tree.

use sqlparser::{
    ast::{Expr, Statement},
    dialect::MySqlDialect,
    keywords::Keyword,
    parser::Parser,
    tokenizer::{Location, Token, TokenWithSpan, Word},
};

use crate::engine::{
    EngineError, EngineResult,
    mysql::text::load_data_local,
    sqlite::{
        dialects,
        syntax::{is_word, keyword, near, syntax_error, tokens, too_deep},
    },
};

/// The most operators in one statement. A chain of them is a tree as deep as the chain is long, and SQLite refuses one
/// deeper than 1,000; this limit keeps the walk over the tree within a thread's stack.
const MAX_OPERATORS: usize = 4_000;
/// How deep parentheses, subqueries and CASEs may be nested.
const MAX_NESTING: usize = 40;
/// How deep the parser may recurse; each of these levels takes several steps.
const MAX_RECURSION: usize = 100;
/// How many parentheses may open in a row.
const MAX_PARENTHESES: usize = 12;

/// Parses exactly one statement; a semicolon at its end is fine.
pub(crate) fn parse(sql: &str) -> EngineResult<Statement> {
    let mut tokens = tokens(sql)?;
    if loads_local_data(&tokens) {
        return Err(load_data_local());
    }
    nesting(&tokens)?;
    dialects::check_words(sql, &tokens)?;
    let mut after_value = false;
    let mut before = Keyword::NoKeyword;
    for token in &mut tokens {
        // The parser binds these as in other databases, or not at all.
        let replaced = match &token.token {
            Token::Whitespace(_) => continue,
            Token::StringConcat => Some(Token::make_keyword("OR")),
            Token::Overlap => Some(Token::make_keyword("AND")),
            word if after_value && is_word(word, "MOD") => Some(Token::Mod),
            Token::DoubleEq | Token::DoubleColon | Token::LBracket => {
                return Err(near(sql, token.span.start));
            }
            Token::DoubleExclamationMark => return Err(EngineError::unsupported("!!")),
            Token::Word(word) if word.quote_style.is_none() => {
                check_word_after(before, word, sql, token.span.start)?;
                None
            }
            _ => None,
        };
        before = keyword(&token.token);
        token.token = replaced.unwrap_or_else(|| token.token.clone());
        after_value = match &token.token {
            Token::RParen | Token::Number(..) | Token::SingleQuotedString(_) => true,
            Token::Word(word) => word.quote_style.is_some() || word.keyword == Keyword::NoKeyword,
            _ => false,
        };
    }
    if tokens
        .iter()
        .filter(|token| is_operator(&token.token))
        .count()
        > MAX_OPERATORS
    {
        return Err(EngineError::database(
            1436,
            "HY000",
            "Thread stack overrun: the statement has too many operators",
        ));
    }
    let statements = Parser::new(&MySqlDialect {})
        .with_recursion_limit(MAX_RECURSION)
        .with_tokens_with_locations(tokens)
        .parse_statements()
        .map_err(|error| syntax_error(sql, &error))?;
    let mut statements = statements.into_iter();
    match (statements.next(), statements.next()) {
        (Some(statement), None) => {
            dialects::check(sql, &statement)?;
            Ok(statement)
        }
        (Some(_), Some(_)) => Err(EngineError::SeveralStatements),
        (None, _) => Err(EngineError::database(1065, "42000", "Query was empty")),
    }
}

/// Refuses words that, after certain others, the parser reads as another database would, or as names.
fn check_word_after(before: Keyword, word: &Word, sql: &str, at: Location) -> EngineResult<()> {
    match (before, word.keyword) {
        (Keyword::LIMIT, Keyword::ALL) | (Keyword::INSERT, Keyword::OR) => Err(near(sql, at)),
        (Keyword::UPDATE | Keyword::DELETE, Keyword::IGNORE | Keyword::LOW_PRIORITY) => {
            Err(EngineError::unsupported(&format!("{before:?} with {word}")))
        }
        _ => Ok(()),
    }
}

/// Parses an expression.
pub(crate) fn condition(text: &str) -> EngineResult<Expr> {
    Parser::new(&MySqlDialect {})
        .with_recursion_limit(MAX_RECURSION)
        .with_tokens_with_locations(tokens(text)?)
        .parse_expr()
        .map_err(|error| syntax_error(text, &error))
}

/// Checks the nesting before anything is parsed: the parser tries some parentheses twice, and so each pair within them
/// four times.
fn nesting(tokens: &[TokenWithSpan]) -> EngineResult<()> {
    let (mut depth, mut run) = (0_usize, 0);
    for token in tokens {
        match &token.token {
            Token::Whitespace(_) => continue,
            Token::LParen => {
                depth += 1;
                run += 1;
            }
            Token::RParen => depth = depth.saturating_sub(1),
            Token::Word(word) if word.keyword == Keyword::CASE => depth += 1,
            Token::Word(word) if word.keyword == Keyword::END => depth = depth.saturating_sub(1),
            _ => {}
        }
        if token.token != Token::LParen {
            run = 0;
        }
        if depth > MAX_NESTING || run > MAX_PARENTHESES {
            return Err(too_deep());
        }
    }
    Ok(())
}

fn loads_local_data(tokens: &[TokenWithSpan]) -> bool {
    let mut words = tokens.iter().filter_map(|token| match &token.token {
        Token::Word(word) if word.quote_style.is_none() => Some(word.keyword),
        _ => None,
    });
    words.next() == Some(Keyword::LOAD) && words.any(|word| word == Keyword::LOCAL)
}

fn is_operator(token: &Token) -> bool {
    match token {
        Token::Word(word) => matches!(
            word.keyword,
            Keyword::AND
                | Keyword::OR
                | Keyword::XOR
                | Keyword::NOT
                | Keyword::UNION
                | Keyword::EXCEPT
                | Keyword::INTERSECT
                | Keyword::COLLATE
                | Keyword::BETWEEN
                | Keyword::LIKE
                | Keyword::IS
                | Keyword::IN
                | Keyword::DIV
        ),
        Token::Comma
        | Token::LParen
        | Token::RParen
        | Token::Colon
        | Token::Number(..)
        | Token::SingleQuotedString(_)
        | Token::DoubleQuotedString(_)
        | Token::Whitespace(_)
        | Token::Period
        | Token::SemiColon
        | Token::EOF => false,
        _ => true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_statement_is_parsed_and_two_are_not() {
        assert!(parse("SELECT 1;").is_ok());
        assert_eq!(
            parse("SELECT 1; SELECT 2"),
            Err(EngineError::SeveralStatements)
        );
        assert!(parse(" -- nothing\n").is_err());
    }

    #[test]
    fn deep_statements_are_refused_and_do_not_overflow_the_stack() {
        let chain = |count: usize| format!("SELECT 1{}", " + 1".repeat(count));
        assert!(
            parse(&chain(MAX_OPERATORS)).is_ok_and(|tree| tree.to_string().len() > MAX_OPERATORS)
        );
        assert!(parse(&chain(MAX_OPERATORS + 1)).is_err());
        assert!(
            parse(&format!(
                "SELECT {}1{}",
                "(".repeat(20_000),
                ")".repeat(20_000)
            ))
            .is_err()
        );
    }

    /// What may be nested: the text before and after the inner expression, or the inner table.
    const EXPRESSIONS: [(&str, &str); 18] = [
        ("(", ")"),
        ("f(", ")"),
        ("IF(", ", 1, 2)"),
        ("NOT ", ""),
        ("- ", ""),
        ("!", ""),
        ("1 + (", ")"),
        ("a IN (", ")"),
        ("(1, ", ")"),
        ("EXISTS (SELECT ", ")"),
        ("(SELECT ", ")"),
        ("(SELECT 1 FROM (SELECT ", ") t)"),
        ("CASE WHEN ", " THEN 1 END"),
        ("CASE ", " WHEN 1 THEN 2 END"),
        ("CAST(", " AS SIGNED)"),
        ("a BETWEEN ", " AND 2"),
        ("INTERVAL ", " DAY"),
        ("COUNT(*) OVER (PARTITION BY ", ")"),
    ];
    const TABLES: [(&str, &str); 5] = [
        ("(", ")"),
        ("(u JOIN ", ")"),
        ("(SELECT * FROM ", ") t"),
        ("((SELECT * FROM ", ") UNION SELECT 1) t"),
        ("u, LATERAL (SELECT * FROM ", ") t"),
    ];

    /// Statements that alternate each pair of these, as deep as is allowed.
    fn nested() -> Vec<String> {
        let mut all = Vec::new();
        for (start, inner, parts) in [
            ("SELECT ", "1", &EXPRESSIONS[..]),
            ("SELECT 1 FROM ", "t", &TABLES[..]),
        ] {
            for outer in parts {
                for other in parts {
                    for depth in [MAX_PARENTHESES, MAX_NESTING] {
                        let turns: Vec<_> =
                            [outer, other].into_iter().cycle().take(depth).collect();
                        let before: String = turns.iter().map(|part| part.0).collect();
                        let after: String = turns.iter().rev().map(|part| part.1).collect();
                        all.push(format!("{start}{before}{inner}{after}"));
                        // An incomplete one makes the parser backtrack.
                        all.push(format!("{start}{before}{inner}"));
                    }
                }
            }
        }
        all
    }

    #[test]
    fn no_nesting_keeps_the_parser_for_long() {
        /// Far more than any takes, and far less than exponential cost would take.
        const LIMIT: std::time::Duration = std::time::Duration::from_secs(20);
        let (sender, parsed) = std::sync::mpsc::channel();
        std::thread::Builder::new()
            .stack_size(16 * 1024 * 1024)
            .spawn(move || {
                for sql in nested() {
                    let _ = parse(&sql);
                    sender.send(()).unwrap();
                }
            })
            .unwrap();
        for sql in nested() {
            assert!(parsed.recv_timeout(LIMIT).is_ok(), "{sql}");
        }
    }
}
