//! A storage, and requests, for this module's tests.

use bytes::Bytes;
use http::Request;

use super::{DynamoDb, refusals::CONTENT_TYPE};
use crate::options::{Storage, TableOption};

pub(super) fn tables() -> [TableOption; 1] {
    [TableOption {
        name: "things".to_owned(),
        partition_key: "id".to_owned(),
    }]
}

pub(super) fn storage() -> DynamoDb {
    let place = ("us-east-1", "000000000000");
    DynamoDb::start(&Storage::InMemory, &tables(), place).unwrap()
}

pub(super) fn request(operation: &str, body: impl ToString) -> Request<Bytes> {
    Request::post("/")
        .header("content-type", CONTENT_TYPE)
        .header("x-amz-target", format!("DynamoDB_20120810.{operation}"))
        .header("x-amz-date", "20260101T000000Z")
        .header(
            "authorization",
            "AWS4-HMAC-SHA256 Credential=a/20260101/us-east-1/dynamodb/aws4_request, SignedHeaders=host, Signature=b",
        )
        .body(Bytes::from(body.to_string()))
        .unwrap()
}
