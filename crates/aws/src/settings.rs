//! Where a function's stores are: settings read from the environment once, when it starts.

use fleet_core::settings::{SettingsError, environment, required};

/// Where the inventory is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InventorySettings {
    /// `DB_CLUSTER_ARN`: the Aurora cluster.
    pub cluster_arn: String,
    /// `DB_SECRET`: the secret with the database's user and password, by ARN or name.
    pub secret: String,
    /// `DB_NAME`: the database, 1–64 characters (MySQL's limit for a name).
    pub database: String,
}

/// Where the dimensions are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DimensionsSettings {
    /// `DIMENSIONS_TABLE`: the DynamoDB table, by name or ARN. Its key is `scalableTargetDimensionId`, a string.
    pub table: String,
}

impl InventorySettings {
    /// Reads them from the process's environment.
    ///
    /// # Errors
    /// The first setting that is missing or invalid.
    pub fn from_env() -> Result<Self, SettingsError> {
        Self::read(environment)
    }

    /// Reads them with `lookup`, which returns a variable's value.
    ///
    /// # Errors
    /// The first setting that is missing or invalid.
    pub fn read(lookup: impl Fn(&str) -> Option<String>) -> Result<Self, SettingsError> {
        Ok(Self {
            cluster_arn: required(
                &lookup,
                "DB_CLUSTER_ARN",
                "the ARN of the Aurora cluster, like arn:aws:rds:us-east-1:123456789012:cluster:fleet",
                is_cluster_arn,
            )?,
            secret: required(
                &lookup,
                "DB_SECRET",
                "the ARN or the name of the database's secret",
                |text| is_word(text, 2_048),
            )?,
            database: required(
                &lookup,
                "DB_NAME",
                "the name of the database, of at most 64 characters",
                |text| is_word(text, 64),
            )?,
        })
    }
}

impl DimensionsSettings {
    /// Reads them from the process's environment.
    ///
    /// # Errors
    /// The first setting that is missing or invalid.
    pub fn from_env() -> Result<Self, SettingsError> {
        Self::read(environment)
    }

    /// Reads them with `lookup`, which returns a variable's value.
    ///
    /// # Errors
    /// The first setting that is missing or invalid.
    pub fn read(lookup: impl Fn(&str) -> Option<String>) -> Result<Self, SettingsError> {
        let rule = "the name of the DynamoDB table (3 to 255 letters, digits, dots, hyphens and underscores) or its ARN";
        Ok(Self {
            table: required(&lookup, "DIMENSIONS_TABLE", rule, is_table)?,
        })
    }
}

/// Whether `text` is 1 to `max` visible ASCII characters, the only ones that AWS's names contain.
fn is_word(text: &str, max: usize) -> bool {
    (1..=max).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_graphic())
}

fn is_cluster_arn(text: &str) -> bool {
    let parts: Vec<&str> = text.split(':').collect();
    is_word(text, 2_048)
        && matches!(parts[..], ["arn", _, "rds", _, _, "cluster", name] if !name.is_empty())
}

fn is_table(text: &str) -> bool {
    let is_name = |name: &str| {
        (3..=255).contains(&name.len())
            && name
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-' | b'_'))
    };
    is_name(text)
        || (text.starts_with("arn:")
            && text
                .rsplit_once(":table/")
                .is_some_and(|(_, name)| is_name(name)))
}

#[cfg(test)]
mod tests {
    use super::*;

    const INVENTORY: [(&str, &str); 3] = [
        (
            "DB_CLUSTER_ARN",
            "arn:aws:rds:us-east-1:000000000000:cluster:fleet",
        ),
        ("DB_SECRET", "fleet-db"),
        ("DB_NAME", "ec2_inventory_db"),
    ];

    fn given<'a>(values: &'a [(&'a str, &'a str)]) -> impl Fn(&str) -> Option<String> + 'a {
        |name| {
            values
                .iter()
                .rev()
                .find(|(known, _)| *known == name)
                .map(|(_, value)| (*value).to_owned())
        }
    }

    fn inventory_with(
        name: &'static str,
        value: &'static str,
    ) -> Result<InventorySettings, SettingsError> {
        let values: Vec<_> = INVENTORY.into_iter().chain([(name, value)]).collect();
        InventorySettings::read(given(&values))
    }

    #[test]
    fn the_inventory_is_found_by_three_variables() {
        let settings = InventorySettings::read(given(&INVENTORY)).unwrap();
        assert_eq!(
            settings.cluster_arn,
            "arn:aws:rds:us-east-1:000000000000:cluster:fleet"
        );
        assert_eq!(
            (settings.secret.as_str(), settings.database.as_str()),
            ("fleet-db", "ec2_inventory_db")
        );
    }

    #[test]
    fn a_missing_or_empty_variable_is_named() {
        for (missing, _) in INVENTORY {
            let others: Vec<_> = INVENTORY
                .into_iter()
                .filter(|(name, _)| *name != missing)
                .collect();
            let said = InventorySettings::read(given(&others))
                .unwrap_err()
                .to_string();
            assert!(
                said.starts_with(&format!(
                    "The environment variable {missing} is not set; it must be the "
                )),
                "{said}"
            );
            assert_eq!(inventory_with(missing, "").unwrap_err().to_string(), said);
        }
        assert_eq!(
            DimensionsSettings::read(|_| None).unwrap_err().to_string(),
            "The environment variable DIMENSIONS_TABLE is not set; it must be the name of the DynamoDB table (3 to 255 letters, \
             digits, dots, hyphens and underscores) or its ARN."
        );
    }

    #[test]
    fn a_wrong_variable_is_named_with_its_rule() {
        for (name, value) in [
            ("DB_CLUSTER_ARN", "fleet"),
            (
                "DB_CLUSTER_ARN",
                "arn:aws:rds:us-east-1:000000000000:db:fleet",
            ),
            (
                "DB_CLUSTER_ARN",
                "arn:aws:rds:us-east-1:000000000000:cluster:",
            ),
            ("DB_SECRET", "fleet db"),
            ("DB_NAME", "a\nb"),
        ] {
            let said = inventory_with(name, value).unwrap_err().to_string();
            assert!(
                said.starts_with(&format!("The environment variable {name} must be the ")),
                "{said}"
            );
        }
        for table in [
            "ab",
            "a b c",
            "arn:aws:dynamodb:us-east-1:000000000000:table/",
            &"x".repeat(256),
        ] {
            assert!(
                DimensionsSettings::read(given(&[("DIMENSIONS_TABLE", table)])).is_err(),
                "{table}"
            );
        }
    }

    #[test]
    fn a_table_is_given_by_name_or_arn() {
        for table in [
            "fleet-dimensions",
            "arn:aws:dynamodb:us-east-1:123456789012:table/fleet-dimensions",
        ] {
            assert_eq!(
                DimensionsSettings::read(given(&[("DIMENSIONS_TABLE", table)]))
                    .unwrap()
                    .table,
                table
            );
        }
    }
}
