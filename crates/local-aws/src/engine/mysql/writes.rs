//! The effect of a write, according to MySQL's response.

use crate::engine::mysql::text::Verb;

/// MySQL's response to a write.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct WriteResult {
    pub(crate) verb: Verb,
    /// The first generated id or, if there was none, the last explicit one.
    pub(crate) id: Option<u64>,
    pub(crate) affected: u64,
    /// `Records: 3  Duplicates: 0  Warnings: 0`, `Rows matched: 1  Changed: 0  Warnings: 0`, or nothing for one row.
    pub(crate) info: String,
}

impl WriteResult {
    /// The number of records updated: the matched rows of an UPDATE, otherwise MySQL's affected rows.
    pub(crate) fn updated(&self) -> u64 {
        match self.verb {
            Verb::Update => self.info_count("Rows matched").unwrap_or(self.affected),
            _ => self.affected,
        }
    }

    /// The ids of the rows that the statement wrote, if MySQL's response reveals them; they are consecutive.
    ///
    /// A row that an INSERT skips or an upsert leaves unchanged uses up an id, so that the others have gaps.
    pub(crate) fn generated_ids(&self) -> Vec<i64> {
        let Some(first) = self
            .id
            .and_then(|id| i64::try_from(id).ok())
            .filter(|id| *id > 0)
        else {
            return Vec::new();
        };
        let records = self.info_count("Records").unwrap_or(1);
        let duplicates = self.info_count("Duplicates").unwrap_or(0);
        let count = match self.verb {
            _ if self.affected == 0 => 0,
            Verb::Update | Verb::Other => 0,
            Verb::Replace => records,
            Verb::Upsert if records == 1 => 1,
            Verb::Insert | Verb::Upsert if duplicates == 0 && self.affected == records => records,
            Verb::Insert if self.affected == 1 => 1,
            Verb::Insert | Verb::Upsert => 0,
        };
        (0..count)
            .filter_map(|index| first.checked_add(i64::try_from(index).ok()?))
            .collect()
    }

    fn info_count(&self, what: &str) -> Option<u64> {
        let (_, rest) = self.info.split_once(what)?;
        let digits = rest.strip_prefix(": ")?;
        let end = digits.find(|letter: char| !letter.is_ascii_digit());
        digits[..end.unwrap_or(digits.len())].parse().ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ids(verb: Verb, affected: u64, info: &str) -> Vec<i64> {
        let info = info.to_owned();
        WriteResult {
            verb,
            id: Some(7),
            affected,
            info,
        }
        .generated_ids()
    }

    #[test]
    fn only_rows_that_were_written_are_named() {
        assert_eq!(ids(Verb::Insert, 1, ""), [7]);
        assert_eq!(
            ids(Verb::Insert, 2, "Records: 2  Duplicates: 0  Warnings: 0"),
            [7, 8]
        );
        assert_eq!(
            ids(Verb::Insert, 1, "Records: 3  Duplicates: 2  Warnings: 2"),
            [7]
        );
        assert!(ids(Verb::Insert, 2, "Records: 3  Duplicates: 1  Warnings: 1").is_empty());
        assert!(ids(Verb::Insert, 0, "").is_empty());
        assert_eq!(ids(Verb::Upsert, 2, ""), [7]);
        assert!(ids(Verb::Upsert, 0, "").is_empty());
        assert_eq!(
            ids(Verb::Upsert, 2, "Records: 2  Duplicates: 0  Warnings: 0"),
            [7, 8]
        );
        assert!(ids(Verb::Upsert, 3, "Records: 2  Duplicates: 1  Warnings: 0").is_empty());
        assert_eq!(ids(Verb::Replace, 2, ""), [7]);
        assert_eq!(
            ids(Verb::Replace, 3, "Records: 2  Duplicates: 1  Warnings: 0"),
            [7, 8]
        );
        assert!(ids(Verb::Update, 1, "Rows matched: 1  Changed: 1  Warnings: 0").is_empty());
    }

    #[test]
    fn an_update_counts_the_rows_that_it_found() {
        let info = "Rows matched: 12  Changed: 3  Warnings: 0".to_owned();
        let write = WriteResult {
            verb: Verb::Update,
            id: None,
            affected: 3,
            info,
        };
        assert_eq!(write.updated(), 12);
    }
}
