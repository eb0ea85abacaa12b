//! What a statement of MySQL's dialect means: each expression's kind of value, and with it the words that make SQLite
//! answer as MySQL does. What has no such words is refused by name.
//!
//! String literals become bound parameters, so that no text is ever quoted again; named parameters become numbered ones.

mod arithmetic;
mod calls;
mod casts;
mod comparisons;
mod expressions;
mod grouping;
mod inserts;
mod queries;
mod scope;
mod sources;
mod stores;
mod writes;

use std::{collections::HashMap, sync::Arc};

use sqlparser::ast::{
    Expr, Function, FunctionArg, FunctionArgExpr, FunctionArgumentList, FunctionArguments, Ident,
    ObjectName, ObjectNamePart, Value as Literal,
};

use super::{
    EngineError, EngineResult, Parameters, Value,
    catalogue::{Catalogue, Table},
    column_types::literal,
    kinds::{INT, Kind, TEXT, scale_of, unscaled},
};
#[cfg(test)]
pub(super) use calls::functions as calls_known;
pub(super) use inserts::CHANGES;
pub(super) use scope::{Scope, Source};
pub(super) use sources::no_table;
pub(super) use writes::Written;

/// What is bound to one numbered parameter.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Slot {
    Named(String),
    Literal(String),
}

/// The kinds of the parameters.
#[derive(Debug, Clone, Copy)]
pub(super) enum Bindings<'a> {
    Given(&'a Parameters),
    /// Every name is one of a text.
    AnyText,
}

/// A column of a query's result.
#[derive(Debug, Clone)]
pub(super) struct Output {
    pub(super) name: String,
    pub(super) kind: Kind,
    /// The table's column that it is, where it is one.
    pub(super) origin: Option<(Arc<Table>, usize)>,
}

/// What is known of an expression.
#[derive(Debug, Clone)]
pub(super) struct Typed {
    pub(super) kind: Kind,
    /// Whether it is a literal or a parameter.
    constant: bool,
    /// Whether it is a column, whose collation SQLite knows.
    bare: bool,
    /// Whether MySQL has more digits of it than it shows: of a quotient, a mean.
    quotient: bool,
    /// The table's column that it is.
    origin: Option<(Arc<Table>, usize)>,
}

impl Typed {
    fn of(kind: Kind) -> Self {
        Self {
            kind,
            constant: false,
            bare: false,
            quotient: false,
            origin: None,
        }
    }

    fn constant(kind: Kind) -> Self {
        Self {
            constant: true,
            ..Self::of(kind)
        }
    }

    /// Whether it is a column of YEAR, as which MySQL reads the constants that it is compared with.
    fn is_year(&self) -> bool {
        self.origin
            .as_ref()
            .is_some_and(|(table, index)| table.columns[*index].kind.name() == "YEAR")
    }

    /// Whether it is a column of ENUM or SET, which is a number too.
    fn is_member(&self) -> bool {
        self.origin.as_ref().is_some_and(|(table, index)| {
            matches!(table.columns[*index].kind.name(), "ENUM" | "SET")
        })
    }
}

/// A text that is compared with a date or a time. MySQL reads it before any row.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct MomentText {
    pub(super) slot: usize,
    pub(super) is_time: bool,
    /// Whether MySQL has an error for one that is no date: a BETWEEN may warn.
    pub(super) is_error: bool,
}

/// A statement under analysis.
pub(super) struct Analysis<'a> {
    pub(super) catalogue: &'a Catalogue,
    pub(super) database: &'a str,
    bindings: Bindings<'a>,
    pub(super) slots: Vec<Slot>,
    numbers: HashMap<String, usize>,
    /// Whether literals stay in the text: a definition has no parameters.
    inline: bool,
    /// Whether it writes: strict mode makes errors of what is a warning to a query.
    writing: bool,
    /// The texts that are compared with dates and times.
    pub(super) moments: Vec<MomentText>,
    /// Whether the comparison under analysis is a BETWEEN's.
    between: bool,
    /// Whether the expression under analysis is a part that may not be needed.
    lazy: bool,
    /// Where MySQL says that a column is missing.
    clause: &'static str,
    /// Whether it wants to be the only one to write what it reads.
    pub(super) locks: bool,
    /// The queries of WITH by name.
    named: Vec<(String, Vec<Output>)>,
    /// The row of VALUES.
    row: usize,
    /// The table that an UPDATE or DELETE writes to.
    target: Option<String>,
}

impl<'a> Analysis<'a> {
    pub(super) fn new(
        catalogue: &'a Catalogue,
        database: &'a str,
        bindings: Bindings<'a>,
        writing: bool,
    ) -> Self {
        Self {
            catalogue,
            database,
            bindings,
            slots: Vec::new(),
            numbers: HashMap::new(),
            inline: false,
            writing,
            moments: Vec::new(),
            between: false,
            lazy: false,
            clause: "field list",
            locks: false,
            named: Vec::new(),
            row: 1,
            target: None,
        }
    }

    /// The condition of a table's CHECK, in SQLite's words.
    pub(super) fn check(
        &mut self,
        table: &Arc<Table>,
        mut condition: Expr,
    ) -> EngineResult<String> {
        self.inline = true;
        let scope = Scope::of(vec![Source::of_table(Arc::clone(table), &table.name)]);
        let typed = self.expr(&mut condition, &scope)?;
        truth(&typed)?;
        Ok(condition.to_string())
    }

    /// Numbers a slot; one name has one number.
    fn slot(&mut self, slot: Slot) -> Literal {
        let number = match &slot {
            Slot::Named(name) => match self.numbers.get(name) {
                Some(number) => *number,
                None => {
                    self.numbers.insert(name.clone(), self.slots.len() + 1);
                    self.slots.push(slot);
                    self.slots.len()
                }
            },
            Slot::Literal(_) => {
                self.slots.push(slot);
                self.slots.len()
            }
        };
        Literal::Placeholder(format!("?{number}"))
    }

    /// A text of the statement's.
    fn text(&mut self, text: String) -> Expr {
        let value = if self.inline {
            return raw(literal(&text));
        } else {
            self.slot(Slot::Literal(text))
        };
        Expr::Value(value.into())
    }

    /// A literal or a parameter.
    fn value(&mut self, value: &mut Literal) -> EngineResult<(Option<Expr>, Typed)> {
        let kind = match value {
            Literal::SingleQuotedString(text)
            | Literal::DoubleQuotedString(text)
            | Literal::NationalStringLiteral(text) => {
                let text = std::mem::take(text);
                return Ok((Some(self.text(text)), Typed::constant(TEXT)));
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
                        Some(Value::Decimal(text)) if unscaled(text).is_none() => {
                            return Err(EngineError::unsupported(
                                "a DECIMAL of more than 18 digits",
                            ));
                        }
                        Some(value) => Kind::of(value),
                        None => return Err(EngineError::MissingParameter(bare)),
                    },
                };
                *value = self.slot(Slot::Named(bare));
                kind
            }
            Literal::Null => Kind::Null,
            Literal::Boolean(_) => INT,
            Literal::HexStringLiteral(digits) if digits.len() % 2 == 0 => Kind::Bytes,
            Literal::Number(text, false) => {
                if text.contains(['e', 'E']) {
                    Kind::Double
                } else if text.contains('.') {
                    let scale = scale_of(text);
                    let number = unscaled(text)
                        .ok_or_else(|| EngineError::unsupported("a number of so many digits"))?;
                    *text = number.to_string();
                    Kind::Decimal { scale }
                } else if text.parse::<i64>().is_ok() {
                    INT
                } else {
                    return Err(EngineError::unsupported(
                        "whole numbers above 9223372036854775807",
                    ));
                }
            }
            _ => return Err(EngineError::unsupported("this literal")),
        };
        Ok((None, Typed::constant(kind)))
    }
}

/// Refuses what MySQL takes for true or false in another way.
fn truth(typed: &Typed) -> EngineResult<()> {
    match typed.kind {
        Kind::Null | Kind::Int { .. } | Kind::Double => Ok(()),
        Kind::Decimal { .. } if !typed.quotient => Ok(()),
        _ => Err(EngineError::unsupported(
            "a condition that is not a number or a comparison",
        )),
    }
}

/// An expression as text of SQLite's, which nothing looks into again.
fn raw(text: String) -> Expr {
    Expr::Identifier(Ident::new(text))
}

fn number(number: impl ToString) -> Expr {
    Expr::Value(Literal::Number(number.to_string(), false).into())
}

fn nested(expr: Expr) -> Expr {
    Expr::Nested(Box::new(expr))
}

/// Takes an expression out of its place.
fn take(expr: &mut Expr) -> Expr {
    std::mem::replace(expr, Expr::Value(Literal::Null.into()))
}

/// A call of a function of SQLite's or of ours.
pub(super) fn call(name: &str, args: Vec<Expr>) -> Expr {
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

/// Wraps an expression in a call, with more arguments after it.
fn wrap(expr: &mut Expr, name: &str, more: Vec<Expr>) {
    let mut args = vec![take(expr)];
    args.extend(more);
    *expr = call(name, args);
}

/// Gives an expression a collation.
fn collate(expr: &mut Expr, collation: super::kinds::Collation) {
    let name = Ident::new(super::collation::name(collation));
    *expr = Expr::Collate {
        expr: Box::new(take(expr)),
        collation: ObjectName(vec![ObjectNamePart::Identifier(name)]),
    };
}
