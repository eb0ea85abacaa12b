//! The arguments of a call.

use sqlparser::ast::{
    DuplicateTreatment, Expr, Function, FunctionArg, FunctionArgExpr, FunctionArguments,
    Value as Literal,
};

use super::{ExprType, grouping::is_aggregate};
use crate::engine::{EngineError, EngineResult};

/// An argument of a call, and what is known about it.
pub(super) struct Argument {
    pub(super) expr: Expr,
    pub(super) typed: ExprType,
    /// Whether MySQL may treat it as `true` or `false`, which a JSON document distinguishes from a number.
    pub(super) is_truth: bool,
}

/// The error for a value that a function does not handle as MySQL does.
pub(super) fn wrong_type(name: &str) -> EngineError {
    EngineError::unsupported(&format!("{} of a value of this type", name.to_uppercase()))
}

pub(super) fn clock_digits(arguments: &FunctionArguments) -> EngineResult<u32> {
    match arguments {
        FunctionArguments::None => Ok(0),
        FunctionArguments::List(list) => match list.args.as_slice() {
            [] => Ok(0),
            [FunctionArg::Unnamed(FunctionArgExpr::Expr(Expr::Value(value)))] => match &value.value
            {
                Literal::Number(text, _) => text
                    .parse()
                    .ok()
                    .filter(|digits| *digits <= 6)
                    .ok_or_else(|| {
                        EngineError::database(
                            1426,
                            "42000",
                            format!("Too-big precision {text} specified for 'now'. Maximum is 6."),
                        )
                    }),
                _ => Err(EngineError::unsupported("this fraction of a second")),
            },
            _ => Err(EngineError::unsupported("this fraction of a second")),
        },
        FunctionArguments::Subquery(_) => {
            Err(EngineError::unsupported("this fraction of a second"))
        }
    }
}

/// Returns whether DISTINCT precedes the arguments, the arguments, and whether they are `*`.
pub(super) fn arguments(
    function: &mut Function,
    name: &str,
) -> EngineResult<(bool, Vec<Expr>, bool)> {
    let upper = name.to_uppercase();
    let list = match std::mem::replace(&mut function.args, FunctionArguments::None) {
        FunctionArguments::None => return Ok((false, Vec::new(), false)),
        FunctionArguments::Subquery(query) => {
            return Ok((false, vec![Expr::Subquery(query)], false));
        }
        FunctionArguments::List(list) => list,
    };
    if !list.clauses.is_empty() {
        return Err(EngineError::unsupported(&format!(
            "{upper} with ORDER BY or SEPARATOR"
        )));
    }
    let distinct = list.duplicate_treatment == Some(DuplicateTreatment::Distinct);
    if distinct && !is_aggregate(function) {
        return Err(EngineError::unsupported(&format!("{upper} with DISTINCT")));
    }
    let mut exprs = Vec::with_capacity(list.args.len());
    for arg in list.args {
        match arg {
            FunctionArg::Unnamed(FunctionArgExpr::Expr(expr)) => exprs.push(expr),
            FunctionArg::Unnamed(FunctionArgExpr::Wildcard) if name == "count" && !distinct => {
                return Ok((false, Vec::new(), true));
            }
            _ => {
                return Err(EngineError::unsupported(&format!(
                    "{upper} with this argument"
                )));
            }
        }
    }
    Ok((distinct, exprs, false))
}
