//! The functions' settings, read once from the environment, when a function starts.

use fleet_core::{
    scaling::{Names, demo::Outcome},
    text::check_printable,
};
use thiserror::Error;

/// A setting that is missing or wrong. Its text is one sentence that names the variable and what it must be.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum SettingsError {
    /// It has no value.
    #[error("The environment variable {name} is not set; it must be {rule}.")]
    Missing {
        /// The variable.
        name: &'static str,
        /// What it must be.
        rule: &'static str,
    },
    /// Its value is invalid. The value itself is not shown, since it may have been meant for another setting.
    #[error("The environment variable {name} must be {rule}.")]
    Wrong {
        /// The variable.
        name: &'static str,
        /// What it must be.
        rule: &'static str,
    },
}

/// Where the inventory is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InventorySettings {
    /// `DB_CLUSTER_ARN`: the Aurora cluster.
    pub cluster_arn: String,
    /// `DB_SECRET`: the secret with the database's user and password, by ARN or name.
    pub secret: String,
    /// `DB_NAME`: the database, 1–64 characters (MySQL's limit of a name).
    pub database: String,
}

/// The role of this region's inventory.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum InventoryRole {
    /// The region that normally has the writer: without the Data API it is not ready.
    #[default]
    Primary,
    /// The standby region. Its cluster is a secondary one, which answers no Data API call until it is promoted, so
    /// the region is ready without it.
    Standby,
}

/// Where the dimensions are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DimensionsSettings {
    /// `DIMENSIONS_TABLE`: the DynamoDB table, by name or ARN. Its key is `scalableTargetDimensionId`, a string.
    pub table: String,
}

/// How dimensions behave, and their names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ScalingSettings {
    /// `SCALING_MODE` and, in demo mode, `SCALING_TEST_FAILURE`.
    pub mode: ScalingMode,
    /// `SCALING_VERSION`, `SCALING_RESOURCE_NAME` and `SCALING_DIMENSION_NAME`; [`Names::default`] by default.
    pub names: Names,
}

/// Who moves a dimension.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ScalingMode {
    /// It moves by itself, a step with each read, and ends like this.
    Demo(Outcome),
    /// Its owner does, by patching it.
    Production,
}

impl ScalingMode {
    /// Its name in `SCALING_MODE`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Demo(_) => "demo",
            Self::Production => "production",
        }
    }
}

impl InventorySettings {
    /// Reads them from the process's environment.
    ///
    /// # Errors
    /// The first setting that is missing or wrong.
    pub fn from_env() -> Result<Self, SettingsError> {
        Self::read(environment)
    }

    /// Reads them with `lookup`, which returns a variable's value.
    ///
    /// # Errors
    /// The first setting that is missing or wrong.
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

impl InventoryRole {
    /// Reads it from the process's environment: `INVENTORY_ROLE`, `primary` by default.
    ///
    /// # Errors
    /// A value that is neither `primary` nor `standby`.
    pub fn from_env() -> Result<Self, SettingsError> {
        Self::read(environment)
    }

    /// Reads it with `lookup`, which returns a variable's value.
    ///
    /// # Errors
    /// A value that is neither `primary` nor `standby`.
    pub fn read(lookup: impl Fn(&str) -> Option<String>) -> Result<Self, SettingsError> {
        choice(
            &lookup,
            "INVENTORY_ROLE",
            "primary",
            "primary or standby",
            |text| match text {
                "primary" => Some(Self::Primary),
                "standby" => Some(Self::Standby),
                _ => None,
            },
        )
    }
}

impl DimensionsSettings {
    /// Reads them from the process's environment.
    ///
    /// # Errors
    /// The first setting that is missing or wrong.
    pub fn from_env() -> Result<Self, SettingsError> {
        Self::read(environment)
    }

    /// Reads them with `lookup`, which returns a variable's value.
    ///
    /// # Errors
    /// The first setting that is missing or wrong.
    pub fn read(lookup: impl Fn(&str) -> Option<String>) -> Result<Self, SettingsError> {
        let rule = "the name of the DynamoDB table (3 to 255 letters, digits, dots, hyphens and underscores) or its ARN";
        Ok(Self {
            table: required(&lookup, "DIMENSIONS_TABLE", rule, is_table)?,
        })
    }
}

impl ScalingSettings {
    /// Reads them from the process's environment.
    ///
    /// # Errors
    /// The first setting that is wrong.
    pub fn from_env() -> Result<Self, SettingsError> {
        Self::read(environment)
    }

    /// Reads them with `lookup`, which returns a variable's value.
    ///
    /// # Errors
    /// The first setting that is wrong.
    pub fn read(lookup: impl Fn(&str) -> Option<String>) -> Result<Self, SettingsError> {
        let outcome = choice(
            &lookup,
            "SCALING_TEST_FAILURE",
            "false",
            "true or false",
            |text| match text {
                "true" => Some(Outcome::Fail),
                "false" => Some(Outcome::Succeed),
                _ => None,
            },
        )?;
        let mode = choice(
            &lookup,
            "SCALING_MODE",
            "demo",
            "demo or production",
            |text| match text {
                "demo" => Some(ScalingMode::Demo(outcome)),
                "production" => Some(ScalingMode::Production),
                _ => None,
            },
        )?;
        let default = Names::default();
        let name = |variable, default: &str| {
            choice(
                &lookup,
                variable,
                default,
                "1 to 255 printable characters",
                |text| check_printable(text, 255).is_ok().then(|| text.to_owned()),
            )
        };
        let names = Names {
            version: name("SCALING_VERSION", &default.version)?,
            resource_name: name("SCALING_RESOURCE_NAME", &default.resource_name)?,
            dimension_name: name("SCALING_DIMENSION_NAME", &default.dimension_name)?,
        };
        Ok(Self { mode, names })
    }
}

/// The value of a variable of this process. One that is not UTF-8 is read with replacement characters, which every
/// rule except that of the free-form names rejects.
fn environment(name: &str) -> Option<String> {
    std::env::var_os(name).map(|value| value.to_string_lossy().into_owned())
}

/// The value of a variable that has no default.
fn required(
    lookup: impl Fn(&str) -> Option<String>,
    name: &'static str,
    rule: &'static str,
    is_right: impl Fn(&str) -> bool,
) -> Result<String, SettingsError> {
    match lookup(name) {
        None => Err(SettingsError::Missing { name, rule }),
        Some(value) if value.is_empty() => Err(SettingsError::Missing { name, rule }),
        Some(value) if is_right(&value) => Ok(value),
        Some(_) => Err(SettingsError::Wrong { name, rule }),
    }
}

/// The value of a variable that has a default, as `parse` reads it.
fn choice<T>(
    lookup: impl Fn(&str) -> Option<String>,
    name: &'static str,
    default: &str,
    rule: &'static str,
    parse: impl Fn(&str) -> Option<T>,
) -> Result<T, SettingsError> {
    let value = lookup(name);
    parse(value.as_deref().unwrap_or(default)).ok_or(SettingsError::Wrong { name, rule })
}

/// Whether `text` is 1 to `max` visible ASCII characters, the only ones in AWS's names.
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
        for (name, value, rule) in [
            ("SCALING_MODE", "Demo", "demo or production"),
            ("SCALING_MODE", "", "demo or production"),
            ("SCALING_TEST_FAILURE", "yes", "true or false"),
            ("SCALING_VERSION", "", "1 to 255 printable characters"),
            (
                "SCALING_RESOURCE_NAME",
                "a\tb",
                "1 to 255 printable characters",
            ),
        ] {
            let error = ScalingSettings::read(given(&[(name, value)])).unwrap_err();
            assert_eq!(
                error.to_string(),
                format!("The environment variable {name} must be {rule}.")
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

    #[test]
    fn the_inventorys_role_is_primary_unless_set() {
        assert_eq!(InventoryRole::read(|_| None), Ok(InventoryRole::Primary));
        assert_eq!(
            InventoryRole::read(given(&[("INVENTORY_ROLE", "primary")])),
            Ok(InventoryRole::Primary)
        );
        assert_eq!(
            InventoryRole::read(given(&[("INVENTORY_ROLE", "standby")])),
            Ok(InventoryRole::Standby)
        );
        for wrong in ["", "Standby", "secondary"] {
            let error = InventoryRole::read(given(&[("INVENTORY_ROLE", wrong)])).unwrap_err();
            assert_eq!(
                error.to_string(),
                "The environment variable INVENTORY_ROLE must be primary or standby."
            );
        }
    }

    #[test]
    fn scaling_is_a_demo_unless_set_otherwise() {
        let settings = ScalingSettings::read(|_| None).unwrap();
        assert_eq!(settings.mode, ScalingMode::Demo(Outcome::Succeed));
        let Names {
            version,
            resource_name,
            dimension_name,
        } = settings.names;
        assert_eq!(
            [version, resource_name, dimension_name],
            ["MyVersion", "MyService", "MyDimension"]
        );
        let failing = ScalingSettings::read(given(&[("SCALING_TEST_FAILURE", "true")])).unwrap();
        assert_eq!(failing.mode, ScalingMode::Demo(Outcome::Fail));
        let production = ScalingSettings::read(given(&[
            ("SCALING_MODE", "production"),
            ("SCALING_VERSION", "1.0"),
        ]))
        .unwrap();
        assert_eq!(
            (production.mode, production.names.version.as_str()),
            (ScalingMode::Production, "1.0")
        );
    }
}
