use http_body_util::BodyExt as _;
use serde_json::json;

use crate::dynamodb::{
    Forwarder,
    testing::{request, storage},
};

use super::*;

const ARN: &str = "arn:aws:dynamodb:us-east-1:000000000000:table/things";

/// Status and body of a response, after checking that its headers match the body.
async fn ask(forwarder: &Forwarder, operation: &str, body: Value) -> (StatusCode, Value) {
    let (head, body) = forwarder
        .forward(request(operation, &body))
        .await
        .into_parts();
    let body = body.collect().await.unwrap().to_bytes();
    let header = |name: &str| head.headers.get(name)?.to_str().ok()?.parse::<usize>().ok();
    assert!(header("content-length").is_none_or(|length| length == body.len()));
    let checksum = crc32fast::hash(&body) as usize;
    assert!(header("x-amz-crc32").is_none_or(|sent| sent == checksum));
    (head.status, serde_json::from_slice(&body).unwrap())
}

/// The body of a successful response.
async fn ok(forwarder: &Forwarder, operation: &str, body: Value) -> Value {
    let (status, answer) = ask(forwarder, operation, body).await;
    assert_eq!(status, StatusCode::OK, "{operation}: {answer}");
    answer
}

#[tokio::test]
async fn a_table_may_be_named_by_its_arn() {
    let dynamodb = storage();
    let forwarder = dynamodb.forwarder();
    let key = json!({"id": {"S": "1"}});
    let item = json!({"id": {"S": "1"}, "n": {"N": "1"}});
    let put = json!({"TableName": ARN, "Item": item, "ReturnConsumedCapacity": "TOTAL"});
    let answer = ok(&forwarder, "PutItem", put).await;
    assert_eq!(answer["ConsumedCapacity"]["TableName"], ARN);
    let set = json!({
        "TableName": ARN, "Key": key, "UpdateExpression": "SET n = :n", "ExpressionAttributeValues": {":n": {"N": "2"}},
    });
    ok(&forwarder, "UpdateItem", set.clone()).await;
    let query = json!({
        "TableName": ARN, "KeyConditionExpression": "id = :id", "ExpressionAttributeValues": {":id": {"S": "1"}},
    });
    let item = json!({"id": {"S": "1"}, "n": {"N": "2"}});
    for (operation, body) in [("Query", query), ("Scan", json!({"TableName": ARN}))] {
        assert_eq!(
            ok(&forwarder, operation, body).await["Items"],
            json!([item])
        );
    }
    let get = json!({"TableName": ARN, "Key": key});
    assert_eq!(ok(&forwarder, "GetItem", get.clone()).await["Item"], item);
    let got = ok(
        &forwarder,
        "TransactGetItems",
        json!({"TransactItems": [{"Get": get}]}),
    )
    .await;
    assert_eq!(got["Responses"], json!([{"Item": item}]));
    let batch = json!({"RequestItems": {ARN: {"Keys": [key]}}});
    let got = ok(&forwarder, "BatchGetItem", batch).await;
    assert_eq!(got["Responses"], json!({ARN: [item]}));
    let batch = json!({"RequestItems": {ARN: [{"PutRequest": {"Item": {"id": {"S": "2"}}}}]}, "ReturnConsumedCapacity": "TOTAL"});
    let written = ok(&forwarder, "BatchWriteItem", batch).await;
    assert_eq!(written["ConsumedCapacity"][0]["TableName"], ARN);
    let actions = json!([
        {"Update": set}, {"Put": {"TableName": ARN, "Item": {"id": {"S": "3"}}}}, {"Delete": {"TableName": ARN, "Key": {"id": {"S": "2"}}}},
        {"ConditionCheck": {"TableName": ARN, "Key": {"id": {"S": "4"}}, "ConditionExpression": "attribute_not_exists(id)"}},
    ]);
    ok(
        &forwarder,
        "TransactWriteItems",
        json!({"TransactItems": actions}),
    )
    .await;
    ok(&forwarder, "DeleteItem", get).await;
    let table = json!({"TableName": ARN});
    ok(&forwarder, "DescribeTimeToLive", table.clone()).await;
    let described = ok(&forwarder, "DescribeTable", table.clone()).await;
    assert_eq!(described["Table"]["TableName"], "things");
    assert_eq!(described["Table"]["TableArn"], ARN);
    let deleted = ok(&forwarder, "DeleteTable", table).await;
    assert_eq!(deleted["TableDescription"]["TableArn"], ARN);
    dynamodb.close().await;
}

#[tokio::test]
async fn a_table_elsewhere_is_not_found() {
    let dynamodb = storage();
    let forwarder = dynamodb.forwarder();
    let arn = ARN.replace("us-east-1", "eu-west-1");
    let (status, answer) = ask(&forwarder, "Scan", json!({"TableName": arn})).await;
    assert_eq!(status, StatusCode::BAD_REQUEST);
    let refusal = format!("Requested resource not found: Table: {arn} not found");
    assert_eq!(answer["message"], refusal);
    let kind = answer["__type"].as_str().unwrap();
    assert!(kind.ends_with("#ResourceNotFoundException"), "{kind}");
    dynamodb.close().await;
}

#[tokio::test]
async fn an_attribute_that_is_an_arn_stays_as_it_is() {
    let dynamodb = storage();
    let forwarder = dynamodb.forwarder();
    let stored = "arn:aws:dynamodb:dynoxide:000000000000:table/things";
    for value in [ARN, stored] {
        let item = json!({"id": {"S": value}});
        ok(
            &forwarder,
            "PutItem",
            json!({"TableName": ARN, "Item": item}),
        )
        .await;
        let got = ok(
            &forwarder,
            "GetItem",
            json!({"TableName": ARN, "Key": item}),
        );
        assert_eq!(got.await["Item"], item);
    }
    dynamodb.close().await;
}

#[tokio::test]
async fn members_of_number_sets_are_compared_as_numbers() {
    let dynamodb = storage();
    let forwarder = dynamodb.forwarder();
    let item = json!({"id": {"S": "1"}, "set": {"NS": ["1", "2.50", "3e1"]}});
    ok(
        &forwarder,
        "PutItem",
        json!({"TableName": "things", "Item": item}),
    )
    .await;
    let change = |expression: &str, members: Value| {
        json!({
            "TableName": "things", "Key": {"id": {"S": "1"}}, "UpdateExpression": expression,
            "ExpressionAttributeValues": {":members": {"NS": members}}, "ReturnValues": "ALL_NEW",
        })
    };
    let members = |answer: &Value| {
        let members = answer["Attributes"]["set"]["NS"].as_array().unwrap();
        let mut members: Vec<String> = members
            .iter()
            .map(|one| one.as_str().unwrap().to_owned())
            .collect();
        members.sort();
        members
    };
    let added = change("ADD #s :members", json!(["1.0", "30", "4"]));
    let mut added = added;
    added["ExpressionAttributeNames"] = json!({"#s": "set"});
    let answer = ok(&forwarder, "UpdateItem", added).await;
    assert_eq!(members(&answer), ["1", "2.5", "30", "4"]);
    let mut taken = change("DELETE #s :members", json!(["1.00", "25e-1", "5"]));
    taken["ExpressionAttributeNames"] = json!({"#s": "set"});
    let answer = ok(&forwarder, "UpdateItem", taken).await;
    assert_eq!(members(&answer), ["30", "4"]);
    let mut wrong = change("ADD #s :members", json!(["one"]));
    wrong["ExpressionAttributeNames"] = json!({"#s": "set"});
    let (status, _) = ask(&forwarder, "UpdateItem", wrong).await;
    assert_eq!(status, StatusCode::BAD_REQUEST);
    dynamodb.close().await;
}

#[tokio::test]
async fn each_item_is_scanned_once() {
    let dynamodb = storage();
    let forwarder = dynamodb.forwarder();
    for number in 0..14 {
        let item = json!({"id": {"S": number.to_string()}, "pad": {"S": "x".repeat(200_000)}, "n": {"N": number.to_string()}});
        ok(
            &forwarder,
            "PutItem",
            json!({"TableName": "things", "Item": item}),
        )
        .await;
    }
    let plain = json!({"TableName": "things"});
    let mut limited = plain.clone();
    limited["Limit"] = 4.into();
    let mut filtered = plain.clone();
    filtered["FilterExpression"] = "n < :n".into();
    filtered["ExpressionAttributeValues"] = json!({":n": {"N": "7"}});
    for (request, found) in [(plain, 14), (limited, 14), (filtered, 7)] {
        let (mut scanned, mut count, mut pages) = (0, 0, 0);
        let mut page = request.clone();
        loop {
            let answer = ok(&forwarder, "Scan", page.clone()).await;
            scanned += answer["ScannedCount"].as_u64().unwrap();
            count += answer["Count"].as_u64().unwrap();
            pages += 1;
            match answer.get("LastEvaluatedKey") {
                Some(key) => page["ExclusiveStartKey"] = key.clone(),
                None => break,
            }
        }
        assert!(pages > 2, "{request}");
        assert_eq!((scanned, count), (14, found), "{request}");
    }
    dynamodb.close().await;
}

#[tokio::test]
async fn a_table_made_again_has_a_stream_of_its_own() {
    let dynamodb = storage();
    let forwarder = dynamodb.forwarder();
    let table = json!({"TableName": "things"});
    let put = json!({"TableName": "things", "Item": {"id": {"S": "1"}}});
    ok(&forwarder, "PutItem", put.clone()).await;
    let first = stream(&forwarder).await;
    let place = iterator(&forwarder, &first).await;
    let records = ok(&forwarder, "GetRecords", json!({"ShardIterator": place})).await;
    assert_eq!(records["Records"][0]["awsRegion"], "us-east-1");
    let next = records["NextShardIterator"].as_str().unwrap().to_owned();
    ok(&forwarder, "DeleteTable", table.clone()).await;
    let create = json!({
        "TableName": "things", "BillingMode": "PAY_PER_REQUEST", "KeySchema": [{"AttributeName": "id", "KeyType": "HASH"}],
        "AttributeDefinitions": [{"AttributeName": "id", "AttributeType": "S"}],
        "StreamSpecification": {"StreamEnabled": true, "StreamViewType": "NEW_AND_OLD_IMAGES"},
    });
    ok(&forwarder, "CreateTable", create).await;
    let second = stream(&forwarder).await;
    assert_ne!(first, second);
    for (operation, body) in [
        ("DescribeStream", json!({"StreamArn": first})),
        ("GetRecords", json!({"ShardIterator": next})),
    ] {
        let (status, answer) = ask(&forwarder, operation, body).await;
        assert_eq!(status, StatusCode::BAD_REQUEST, "{operation}");
        let refusal = format!("Requested resource not found: Stream: {first} not found");
        assert_eq!(answer["message"], refusal, "{operation}");
    }
    let place = iterator(&forwarder, &second).await;
    let records = ok(&forwarder, "GetRecords", json!({"ShardIterator": place})).await;
    assert_eq!(records["Records"], json!([]), "none of the table before");
    ok(&forwarder, "PutItem", put).await;
    let records = ok(&forwarder, "GetRecords", json!({"ShardIterator": place})).await;
    assert_eq!(records["Records"].as_array().unwrap().len(), 1);
    dynamodb.close().await;
}

/// The table's stream, according to both ListStreams and DescribeTable.
async fn stream(forwarder: &Forwarder) -> String {
    let streams = ok(forwarder, "ListStreams", json!({"TableName": "things"})).await;
    let arn = streams["Streams"][0]["StreamArn"].as_str().unwrap();
    assert!(arn.starts_with(&format!("{ARN}/stream/")), "{arn}");
    let table = ok(forwarder, "DescribeTable", json!({"TableName": "things"})).await;
    assert_eq!(table["Table"]["LatestStreamArn"], arn);
    arn.to_owned()
}

/// An iterator at the start of a stream's shard, whose id is as long as clients require.
async fn iterator(forwarder: &Forwarder, stream: &str) -> String {
    let described = ok(forwarder, "DescribeStream", json!({"StreamArn": stream})).await;
    let shards = described["StreamDescription"]["Shards"].as_array().unwrap();
    let shard = shards[0]["ShardId"].as_str().unwrap();
    assert!((28..=65).contains(&shard.len()), "{shard}");
    let mut ask_for =
        json!({"StreamArn": stream, "ShardId": shard, "ShardIteratorType": "TRIM_HORIZON"});
    let answer = ok(forwarder, "GetShardIterator", ask_for.clone()).await;
    ask_for["ShardId"] = "shardId-00000000000000000002-00000000".into();
    let (status, _) = ask(forwarder, "GetShardIterator", ask_for).await;
    assert_eq!(status, StatusCode::BAD_REQUEST, "no such shard");
    answer["ShardIterator"].as_str().unwrap().to_owned()
}
