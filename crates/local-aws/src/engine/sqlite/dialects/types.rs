//! Column types and CAST types.

use sqlparser::ast::{CharacterLength, DataType, TimezoneInfo};

/// MySQL types that the parser has no variant for.
const NAMED: [&str; 24] = [
    "DEC",
    "FIXED",
    "GEOMCOLLECTION",
    "GEOMETRY",
    "GEOMETRYCOLLECTION",
    "INT1",
    "INT3",
    "LINESTRING",
    "LONG",
    "MIDDLEINT",
    "MULTILINESTRING",
    "MULTIPOINT",
    "MULTIPOLYGON",
    "NATIONAL",
    "NCHAR",
    "POINT",
    "POLYGON",
    "SERIAL",
    "SIGNED",
    "UNSIGNED",
    "VARCHARACTER",
    "VECTOR",
    "YEAR",
    "ZEROFILL",
];
/// Those of them that a value can be cast to.
const CAST: [&str; 11] = [
    "GEOMCOLLECTION",
    "GEOMETRY",
    "GEOMETRYCOLLECTION",
    "LINESTRING",
    "MULTILINESTRING",
    "MULTIPOINT",
    "MULTIPOLYGON",
    "NCHAR",
    "POINT",
    "POLYGON",
    "YEAR",
];

/// The first word of a type.
fn first_word(kind: &DataType) -> String {
    let text = kind.to_string();
    let end = text.find(|letter: char| !letter.is_ascii_alphanumeric() && letter != '_');
    text[..end.unwrap_or(text.len())].to_ascii_uppercase()
}

fn is_named(kind: &DataType, names: &[&str]) -> bool {
    names.contains(&first_word(kind).as_str())
}

/// The word of a type that MySQL columns cannot have.
pub(super) fn foreign(kind: &DataType) -> Option<String> {
    use DataType as T;
    let is_mysql = match kind {
        T::Timestamp(_, zone) | T::Time(_, zone) => *zone == TimezoneInfo::None,
        T::Varchar(None | Some(CharacterLength::Max))
        | T::Varbinary(None)
        | T::Enum(_, Some(_))
        | T::Uuid
        | T::CharacterLargeObject(_)
        | T::CharLargeObject(_)
        | T::Clob(_)
        | T::Bytes(_)
        | T::BigNumeric(_)
        | T::BigDecimal(_)
        | T::UTinyInt
        | T::USmallInt
        | T::Int16
        | T::Int32
        | T::Int64
        | T::Int128
        | T::Int256
        | T::HugeInt
        | T::UHugeInt
        | T::UInt8
        | T::UInt16
        | T::UInt32
        | T::UInt64
        | T::UInt128
        | T::UInt256
        | T::UBigInt
        | T::Float32
        | T::Float64
        | T::Date32
        | T::Datetime64(..)
        | T::TimestampNtz(_)
        | T::Interval { .. }
        | T::JSONB
        | T::Regclass
        | T::String(_)
        | T::FixedString(_)
        | T::Bytea
        | T::BitVarying(_)
        | T::VarBit(_)
        | T::Array(_)
        | T::Map(..)
        | T::Tuple(_)
        | T::Nested(_)
        | T::Struct(..)
        | T::Union(_)
        | T::Nullable(_)
        | T::LowCardinality(_)
        | T::Unspecified
        | T::Trigger
        | T::AnyType
        | T::TsVector
        | T::TsQuery
        | T::Table(_)
        | T::NamedTable { .. } => false,
        T::Custom(..) => is_named(kind, &NAMED),
        _ => true,
    };
    (!is_mysql).then(|| first_word(kind))
}

/// The word of a type that MySQL cannot cast to.
pub(super) fn foreign_cast(kind: &DataType) -> Option<String> {
    use DataType as T;
    let is_mysql = match kind {
        T::Time(_, zone) => *zone == TimezoneInfo::None,
        T::Binary(_)
        | T::Char(_)
        | T::Character(_)
        | T::Signed
        | T::SignedInteger
        | T::Unsigned
        | T::UnsignedInteger
        | T::Date
        | T::Datetime(_)
        | T::Decimal(_)
        | T::Dec(_)
        | T::JSON
        | T::Float(_)
        | T::Double(_)
        | T::DoublePrecision
        | T::Real
        // The type of a multi-valued index.
        | T::Array(_)
        | T::GeometricType(_) => true,
        T::Custom(..) => is_named(kind, &CAST),
        _ => false,
    };
    (!is_mysql).then(|| first_word(kind))
}
