//! The filter of a list of instances, and the page length.

use thiserror::Error;

use super::{AccountId, PackageName, PackageVersion, Region};

/// The filter of a list. Every condition is an exact match, and all of them must hold.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct InstanceFilter {
    /// Only instances in this region.
    pub region: Option<Region>,
    /// Only instances of this account.
    pub account: Option<AccountId>,
    /// Only instances with this package.
    pub package: Option<PackageFilter>,
}

/// A package that an instance must have.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct PackageFilter {
    /// Its name.
    pub name: PackageName,
    /// Its version; `None` for any.
    pub version: Option<PackageVersion>,
}

/// A page length that is not a whole number in the allowed range.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[error("must be a whole number from 1 to {max}", max = PageLimit::MAX)]
pub struct PageLimitError;

/// The most instances on one page: 1–100, 50 by default.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PageLimit(u8);

impl PageLimit {
    /// The longest page.
    pub const MAX: u8 = 100;

    /// Parses a limit as clients write it: decimal digits only.
    ///
    /// # Errors
    /// [`PageLimitError`].
    pub fn parse(text: &str) -> Result<Self, PageLimitError> {
        // `u8::from_str` would accept a sign as well.
        if !text.bytes().all(|b| b.is_ascii_digit()) {
            return Err(PageLimitError);
        }
        match text.parse() {
            Ok(limit @ 1..=Self::MAX) => Ok(Self(limit)),
            _ => Err(PageLimitError),
        }
    }

    /// The number of instances.
    #[must_use]
    pub fn get(self) -> usize {
        usize::from(self.0)
    }
}

impl Default for PageLimit {
    fn default() -> Self {
        Self(50)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_limit_is_a_whole_number_from_1_to_100() {
        assert_eq!(PageLimit::default().get(), 50);
        assert_eq!(PageLimit::parse("1").unwrap().get(), 1);
        assert_eq!(PageLimit::parse("100").unwrap().get(), 100);
        for text in [
            "0", "101", "256", "", "+5", "-1", "5.0", " 5", "1e1", "ten", "५",
        ] {
            assert_eq!(PageLimit::parse(text), Err(PageLimitError), "{text:?}");
        }
    }
}
