//! Expressions: operators, casts, literals and calls.

use sqlparser::ast::{
    BinaryOperator, CastKind, CeilFloorKind, DateTimeField, Expr, ExtractSyntax, Function,
    FunctionArg, FunctionArgumentClause, FunctionArguments, Ident, UnaryOperator, WindowType,
};

use super::{
    fault::DialectFault,
    names,
    queries::{first, order_term},
    types,
};
use crate::engine::sqlite::syntax::{UNITS, last_ident};

pub(super) fn expr(expr: &Expr) -> Option<DialectFault> {
    let word = match expr {
        Expr::Identifier(name) => return names::reserved(name),
        Expr::CompoundIdentifier(parts) => return parts.first().and_then(names::reserved),
        Expr::BinaryOp { op, .. } => return binary(op),
        Expr::UnaryOp { op, .. } => return unary(op),
        Expr::Function(function) => return call(function),
        Expr::ILike { .. } => "ILIKE",
        Expr::Like { any: true, .. } => "ANY",
        Expr::SimilarTo { .. } => "SIMILAR",
        Expr::IsDistinctFrom(..) | Expr::IsNotDistinctFrom(..) => "DISTINCT",
        Expr::IsJson { .. } => "JSON",
        Expr::IsNormalized { .. } => "NORMALIZED",
        Expr::InUnnest { .. } => "UNNEST",
        Expr::AtTimeZone { .. } => "AT",
        Expr::Overlay { .. } => "PLACING",
        Expr::CompoundFieldAccess { .. } | Expr::JsonAccess { .. } => "[",
        Expr::GroupingSets(_) => "GROUPING",
        Expr::Cube(_) => "CUBE",
        Expr::Struct { .. } => "STRUCT",
        Expr::Dictionary(_) => "{",
        Expr::Map(_) => "MAP",
        Expr::Array(_) => "ARRAY",
        Expr::Named { .. } => "AS",
        Expr::OuterJoin(_) => "+",
        Expr::Prior(_) => "PRIOR",
        Expr::Lambda(_) => "->",
        Expr::Cast {
            kind,
            data_type,
            format,
            ..
        } => {
            return match kind {
                CastKind::TryCast => Some(DialectFault::word("TRY_CAST")),
                CastKind::SafeCast => Some(DialectFault::word("SAFE_CAST")),
                _ if format.is_some() => Some(DialectFault::word("FORMAT")),
                _ => types::foreign_cast(data_type).map(DialectFault::Word),
            };
        }
        Expr::Convert {
            is_try,
            target_before_value,
            styles,
            data_type,
            ..
        } => {
            return first(&[
                (*is_try, "TRY_CONVERT"),
                (*target_before_value || !styles.is_empty(), "CONVERT"),
            ])
            .or_else(|| {
                let kind = data_type.as_ref()?;
                types::foreign_cast(kind).map(DialectFault::Word)
            });
        }
        Expr::Extract { field, syntax, .. } => {
            return match syntax {
                ExtractSyntax::Comma => Some(DialectFault::word("EXTRACT")),
                ExtractSyntax::From => unit(field),
            };
        }
        Expr::Ceil { field, .. } | Expr::Floor { field, .. } => match field {
            CeilFloorKind::DateTimeField(DateTimeField::NoDateTime) | CeilFloorKind::Scale(_) => {
                return None;
            }
            CeilFloorKind::DateTimeField(_) => "TO",
        },
        Expr::Interval(interval) => {
            return match &interval.last_field {
                Some(_) => Some(DialectFault::word("TO")),
                None => interval.leading_field.as_ref().and_then(unit),
            };
        }
        Expr::Substring {
            substring_from: None,
            ..
        } => "FOR",
        Expr::Trim {
            trim_characters: Some(_),
            ..
        } => "TRIM",
        // Before a text, any other word may be a column name.
        Expr::TypedString(typed) => {
            let kind = Ident::new(typed.data_type.to_string());
            return names::reserved(&kind).map(|_| DialectFault::At(typed.value.span.start));
        }
        _ => return None,
    };
    Some(DialectFault::word(word))
}

/// `CAST(… AT TIME ZONE … AS DATETIME)`
pub(super) fn casts_time(expr: &Expr) -> bool {
    matches!(expr, Expr::Cast { expr, .. } if matches!(**expr, Expr::AtTimeZone { .. }))
}

/// A unit of time that MySQL does not have.
fn unit(field: &DateTimeField) -> Option<DialectFault> {
    use DateTimeField as F;
    match field {
        F::Year
        | F::Quarter
        | F::Month
        | F::Week(None)
        | F::Day
        | F::Hour
        | F::Minute
        | F::Second
        | F::Microsecond => None,
        F::Custom(name) if UNITS.contains(&name.value.to_ascii_uppercase().as_str()) => None,
        other => Some(DialectFault::word(other.to_string())),
    }
}

fn binary(op: &BinaryOperator) -> Option<DialectFault> {
    use BinaryOperator as B;
    match op {
        B::Plus
        | B::Minus
        | B::Multiply
        | B::Divide
        | B::Modulo
        | B::MyIntegerDivide
        | B::Gt
        | B::Lt
        | B::GtEq
        | B::LtEq
        | B::Spaceship
        | B::Eq
        | B::NotEq
        | B::And
        | B::Or
        | B::Xor
        | B::BitwiseOr
        | B::BitwiseAnd
        | B::BitwiseXor
        | B::PGBitwiseShiftLeft
        | B::PGBitwiseShiftRight
        | B::Regexp
        | B::Arrow
        | B::LongArrow
        | B::StringConcat
        | B::Assignment => None,
        other => Some(DialectFault::word(other.to_string())),
    }
}

fn unary(op: &UnaryOperator) -> Option<DialectFault> {
    use UnaryOperator as U;
    match op {
        U::Plus | U::Minus | U::Not | U::BangNot | U::BitwiseNot => None,
        other => Some(DialectFault::word(other.to_string())),
    }
}

fn call(function: &Function) -> Option<DialectFault> {
    let name = last_ident(&function.name);
    let is = |other: &str| name.is_some_and(|name| name.value.eq_ignore_ascii_case(other));
    let is_concat = is("GROUP_CONCAT");
    first(&[
        (function.filter.is_some(), "FILTER"),
        (!function.within_group.is_empty(), "WITHIN"),
        (function.parameters != FunctionArguments::None, "("),
        // With FROM, the parser does not take it for a call.
        (is("EXTRACT"), ","),
    ])
    .or_else(|| match &function.over {
        Some(WindowType::WindowSpec(window)) => window.order_by.iter().find_map(order_term),
        _ => None,
    })
    .or_else(|| {
        let FunctionArguments::List(list) = &function.args else {
            return None;
        };
        let named = list.args.iter().find_map(|arg| match arg {
            FunctionArg::Named { operator, .. } | FunctionArg::ExprNamed { operator, .. } => {
                Some(DialectFault::word(operator.to_string()))
            }
            FunctionArg::Unnamed(_) => None,
        });
        named.or_else(|| {
            list.clauses
                .iter()
                .find_map(|clause| argument_clause(clause, is_concat))
        })
    })
}

fn argument_clause(clause: &FunctionArgumentClause, is_concat: bool) -> Option<DialectFault> {
    use FunctionArgumentClause as C;
    let word = match clause {
        C::OrderBy(terms) if is_concat => return terms.iter().find_map(order_term),
        C::Separator(_) if is_concat => return None,
        C::OrderBy(_) => "ORDER",
        C::Separator(_) => "SEPARATOR",
        C::IgnoreOrRespectNulls(_) => "NULLS",
        C::Where(_) => "WHERE",
        C::Limit(_) => "LIMIT",
        C::OnOverflow(_) => "OVERFLOW",
        C::Having(_) => "HAVING",
        C::JsonNullClause(_) => "NULL",
        // Belongs to JSON_VALUE.
        C::JsonReturningClause(_) => return None,
    };
    Some(DialectFault::word(word))
}
