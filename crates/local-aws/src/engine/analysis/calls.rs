//! Functions: an allow-list of those that the embedded engine supports, each with MySQL's result.

use sqlparser::ast::{Expr, FunctionArguments, ObjectNamePart, WindowFrameUnits, WindowType};

use super::{
    Analysis, ExprType, Scope,
    aggregates::{COUNT_DIGITS, OVER, aggregate, takes_wide},
    arguments::{Argument, arguments, clock_digits, wrong_type},
    conversions::narrow,
    documents,
    scope::{clock, clock_kind},
    shown,
    words::{call, length, nested, number, raw, take, truth},
};
use crate::engine::{
    EngineError, EngineResult,
    arities::{ARITIES, wrong_count},
    kinds::{INT, TEXT, UNSIGNED, ValueKind, text},
    mysql_functions::missing,
};

/// The supported functions.
#[cfg(test)]
pub(crate) fn functions() -> impl Iterator<Item = &'static str> {
    ARITIES.iter().map(|function| function.0)
}

fn is_window(name: &str) -> bool {
    matches!(
        name,
        "cume_dist"
            | "dense_rank"
            | "first_value"
            | "lag"
            | "last_value"
            | "lead"
            | "nth_value"
            | "ntile"
            | "percent_rank"
            | "rank"
            | "row_number"
    )
}

impl Analysis<'_> {
    /// Rewrites a call.
    pub(super) fn function(
        &mut self,
        expr: &mut Expr,
        scope: &Scope<'_>,
    ) -> EngineResult<ExprType> {
        let Expr::Function(function) = expr else {
            return Err(EngineError::unsupported("this function"));
        };
        let [ObjectNamePart::Identifier(name)] = function.name.0.as_slice() else {
            return Err(EngineError::unsupported("functions of another database"));
        };
        let name = name.value.to_ascii_lowercase();
        if let Some(clock) = clock(&name) {
            let digits = clock_digits(&function.args)?;
            let args = if digits > 0 && clock != "utc_date" {
                vec![number(digits)]
            } else {
                Vec::new()
            };
            *expr = call(clock, args);
            return Ok(ExprType::of(clock_kind(clock, digits)));
        }
        let Some((_, least, most)) = ARITIES.iter().find(|known| known.0 == name) else {
            return Err(missing(&name, self.database));
        };
        if !function.within_group.is_empty()
            || function.filter.is_some()
            || function.null_treatment.is_some()
            || !matches!(function.parameters, FunctionArguments::None)
        {
            return Err(EngineError::unsupported(&format!(
                "{} with this clause",
                name.to_uppercase()
            )));
        }
        let (distinct, mut arguments, star) = arguments(function, &name)?;
        let count = if star { 1 } else { arguments.len() };
        if count < *least || count > *most {
            return Err(wrong_count(&name));
        }
        let over = function.over.take();
        if over.is_none() && is_window(&name) {
            return Err(EngineError::unsupported(&format!(
                "{} without OVER",
                name.to_uppercase()
            )));
        }
        if over.is_some()
            && !is_window(&name)
            && !matches!(name.as_str(), "avg" | "count" | "max" | "min" | "sum")
        {
            return Err(EngineError::unsupported(&format!(
                "{} with OVER",
                name.to_uppercase()
            )));
        }
        let placed = self.placed;
        let mut typed = Vec::with_capacity(arguments.len());
        for mut expr in arguments.drain(..) {
            let is_truth = documents::is_truth(&expr);
            let mut is = self.expr(&mut expr, scope)?;
            is.placed = self.placed > placed;
            if is.quotient {
                return Err(EngineError::unsupported(
                    "a quotient within another expression",
                ));
            }
            if !takes_wide(&name, over.is_some()) {
                narrow(&mut expr, &mut is.kind);
            }
            typed.push(Argument {
                expr,
                typed: is,
                is_truth,
            });
        }
        let (value, result) = self.called(&name, typed, star, distinct, over.is_some())?;
        *expr = value;
        if let Some(over) = over {
            let spec = self.window(over, scope)?;
            // OVER goes right after its call, inside any wrapper.
            *expr = raw(expr.to_string().replace(OVER, &format!(" OVER ({spec})")));
        }
        Ok(result)
    }

    fn window(&mut self, over: WindowType, scope: &Scope<'_>) -> EngineResult<String> {
        let WindowType::WindowSpec(mut spec) = over else {
            return Err(EngineError::unsupported("a named window"));
        };
        if spec.window_name.is_some() {
            return Err(EngineError::unsupported("a named window"));
        }
        if let Some(frame) = &spec.window_frame
            && frame.units == WindowFrameUnits::Groups
        {
            return Err(EngineError::unsupported("GROUPS"));
        }
        for expr in &mut spec.partition_by {
            let typed = self.expr(expr, scope)?;
            self.sortable(expr, &typed)?;
        }
        for item in &mut spec.order_by {
            let typed = self.expr(&mut item.expr, scope)?;
            self.sortable(&mut item.expr, &typed)?;
        }
        Ok(spec.to_string())
    }

    fn called(
        &mut self,
        name: &str,
        mut args: Vec<Argument>,
        star: bool,
        distinct: bool,
        over: bool,
    ) -> EngineResult<(Expr, ExprType)> {
        let marker = if over { OVER } else { "" };
        let aggregate = |name: &str, expr: &Expr| aggregate(name, expr, distinct, over);
        let upper = name.to_uppercase();
        let wrong = || wrong_type(name);
        let plain = |name: &str, args: Vec<Argument>, kind: ValueKind| {
            let args = args.into_iter().map(|arg| arg.expr).collect();
            Ok((call(name, args), ExprType::of(kind)))
        };
        match name {
            "count" => {
                let counted = if star {
                    raw("*".into())
                } else {
                    self.compared(&mut args[0])?
                };
                let typed = ExprType {
                    whole_digits: Some(COUNT_DIGITS),
                    ..ExprType::of(INT)
                };
                Ok((aggregate("count", &counted), typed))
            }
            "sum" | "avg" => self.summed(name, &mut args[0], distinct, over),
            "min" | "max" => {
                if args[0].typed.placed {
                    return Err(EngineError::unsupported(&format!(
                        "{upper} of a DECIMAL parameter"
                    )));
                }
                let kind = args[0].typed.kind.plain();
                if kind.is_exact() && !kind.is_whole() && args[0].expr.to_string().contains('%') {
                    // The remainder of a negative DECIMAL may be a zero with a sign.
                    return Err(EngineError::unsupported(&format!(
                        "{upper} of what is left of a division"
                    )));
                }
                // MariaDB returns booleans for a TINYINT(1) in a group, and numbers otherwise; MySQL has not been
                // tested.
                let boolean = matches!(args[0].typed.kind, ValueKind::Int { boolean: true, .. });
                // MariaDB also returned a text for a bytes parameter.
                let bytes = args[0].typed.constant && kind == ValueKind::Bytes;
                if matches!(kind, ValueKind::Json) || args[0].typed.is_member() || boolean || bytes
                {
                    return Err(wrong());
                }
                let Argument { expr, typed, .. } = &mut args[0];
                let text = match over {
                    true => None,
                    false => shown::extreme(expr, name == "min", typed),
                };
                let value = match text {
                    Some(text) => raw(text),
                    None => {
                        self.sortable(expr, typed)?;
                        shown::compare_as_shown(expr, typed);
                        aggregate(name, &take(expr))
                    }
                };
                let typed = ExprType {
                    whole_digits: typed.whole_digits,
                    ..ExprType::of(kind)
                };
                Ok((value, typed))
            }
            "group_concat" if distinct => {
                // The order is undefined.
                Err(EngineError::unsupported("GROUP_CONCAT with DISTINCT"))
            }
            "group_concat" => {
                let mut kinds = Vec::new();
                let expr = self.text_argument(&mut args[0], &mut kinds)?;
                let joined = aggregate("group_concat", &expr);
                Ok((call("fleet_cut", vec![joined]), ExprType::of(text(&kinds))))
            }
            "row_number" | "rank" | "dense_rank" => {
                Ok((raw(format!("{name}(){marker}")), ExprType::of(UNSIGNED)))
            }
            "percent_rank" | "cume_dist" => Ok((
                raw(format!("{name}(){marker}")),
                ExprType::of(ValueKind::Double),
            )),
            "ntile" => {
                let args = self.integers(args, &upper)?;
                Ok((
                    raw(format!("ntile({}){marker}", args[0])),
                    ExprType::of(UNSIGNED),
                ))
            }
            "first_value" | "last_value" | "nth_value" | "lag" | "lead" => {
                if args.len() > 2 {
                    return Err(EngineError::unsupported(&format!("{upper} with a default")));
                }
                let kind = args[0].typed.kind.plain();
                let list: Vec<String> = args.iter().map(|arg| arg.expr.to_string()).collect();
                Ok((
                    raw(format!("{name}({}){marker}", list.join(", "))),
                    ExprType::of(kind),
                ))
            }
            "coalesce" | "ifnull" => {
                let kind = self.united(&mut args)?;
                plain(name, args, kind)
            }
            "if" => {
                let Argument { expr, typed, .. } = &mut args[0];
                truth(expr, typed)?;
                let mut rest = args.split_off(1);
                let kind = self.united(&mut rest)?;
                args.append(&mut rest);
                plain("iif", args, kind)
            }
            "nullif" => {
                let mut other = args.pop().ok_or_else(wrong)?;
                let one = &mut args[0];
                let kind = one.typed.kind.plain();
                self.expand_by(length(&one.expr))?;
                let value = one.expr.clone();
                let mut left = one.expr.clone();
                self.compare(&mut left, &one.typed, &mut other.expr, &other.typed)?;
                let text = format!(
                    "(CASE WHEN {left} = {} THEN NULL ELSE {value} END)",
                    other.expr
                );
                let typed = ExprType {
                    whole_digits: one.typed.whole_digits,
                    ..ExprType::of(kind)
                };
                Ok((raw(text), typed))
            }
            "isnull" => Ok((
                nested(Expr::IsNull(Box::new(take(&mut args[0].expr)))),
                ExprType::of(INT),
            )),
            "greatest" | "least" => {
                let mut kinds = args.iter().map(|arg| arg.typed.kind);
                if kinds.clone().any(|kind| kind == ValueKind::Wide)
                    && kinds.any(|kind| kind.is_whole() && !kind.is_unsigned())
                {
                    return Err(EngineError::unsupported(
                        "whole numbers with and without a sign in one place",
                    ));
                }
                let kind = self.united(&mut args)?;
                if !(kind.is_exact()
                    || kind == ValueKind::Double
                    || matches!(kind, ValueKind::Date | ValueKind::DateTime { .. }))
                {
                    return Err(wrong());
                }
                plain(if name == "greatest" { "max" } else { "min" }, args, kind)
            }
            "abs" | "sign" | "ceil" | "ceiling" | "floor" | "round" | "truncate" | "mod" => {
                self.numeric(name, args)
            }
            "hex" => match args[0].typed.kind {
                ValueKind::Text { .. }
                | ValueKind::Bytes
                | ValueKind::Int { .. }
                | ValueKind::Null => plain("hex", args, TEXT),
                _ => Err(wrong()),
            },
            "date" | "year" | "month" | "day" | "dayofmonth" | "datediff" | "hour" | "minute"
            | "second" => {
                let clock = matches!(name, "hour" | "minute" | "second");
                for arg in &args {
                    match arg.typed.kind {
                        ValueKind::Null | ValueKind::DateTime { .. } => {}
                        ValueKind::Text { .. } if !self.writing => {}
                        ValueKind::Time { .. } if clock => {}
                        ValueKind::Date if !clock => {}
                        _ => return Err(wrong()),
                    }
                }
                let kind = if name == "date" { ValueKind::Date } else { INT };
                plain(if name == "dayofmonth" { "day" } else { name }, args, kind)
            }
            "date_format" | "dayname" | "dayofweek" | "dayofyear" | "format" | "last_day"
            | "monthname" | "quarter" | "timediff" | "weekday" => self.formatted(name, args),
            _ if name.starts_with("json_") => self.document(name, args),
            "database" | "schema" => plain("database", args, TEXT),
            "version" => plain("version", args, TEXT),
            "uuid" => plain("uuid", args, TEXT),
            "last_insert_id" => plain("last_insert_id", args, UNSIGNED),
            "unix_timestamp" => plain("unix_timestamp", args, INT),
            _ => self.textual(name, args),
        }
    }

    /// A value as COUNT(DISTINCT …) or MIN compares it.
    fn compared(&mut self, arg: &mut Argument) -> EngineResult<Expr> {
        let mut expr = take(&mut arg.expr);
        self.sortable(&mut expr, &arg.typed)?;
        Ok(expr)
    }

    /// Converts values of which one will be used to their common kind.
    fn united(&mut self, args: &mut [Argument]) -> EngineResult<ValueKind> {
        let mut kind = ValueKind::Null;
        for arg in &*args {
            kind = kind.common(arg.typed.kind.plain())?;
        }
        for arg in args {
            let typed = arg.typed.clone();
            self.convert(&mut arg.expr, &typed, kind)?;
        }
        Ok(kind)
    }

    /// A value in ORDER BY, GROUP BY or DISTINCT, with the collation that it is compared by.
    pub(super) fn sortable(&mut self, expr: &mut Expr, typed: &ExprType) -> EngineResult<()> {
        if typed.quotient {
            return Err(EngineError::unsupported("sorting by a quotient"));
        }
        match typed.kind {
            ValueKind::Json => Err(EngineError::unsupported("sorting by a JSON document")),
            ValueKind::Text { collation, .. } if !typed.is_collated() => {
                super::words::collate(expr, collation);
                Ok(())
            }
            _ => Ok(()),
        }
    }
}
