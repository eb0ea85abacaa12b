//! A service's message without the values that it quotes.
//!
//! The database's errors quote what a client sent, which does not belong in a log. Names (of a key, a column, a
//! table, a user) and error codes stay, since an operator needs them. Anything else in quotes is treated as a value:
//! an unknown message loses its end rather than exposing one. The messages are from
//! <https://dev.mysql.com/doc/mysql-errors/8.0/en/server-error-reference.html>.

/// The text before the opening quote of a name.
const NAMED: [&str; 15] = [
    "key ",
    "olumn ",
    "Field ",
    "able ",
    "View ",
    "PROCEDURE ",
    "FUNCTION ",
    "onstraint ",
    "database ",
    "schema ",
    "user ",
    "'@",
    "name ",
    "DROP ",
    "bigger than ",
];

/// The quoted names of a statement's clauses.
const CLAUSES: [&str; 6] = [
    "field list",
    "where clause",
    "on clause",
    "order clause",
    "group statement",
    "having clause",
];

/// `message` with `'…'` in place of the value that it quotes.
///
/// A value may itself contain quotes, and even words like those that follow it. It is cut from its opening quote to the
/// last closing one after which the message continues as expected, or to the end.
pub(super) fn without_values(message: &str) -> String {
    let (text, code) = message.split_at(code_begins(message));
    match value_begins(text) {
        None => message.to_owned(),
        Some(quote) => {
            let (before, value) = (&text[..quote], &text[quote + 1..]);
            format!("{before}'…'{}{code}", after_value(before, value))
        }
    }
}

/// The start of the code that the Data API appends: `; Error code: 1062; SQLState: 23000`. It ends the message, so no
/// value can be mistaken for it: a closing quote would follow.
fn code_begins(message: &str) -> usize {
    ["; SQLState: ", "; Error code: "]
        .iter()
        .fold(message.len(), |end, label| {
            match message[..end].rfind(label) {
                Some(begin) if is_word(&message[begin + label.len()..end]) => begin,
                _ => end,
            }
        })
}

/// The position of the quote that opens the first value.
fn value_begins(text: &str) -> Option<usize> {
    let mut from = 0;
    loop {
        let quote = from + text[from..].find('\'')?;
        from = if text[..quote].ends_with(char::is_alphanumeric) {
            // An apostrophe, as in "doesn't".
            quote + 1
        } else if let Some(end) = name_ends(text, quote) {
            end
        } else {
            return Some(quote);
        };
    }
}

/// The end of the name that `quote` opens, including its closing quote; `None` if it opens a value.
fn name_ends(text: &str, quote: usize) -> Option<usize> {
    let (name, rest) = text[quote + 1..].split_once('\'')?;
    let named = NAMED.iter().any(|word| text[..quote].ends_with(word)) && is_name(name);
    let closed = !rest.starts_with(char::is_alphanumeric);
    ((named || CLAUSES.contains(&name)) && closed).then(|| text.len() - rest.len())
}

/// What may follow the value at the start of `value`, given the text `before` it.
fn after_value<'a>(before: &str, value: &'a str) -> &'a str {
    let goes_on: fn(&str) -> bool = if before.ends_with("entry ") {
        |rest| quoted_name(rest, " for key '", "'")
    } else if before.ends_with("value: ") {
        |rest| names_column(rest) || rest.strip_prefix(" for function ").is_some_and(is_word)
    } else if before.ends_with(" near ") {
        |rest| rest.strip_prefix(" at line ").is_some_and(is_word)
    } else if before.ends_with("Value ") {
        // The service's own validation of a request.
        |rest| {
            rest.split_once(" failed to satisfy constraint: ")
                .is_some_and(|(field, _)| quoted_name(field, " at '", "'"))
        }
    } else {
        |_| false
    };
    value
        .rmatch_indices('\'')
        .map(|(quote, _)| &value[quote + 1..])
        .find(|rest| goes_on(rest))
        .unwrap_or_default()
}

/// Whether `rest` is ` for column 'c' at row 1`, or MariaDB's form with `` `d`.`t`.`c` ``.
fn names_column(rest: &str) -> bool {
    let Some((column, row)) = rest
        .strip_prefix(" for column ")
        .and_then(|rest| rest.split_once(" at row "))
    else {
        return false;
    };
    let backticked = column.starts_with('`') && is_name(&column.replace('`', ""));
    (backticked || quoted_name(column, "'", "'")) && is_word(row)
}

/// Whether `text` is a name between `before` and `after`.
fn quoted_name(text: &str, before: &str, after: &str) -> bool {
    text.strip_prefix(before)
        .and_then(|text| text.strip_suffix(after))
        .is_some_and(is_name)
}

/// Whether `text` can be the name of a database object, with its qualifiers, or a user's host.
fn is_name(text: &str) -> bool {
    !text.is_empty()
        && text
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || "_$.-%:".contains(c))
}

fn is_word(text: &str) -> bool {
    !text.is_empty() && text.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// The text that MySQL, MariaDB and the Data API write before and after a value.
    const AROUND: [(&str, &str); 15] = [
        ("Duplicate entry '", "' for key 'PRIMARY'"),
        (
            "Duplicate entry '",
            "' for key 'ec2.PRIMARY'; Error code: 1062; SQLState: 23000",
        ),
        (
            "Database error code: 1062. Message: Duplicate entry '",
            "' for key 'ec2_package.PRIMARY'",
        ),
        (
            "Incorrect datetime value: '",
            "' for column 'creation_date_utc' at row 1; Error code: 1292; SQLState: 22007",
        ),
        (
            "Incorrect string value: '",
            "' for column `ec2_inventory_db`.`ec2`.`aws_region` at row 1",
        ),
        (
            "Incorrect integer value: '",
            "' for column 'n' at row 17; Error code: 1366; SQLState: HY000",
        ),
        (
            "Incorrect datetime value: '",
            "' for function str_to_date; Error code: 1411; SQLState: HY000",
        ),
        (
            "Data truncation: Incorrect date value: '",
            "' for column 'd' at row 1",
        ),
        ("Data truncation: Truncated incorrect DOUBLE value: '", "'"),
        (
            "Truncated incorrect DOUBLE value: '",
            "'; Error code: 1292; SQLState: 22007",
        ),
        (
            "Incorrect DATE value: '",
            "'; Error code: 1525; SQLState: HY000",
        ),
        (
            "Invalid utf8mb4 character string: '",
            "'; Error code: 1300; SQLState: HY000",
        ),
        (
            "You have an error in your SQL syntax; check the manual that corresponds to your MySQL server version for the right syntax to \
             use near '",
            "' at line 1; Error code: 1064; SQLState: 42000",
        ),
        (
            "1 validation error detected: Value '",
            "' at 'sql' failed to satisfy constraint: Member must have length less than or equal to 65536",
        ),
        ("Column 'aws_region' of table 'ec2' doesn't take '", "'"),
    ];

    #[test]
    fn a_value_is_left_out_and_all_around_it_stays() {
        for (before, after) in AROUND {
            for value in [
                "instance-002",
                "",
                "'",
                "O'Brien",
                "it's 'quoted' twice",
                "a' for key 'b",
                "a' for key 'ec2.PRIMARY'",
                "a' for column 'b' at row 1",
                "a' at line 1",
                "a'; Error code: 1205; SQLState: HY000",
                "a' at 'sql' failed to satisfy constraint: b",
                "Table 'b' doesn't exist",
                "𝕏'Ä",
            ] {
                assert_eq!(
                    without_values(&format!("{before}{value}{after}")),
                    format!("{before}…{after}"),
                    "{value}"
                );
            }
        }
    }

    #[test]
    fn a_message_without_a_value_stays_as_it_is() {
        for message in [
            "",
            "no message",
            "Data too long for column 'aws_region' at row 1; Error code: 1406; SQLState: 22001",
            "Data truncation: Data too long for column 'aws_region' at row 1",
            "Data truncated for column 'aws_region' at row 1; Error code: 1265; SQLState: 01000",
            "Out of range value for column 'n' at row 1; Error code: 1264; SQLState: 22003",
            "Table 'ec2_inventory_db.ec2' doesn't exist; Error code: 1146; SQLState: 42S02",
            "Unknown column 'add_token' in 'field list'; Error code: 1054; SQLState: 42S22",
            "Column 'aws_region' cannot be null; Error code: 1048; SQLState: 23000",
            "Field 'aws_region' doesn't have a default value; Error code: 1364; SQLState: HY000",
            "Unknown database 'ec2_inventory_db'; Error code: 1049; SQLState: 42000",
            "Access denied for user 'fleet'@'10.0.1.2' (using password: YES)",
            "INSERT command denied to user 'fleet'@'%' for table 'ec2'; Error code: 1142; SQLState: 42000",
            "Cannot add or update a child row: a foreign key constraint fails (`ec2_inventory_db`.`ec2_package`, CONSTRAINT \
             `ec2_package_of_ec2` FOREIGN KEY (`aws_instance_id`) REFERENCES `ec2` (`aws_instance_id`) ON DELETE CASCADE); Error code: \
             1452; SQLState: 23000",
            "Check constraint 'ec2_chk_1' is violated.; Error code: 3819; SQLState: HY000",
            "Got a packet bigger than 'max_allowed_packet' bytes; Error code: 1153; SQLState: 08S01",
            "Communications link failure; SQLState: 08S01",
            "Deadlock found when trying to get lock; try restarting transaction; Error code: 1213; SQLState: 40001",
            "Secrets Manager can't find the specified secret.",
            "User: arn:aws:sts::000000000000:assumed-role/r/f is not authorized to perform: rds-data:BeginTransaction on resource: c",
        ] {
            assert_eq!(without_values(message), message);
        }
    }

    #[test]
    fn what_follows_a_value_in_a_sentence_that_is_not_known_is_left_out_with_it() {
        for (message, told) in [
            (
                "Cannot convert string 'abc' from utf8mb4 to latin1",
                "Cannot convert string '…'",
            ),
            (
                "BIGINT value is out of range in '(1 - 2)'; Error code: 1690; SQLState: 22003",
                "BIGINT value is out of range in '…'; Error code: 1690; SQLState: 22003",
            ),
            (
                "Duplicate entry 'abc' for the key 'PRIMARY'",
                "Duplicate entry '…'",
            ),
            ("Duplicate entry 'abc", "Duplicate entry '…'"),
            ("Duplicate entry ' for key 'a'", "Duplicate entry '…'"),
            ("Duplicate entry 'abc' for key 'a b'", "Duplicate entry '…'"),
            (
                "Incorrect string value: 'abc' for column secret at row 1",
                "Incorrect string value: '…'",
            ),
            ("Table 'it's' is odd", "Table '…'"),
        ] {
            assert_eq!(without_values(message), told);
        }
    }

    /// Values that contain parts of sentences.
    fn tricky() -> impl Strategy<Value = String> {
        let pieces = AROUND
            .iter()
            .flat_map(|(before, after)| [*before, *after])
            .chain(["'", "''", "a", " ", "1", "'; ", "' at row 1"]);
        proptest::collection::vec(proptest::sample::select(pieces.collect::<Vec<_>>()), 0..6)
            .prop_map(|pieces| pieces.concat())
    }

    proptest! {
        #[test]
        fn no_value_ever_shows(
            value in prop_oneof![tricky(), ".{0,40}"],
            (before, after) in proptest::sample::select(AROUND.to_vec()),
        ) {
            prop_assert_eq!(without_values(&format!("{before}{value}{after}")), format!("{before}…{after}"));
        }
    }
}
