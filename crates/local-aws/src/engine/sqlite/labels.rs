//! The labels of a query's columns.

use sqlparser::{keywords::Keyword, tokenizer::Token};

use crate::engine::sqlite::syntax::{TextCursor, keyword, tokens};

/// The texts of the columns in a statement's first SELECT, as written: MySQL uses them as labels if there are no
/// others.
pub(crate) fn labels(sql: &str) -> Option<Vec<String>> {
    let tokens = tokens(sql).ok()?;
    // A parameter is shown as a question mark: MySQL has no named ones.
    let mut parameters: Vec<(usize, usize)> = Vec::new();
    let mut cursor = TextCursor::new(sql);
    for pair in tokens.windows(2) {
        if pair[0].token == Token::Colon
            && matches!(pair[1].token, Token::Word(_) | Token::Number(..))
            && pair[0].span.end == pair[1].span.start
        {
            let (start, end) = (pair[0].span.start, pair[1].span.end);
            parameters.push((cursor.offset_of(start), cursor.offset_of(end)));
        }
    }
    let written = |start: usize, end: usize| -> Option<String> {
        let mut label = String::new();
        let mut from = start;
        let first = parameters.partition_point(|found| found.0 < start);
        for (parameter, after) in parameters[first..].iter().take_while(|found| found.0 < end) {
            label.push_str(sql.get(from..*parameter)?);
            label.push('?');
            from = *after;
        }
        label.push_str(sql.get(from..end)?);
        Some(label)
    };
    let mut depth = 0_usize;
    let mut items = Vec::new();
    let mut item: Option<(usize, usize)> = None;
    let mut selecting = false;
    let mut cursor = TextCursor::new(sql);
    for token in &tokens {
        match &token.token {
            Token::LParen => depth += 1,
            Token::RParen => depth = depth.saturating_sub(1),
            _ => {}
        }
        if !selecting {
            selecting = depth == 0 && keyword(&token.token) == Keyword::SELECT;
            continue;
        }
        if matches!(token.token, Token::Whitespace(_)) {
            continue;
        }
        let ends = depth == 0
            && (matches!(token.token, Token::Comma | Token::SemiColon | Token::EOF)
                || [
                    Keyword::FROM,
                    Keyword::UNION,
                    Keyword::LIMIT,
                    Keyword::ORDER,
                    Keyword::WHERE,
                ]
                .contains(&keyword(&token.token)));
        if ends {
            let (start, end) = item.take()?;
            items.push(written(start, end)?);
            if token.token == Token::Comma {
                continue;
            }
            return Some(items);
        }
        if item.is_none() && is_modifier(&token.token) {
            continue;
        }
        let start = cursor.offset_of(token.span.start);
        let end = cursor.offset_of(token.span.end);
        item = Some((item.map_or(start, |item| item.0), end));
    }
    // The text may end with the last column.
    let (start, end) = item?;
    items.push(written(start, end)?);
    Some(items)
}

/// Whether it is a word that can stand between SELECT and its columns.
fn is_modifier(token: &Token) -> bool {
    const WORDS: [&str; 10] = [
        "ALL",
        "DISTINCT",
        "DISTINCTROW",
        "HIGH_PRIORITY",
        "SQL_BIG_RESULT",
        "SQL_BUFFER_RESULT",
        "SQL_CALC_FOUND_ROWS",
        "SQL_NO_CACHE",
        "SQL_SMALL_RESULT",
        "STRAIGHT_JOIN",
    ];
    matches!(token, Token::Word(word)
        if word.quote_style.is_none() && WORDS.contains(&word.value.to_ascii_uppercase().as_str()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_are_found_wherever_the_lines_end() {
        let sql = "SELECT é + 1,\n  'ü' , :größe+1 , a\n+ :b\nFROM t";
        let expected = ["é + 1", "'ü'", "?+1", "a\n+ ?"];
        assert_eq!(labels(sql).unwrap(), expected);
        assert_eq!(labels("SELECT 1").unwrap(), ["1"]);
        assert_eq!(labels("INSERT INTO t VALUES (1)"), None);
    }

    /// In quadratic time, this would take minutes.
    #[test]
    fn a_long_statement_takes_time_in_proportion_to_its_length() {
        let columns: Vec<String> = (0..50_000).map(|n| format!("é+:p{n}")).collect();
        let sql = format!("SELECT {} FROM t", columns.join(", "));
        let labels = labels(&sql).unwrap();
        assert_eq!(labels.len(), columns.len());
        assert!(labels.iter().all(|label| label == "é+?"));
    }
}
