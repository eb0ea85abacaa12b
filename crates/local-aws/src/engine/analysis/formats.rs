//! Dates and numbers as texts, and other results of date functions.

use sqlparser::ast::{Expr, Value as Literal};

use super::{
    Analysis, ExprType,
    arguments::{Argument, wrong_type},
    words::{call, number, take},
};
use crate::engine::{
    EngineError, EngineResult,
    kinds::{INT, TEXT, ValueKind},
};

impl Analysis<'_> {
    /// A call of one of these functions.
    pub(super) fn formatted(
        &mut self,
        name: &str,
        mut args: Vec<Argument>,
    ) -> EngineResult<(Expr, ExprType)> {
        let wrong = || wrong_type(name);
        let first = args[0].typed.clone();
        if first.quotient || first.is_member() || first.is_year() {
            return Err(wrong());
        }
        // A text that is not a date is an error in a writing statement, and a warning in a query.
        let reads_text = |typed: &ExprType| typed.kind.is_text() && !self.writing;
        let (list, kind) = match name {
            "format" => {
                let digits = match &args[1].expr {
                    Expr::Value(value) => match &value.value {
                        Literal::Number(text, _) => text.parse::<u32>().ok(),
                        _ => None,
                    },
                    _ => None,
                };
                let digits =
                    digits.ok_or_else(|| EngineError::unsupported("FORMAT with these digits"))?;
                if first.kind.is_big() || !(first.kind.is_exact() || first.kind == ValueKind::Null)
                {
                    return Err(wrong());
                }
                let value = take(&mut args[0].expr);
                let list = vec![value, number(first.kind.scale()), number(digits)];
                (list, TEXT)
            }
            "timediff" => {
                for arg in &args {
                    match arg.typed.kind {
                        ValueKind::Null
                        | ValueKind::Time { digits: 0 }
                        | ValueKind::DateTime { digits: 0 } => {}
                        ValueKind::Text { .. } if arg.typed.constant && reads_text(&arg.typed) => {}
                        _ => return Err(wrong()),
                    }
                }
                let list = args.iter_mut().map(|arg| take(&mut arg.expr)).collect();
                (list, ValueKind::Time { digits: 0 })
            }
            _ => {
                match first.kind {
                    ValueKind::Null | ValueKind::Date | ValueKind::DateTime { .. } => {}
                    ValueKind::Text { .. } if reads_text(&first) => {}
                    _ => return Err(wrong()),
                }
                let form = args.get(1).map(|form| form.typed.kind);
                if form.is_some_and(|kind| !(kind.is_text() || kind == ValueKind::Null)) {
                    return Err(wrong());
                }
                let list = args.iter_mut().map(|arg| take(&mut arg.expr)).collect();
                let kind = match name {
                    "date_format" | "dayname" | "monthname" => TEXT,
                    "last_day" => ValueKind::Date,
                    _ => INT,
                };
                (list, kind)
            }
        };
        Ok((call(&format!("fleet_{name}"), list), ExprType::of(kind)))
    }
}
