//! The settings that the functions share, read from the environment once, when a function starts.
//!
//! The location of a store is read by its adapter's crate, with [`required`].

use thiserror::Error;

use crate::{
    scaling::{DimensionNames, demo::DemoOutcome},
    text::check_printable,
};

/// A missing or invalid setting. The message is one sentence that names the variable and what it must be.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum SettingsError {
    /// It is not set.
    #[error("The environment variable {name} is not set; it must be {rule}.")]
    Missing {
        /// The variable.
        name: &'static str,
        /// The rule for its value.
        rule: &'static str,
    },
    /// Its value is invalid. The value is not shown, since it may be one that was meant for another setting.
    #[error("The environment variable {name} must be {rule}.")]
    Wrong {
        /// The variable.
        name: &'static str,
        /// The rule for its value.
        rule: &'static str,
    },
}

/// The role of the inventory in this region.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum InventoryRole {
    /// The region that normally has the writer: it is not ready without the Data API.
    #[default]
    Primary,
    /// The standby region. Its cluster is a secondary one, which responds to no Data API call until it is promoted, so
    /// the region is ready without it.
    Standby,
}

/// How dimensions behave, and their names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ScalingSettings {
    /// `SCALING_MODE` and, in demo mode, `SCALING_TEST_FAILURE`.
    pub mode: ScalingMode,
    /// `SCALING_VERSION`, `SCALING_RESOURCE_NAME` and `SCALING_DIMENSION_NAME`; [`DimensionNames::default`] by default.
    pub names: DimensionNames,
}

/// What changes a dimension.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ScalingMode {
    /// It scales by itself, one step per read, and ends with this outcome.
    Demo(DemoOutcome),
    /// Its owner patches it.
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

impl ScalingSettings {
    /// Reads them from the process's environment.
    ///
    /// # Errors
    /// The first invalid setting.
    pub fn from_env() -> Result<Self, SettingsError> {
        Self::read(environment)
    }

    /// Reads them with `lookup`, which returns a variable's value.
    ///
    /// # Errors
    /// The first invalid setting.
    pub fn read(lookup: impl Fn(&str) -> Option<String>) -> Result<Self, SettingsError> {
        let outcome = choice(
            &lookup,
            "SCALING_TEST_FAILURE",
            "false",
            "true or false",
            |text| match text {
                "true" => Some(DemoOutcome::Fail),
                "false" => Some(DemoOutcome::Succeed),
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
        let default = DimensionNames::default();
        let name = |variable, default: &str| {
            choice(
                &lookup,
                variable,
                default,
                "1 to 255 printable characters",
                |text| check_printable(text, 255).is_ok().then(|| text.to_owned()),
            )
        };
        let names = DimensionNames {
            version: name("SCALING_VERSION", &default.version)?,
            resource_name: name("SCALING_RESOURCE_NAME", &default.resource_name)?,
            dimension_name: name("SCALING_DIMENSION_NAME", &default.dimension_name)?,
        };
        Ok(Self { mode, names })
    }
}

/// The value of an environment variable of this process. One that is not UTF-8 is read with replacement characters,
/// which every rule except that of the free-form names rejects.
#[must_use]
pub fn environment(name: &str) -> Option<String> {
    std::env::var_os(name).map(|value| value.to_string_lossy().into_owned())
}

/// The value of a variable that has no default.
///
/// # Errors
/// [`SettingsError`] if it is missing, empty or rejected by `is_right`.
pub fn required(
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

/// The value of a variable that has a default, parsed with `parse`.
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

#[cfg(test)]
mod tests {
    use super::*;

    fn given<'a>(values: &'a [(&'a str, &'a str)]) -> impl Fn(&str) -> Option<String> + 'a {
        |name| {
            values
                .iter()
                .rev()
                .find(|(known, _)| *known == name)
                .map(|(_, value)| (*value).to_owned())
        }
    }

    #[test]
    fn a_wrong_variable_is_named_with_its_rule() {
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
        assert_eq!(settings.mode, ScalingMode::Demo(DemoOutcome::Succeed));
        let DimensionNames {
            version,
            resource_name,
            dimension_name,
        } = settings.names;
        assert_eq!(
            [version, resource_name, dimension_name],
            ["MyVersion", "MyService", "MyDimension"]
        );
        let failing = ScalingSettings::read(given(&[("SCALING_TEST_FAILURE", "true")])).unwrap();
        assert_eq!(failing.mode, ScalingMode::Demo(DemoOutcome::Fail));
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

    #[test]
    fn a_required_variable_is_missing_empty_wrong_or_right() {
        let read = |value: Option<&str>| {
            required(
                |_| value.map(str::to_owned),
                "TABLE",
                "a name of three letters",
                |text| text.len() == 3,
            )
        };
        assert_eq!(read(Some("abc")), Ok("abc".to_owned()));
        for value in [None, Some("")] {
            let error = read(value).unwrap_err().to_string();
            assert_eq!(
                error,
                "The environment variable TABLE is not set; it must be a name of three letters."
            );
        }
        assert_eq!(
            read(Some("ab")).unwrap_err().to_string(),
            "The environment variable TABLE must be a name of three letters."
        );
    }

    #[test]
    fn the_environment_is_that_of_this_process() {
        assert_eq!(environment("PATH"), std::env::var("PATH").ok());
        assert_eq!(environment("FLEET_VARIABLE_THAT_IS_NOT_SET"), None);
    }

    #[test]
    fn a_mode_has_the_name_that_sets_it() {
        for name in ["demo", "production"] {
            let settings = ScalingSettings::read(given(&[("SCALING_MODE", name)])).unwrap();
            assert_eq!(settings.mode.name(), name);
        }
    }
}
