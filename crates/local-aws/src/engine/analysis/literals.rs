//! Literals and parameters.

use sqlparser::ast::{Expr, Value as Literal};

use super::{
    context::Analysis,
    typed::{Bindings, ExprType, Slot},
    words::raw,
};
use crate::engine::{
    EngineError, EngineResult, SqlValue, decimals,
    kinds::{INT, TEXT, ValueKind, scale_of, unscaled},
};

impl Analysis<'_> {
    /// Rewrites a literal or a parameter.
    pub(super) fn value(&mut self, value: &mut Literal) -> EngineResult<(Option<Expr>, ExprType)> {
        let kind = match value {
            Literal::SingleQuotedString(text)
            | Literal::DoubleQuotedString(text)
            | Literal::NationalStringLiteral(text) => {
                let text = std::mem::take(text);
                return Ok((Some(self.text(text)), ExprType::constant(TEXT)));
            }
            Literal::Placeholder(name) => {
                let Some(bare) = name.strip_prefix(':').map(str::to_owned) else {
                    return Err(EngineError::MissingParameter(name.clone()));
                };
                if self.inline {
                    return Err(EngineError::unsupported("a parameter in a definition"));
                }
                let kind = match self.bindings {
                    Bindings::AnyText => TEXT,
                    Bindings::Given(parameters) => match parameters.get(&bare) {
                        Some(SqlValue::Decimal(text))
                            if unscaled(text).is_none() && decimals::parse(text).is_none() =>
                        {
                            return Err(EngineError::unsupported("a DECIMAL of so many digits"));
                        }
                        Some(value) => ValueKind::of(value),
                        None => return Err(EngineError::MissingParameter(bare)),
                    },
                };
                *value = self.slot(Slot::Named(bare));
                kind
            }
            Literal::Null => ValueKind::Null,
            Literal::Boolean(truth) => {
                // SQLite's keywords test whether a value is true, where MySQL compares it with a number.
                let number = u8::from(*truth).to_string();
                *value = Literal::Number(number, false);
                INT
            }
            Literal::HexStringLiteral(digits) if digits.len() % 2 == 0 => ValueKind::Bytes,
            Literal::Number(text, false) => {
                if text.contains(['e', 'E']) {
                    if text.parse::<f64>().is_ok_and(f64::is_infinite) {
                        return Err(EngineError::database(
                            1367,
                            "22007",
                            format!("Illegal double '{text}' value found during parsing"),
                        ));
                    }
                    ValueKind::Double
                } else if text.contains('.') {
                    let scale = scale_of(text);
                    match unscaled(text) {
                        Some(number) => *text = number.to_string(),
                        None => return big(text).map(|(expr, typed)| (Some(expr), typed)),
                    }
                    ValueKind::Decimal { scale }
                } else if text.parse::<i64>().is_ok() {
                    INT
                } else if let Ok(number) = text.parse::<u64>() {
                    let bytes = raw(format!("x'{number:016x}'"));
                    return Ok((Some(bytes), ExprType::constant(ValueKind::Wide)));
                } else {
                    return big(text).map(|(expr, typed)| (Some(expr), typed));
                }
            }
            _ => return Err(EngineError::unsupported("this literal")),
        };
        let whole_digits = match value {
            Literal::Number(text, _) if kind.is_exact() => u32::try_from(text.len())
                .ok()
                .map(|digits| digits.saturating_sub(kind.scale())),
            _ => None,
        };
        if matches!(
            (value, kind),
            (
                Literal::Placeholder(_),
                ValueKind::Decimal { .. } | ValueKind::BigDecimal { .. }
            )
        ) {
            self.placed += 1;
        }
        let typed = ExprType {
            whole_digits,
            ..ExprType::constant(kind)
        };
        Ok((None, typed))
    }
}

/// A DECIMAL of more than 18 digits.
fn big(text: &str) -> EngineResult<(Expr, ExprType)> {
    let bytes = decimals::of_text(text)
        .ok_or_else(|| EngineError::unsupported("a number of so many digits"))?;
    let kind = ValueKind::BigDecimal {
        scale: scale_of(text),
    };
    Ok((raw(decimals::literal(&bytes)), ExprType::constant(kind)))
}
