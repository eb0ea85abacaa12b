//! JSON functions, and the operators that stand for two of them.

use sqlparser::ast::{BinaryOperator, Expr, Value as Literal};

use super::{
    Analysis, ExprType, Scope,
    arguments::{Argument, wrong_type},
    words::{call, raw, take},
};
use crate::engine::{
    EngineError, EngineResult,
    arities::wrong_count,
    kinds::{Collation, INT, ValueKind},
};

/// The texts that JSON functions return.
const UNQUOTED: ValueKind = ValueKind::Text {
    collation: Collation::Binary,
    implicit: false,
};

/// Whether MySQL may turn an argument into `true` or `false`, where another value of its type is a number.
pub(super) fn is_truth(expr: &Expr) -> bool {
    match expr {
        Expr::Nested(inner) => is_truth(inner),
        Expr::Identifier(_) | Expr::CompoundIdentifier(_) => false,
        Expr::Value(value) => matches!(value.value, Literal::Boolean(_)),
        Expr::UnaryOp { expr, .. } => is_truth(expr),
        Expr::BinaryOp { op, .. } => !matches!(
            op,
            BinaryOperator::Plus
                | BinaryOperator::Minus
                | BinaryOperator::Multiply
                | BinaryOperator::Arrow
                | BinaryOperator::LongArrow
        ),
        Expr::Function(function) => {
            let name = function.name.to_string().to_lowercase();
            !(name.starts_with("json_") || name.starts_with("concat"))
                || name == "json_valid"
                || name == "json_contains"
        }
        _ => true,
    }
}

impl Analysis<'_> {
    /// `column->path`, and `column->>path` without quotes.
    pub(super) fn arrow(&mut self, expr: &mut Expr, scope: &Scope<'_>) -> EngineResult<ExprType> {
        let Expr::BinaryOp { left, op, right } = expr else {
            return Err(EngineError::unsupported("this operator"));
        };
        let is_column = matches!(**left, Expr::Identifier(_) | Expr::CompoundIdentifier(_));
        if !is_column || !matches!(**right, Expr::Value(_)) {
            return Err(EngineError::unsupported(
                "-> of what is not a column and a path",
            ));
        }
        let unquotes = *op == BinaryOperator::LongArrow;
        let mut value = call("json_extract", vec![take(left), take(right)]);
        if unquotes {
            value = call("json_unquote", vec![value]);
        }
        *expr = value;
        self.function(expr, scope)
    }

    /// A call of a JSON function.
    pub(super) fn document(
        &mut self,
        name: &str,
        mut args: Vec<Argument>,
    ) -> EngineResult<(Expr, ExprType)> {
        let upper = name.to_uppercase();
        let wrong = || wrong_type(name);
        if args
            .iter()
            .any(|arg| arg.typed.constant && arg.typed.kind == ValueKind::Json)
        {
            // The hint is not sent to MySQL, which sees a text.
            return Err(EngineError::unsupported(&format!(
                "{upper} of a parameter with the hint JSON"
            )));
        }
        let is_document = |arg: &Argument| {
            matches!(
                arg.typed.kind,
                ValueKind::Json | ValueKind::Null | ValueKind::Text { .. }
            ) && !arg.typed.is_member()
        };
        let path = |args: &mut Vec<Argument>, at: usize| -> EngineResult<Expr> {
            match args.get_mut(at) {
                None => Ok(raw("'$'".into())),
                Some(arg) if arg.typed.kind.is_text() || arg.typed.kind == ValueKind::Null => {
                    Ok(take(&mut arg.expr))
                }
                Some(_) => Err(wrong()),
            }
        };
        let (value, kind) = match name {
            "json_array" | "json_object" => {
                let is_object = name == "json_object";
                if is_object && args.len() % 2 == 1 {
                    return Err(wrong_count(name));
                }
                let mut list = Vec::with_capacity(args.len() * 2);
                for (index, arg) in args.iter_mut().enumerate() {
                    let typed = &arg.typed;
                    if is_object && index % 2 == 0 {
                        if !(typed.kind.is_text() || typed.kind == ValueKind::Null) {
                            return Err(wrong());
                        }
                        list.push(take(&mut arg.expr));
                        continue;
                    }
                    part(arg, &mut list).ok_or_else(wrong)?;
                }
                (call(&format!("fleet_{name}"), list), ValueKind::Json)
            }
            "json_quote" => {
                if !(args[0].typed.kind.is_text() || args[0].typed.kind == ValueKind::Null) {
                    return Err(wrong());
                }
                let value = take(&mut args[0].expr);
                (call("fleet_json_quote", vec![value]), UNQUOTED)
            }
            "json_unquote" => {
                let name = match args[0].typed.kind {
                    ValueKind::Json => "fleet_json_unquote",
                    ValueKind::Text { .. } | ValueKind::Null => "fleet_text_unquote",
                    _ => return Err(wrong()),
                };
                (call(name, vec![take(&mut args[0].expr)]), UNQUOTED)
            }
            _ if !is_document(&args[0]) => return Err(wrong()),
            "json_valid" => {
                let value = take(&mut args[0].expr);
                (call("fleet_json_valid", vec![value]), INT)
            }
            "json_extract" | "json_length" => {
                if args.len() > 2 {
                    return Err(EngineError::unsupported(&format!(
                        "{upper} with several paths"
                    )));
                }
                let path = path(&mut args, 1)?;
                let list = vec![take(&mut args[0].expr), path];
                let kind = if name == "json_length" {
                    INT
                } else {
                    ValueKind::Json
                };
                (call(&format!("fleet_{name}"), list), kind)
            }
            "json_set" | "json_insert" | "json_replace" | "json_array_append" => {
                if args.len().is_multiple_of(2) {
                    return Err(wrong_count(name));
                }
                let mut list = vec![take(&mut args[0].expr)];
                for index in (1..args.len()).step_by(2) {
                    list.push(path(&mut args, index)?);
                    part(&mut args[index + 1], &mut list).ok_or_else(wrong)?;
                }
                (call(&format!("fleet_{name}"), list), ValueKind::Json)
            }
            "json_remove" => {
                let mut list = vec![take(&mut args[0].expr)];
                for index in 1..args.len() {
                    list.push(path(&mut args, index)?);
                }
                (call("fleet_json_remove", list), ValueKind::Json)
            }
            "json_keys" => {
                if args.len() > 1 {
                    return Err(EngineError::unsupported("JSON_KEYS with a path"));
                }
                let value = take(&mut args[0].expr);
                (call("fleet_json_keys", vec![value]), ValueKind::Json)
            }
            "json_contains" => {
                if !is_document(&args[1]) {
                    return Err(wrong());
                }
                let path = path(&mut args, 2)?;
                let (target, candidate) = (take(&mut args[0].expr), take(&mut args[1].expr));
                (
                    call("fleet_json_contains", vec![target, candidate, path]),
                    INT,
                )
            }
            _ => return Err(wrong()),
        };
        Ok((value, ExprType::of(kind)))
    }
}

/// Adds a value that becomes part of a document to a call's arguments, after a letter for what it is; `None` if MySQL
/// treats it as something else.
fn part(arg: &mut Argument, list: &mut Vec<Expr>) -> Option<()> {
    let typed = &arg.typed;
    let letter = match typed.kind {
        ValueKind::Json => "'j'",
        ValueKind::Int { .. } | ValueKind::Text { .. } | ValueKind::Null
            if !arg.is_truth && !typed.is_year() && !typed.is_member() =>
        {
            "''"
        }
        _ => return None,
    };
    list.push(raw(letter.into()));
    list.push(take(&mut arg.expr));
    Some(())
}
