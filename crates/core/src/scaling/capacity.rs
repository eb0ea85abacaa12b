//! The actual or desired capacity of a dimension.

use std::fmt;

use serde::Serialize;
use thiserror::Error;

/// A number that is not a valid capacity.
#[derive(Clone, Copy, Debug, Error, PartialEq)]
#[error("{0:?} is not a finite number of at least 0")]
pub struct CapacityError(pub f64);

/// A capacity: a finite number of at least 0, in whatever unit the resource scales by.
///
/// Always written with a fraction (`1.0`), in JSON too.
#[derive(Clone, Copy, Debug, PartialEq, PartialOrd, Serialize)]
pub struct Capacity(f64);

impl Capacity {
    /// The capacity of a dimension that has never been scaled.
    pub const INITIAL: Self = Self(1.0);

    /// Accepts `number` if it is a valid capacity.
    ///
    /// # Errors
    /// [`CapacityError`] for a negative or infinite number, or NaN.
    pub fn new(number: f64) -> Result<Self, CapacityError> {
        if number.is_finite() && number >= 0.0 {
            // Turns -0.0 into 0.0: the two compare equal, but -0.0 would be written with its sign.
            Ok(Self(number + 0.0))
        } else {
            Err(CapacityError(number))
        }
    }

    /// The number.
    #[must_use]
    pub fn get(self) -> f64 {
        self.0
    }
}

impl fmt::Display for Capacity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_finite_numbers_of_at_least_zero_are_capacities() {
        for number in [0.0, 1.0, 0.1, f64::MIN_POSITIVE, f64::MAX] {
            assert_eq!(Capacity::new(number).map(Capacity::get), Ok(number));
        }
        for number in [
            -1.0,
            -f64::MIN_POSITIVE,
            f64::NAN,
            f64::INFINITY,
            f64::NEG_INFINITY,
        ] {
            assert!(Capacity::new(number).is_err(), "{number}");
        }
    }

    #[test]
    fn a_capacity_keeps_its_fraction_and_a_zero_has_no_sign() {
        let written = |number| serde_json::to_string(&Capacity::new(number).unwrap()).unwrap();
        assert_eq!(
            (written(1.0), written(2.5), written(-0.0)),
            ("1.0".into(), "2.5".into(), "0.0".into())
        );
        assert_eq!(Capacity::new(-0.0).unwrap().to_string(), "0.0");
    }
}
