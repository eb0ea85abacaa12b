//! The storage: opens it, trims it, and creates the API's tables.

use std::path::Path;

use dynoxide::{
    Database, DynoxideError,
    actions::{
        create_table::{CreateTableRequest, StreamSpecification},
        describe_table::DescribeTableRequest,
        update_table::UpdateTableRequest,
    },
    types::{AttributeDefinition, KeySchemaElement},
};

use crate::{
    database_file,
    options::{LocalAwsError, Storage, TableOption},
};

/// How long a stream's records are retained, in seconds: one day, as in DynamoDB.
const RECORDS_KEPT: i64 = 24 * 60 * 60;
/// The file within the data folder.
pub(super) const FILE: &str = "dynamodb.sqlite";

pub(super) fn open(storage: &Storage) -> Result<Database, LocalAwsError> {
    match storage {
        Storage::InMemory => {
            Database::memory().map_err(|error| storage_error(Path::new(":memory:"), &error))
        }
        Storage::Folder(folder) => {
            let file = folder.join(FILE);
            let path = file.to_str().ok_or_else(|| LocalAwsError::Storage {
                file: file.clone(),
                cause: "the path is not UTF-8".into(),
            })?;
            database_file::check(&file)?;
            trim(&file).map_err(|error| LocalAwsError::Storage {
                file: file.clone(),
                cause: error.to_string(),
            })?;
            let database = Database::new(path).map_err(|error| storage_error(&file, &error))?;
            index_stream(&file).map_err(|error| LocalAwsError::Storage {
                file,
                cause: error.to_string(),
            })?;
            Ok(database)
        }
    }
}

/// Adds an index for a stream's next sequence number, which the storage looks up on each write; otherwise it would scan
/// a whole day of records.
fn index_stream(file: &Path) -> rusqlite::Result<()> {
    rusqlite::Connection::open(file)?.execute_batch(
        "CREATE INDEX IF NOT EXISTS fleet_stream_numbers ON _stream_records (table_name, CAST(sequence_number AS INTEGER))",
    )
}

/// Deletes stream records that DynamoDB would have dropped: the storage itself keeps them all.
fn trim(file: &Path) -> rusqlite::Result<()> {
    if !file.exists() {
        return Ok(());
    }
    let connection = rusqlite::Connection::open(file)?;
    let exists = "SELECT EXISTS (SELECT 1 FROM sqlite_schema WHERE name = '_stream_records')";
    if connection.query_row(exists, [], |row| row.get(0))? {
        connection.execute(
            "DELETE FROM _stream_records WHERE created_at < unixepoch() - ?1",
            [RECORDS_KEPT],
        )?;
    }
    Ok(())
}

pub(super) fn storage_error(file: &Path, error: &DynoxideError) -> LocalAwsError {
    LocalAwsError::Storage {
        file: file.to_owned(),
        cause: error.to_string(),
    }
}

/// Creates the table with a stream, as in template.yaml. A table from an earlier version gets its stream added.
pub(super) fn create(database: &Database, table: &TableOption) -> Result<(), LocalAwsError> {
    let stream = || {
        Some(StreamSpecification {
            stream_enabled: true,
            stream_view_type: Some("NEW_AND_OLD_IMAGES".into()),
        })
    };
    let failed = |error: DynoxideError| LocalAwsError::Table {
        table: table.name.clone(),
        cause: error.to_string(),
    };
    let request = CreateTableRequest {
        table_name: table.name.clone(),
        key_schema: vec![KeySchemaElement {
            attribute_name: table.partition_key.clone(),
            key_type: dynoxide::types::KeyType::HASH,
        }],
        attribute_definitions: vec![AttributeDefinition {
            attribute_name: table.partition_key.clone(),
            attribute_type: dynoxide::types::ScalarAttributeType::S,
        }],
        billing_mode: Some("PAY_PER_REQUEST".into()),
        stream_specification: stream(),
        ..CreateTableRequest::default()
    };
    match database.create_table(request) {
        Ok(_) => return Ok(()),
        Err(DynoxideError::ResourceInUseException(_)) => {}
        Err(error) => return Err(failed(error)),
    }
    let described = database.describe_table(DescribeTableRequest {
        table_name: table.name.clone(),
    });
    if described.map_err(failed)?.table.latest_stream_arn.is_none() {
        database
            .update_table(UpdateTableRequest {
                table_name: table.name.clone(),
                stream_specification: stream(),
                ..UpdateTableRequest::default()
            })
            .map_err(failed)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{StreamPosition, changes::ChangeStream, journal::Journal};

    fn table() -> TableOption {
        TableOption {
            name: "things".to_owned(),
            partition_key: "id".to_owned(),
        }
    }

    fn put(database: &Database, id: &str) {
        let request = serde_json::json!({"TableName": "things", "Item": {"id": {"S": id}}});
        database
            .put_item(serde_json::from_value(request).unwrap())
            .unwrap();
    }

    #[tokio::test]
    async fn a_table_of_an_earlier_version_gets_its_stream() {
        let database = Database::memory().unwrap();
        let request = serde_json::json!({
            "TableName": "things",
            "KeySchema": [{"AttributeName": "id", "KeyType": "HASH"}],
            "AttributeDefinitions": [{"AttributeName": "id", "AttributeType": "S"}],
            "BillingMode": "PAY_PER_REQUEST",
        });
        database
            .create_table(serde_json::from_value(request).unwrap())
            .unwrap();
        create(&database, &table()).unwrap();
        let changes = ChangeStream::new(database.clone(), "things".to_owned(), Journal::none());
        let mut reader = changes.reader(StreamPosition::Newest).await.unwrap();
        assert!(reader.next().await.unwrap().is_empty());
        put(&database, "a");
        put(&database, "b");
        let records = reader.next().await.unwrap();
        let ids: Vec<_> = records
            .iter()
            .map(|record| record["dynamodb"]["NewImage"]["id"]["S"].clone())
            .collect();
        assert_eq!(ids, ["a", "b"]);
        // After the first record, and from the beginning.
        let first = records[0]["dynamodb"]["SequenceNumber"].as_str().unwrap();
        for (position, count) in [
            (StreamPosition::After(first.to_owned()), 1),
            (StreamPosition::Oldest, 2),
        ] {
            let mut reader = changes.reader(position).await.unwrap();
            assert_eq!(reader.next().await.unwrap().len(), count);
            assert!(reader.next().await.unwrap().is_empty());
        }
        assert!(
            changes
                .reader(StreamPosition::After("soon".to_owned()))
                .await
                .is_err()
        );
    }

    #[tokio::test]
    async fn records_of_more_than_a_day_ago_are_gone_at_the_next_start() {
        let folder = tempfile::tempdir().unwrap();
        let storage = Storage::Folder(folder.path().to_owned());
        {
            let database = open(&storage).unwrap();
            create(&database, &table()).unwrap();
            put(&database, "old");
            put(&database, "new");
        }
        let connection = rusqlite::Connection::open(folder.path().join(FILE)).unwrap();
        connection
            .execute(
                "UPDATE _stream_records SET created_at = created_at - 90000 WHERE keys_json LIKE '%old%'",
                [],
            )
            .unwrap();
        drop(connection);
        let changes = ChangeStream::new(
            open(&storage).unwrap(),
            "things".to_owned(),
            Journal::none(),
        );
        let mut reader = changes.reader(StreamPosition::Oldest).await.unwrap();
        let records = reader.next().await.unwrap();
        assert_eq!(records.len(), 1);
        assert_eq!(records[0]["dynamodb"]["Keys"]["id"]["S"], "new");
    }

    #[test]
    fn the_next_number_of_a_stream_is_found_by_an_index() {
        let folder = tempfile::tempdir().unwrap();
        drop(open(&Storage::Folder(folder.path().to_owned())).unwrap());
        let connection = rusqlite::Connection::open(folder.path().join(FILE)).unwrap();
        // The query that the storage runs.
        let plan: String = connection
            .query_row(
                "EXPLAIN QUERY PLAN SELECT COALESCE(MAX(CAST(sequence_number AS INTEGER)), 0) + 1 FROM _stream_records WHERE table_name = ?1",
                ["things"],
                |row| row.get("detail"),
            )
            .unwrap();
        assert!(plan.contains("INDEX fleet_stream_numbers"), "{plan}");
    }
}
