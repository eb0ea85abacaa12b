//! Converts rows of the Data API to domain values.

use aws_sdk_rdsdata::types::Field;
use fleet_core::{
    inventory::{
        AccountId, CreationDate, CreationDateError, Instance, InstanceId, InstancePage,
        InstanceSummary, Package, PackageName, PackageVersion, Packages, PageLimit, Region,
        TooManyPackages,
    },
    text::TextError,
};
use thiserror::Error;

use super::errors::FailedCall;
use crate::schema;

/// A row that none of our statements stores or selects.
#[derive(Debug, Error)]
pub(super) enum RowError {
    /// It has the wrong number or types of columns.
    #[error("a row of {statement} does not have the selected columns")]
    Columns {
        /// The statement.
        statement: &'static str,
    },
    /// A text breaks its rule.
    #[error("{column} of a stored row {source}")]
    Text {
        /// The column.
        column: &'static str,
        /// The rule.
        source: TextError,
    },
    /// An invalid date.
    #[error("creation_date_utc of a stored row is not a date and time")]
    Date,
    /// An instance has more packages than can be added.
    #[error("packages of a stored instance {0}")]
    Packages(#[from] TooManyPackages),
}

impl From<CreationDateError> for RowError {
    /// Drops the error, since it quotes stored values.
    fn from(_: CreationDateError) -> Self {
        Self::Date
    }
}

impl From<RowError> for FailedCall {
    fn from(error: RowError) -> Self {
        Self::fault(error)
    }
}

/// Checks the schema version in a probe's only row.
pub(super) fn schema(records: Option<Vec<Vec<Field>>>) -> Result<(), FailedCall> {
    let number = |field: &Field| match field {
        Field::LongValue(number) => u32::try_from(*number).ok(),
        // The table is empty.
        Field::IsNull(true) => Some(0),
        _ => None,
    };
    let row = records.unwrap_or_default().pop().unwrap_or_default();
    let [Some(found), Some(needed)] = [0, 1].map(|column| row.get(column).and_then(number)) else {
        return Err(RowError::Columns {
            statement: "the schema version query",
        }
        .into());
    };
    schema::check(found, needed).map_err(FailedCall::schema)
}

/// The token in the only row, if any.
pub(super) fn token(records: Option<Vec<Vec<Field>>>) -> Result<Option<String>, RowError> {
    match records
        .unwrap_or_default()
        .pop()
        .map(<[Field; 1]>::try_from)
    {
        None => Ok(None),
        Some(Ok([Field::StringValue(token)])) => Ok(Some(token)),
        Some(_) => Err(RowError::Columns {
            statement: "the token query",
        }),
    }
}

/// The instance `id` from its first page of rows: itself, then its packages. `None` if there is no row.
pub(super) fn instance(
    id: &InstanceId,
    mut records: Vec<Vec<Field>>,
) -> Result<Option<Instance>, FailedCall> {
    if records.is_empty() {
        return Ok(None);
    }
    let packages = records.split_off(1);
    let wrong = RowError::Columns {
        statement: "the instance query",
    };
    let Some(Ok(
        [
            Field::LongValue(0),
            Field::StringValue(region),
            Field::StringValue(account),
            Field::StringValue(created),
        ],
    )) = records.pop().map(<[Field; 4]>::try_from)
    else {
        return Err(wrong.into());
    };
    let packages = Packages::new(self::packages(packages)?).map_err(RowError::from)?;
    Ok(Some(Instance {
        summary: summary(id.clone(), region, account, &created)?,
        packages,
    }))
}

/// The packages in rows of kind 1.
pub(super) fn packages(records: Vec<Vec<Field>>) -> Result<Vec<Package>, FailedCall> {
    let package = |row: Vec<Field>| match <[Field; 4]>::try_from(row) {
        Ok(
            [
                Field::LongValue(1),
                Field::StringValue(name),
                Field::StringValue(version),
                _,
            ],
        ) => Ok(Package {
            name: PackageName::parse(name).map_err(|source| RowError::Text {
                column: "package_name",
                source,
            })?,
            version: PackageVersion::parse(version).map_err(|source| RowError::Text {
                column: "package_version",
                source,
            })?,
        }),
        _ => Err(RowError::Columns {
            statement: "the reading of packages",
        }),
    };
    Ok(records.into_iter().map(package).collect::<Result<_, _>>()?)
}

/// A page of the list: instances (kind 0), of which those beyond `limit` only show that there is another page, and the
/// ends of the examined windows (kind 1).
pub(super) fn page(
    records: Option<Vec<Vec<Field>>>,
    limit: PageLimit,
) -> Result<InstancePage, FailedCall> {
    let mut found: Vec<InstanceSummary> = Vec::new();
    let mut ends = Vec::new();
    for row in records.unwrap_or_default() {
        match <[Field; 5]>::try_from(row) {
            Ok(
                [
                    Field::StringValue(id),
                    Field::StringValue(region),
                    Field::StringValue(account),
                    Field::StringValue(created),
                    Field::LongValue(0),
                ],
            ) => found.push(summary(parsed_id(id)?, region, account, &created)?),
            Ok([Field::StringValue(id), .., Field::LongValue(1)]) => ends.push(Some(id)),
            Ok([Field::IsNull(true), .., Field::LongValue(1)]) => ends.push(None),
            _ => {
                return Err(RowError::Columns {
                    statement: "the list",
                }
                .into());
            }
        }
    }
    let mut records = found;
    // SQL guarantees no order of a union's parts.
    records.sort_unstable_by(|one, other| one.id.cmp(&other.id));
    let next = if records.len() > limit.get() {
        records.truncate(limit.get());
        records.last().map(|last| last.id.clone())
    } else {
        // A window that reached the end of its index has seen every match.
        let furthest = ends.into_iter().collect::<Option<Vec<String>>>();
        let furthest = furthest.and_then(|ends| ends.into_iter().max());
        furthest.map(parsed_id).transpose()?
    };
    Ok(InstancePage { records, next })
}

fn parsed_id(id: String) -> Result<InstanceId, RowError> {
    InstanceId::parse(id).map_err(|source| RowError::Text {
        column: "aws_instance_id",
        source,
    })
}

fn summary(
    id: InstanceId,
    region: String,
    account: String,
    created: &str,
) -> Result<InstanceSummary, RowError> {
    Ok(InstanceSummary {
        id,
        region: Region::parse(region).map_err(|source| RowError::Text {
            column: "aws_region",
            source,
        })?,
        account: AccountId::parse(account).map_err(|source| RowError::Text {
            column: "aws_account",
            source,
        })?,
        created: CreationDate::parse(created)?,
    })
}
