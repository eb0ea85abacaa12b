//! The labels of a query's columns.

use sqlparser::{keywords::Keyword, tokenizer::Token};

use crate::engine::sqlite::syntax::tokens;

/// The texts of the columns of a statement's first SELECT, as they were written: MySQL's labels where there are no others.
pub(crate) fn labels(sql: &str) -> Option<Vec<String>> {
    let tokens = tokens(sql).ok()?;
    let is = |token: &Token, keyword| matches!(token, Token::Word(word) if word.keyword == keyword && word.quote_style.is_none());
    let lines: Vec<usize> = std::iter::once(0)
        .chain(sql.match_indices('\n').map(|(place, _)| place + 1))
        .collect();
    let place = |line: u64, column: u64| -> Option<usize> {
        let start = *lines.get(usize::try_from(line).ok()?.checked_sub(1)?)?;
        let before = usize::try_from(column).ok()?.checked_sub(1)?;
        let (offset, _) = sql[start..]
            .char_indices()
            .nth(before)
            .unwrap_or((sql.len() - start, ' '));
        Some(start + offset)
    };
    // A parameter is a question mark: MySQL has no names for them.
    let mut parameters: Vec<(usize, usize)> = Vec::new();
    for pair in tokens.windows(2) {
        if pair[0].token == Token::Colon
            && matches!(pair[1].token, Token::Word(_) | Token::Number(..))
            && pair[0].span.end == pair[1].span.start
        {
            let (start, end) = (pair[0].span.start, pair[1].span.end);
            parameters.push((
                place(start.line, start.column)?,
                place(end.line, end.column)?,
            ));
        }
    }
    let written = |start: usize, end: usize| -> Option<String> {
        let mut label = String::new();
        let mut from = start;
        for (parameter, after) in parameters
            .iter()
            .filter(|found| (start..end).contains(&found.0))
        {
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
    for token in &tokens {
        match &token.token {
            Token::LParen => depth += 1,
            Token::RParen => depth = depth.saturating_sub(1),
            _ => {}
        }
        if !selecting {
            selecting = depth == 0 && is(&token.token, Keyword::SELECT);
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
                .into_iter()
                .any(|keyword| is(&token.token, keyword)));
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
        let start = place(token.span.start.line, token.span.start.column)?;
        let end = place(token.span.end.line, token.span.end.column)?;
        item = Some((item.map_or(start, |item| item.0), end));
    }
    // The text may end with the last of them.
    let (start, end) = item?;
    items.push(written(start, end)?);
    Some(items)
}

/// Whether a word stands between SELECT and its columns.
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
