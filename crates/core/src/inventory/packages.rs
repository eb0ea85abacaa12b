//! The packages installed on an instance.

use std::{collections::HashSet, fmt};

use serde::{
    Deserialize, Deserializer, Serialize,
    de::{Error, SeqAccess, Visitor},
};
use thiserror::Error;

use crate::text::{check_trimmed, text_type};

text_type!(
    /// A package's name: 1–100 printable characters.
    PackageName, 100, check_trimmed
);
text_type!(
    /// A package's version: 1–50 printable characters.
    PackageVersion, 50, check_trimmed
);

/// A package in one version. Ordered by name, then version, character by character as the database orders it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields, expecting = "an object")]
#[cfg_attr(
    feature = "schema",
    derive(utoipa::ToSchema),
    schema(description = "A package in one version.")
)]
pub struct Package {
    /// Its name.
    #[serde(rename = "package_name")]
    pub name: PackageName,
    /// Its version.
    #[serde(rename = "package_version")]
    pub version: PackageVersion,
}

/// More packages than allowed for an instance.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[error("must have at most {max} entries, but has {0}", max = Packages::MAX)]
pub struct TooManyPackages(
    /// How many were sent.
    pub usize,
);

/// An instance's packages, each once.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Packages(Vec<Package>);

impl Packages {
    /// The most packages that can be sent for one instance, exact repeats counted.
    pub const MAX: usize = 10_000;

    /// Accepts up to [`Self::MAX`] packages, preserving their order and dropping exact repeats.
    ///
    /// # Errors
    /// [`TooManyPackages`].
    pub fn new(sent: Vec<Package>) -> Result<Self, TooManyPackages> {
        if sent.len() > Self::MAX {
            return Err(TooManyPackages(sent.len()));
        }
        let mut kept = sent;
        let mut seen = HashSet::with_capacity(kept.len());
        kept.retain(|package| seen.insert(package.clone()));
        Ok(Self(kept))
    }

    /// The packages in order.
    #[must_use]
    pub fn as_slice(&self) -> &[Package] {
        &self.0
    }
}

impl<'de> Deserialize<'de> for Packages {
    /// A list with a known length above the limit is rejected before any entry is read.
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct PackageList;

        impl<'de> Visitor<'de> for PackageList {
            type Value = Packages;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a list")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut entries: A) -> Result<Packages, A::Error> {
                let length = entries.size_hint().unwrap_or_default();
                if length > Packages::MAX {
                    return Err(Error::custom(TooManyPackages(length)));
                }
                let mut packages = Vec::with_capacity(length);
                while let Some(package) = entries.next_element()? {
                    packages.push(package);
                }
                Packages::new(packages).map_err(Error::custom)
            }
        }

        deserializer.deserialize_seq(PackageList)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn package(name: &str, version: &str) -> Package {
        Package {
            name: PackageName::parse(name).unwrap(),
            version: PackageVersion::parse(version).unwrap(),
        }
    }

    #[test]
    fn exact_repeats_are_dropped_and_the_order_stays() {
        let sent = vec![
            package("b", "1"),
            package("a", "1"),
            package("b", "1"),
            package("B", "1"),
            package("b", "2"),
        ];
        let kept = Packages::new(sent).unwrap();
        assert_eq!(
            kept.as_slice(),
            [
                package("b", "1"),
                package("a", "1"),
                package("B", "1"),
                package("b", "2")
            ]
        );
    }

    #[test]
    fn ten_thousand_packages_are_taken_and_one_more_is_refused() {
        let many = |n: usize| {
            (0..n)
                .map(|i| package("p", &i.to_string()))
                .collect::<Vec<_>>()
        };
        assert_eq!(
            Packages::new(many(10_000)).unwrap().as_slice().len(),
            10_000
        );
        let refused = Packages::new(many(10_001)).unwrap_err();
        assert_eq!(
            refused.to_string(),
            "must have at most 10000 entries, but has 10001"
        );
    }

    #[test]
    fn a_list_is_refused_for_its_length_before_its_entries_are_read() {
        let read = |list: Value| serde_json::from_value::<Packages>(list);
        let valid = json!([{"package_name": "p", "package_version": "1"}]);
        assert_eq!(read(valid).unwrap().as_slice(), [package("p", "1")]);
        for (list, error) in [
            (
                json!(vec![Value::Null; 10_001]),
                "must have at most 10000 entries, but has 10001",
            ),
            (
                json!(vec![Value::Null; 10_000]),
                "invalid type: null, expected an object",
            ),
            (json!(1), "invalid type: integer `1`, expected a list"),
        ] {
            assert_eq!(read(list).unwrap_err().to_string(), error);
        }
    }
}
