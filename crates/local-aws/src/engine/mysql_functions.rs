//! The functions that MySQL 8 has and the embedded engine lacks.
//!
//! <https://dev.mysql.com/doc/refman/8.0/en/built-in-function-reference.html>

use crate::engine::EngineError;

/// The functions of MySQL 8 that are missing here.
const MYSQL_ONLY: &str = "acos adddate addtime aes_decrypt aes_encrypt any_value asin asymmetric_decrypt \
    asymmetric_encrypt atan atan2 benchmark bin bin_to_uuid bit_and bit_count bit_length bit_or bit_xor can_access_table \
    cast char charset coercibility collation compress connection_id conv convert convert_tz cos cot crc32 \
    current_role current_user date_add date_sub decode default degrees elt encode \
    encrypt exp export_set extract extractvalue field find_in_set format_bytes format_pico_time found_rows \
    from_base64 from_days from_unixtime get_format get_lock grouping gtid_subset gtid_subtract \
    geomcollection geometrycollection icu_version interval linestring multilinestring multipoint multipolygon point polygon \
    inet6_aton \
    inet6_ntoa inet_aton inet_ntoa insert is_free_lock is_ipv4 is_ipv4_compat is_ipv4_mapped is_ipv6 is_used_lock \
    is_uuid json_array_insert json_arrayagg json_contains_path json_depth \
    json_merge json_merge_patch json_merge_preserve \
    json_objectagg json_overlaps json_pretty json_schema_valid \
    json_schema_validation_report json_search json_storage_free json_storage_size json_table json_type \
    json_value ln load_file locate log log10 log2 lpad make_set makedate maketime \
    master_pos_wait match md5 microsecond name_const oct ord password period_add period_diff pi position \
    pow power ps_current_thread_id ps_thread_id quote radians rand random_bytes regexp_instr regexp_like \
    regexp_replace regexp_substr release_all_locks release_lock repeat roles_graphml rollup row row_count rpad \
    sec_to_time session_user sha sha1 sha2 sin sleep soundex source_pos_wait space sqrt statement_digest \
    statement_digest_text std stddev stddev_pop stddev_samp str_to_date strcmp \
    subdate substring_index subtime system_user tan time time_format time_to_sec timestamp timestampadd \
    timestampdiff to_base64 to_days to_seconds uncompress uncompressed_length unhex updatexml user \
    uuid_short uuid_to_bin validate_password_strength values var_pop var_samp variance wait_for_executed_gtid_set week \
    weekofyear weight_string yearweek";

/// The error for a function that the embedded engine lacks: 1305 if MySQL does not have it either.
pub(crate) fn missing(name: &str, database: &str) -> EngineError {
    let name = name.to_ascii_lowercase();
    let is_spatial = name.starts_with("st_") || name.starts_with("mbr");
    if is_spatial
        || MYSQL_ONLY
            .split_whitespace()
            .any(|known| known.eq_ignore_ascii_case(&name))
    {
        return EngineError::unsupported(&format!("the function {}", name.to_uppercase()));
    }
    EngineError::database(
        1305,
        "42000",
        format!("FUNCTION {database}.{name} does not exist"),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::analysis::calls_known;

    #[test]
    fn no_function_is_on_both_lists() {
        for name in calls_known() {
            assert!(
                !MYSQL_ONLY.split_whitespace().any(|other| other == name),
                "{name}"
            );
        }
    }

    #[test]
    fn what_mysql_has_not_is_1305_and_what_it_has_beyond_the_list_1235() {
        for (name, code) in [
            ("sqlite_version", 1305),
            ("printf", 1305),
            ("fleet_int", 1305),
            ("SLEEP", 1235),
            ("st_astext", 1235),
        ] {
            assert!(
                matches!(missing(name, "shop"), EngineError::Database { code: got, .. } if got == code),
                "{name}"
            );
        }
    }
}
