//! Functions: those that the embedded engine has, by an allow-list, each with MySQL's value.
//!
//! <https://dev.mysql.com/doc/refman/8.0/en/built-in-function-reference.html>

use sqlparser::ast::{
    Expr, Function, FunctionArg, FunctionArgExpr, FunctionArgumentList, FunctionArguments, Ident,
    ObjectName, ObjectNamePart,
};

use super::{EngineError, EngineResult};

/// MySQL's name, the name here, and the least and the most arguments.
const SUPPORTED: [(&str, &str, usize, usize); 61] = [
    ("abs", "abs", 1, 1),
    ("ascii", "ascii", 1, 1),
    ("avg", "avg", 1, 1),
    ("char_length", "char_length", 1, 1),
    ("character_length", "char_length", 1, 1),
    ("coalesce", "coalesce", 2, usize::MAX),
    ("concat", "concat", 1, usize::MAX),
    ("concat_ws", "concat_ws", 2, usize::MAX),
    ("count", "count", 1, 1),
    ("cume_dist", "cume_dist", 0, 0),
    ("database", "database", 0, 0),
    ("date", "date", 1, 1),
    ("datediff", "datediff", 2, 2),
    ("day", "day", 1, 1),
    ("dayofmonth", "day", 1, 1),
    ("dense_rank", "dense_rank", 0, 0),
    ("first_value", "first_value", 1, 1),
    ("greatest", "max", 2, usize::MAX),
    ("group_concat", "group_concat", 1, 1),
    ("hex", "hex", 1, 1),
    ("hour", "hour", 1, 1),
    ("if", "iif", 3, 3),
    ("ifnull", "ifnull", 2, 2),
    ("instr", "instr", 2, 2),
    ("lag", "lag", 1, 3),
    ("last_insert_id", "last_insert_id", 0, 0),
    ("last_value", "last_value", 1, 1),
    ("lcase", "lower", 1, 1),
    ("lead", "lead", 1, 3),
    ("least", "min", 2, usize::MAX),
    ("left", "left", 2, 2),
    ("length", "octet_length", 1, 1),
    ("lower", "lower", 1, 1),
    ("ltrim", "ltrim", 1, 1),
    ("max", "max", 1, 1),
    ("mid", "substring", 3, 3),
    ("min", "min", 1, 1),
    ("minute", "minute", 1, 1),
    ("month", "month", 1, 1),
    ("nth_value", "nth_value", 2, 2),
    ("ntile", "ntile", 1, 1),
    ("nullif", "nullif", 2, 2),
    ("octet_length", "octet_length", 1, 1),
    ("percent_rank", "percent_rank", 0, 0),
    ("rank", "rank", 0, 0),
    ("replace", "replace", 3, 3),
    ("reverse", "reverse", 1, 1),
    ("right", "right", 2, 2),
    ("row_number", "row_number", 0, 0),
    ("rtrim", "rtrim", 1, 1),
    ("schema", "database", 0, 0),
    ("second", "second", 1, 1),
    ("substr", "substring", 2, 3),
    ("substring", "substring", 2, 3),
    ("sum", "sum", 1, 1),
    ("ucase", "upper", 1, 1),
    ("unix_timestamp", "unix_timestamp", 0, 0),
    ("upper", "upper", 1, 1),
    ("uuid", "uuid", 0, 0),
    ("version", "version", 0, 0),
    ("year", "year", 1, 1),
];

/// The other functions that MySQL 8 has.
const MYSQL_ONLY: &str = "acos adddate addtime aes_decrypt aes_encrypt any_value asin asymmetric_decrypt \
    asymmetric_encrypt atan atan2 benchmark bin bin_to_uuid bit_and bit_count bit_length bit_or bit_xor can_access_table \
    cast ceil ceiling char charset coercibility collation compress connection_id conv convert convert_tz cos cot crc32 \
    current_role current_user dayname dayofweek dayofyear date_add date_format date_sub decode default degrees elt encode \
    encrypt exp export_set extract extractvalue field find_in_set floor format format_bytes format_pico_time found_rows \
    from_base64 from_days from_unixtime get_format get_lock grouping gtid_subset gtid_subtract icu_version inet6_aton \
    inet6_ntoa inet_aton inet_ntoa insert is_free_lock is_ipv4 is_ipv4_compat is_ipv4_mapped is_ipv6 is_used_lock \
    is_uuid json_array json_array_append json_array_insert json_arrayagg json_contains json_contains_path json_depth \
    json_extract json_insert json_keys json_length json_merge json_merge_patch json_merge_preserve json_object \
    json_objectagg json_overlaps json_pretty json_quote json_remove json_replace json_schema_valid \
    json_schema_validation_report json_search json_set json_storage_free json_storage_size json_table json_type \
    json_unquote json_valid json_value last_day ln load_file locate log log10 log2 lpad make_set makedate maketime \
    master_pos_wait match md5 microsecond mod monthname name_const oct ord password period_add period_diff pi position \
    pow power ps_current_thread_id ps_thread_id quarter quote radians rand random_bytes regexp_instr regexp_like \
    regexp_replace regexp_substr release_all_locks release_lock repeat roles_graphml round row_count rpad \
    sec_to_time session_user sha sha1 sha2 sign sin sleep soundex source_pos_wait space sqrt statement_digest \
    statement_digest_text st_area st_asgeojson st_asText st_contains st_distance st_distance_sphere st_geomfromtext \
    st_intersects st_latitude st_longitude st_within st_x st_y std stddev stddev_pop stddev_samp str_to_date strcmp \
    subdate substring_index subtime system_user tan time time_format time_to_sec timediff timestamp timestampadd \
    timestampdiff to_base64 to_days to_seconds trim truncate uncompress uncompressed_length unhex updatexml user \
    uuid_short uuid_to_bin validate_password_strength values var_pop var_samp variance wait_for_executed_gtid_set week \
    weekday weekofyear weight_string yearweek";

/// Rewrites a call to the function that answers it here.
pub(super) fn rewrite(expr: &mut Expr, database: &str) -> EngineResult<()> {
    let Expr::Function(function) = expr else {
        return Ok(());
    };
    let [ObjectNamePart::Identifier(name)] = function.name.0.as_slice() else {
        return Err(EngineError::unsupported("functions of another database"));
    };
    let name = name.value.to_ascii_lowercase();
    if let Some(clock) = clock(&name) {
        let arguments = match std::mem::replace(&mut function.args, FunctionArguments::None) {
            FunctionArguments::None => FunctionArguments::List(no_arguments()),
            arguments => arguments,
        };
        *expr = call(clock, arguments);
        return Ok(());
    }
    if name == "isnull" {
        let argument = only_argument(&function.args).ok_or_else(|| wrong_count("isnull"))?;
        *expr = Expr::Nested(Box::new(Expr::IsNull(Box::new(argument))));
        return Ok(());
    }
    let known = SUPPORTED.iter().find(|known| known.0 == name);
    let Some((_, here, least, most)) = known else {
        return Err(missing(&name, database));
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
    let count = match &function.args {
        FunctionArguments::None => 0,
        FunctionArguments::Subquery(_) => 1,
        FunctionArguments::List(list) if list.clauses.is_empty() => list.args.len(),
        FunctionArguments::List(_) => {
            return Err(EngineError::unsupported(&format!(
                "{} with ORDER BY or SEPARATOR",
                name.to_uppercase()
            )));
        }
    };
    if count < *least || count > *most {
        return Err(wrong_count(&name));
    }
    function.name = ObjectName(vec![ObjectNamePart::Identifier(Ident::new(*here))]);
    Ok(())
}

fn wrong_count(name: &str) -> EngineError {
    let name = name.to_uppercase();
    match name.as_str() {
        // MySQL has these with other numbers of arguments too.
        "COALESCE" | "LAST_INSERT_ID" | "UNIX_TIMESTAMP" | "COUNT" | "GROUP_CONCAT" => {
            EngineError::unsupported(&format!("{name} with this number of arguments"))
        }
        _ => EngineError::database(
            1582,
            "42000",
            format!("Incorrect parameter count in the call to native function '{name}'"),
        ),
    }
}

/// The error for a function that the embedded engine does not have.
fn missing(name: &str, database: &str) -> EngineError {
    if MYSQL_ONLY
        .split_whitespace()
        .any(|known| known.eq_ignore_ascii_case(name))
    {
        return EngineError::unsupported(&format!("the function {}", name.to_uppercase()));
    }
    EngineError::database(
        1305,
        "42000",
        format!("FUNCTION {database}.{name} does not exist"),
    )
}

/// The clock behind each of MySQL's names for it. The session's time zone is UTC, as the service's is.
pub(super) fn clock(name: &str) -> Option<&'static str> {
    Some(match name.to_ascii_lowercase().as_str() {
        "now" | "current_timestamp" | "localtime" | "localtimestamp" | "sysdate"
        | "utc_timestamp" => "utc_timestamp",
        "curdate" | "current_date" | "utc_date" => "utc_date",
        "curtime" | "current_time" | "utc_time" => "utc_time",
        _ => return None,
    })
}

pub(super) fn call(name: &str, args: FunctionArguments) -> Expr {
    Expr::Function(Function {
        name: ObjectName(vec![ObjectNamePart::Identifier(Ident::new(name))]),
        uses_odbc_syntax: false,
        parameters: FunctionArguments::None,
        args,
        within_group: Vec::new(),
        filter: None,
        null_treatment: None,
        over: None,
    })
}

pub(super) fn no_arguments() -> FunctionArgumentList {
    FunctionArgumentList {
        duplicate_treatment: None,
        args: Vec::new(),
        clauses: Vec::new(),
    }
}

pub(super) fn only_argument(arguments: &FunctionArguments) -> Option<Expr> {
    match arguments {
        FunctionArguments::List(list) => match list.args.as_slice() {
            [FunctionArg::Unnamed(FunctionArgExpr::Expr(expr))] => Some(expr.clone()),
            _ => None,
        },
        _ => None,
    }
}

/// Refuses the expressions that SQLite would take otherwise than MySQL.
pub(super) fn known(expr: &Expr) -> EngineResult<()> {
    let what = match expr {
        Expr::Identifier(_)
        | Expr::CompoundIdentifier(_)
        | Expr::IsFalse(_)
        | Expr::IsNotFalse(_)
        | Expr::IsTrue(_)
        | Expr::IsNotTrue(_)
        | Expr::IsNull(_)
        | Expr::IsNotNull(_)
        | Expr::IsDistinctFrom(..)
        | Expr::IsNotDistinctFrom(..)
        | Expr::InList { .. }
        | Expr::InSubquery { .. }
        | Expr::Between { .. }
        | Expr::BinaryOp { .. }
        | Expr::Like { .. }
        | Expr::UnaryOp { .. }
        | Expr::Cast { .. }
        | Expr::Substring { .. }
        | Expr::Nested(_)
        | Expr::Value(_)
        | Expr::TypedString(_)
        | Expr::Function(_)
        | Expr::Case { .. }
        | Expr::Exists { .. }
        | Expr::Subquery(_)
        | Expr::Tuple(_)
        | Expr::Wildcard(_)
        | Expr::QualifiedWildcard(..) => return Ok(()),
        Expr::Trim {
            trim_where: None,
            trim_what: None,
            trim_characters: None,
            ..
        } => return Ok(()),
        Expr::Trim { .. } => "TRIM with characters",
        Expr::Interval(_) => "INTERVAL",
        Expr::RLike { .. } => "REGEXP",
        Expr::MatchAgainst { .. } => "MATCH … AGAINST",
        Expr::Convert { .. } => "CONVERT",
        Expr::Collate { .. } => "COLLATE in an expression",
        Expr::Extract { .. } => "EXTRACT",
        Expr::Ceil { .. } => "CEILING",
        Expr::Floor { .. } => "FLOOR",
        Expr::Position { .. } => "POSITION",
        Expr::MemberOf(_) => "MEMBER OF",
        Expr::Prefixed { .. } => "a character set before a literal",
        _ => "this expression",
    };
    Err(EngineError::unsupported(what))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rewritten(name: &str, count: usize) -> Result<String, EngineError> {
        let one = FunctionArg::Unnamed(FunctionArgExpr::Expr(Expr::Identifier(Ident::new("a"))));
        let list = FunctionArgumentList {
            args: vec![one; count],
            ..no_arguments()
        };
        let mut expr = call(name, FunctionArguments::List(list));
        rewrite(&mut expr, "shop").map(|()| expr.to_string())
    }

    fn code(name: &str, count: usize) -> u16 {
        match rewritten(name, count) {
            Err(EngineError::Database { code, .. }) => code,
            other => panic!("{name}: {other:?}"),
        }
    }

    #[test]
    fn what_mysql_has_not_is_1305_and_what_it_has_beyond_the_list_1235() {
        for name in [
            "sqlite_version",
            "printf",
            "randomblob",
            "changes",
            "iif",
            "fleet_changes",
        ] {
            assert_eq!(code(name, 1), 1305, "{name}");
        }
        for name in ["ROUND", "json_extract", "DATE_FORMAT", "sleep", "st_astext"] {
            assert_eq!(code(name, 1), 1235, "{name}");
        }
        assert_eq!(rewritten("LCASE", 1).unwrap(), "lower(a)");
        assert_eq!(rewritten("Greatest", 2).unwrap(), "max(a, a)");
    }

    #[test]
    fn arguments_are_counted() {
        // With one argument, or two, SQLite would have another function of the name.
        assert_eq!(code("greatest", 1), 1582);
        assert_eq!(code("max", 2), 1582);
        assert_eq!(code("last_insert_id", 1), 1235);
    }

    #[test]
    fn no_function_is_on_both_lists() {
        for (name, ..) in SUPPORTED.iter() {
            assert!(
                !MYSQL_ONLY.split_whitespace().any(|other| other == *name),
                "{name}"
            );
        }
    }
}
