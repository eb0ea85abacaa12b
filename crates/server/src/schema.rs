//! The database schema that the embedded backend starts with: `ddl/`, which is the only one there is.

/// The statements in their order, one a file, each idempotent.
pub(crate) const SCHEMA: [&str; 2] = [
    include_str!("../../../ddl/01_ec2.sql"),
    include_str!("../../../ddl/02_ec2_package.sql"),
];

#[cfg(test)]
mod tests {
    use std::{fs, path::Path};

    use super::*;

    /// How many statements a file has: semicolons outside comments and quotes.
    fn statements(sql: &str) -> usize {
        let (mut count, mut rest) = (0, sql);
        while let Some(at) = rest.find(['-', '\'', '"', '`', ';', '/', '#']) {
            let (token, after) = (&rest[at..=at], &rest[at + 1..]);
            let skip_past = |end: &str| after.split_once(end).map_or("", |(_, rest)| rest);
            rest = match token {
                "-" if after.starts_with('-') => skip_past("\n"),
                "#" => skip_past("\n"),
                "/" if after.starts_with('*') => skip_past("*/"),
                "'" | "\"" | "`" => skip_past(token),
                ";" => {
                    count += 1;
                    after
                }
                _ => after,
            };
        }
        count
    }

    #[test]
    fn every_file_of_the_schema_is_one_idempotent_statement() {
        let mut files: Vec<_> =
            fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("../../ddl"))
                .unwrap()
                .map(|entry| entry.unwrap().path())
                .filter(|path| path.extension().is_some_and(|extension| extension == "sql"))
                .collect();
        files.sort();
        let files: Vec<_> = files
            .into_iter()
            .map(|path| fs::read_to_string(path).unwrap())
            .collect();
        assert_eq!(
            files, SCHEMA,
            "the files of ddl/ and the ones that are compiled in"
        );
        for sql in SCHEMA {
            assert_eq!(statements(sql), 1, "{sql}");
            assert!(
                sql.trim_end().ends_with(';') && sql.contains("CREATE TABLE IF NOT EXISTS"),
                "{sql}"
            );
        }
    }

    #[test]
    fn only_a_semicolon_outside_comments_and_quotes_ends_a_statement() {
        assert_eq!(
            statements("SELECT ';', \";\", `;` -- ;\n# ;\n/* ; */ + 1 - 2 / 3; SELECT 'it''s;';"),
            2
        );
    }
}
