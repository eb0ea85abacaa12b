//! The stage: the first segment of every path, as in API Gateway's own URLs.

use std::{fmt, str::FromStr};

/// The length of the longest name that API Gateway accepts:
/// <https://docs.aws.amazon.com/apigateway/latest/api/API_CreateStage.html>.
const LONGEST: usize = 128;

/// A stage's name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stage(String);

impl Stage {
    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The path below the stage, as routes have it; `None` outside the stage.
    pub(crate) fn strip<'p>(&self, path: &'p str) -> Option<&'p str> {
        match path.strip_prefix('/')?.strip_prefix(self.0.as_str())? {
            "" => Some("/"),
            rest => rest.starts_with('/').then_some(rest),
        }
    }
}

impl FromStr for Stage {
    type Err = &'static str;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        let is_word = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
        if (1..=LONGEST).contains(&name.len()) && name.bytes().all(is_word) {
            Ok(Self(name.to_owned()))
        } else {
            Err("a stage has 1 to 128 letters, digits, - and _")
        }
    }
}

impl fmt::Display for Stage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_below_its_stage_alone() {
        let stage: Stage = "prod".parse().unwrap();
        for (path, below) in [
            ("/prod", Some("/")),
            ("/prod/", Some("/")),
            ("/prod/v1", Some("/v1")),
            ("/prod/prod/v1", Some("/prod/v1")),
            ("/prod//v1", Some("//v1")),
            ("/production/v1", None),
            ("/Prod/v1", None),
            ("/dev/v1", None),
            ("/v1", None),
            ("//prod/v1", None),
            ("*", None),
        ] {
            assert_eq!(stage.strip(path), below, "{path}");
        }
    }

    #[test]
    fn a_name_is_one_that_api_gateway_takes() {
        for name in ["prod", "v1_beta-2", &"x".repeat(128)] {
            assert_eq!(name.parse::<Stage>().unwrap().as_str(), name);
        }
        for name in ["", "a/b", "a b", "$default", "é", &"x".repeat(129)] {
            assert!(name.parse::<Stage>().is_err(), "{name:?}");
        }
    }
}
