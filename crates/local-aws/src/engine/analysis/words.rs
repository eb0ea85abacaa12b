//! Expressions in SQLite's dialect.

use std::{
    fmt::{self, Display, Write},
    ops::ControlFlow,
};

use sqlparser::ast::{
    Expr, Function, FunctionArg, FunctionArgExpr, FunctionArgumentList, FunctionArguments, Ident,
    ObjectName, ObjectNamePart, Query, SelectItem, Value as Literal, Visit, Visitor,
};

use super::typed::ExprType;
use crate::engine::{
    EngineError, EngineResult, collation, decimals,
    kinds::{self, ValueKind},
};

/// The length of a part's text in bytes, without storing the text.
pub(super) fn length(part: &impl Display) -> usize {
    struct Count(usize);
    impl Write for Count {
        fn write_str(&mut self, text: &str) -> fmt::Result {
            self.0 += text.len();
            Ok(())
        }
    }
    let mut count = Count(0);
    // Counting cannot fail.
    let _ = write!(count, "{part}");
    count.0
}

/// Whether an expression or a part of it is `wanted`, outside of subqueries.
pub(super) fn has(expr: &Expr, wanted: impl Fn(&Expr) -> bool) -> bool {
    struct PartSearch<F> {
        wanted: F,
        depth: usize,
    }
    impl<F: Fn(&Expr) -> bool> Visitor for PartSearch<F> {
        type Break = ();

        fn pre_visit_query(&mut self, _: &Query) -> ControlFlow<()> {
            self.depth += 1;
            ControlFlow::Continue(())
        }

        fn post_visit_query(&mut self, _: &Query) -> ControlFlow<()> {
            self.depth -= 1;
            ControlFlow::Continue(())
        }

        fn pre_visit_expr(&mut self, expr: &Expr) -> ControlFlow<()> {
            if self.depth == 0 && (self.wanted)(expr) {
                return ControlFlow::Break(());
            }
            ControlFlow::Continue(())
        }
    }
    expr.visit(&mut PartSearch { wanted, depth: 0 }).is_break()
}

/// Turns a value into what SQLite takes for true or false; refuses values that MySQL handles differently.
pub(super) fn truth(expr: &mut Expr, typed: &ExprType) -> EngineResult<()> {
    match typed.kind {
        ValueKind::Wide => {
            *expr = raw(format!("({} <> 0)", take(expr)));
            Ok(())
        }
        ValueKind::BigDecimal { .. } if !typed.quotient => {
            *expr = raw(format!("({} <> {})", take(expr), decimals::zero()));
            Ok(())
        }
        ValueKind::Null | ValueKind::Int { .. } | ValueKind::Double => Ok(()),
        ValueKind::Decimal { .. } if !typed.quotient => Ok(()),
        _ => Err(EngineError::unsupported(
            "a condition that is not a number or a comparison",
        )),
    }
}

/// An expression given as SQLite text, which is not looked into again.
pub(super) fn raw(text: String) -> Expr {
    Expr::Identifier(Ident::new(text))
}

pub(super) fn number(number: impl ToString) -> Expr {
    Expr::Value(Literal::Number(number.to_string(), false).into())
}

pub(super) fn nested(expr: Expr) -> Expr {
    Expr::Nested(Box::new(expr))
}

/// Takes an expression out of its place, leaving NULL.
pub(super) fn take(expr: &mut Expr) -> Expr {
    std::mem::replace(expr, Expr::Value(Literal::Null.into()))
}

/// A call of one of SQLite's functions or ours.
pub(crate) fn call(name: &str, args: Vec<Expr>) -> Expr {
    let args = args
        .into_iter()
        .map(|arg| FunctionArg::Unnamed(FunctionArgExpr::Expr(arg)));
    Expr::Function(Function {
        name: ObjectName(vec![ObjectNamePart::Identifier(Ident::new(name))]),
        uses_odbc_syntax: false,
        parameters: FunctionArguments::None,
        args: FunctionArguments::List(FunctionArgumentList {
            duplicate_treatment: None,
            args: args.collect(),
            clauses: Vec::new(),
        }),
        within_group: Vec::new(),
        filter: None,
        null_treatment: None,
        over: None,
    })
}

/// Wraps an expression in a call, with further arguments after it.
pub(super) fn wrap(expr: &mut Expr, name: &str, more: Vec<Expr>) {
    let mut args = vec![take(expr)];
    args.extend(more);
    *expr = call(name, args);
}

/// Gives an expression a collation.
pub(super) fn collate(expr: &mut Expr, collation: kinds::Collation) {
    named_collation(expr, collation::name(collation));
}

/// Gives an expression the collation for texts that are shown.
pub(super) fn collate_shown(expr: &mut Expr) {
    named_collation(expr, collation::SHOWN);
}

fn named_collation(expr: &mut Expr, name: &str) {
    let name = Ident::new(name);
    *expr = Expr::Collate {
        expr: Box::new(take(expr)),
        collation: ObjectName(vec![ObjectNamePart::Identifier(name)]),
    };
}

/// The expression of a SELECT's column.
pub(super) fn expr_of(item: &SelectItem) -> Option<&Expr> {
    match item {
        SelectItem::ExprWithAlias { expr, .. } | SelectItem::UnnamedExpr(expr) => Some(expr),
        _ => None,
    }
}
