//! ARNs: the storage writes them with its own region, and knows tables only by name.

/// The region and account that the storage writes, as part of an ARN.
const STORAGE: &str = ":dynoxide:000000000000:";

/// Translates between the storage's ARNs and those of this region and account.
#[derive(Debug, Clone)]
pub(super) struct Arns {
    /// `:region:account:`, as part of an ARN.
    place: String,
}

/// A table's stream, as named by its ARN.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct StreamName<'a> {
    pub(super) table: &'a str,
    pub(super) label: &'a str,
}

impl Arns {
    pub(super) fn new(region: &str, account: &str) -> Self {
        Self {
            place: format!(":{region}:{account}:"),
        }
    }

    pub(super) fn region(&self) -> &str {
        self.place.split(':').nth(1).unwrap_or_default()
    }

    /// Whether text from the storage contains one of its ARNs.
    pub(super) fn are_in(text: &[u8]) -> bool {
        memchr::memmem::find(text, STORAGE.as_bytes()).is_some()
    }

    /// Rewrites text from the storage to this region and account.
    pub(super) fn of_storage(&self, text: &str) -> String {
        text.replace(STORAGE, &self.place)
    }

    /// Rewrites text from a client to the storage's region and account.
    pub(super) fn for_storage(&self, text: &str) -> String {
        text.replace(&self.place, STORAGE)
    }

    /// The table that an ARN of this region and account names.
    pub(super) fn table<'a>(&self, arn: &'a str) -> Option<&'a str> {
        let name = self.resource(arn)?;
        (!name.contains('/')).then_some(name)
    }

    /// The stream that an ARN of this region and account names.
    pub(super) fn stream<'a>(&self, arn: &'a str) -> Option<StreamName<'a>> {
        let (table, label) = self.resource(arn)?.split_once("/stream/")?;
        Some(StreamName { table, label })
    }

    fn resource<'a>(&self, arn: &'a str) -> Option<&'a str> {
        arn.strip_prefix("arn:aws:dynamodb")?
            .strip_prefix(&self.place)?
            .strip_prefix("table/")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_arn_names_a_table_or_its_stream() {
        let arns = Arns::new("eu-west-1", "000000000000");
        let table = "arn:aws:dynamodb:eu-west-1:000000000000:table/things";
        assert_eq!(arns.table(table), Some("things"));
        let stream = format!("{table}/stream/1.5");
        let named = StreamName {
            table: "things",
            label: "1.5",
        };
        assert_eq!(arns.stream(&stream), Some(named));
        assert_eq!((arns.table(&stream), arns.stream(table)), (None, None));
        for other in [
            "things",
            "arn:aws:dynamodb:us-east-1:000000000000:table/things",
            "arn:aws:dynamodb:eu-west-1:111111111111:table/things",
            "arn:aws:s3:eu-west-1:000000000000:table/things",
        ] {
            assert_eq!(arns.table(other), None, "{other}");
        }
        let stored = arns.for_storage(&stream);
        assert!(Arns::are_in(stored.as_bytes()) && !Arns::are_in(stream.as_bytes()));
        assert_eq!(arns.of_storage(&stored), stream);
    }
}
