//! Functions of numbers and of text.

use sqlparser::ast::Expr;

use super::{
    Analysis, ExprType,
    arguments::{Argument, wrong_type},
    conversions::narrow,
    words::{call, nested, number, raw, take},
};
use crate::engine::{
    EngineError, EngineResult,
    kinds::{Collation, INT, ValueKind, text},
    mysql_functions::missing,
};

/// In MySQL, FLOOR and CEIL of a DECIMAL are whole numbers if its type has up to 17 digits before the point, or 18 with
/// none after it. The digits of an expression's type are only known to within one or two.
pub(super) const SURELY_WHOLE: u32 = 16;
const SURELY_DECIMAL: u32 = 20;

impl Analysis<'_> {
    pub(super) fn integers(&mut self, args: Vec<Argument>, name: &str) -> EngineResult<Vec<Expr>> {
        args.into_iter()
            .map(|mut arg| match arg.typed.kind {
                ValueKind::Int { .. } | ValueKind::Null => Ok(arg.expr),
                ValueKind::Wide => {
                    narrow(&mut arg.expr, &mut arg.typed.kind);
                    Ok(arg.expr)
                }
                _ => Err(EngineError::unsupported(&format!(
                    "{name} with what is not a whole number"
                ))),
            })
            .collect()
    }

    /// An argument as text; records its collation.
    pub(super) fn text_argument(
        &mut self,
        arg: &mut Argument,
        kinds: &mut Vec<(Collation, bool)>,
    ) -> EngineResult<Expr> {
        if let ValueKind::Text {
            collation,
            implicit,
        } = arg.typed.kind
        {
            kinds.push((collation, implicit));
        }
        let mut expr = take(&mut arg.expr);
        self.as_text(&mut expr, &arg.typed)?;
        Ok(expr)
    }

    pub(super) fn numeric(
        &mut self,
        name: &str,
        mut args: Vec<Argument>,
    ) -> EngineResult<(Expr, ExprType)> {
        let wrong = || wrong_type(name);
        let kind = args[0].typed.kind.plain();
        if args[0].typed.is_year() {
            return Err(wrong());
        }
        if name == "mod" {
            let mut other = args.pop().ok_or_else(wrong)?;
            let both = matches!(
                (kind, other.typed.kind),
                (ValueKind::Int { .. }, ValueKind::Int { .. })
            );
            if !both || self.writing {
                return Err(wrong());
            }
            let text = format!(
                "({} % {})",
                nested(take(&mut args[0].expr)),
                nested(take(&mut other.expr))
            );
            return Ok((raw(text), ExprType::of(kind)));
        }
        // The number of digits must be known: it decides the result's type.
        let digits = match args.get(1).map(|arg| arg.expr.to_string()) {
            None => Some(0),
            Some(text) => text.parse::<u32>().ok(),
        };
        let value = take(&mut args[0].expr);
        let whole_digits = args[0].typed.whole_digits;
        let (value, kind) = self.round_or_sign(name, value, kind, digits, whole_digits)?;
        let typed = ExprType {
            whole_digits: match name {
                "round" => whole_digits.map(|digits| digits + 1),
                "sign" => None,
                _ => whole_digits,
            },
            ..ExprType::of(kind)
        };
        Ok((value, typed))
    }

    fn round_or_sign(
        &mut self,
        name: &str,
        value: Expr,
        kind: ValueKind,
        digits: Option<u32>,
        whole_digits: Option<u32>,
    ) -> EngineResult<(Expr, ValueKind)> {
        let upper = name.to_uppercase();
        let wrong = || wrong_type(name);
        match (name, kind, digits) {
            ("abs", ValueKind::Double, _) => Ok((call("abs", vec![value]), kind)),
            ("abs", ValueKind::BigDecimal { .. }, _) => {
                Ok((call("fleet_big_abs", vec![value]), kind))
            }
            ("round" | "truncate", ValueKind::BigDecimal { scale }, Some(digits))
                if digits <= scale =>
            {
                let kept = ValueKind::BigDecimal { scale: digits };
                let value = match name {
                    "round" => call("fleet_big", vec![value, number(scale), number(digits)]),
                    _ => call("fleet_big_truncate", vec![value, number(scale - digits)]),
                };
                Ok((value, kept))
            }
            ("sign", ValueKind::BigDecimal { .. }, _) => Err(wrong()),
            ("abs", ValueKind::Wide, _) => Ok((value, kind)),
            ("abs", kind, _) if kind.is_exact() => Ok((call("fleet_abs", vec![value]), kind)),
            ("sign", kind, _) if kind.is_number() => Ok((call("sign", vec![value]), INT)),
            ("abs" | "sign", _, _) => Err(wrong()),
            (_, ValueKind::Int { .. } | ValueKind::Wide, Some(_)) => Ok((value, kind)),
            ("round" | "truncate", ValueKind::Decimal { scale }, Some(digits))
                if digits > scale =>
            {
                Err(EngineError::unsupported(&format!(
                    "{upper} to more digits than the number has"
                )))
            }
            (_, ValueKind::Decimal { scale }, Some(digits)) => {
                let kept = digits.min(scale);
                let with = match name {
                    "round" => "fleet_round",
                    "truncate" => "fleet_truncate",
                    "floor" => "fleet_floor",
                    _ => "fleet_ceil",
                };
                let value = call(with, vec![value, number(scale - kept)]);
                // The digits of the type, not the value, decide whether the result is a DECIMAL or a whole number.
                let kind = match (name, whole_digits) {
                    ("round" | "truncate", _) => ValueKind::Decimal { scale: kept },
                    (_, Some(digits)) if digits <= SURELY_WHOLE => INT,
                    (_, Some(digits)) if digits >= SURELY_DECIMAL => {
                        ValueKind::Decimal { scale: 0 }
                    }
                    _ => return Err(wrong()),
                };
                Ok((value, kind))
            }
            _ => Err(wrong()),
        }
    }

    pub(super) fn textual(
        &mut self,
        name: &str,
        mut args: Vec<Argument>,
    ) -> EngineResult<(Expr, ExprType)> {
        let upper = name.to_uppercase();
        let texts = match name {
            "left" | "right" | "substring" | "substr" | "mid" => 1,
            _ => args.len(),
        };
        let mut kinds = Vec::new();
        let mut list = Vec::with_capacity(args.len());
        let bytes_fit = matches!(name, "length" | "octet_length");
        for arg in args.drain(..texts) {
            let mut arg = arg;
            if bytes_fit && matches!(arg.typed.kind, ValueKind::Bytes) {
                list.push(arg.expr);
                continue;
            }
            list.push(self.text_argument(&mut arg, &mut kinds)?);
        }
        list.extend(self.integers(args, &upper)?);
        let collated = matches!(
            text(&kinds),
            ValueKind::Text {
                collation: Collation::Default,
                ..
            }
        );
        let (here, kind) = match name {
            "ascii" | "reverse" | "lower" | "upper" | "concat" | "concat_ws" | "left" | "right"
            | "ltrim" | "rtrim" | "trim" | "replace" => (name, text(&kinds)),
            "lcase" => ("lower", text(&kinds)),
            "ucase" => ("upper", text(&kinds)),
            "char_length" | "character_length" => ("char_length", INT),
            "length" | "octet_length" => ("octet_length", INT),
            "substring" | "substr" | "mid" => ("substring", text(&kinds)),
            "instr" if collated => ("fleet_instr", INT),
            "instr" => ("instr", INT),
            _ => return Err(missing(name, self.database)),
        };
        let kind = if name == "ascii" { INT } else { kind };
        Ok((call(here, list), ExprType::of(kind)))
    }
}
