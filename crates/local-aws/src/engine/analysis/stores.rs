//! Values on their way into a column: which function converts them to what the column stores.

use sqlparser::ast::Expr;

use super::{
    Analysis, ExprType,
    conversions::{narrow, to_real},
    words::{call, number, raw, take},
};
use crate::engine::{
    EngineError, EngineResult,
    catalogue::{ColumnDefault, ColumnDefinition},
    column_types::literal,
    decimals,
    kinds::{Collation, MAX_DIGITS, ValueKind},
};

impl Analysis<'_> {
    /// Converts a value to what a column stores.
    pub(super) fn store(
        &mut self,
        expr: &mut Expr,
        typed: &ExprType,
        column: &ColumnDefinition,
    ) -> EngineResult<()> {
        if typed.quotient {
            return Err(EngineError::unsupported("a quotient that is written"));
        }
        if typed.kind == ValueKind::Null {
            return Ok(());
        }
        let refused = || {
            Err(EngineError::unsupported(&format!(
                "a value of this type for the column '{}'",
                column.name
            )))
        };
        let place = [raw(literal(&column.name)), number(self.row)];
        let kind = &column.kind;
        let from = typed.kind;
        let value = take(expr);
        let mut args = vec![value];
        let name = match column.kind() {
            ValueKind::Int { .. } | ValueKind::Wide => {
                if let ValueKind::BigDecimal { scale } = from {
                    if kind.unsigned() {
                        return refused();
                    }
                    let scales = vec![take(&mut args[0]), number(scale), number(0)];
                    args = vec![call("fleet_big_narrow", scales)];
                }
                if let ValueKind::Decimal { scale } = from {
                    // A negative fraction is out of an unsigned column's range, even if it rounds to zero.
                    let round = if kind.unsigned() {
                        "fleet_round_signed"
                    } else {
                        "fleet_round"
                    };
                    args = vec![call(round, vec![take(&mut args[0]), number(scale)])];
                }
                if !(from.is_number() || (from.is_text() && !typed.is_member()))
                    || kind.name() == "YEAR" && (from.is_text() || from == ValueKind::Double)
                {
                    return refused();
                }
                let (least, most) = match kind.name() {
                    "BIT" => (0, 1),
                    "YEAR" => {
                        args = vec![call("fleet_year", vec![take(&mut args[0])])];
                        (0, 2155)
                    }
                    // Stands for 2⁶⁴−1. Generated ids are SQLite's row ids, which end earlier.
                    "BIGINT" if kind.unsigned() && !column.auto_increment => (0, -1),
                    _ => kind.range().unwrap_or((i64::MIN, i64::MAX)),
                };
                // As text, the minimum would be read as a minus sign and a number that is too large.
                let least = if least == i64::MIN {
                    raw("(-9223372036854775807 - 1)".into())
                } else {
                    number(least)
                };
                args.extend([least, number(most)]);
                "fleet_store_int"
            }
            ValueKind::Decimal { .. } | ValueKind::BigDecimal { .. } => {
                if !(from.is_number() || (from.is_text() && !typed.is_member())) {
                    return refused();
                }
                args.extend([
                    number(from.scale()),
                    number(kind.precision()),
                    number(kind.scale()),
                    number(u8::from(kind.unsigned())),
                ]);
                if from.is_big() || kind.precision() > MAX_DIGITS {
                    "fleet_store_big"
                } else {
                    "fleet_store_decimal"
                }
            }
            ValueKind::Double => {
                if from.is_exact() && !from.is_whole() {
                    to_real(&mut args[0], from);
                }
                if !(from.is_number() || (from.is_text() && !typed.is_member())) {
                    return refused();
                }
                "fleet_store_double"
            }
            ValueKind::Text { .. } => {
                let mut value = take(&mut args[0]);
                if from != ValueKind::Bytes {
                    self.as_text(&mut value, typed)?;
                }
                args = vec![value];
                if matches!(kind.name(), "ENUM" | "SET") {
                    if !from.is_text() {
                        return refused();
                    }
                    args.push(number(u8::from(kind.name() == "SET")));
                    args.extend(kind.values().iter().map(|member| raw(literal(member))));
                    "fleet_store_member"
                } else {
                    let (most, characters) = kind.length().unwrap_or((u64::from(u32::MAX), false));
                    args.extend([
                        number(most),
                        number(u8::from(characters)),
                        number(u8::from(kind.name() == "CHAR")),
                        number(u8::from(column.collation == Collation::Binary)),
                    ]);
                    "fleet_store_text"
                }
            }
            ValueKind::Bytes => {
                if from != ValueKind::Bytes && !from.is_text() {
                    return refused();
                }
                let (most, _) = kind.length().unwrap_or((u64::from(u32::MAX), false));
                args.extend([number(most), number(u8::from(kind.name() == "BINARY"))]);
                "fleet_store_bytes"
            }
            ValueKind::Date | ValueKind::DateTime { .. } | ValueKind::Time { .. } => {
                let is_time = kind.name() == "TIME";
                let fits = match from {
                    ValueKind::Text { .. } => true,
                    ValueKind::Date | ValueKind::DateTime { .. } => !is_time,
                    ValueKind::Time { .. } => is_time,
                    _ => false,
                };
                if !fits {
                    return refused();
                }
                args.extend([raw(literal(kind.name())), number(kind.digits())]);
                "fleet_store_date"
            }
            ValueKind::Json => {
                let is_document = from == ValueKind::Json || (from.is_text() && !typed.is_member());
                if !is_document {
                    return refused();
                }
                "fleet_store_json"
            }
            ValueKind::Null => return refused(),
        };
        args.extend(place);
        *expr = call(name, args);
        Ok(())
    }

    /// A column's value when a row does not give one.
    pub(super) fn default(&mut self, column: &ColumnDefinition) -> EngineResult<Expr> {
        match &column.default {
            Some(ColumnDefault::Now) => {
                let digits = column.kind.digits();
                let args = if digits > 0 {
                    vec![number(digits)]
                } else {
                    Vec::new()
                };
                Ok(call("utc_timestamp", args))
            }
            Some(ColumnDefault::Text(text)) => {
                let typed = ExprType::constant(crate::engine::kinds::TEXT);
                let mut expr = self.text(text.clone());
                self.store(&mut expr, &typed, column)?;
                Ok(expr)
            }
            Some(ColumnDefault::Number(text)) => {
                let negative = text.starts_with('-');
                let mut value =
                    sqlparser::ast::Value::Number(text.trim_start_matches('-').to_owned(), false);
                let (replaced, mut typed) = self.value(&mut value)?;
                let mut expr = replaced.unwrap_or(Expr::Value(value.into()));
                if negative {
                    narrow(&mut expr, &mut typed.kind);
                    expr = match typed.kind.is_big() {
                        true => call("fleet_big_negative", vec![expr]),
                        false => raw(format!("-{expr}")),
                    };
                }
                self.store(&mut expr, &typed, column)?;
                Ok(expr)
            }
            // An ENUM's implicit default is its first value.
            None if column.not_null && column.kind.name() == "ENUM" => {
                let first = column.kind.values().into_iter().next().unwrap_or_default();
                Ok(self.text(first))
            }
            None if column.not_null && !column.auto_increment => Err(EngineError::database(
                1364,
                "HY000",
                format!("Field '{}' doesn't have a default value", column.name),
            )),
            None | Some(ColumnDefault::Null) => Ok(raw("NULL".into())),
        }
    }

    /// A column's literal default, to be tried when the column is defined.
    pub(crate) fn constant_default(&mut self, column: &ColumnDefinition) -> EngineResult<Expr> {
        self.inline = true;
        self.default(column)
    }

    /// The value that a column of a recreated table takes from the old table.
    pub(crate) fn moved(
        &mut self,
        from: &ColumnDefinition,
        to: &ColumnDefinition,
    ) -> EngineResult<String> {
        self.inline = true;
        let mut value = Expr::Identifier(sqlparser::ast::Ident::with_quote('`', &from.name));
        let moved = ColumnDefinition {
            name: from.name.clone(),
            ..to.clone()
        };
        if *from == moved || (from.kind == to.kind && from.not_null == to.not_null) {
            return Ok(value.to_string());
        }
        if matches!(from.kind.name(), "ENUM" | "SET") && from.kind.name() != to.kind.name() {
            return Err(EngineError::unsupported(
                "another type for an ENUM or a SET",
            ));
        }
        self.store(&mut value, &ExprType::of(from.kind()), to)?;
        Ok(value.to_string())
    }

    /// The value of an added column in existing rows: its default, or the type's implicit one.
    pub(crate) fn added(&mut self, column: &ColumnDefinition) -> EngineResult<String> {
        self.inline = true;
        if column.auto_increment {
            return Ok("NULL".into());
        }
        if column.default.is_some() || !column.not_null || column.kind.name() == "ENUM" {
            return Ok(self.default(column)?.to_string());
        }
        match column.kind() {
            ValueKind::Int { .. } | ValueKind::Wide | ValueKind::Decimal { .. }
                if column.kind.name() != "YEAR" =>
            {
                Ok("0".into())
            }
            ValueKind::BigDecimal { .. } => Ok(decimals::zero()),
            ValueKind::Double => Ok("0.0".into()),
            ValueKind::Text { .. } => Ok("''".into()),
            ValueKind::Bytes if column.kind.name() != "BINARY" => Ok("x''".into()),
            _ => Err(EngineError::unsupported(
                "adding a column of this type that is never NULL and has no default",
            )),
        }
    }
}
