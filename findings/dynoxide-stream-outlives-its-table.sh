#!/usr/bin/env bash
# dynoxide-rs gives a table that was deleted and made again a stream with a new ARN, which still begins with the records of the table
# before. It also finds a stream by its table's name alone: the old ARN reads the new table.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir -p "$work/src"
cd "$work"
cat >Cargo.toml <<'TOML'
[package]
name = "ask"
version = "0.1.0"
edition = "2024"
[dependencies]
dynoxide-rs = { version = "=3.2.0", default-features = false, features = ["native-sqlite"] }
serde_json = "1"
TOML
cat >src/main.rs <<'RUST'
use dynoxide::Database;
use serde_json::{Value, from_value, json};

fn create(database: &Database) -> String {
    let table = json!({
        "TableName": "things", "BillingMode": "PAY_PER_REQUEST", "KeySchema": [{"AttributeName": "id", "KeyType": "HASH"}],
        "AttributeDefinitions": [{"AttributeName": "id", "AttributeType": "S"}],
        "StreamSpecification": {"StreamEnabled": true, "StreamViewType": "KEYS_ONLY"},
    });
    let created = database.create_table(from_value(table).unwrap()).unwrap();
    created.table_description.latest_stream_arn.unwrap()
}

fn ids(database: &Database, arn: &str) -> Vec<String> {
    let stream = database.describe_stream(from_value(json!({"StreamArn": arn})).unwrap()).unwrap();
    let shard = &stream.stream_description.shards[0].shard_id;
    let from = json!({"StreamArn": arn, "ShardId": shard, "ShardIteratorType": "TRIM_HORIZON"});
    let iterator = database.get_shard_iterator(from_value(from).unwrap()).unwrap().shard_iterator;
    let read = database.get_records(from_value(json!({"ShardIterator": iterator})).unwrap()).unwrap();
    let records = serde_json::to_value(&read.records).unwrap();
    let id = |record: &Value| record["dynamodb"]["Keys"]["id"]["S"].as_str().unwrap().to_owned();
    records.as_array().unwrap().iter().map(id).collect()
}

fn main() {
    let database = Database::memory().unwrap();
    let put = |id: &str| database.put_item(from_value(json!({"TableName": "things", "Item": {"id": {"S": id}}})).unwrap()).unwrap();
    let first = create(&database);
    put("of the first table");
    database.delete_table(from_value(json!({"TableName": "things"})).unwrap()).unwrap();
    let second = create(&database);
    put("of the second table");
    assert_ne!(first, second);
    let (new, old) = (ids(&database, &second), ids(&database, &first));
    println!("dynoxide-rs 3.2.0, the second table's stream: {new:?}\nthe first table's stream: {old:?}");
    let both = ["of the first table", "of the second table"];
    std::process::exit(i32::from(new != both || old != both));
}
RUST
cargo run --quiet
