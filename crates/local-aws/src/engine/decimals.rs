//! DECIMALs of more than 18 digits: integers scaled by a power of ten, encoded as bytes that SQLite can compare, sort
//! and index directly.

use num_bigint::{BigInt, Sign};

/// The most digits of MySQL's DECIMAL, and how many of them may follow the point.
pub(crate) const MOST_DIGITS: u32 = 65;
pub(crate) const MOST_SCALE: u32 = 30;

/// Enough for 95 digits: in a comparison, 65 digits can get 30 more after the point.
const BYTES: usize = 40;

/// Ten to a power.
pub(crate) fn power(exponent: u32) -> BigInt {
    BigInt::from(10).pow(exponent)
}

/// Whether a number has at most this many digits.
pub(crate) fn fits(number: &BigInt, digits: u32) -> bool {
    number.magnitude() < power(digits).magnitude()
}

/// How many digits a number has.
pub(crate) fn digits(number: &BigInt) -> usize {
    number.magnitude().to_string().len()
}

/// Encodes a number: two's complement with the first bit flipped, so that smaller numbers have smaller bytes.
pub(crate) fn bytes(number: &BigInt) -> Option<Vec<u8>> {
    let short = number.to_signed_bytes_be();
    let filled = if number.sign() == Sign::Minus {
        0xff
    } else {
        0
    };
    let mut bytes = vec![filled; BYTES.checked_sub(short.len())?];
    bytes.extend(short);
    bytes[0] ^= 0x80;
    Some(bytes)
}

/// Decodes such bytes.
pub(crate) fn read(bytes: &[u8]) -> Option<BigInt> {
    if bytes.len() != BYTES {
        return None;
    }
    let mut bytes = bytes.to_vec();
    bytes[0] ^= 0x80;
    Some(BigInt::from_signed_bytes_be(&bytes))
}

/// A number at another scale, rounded half away from zero if that is smaller.
pub(crate) fn rescaled(number: &BigInt, from: u32, to: u32) -> BigInt {
    if to >= from {
        number * power(to - from)
    } else {
        quotient(number, &power(from - to))
    }
}

/// A quotient, rounded half away from zero.
pub(crate) fn quotient(number: &BigInt, divisor: &BigInt) -> BigInt {
    let negative = (number.sign() == Sign::Minus) != (divisor.sign() == Sign::Minus);
    let (number, divisor) = (number.magnitude(), divisor.magnitude());
    let rounded = (number * 2_u32 + divisor) / (divisor * 2_u32);
    match negative {
        true => -BigInt::from(rounded),
        false => BigInt::from(rounded),
    }
}

/// A number as MySQL shows it; `None` if it has more digits than MySQL supports.
pub(crate) fn text(number: &BigInt, scale: u32) -> Option<String> {
    if !fits(number, MOST_DIGITS) {
        return None;
    }
    let scale = scale as usize;
    let sign = if number.sign() == Sign::Minus {
        "-"
    } else {
        ""
    };
    let digits = format!(
        "{:0>width$}",
        number.magnitude().to_string(),
        width = scale + 1
    );
    let (whole, fraction) = digits.split_at(digits.len() - scale);
    let point = if scale == 0 { "" } else { "." };
    Some(format!("{sign}{whole}{point}{fraction}"))
}

/// Parses digits with an optional sign and point: the number without the point, and its scale. `None` for anything
/// else, or for more digits than MySQL supports.
pub(crate) fn parse(text: &str) -> Option<(BigInt, u32)> {
    let digits: String = text.chars().filter(|letter| *letter != '.').collect();
    let number: BigInt = digits.parse().ok()?;
    let fraction = text.split_once('.').map_or("", |(_, fraction)| fraction);
    let scale = u32::try_from(fraction.len()).ok()?;
    (fits(&number, MOST_DIGITS) && scale <= MOST_SCALE).then_some((number, scale))
}

/// Encodes such a text.
pub(crate) fn of_text(text: &str) -> Option<Vec<u8>> {
    bytes(&parse(text)?.0)
}

/// An encoded number as a literal.
pub(crate) fn literal(bytes: &[u8]) -> String {
    let digits: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    format!("x'{digits}'")
}

/// Zero, at any scale.
pub(crate) fn zero() -> String {
    literal(&bytes(&BigInt::ZERO).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_are_in_the_order_of_the_numbers() {
        let numbers = [
            "-99999999999999999999999999999999999999999999999999999999999999999",
            "-18446744073709551616",
            "-256",
            "-1",
            "0",
            "1",
            "255",
            "12345678901234567890123456789",
            "99999999999999999999999999999999999999999999999999999999999999999",
        ];
        let all: Vec<Vec<u8>> = numbers.iter().map(|text| of_text(text).unwrap()).collect();
        assert!(all.windows(2).all(|pair| pair[0] < pair[1]));
        for (bytes, number) in all.iter().zip(numbers) {
            assert_eq!(text(&read(bytes).unwrap(), 0).unwrap(), number);
        }
    }

    #[test]
    fn numbers_are_rounded_half_away_from_zero() {
        for (number, from, to, expected) in [
            ("1.005", 3, 2, "1.01"),
            ("-1.005", 3, 2, "-1.01"),
            ("1.004", 3, 2, "1.00"),
            ("12.5", 1, 0, "13"),
            ("0.05", 2, 4, "0.0500"),
            ("-0.4", 1, 0, "0"),
        ] {
            let (unscaled, scale) = parse(number).unwrap();
            assert_eq!(scale, from);
            assert_eq!(text(&rescaled(&unscaled, from, to), to).unwrap(), expected);
        }
        for wrong in ["", "-", "1e5", "0.1234567890123456789012345678901"] {
            assert_eq!(parse(wrong), None, "{wrong}");
        }
    }
}
