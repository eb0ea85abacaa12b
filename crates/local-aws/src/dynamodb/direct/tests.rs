use http::{Request, Response};
use http_body_util::{BodyExt as _, Full};
use serde_json::{Value, json};

use super::*;
use crate::dynamodb::{
    DynamoDbResponse, Forwarder,
    testing::{request, storage, tables},
};

fn direct(request: Request<Bytes>) -> Option<DirectRequest> {
    let (head, body) = request.into_parts();
    DirectRequest::of(&head, &body, &TableKeys::of(&tables()))
}

/// Status, headers and body, without the parts that differ each time.
async fn read(reply: DynamoDbResponse) -> (StatusCode, Vec<(String, String)>, Value) {
    let (head, body) = reply.into_parts();
    let mut headers: Vec<_> = head
        .headers
        .iter()
        .filter(|(name, _)| !["content-length", "date"].contains(&name.as_str()))
        .map(|(name, value)| {
            let value = value.to_str().unwrap();
            let value = match name.as_str() {
                "x-amzn-requestid" => format!("{} characters", value.len()),
                // The order of the body's members varies, and the checksum with it.
                "x-amz-crc32" => "a checksum".to_owned(),
                _ => value.to_owned(),
            };
            (name.to_string(), value)
        })
        .collect();
    headers.sort();
    let body = body.collect().await.unwrap().to_bytes();
    (head.status, headers, serde_json::from_slice(&body).unwrap())
}

async fn by_listener(
    forwarder: &Forwarder,
    request: Request<Bytes>,
) -> (StatusCode, Vec<(String, String)>, Value) {
    let reply = forwarder.ask_listener(request.map(Full::new)).await;
    let (mut head, body) = reply.into_parts();
    head.headers.remove("connection");
    read(Response::from_parts(head, body)).await
}

#[tokio::test]
async fn a_plain_request_is_answered_as_the_listener_does() {
    let dynamodb = storage();
    let forwarder = dynamodb.forwarder();
    let key = json!({"id": {"S": "\u{e9} \"1\""}});
    let item = json!({"id": {"S": "\u{e9} \"1\""}, "n": {"N": "1.50"}, "on": {"BOOL": true}});
    let requests = [
        ("GetItem", json!({"TableName": "things", "Key": key})),
        ("PutItem", json!({"TableName": "things", "Item": item})),
        (
            "GetItem",
            json!({"TableName": "things", "Key": key, "ConsistentRead": true}),
        ),
        (
            "GetItem",
            json!({"TableName": "things", "Key": key, "ProjectionExpression": "#n", "ExpressionAttributeNames": {"#n": "n"}}),
        ),
        (
            "PutItem",
            json!({
                "TableName": "things", "Item": item, "ConditionExpression": "n = :n AND attribute_exists(id)",
                "ExpressionAttributeValues": {":n": {"N": "1.5"}}, "ReturnValues": "ALL_OLD",
            }),
        ),
        (
            "UpdateItem",
            json!({
                "TableName": "things", "Key": key, "UpdateExpression": "SET n = :n",
                "ExpressionAttributeValues": {":n": {"N": "2"}}, "ReturnValues": "ALL_NEW",
            }),
        ),
        ("DeleteItem", json!({"TableName": "things", "Key": key})),
    ];
    for (operation, body) in requests {
        let listener = by_listener(&forwarder, request(operation, &body)).await;
        assert_eq!(listener.0, StatusCode::OK, "{operation} {body}");
        let answer = direct(request(operation, &body))
            .and_then(|direct| direct.answer(&dynamodb.database))
            .unwrap_or_else(|| panic!("{operation} {body}"));
        let checksum = answer.headers()["x-amz-crc32"].to_str().unwrap().to_owned();
        let sent = answer.body().clone().collect().await.unwrap().to_bytes();
        assert_eq!(checksum, crc32fast::hash(&sent).to_string());
        // The requests are repeatable, so the second run gives the same responses.
        let forwarded = read(forwarder.forward(request(operation, &body)).await).await;
        assert_eq!(forwarded, listener, "{operation} {body}");
    }
    dynamodb.close().await;
}

#[tokio::test]
async fn what_the_storage_refuses_is_refused_in_the_listeners_words() {
    let dynamodb = storage();
    let forwarder = dynamodb.forwarder();
    let item = json!({"id": {"S": "1"}});
    let put = |more: Value| {
        let mut body = json!({"TableName": "things", "Item": item});
        let more = more.as_object().unwrap().clone();
        body.as_object_mut().unwrap().extend(more);
        body
    };
    let requests = [
        ("GetItem", json!({"TableName": "other", "Key": item})),
        ("GetItem", json!({"TableName": "", "Key": item})),
        ("GetItem", json!({"TableName": "things"})),
        (
            "GetItem",
            json!({"TableName": "things", "Key": {"id": {"N": "1"}}}),
        ),
        ("PutItem", put(json!({"Item": {"id": {"S": ""}}}))),
        (
            "PutItem",
            put(json!({"Item": {"id": {"S": "1"}, "n": {"N": "one"}}})),
        ),
        (
            "PutItem",
            put(json!({"ConditionExpression": "attribute_exists(id)"})),
        ),
        (
            "PutItem",
            put(json!({"ConditionExpression": "n = :unknown"})),
        ),
        ("PutItem", put(json!({"ReturnValues": "EVERYTHING"}))),
    ];
    for (operation, body) in requests {
        let sent = direct(request(operation, &body)).expect("it is a plain one");
        assert!(
            sent.answer(&dynamodb.database).is_none(),
            "{operation} {body}"
        );
        let forwarded = read(forwarder.forward(request(operation, &body)).await).await;
        assert_eq!(forwarded.0, StatusCode::BAD_REQUEST, "{operation} {body}");
        let listener = by_listener(&forwarder, request(operation, &body)).await;
        assert_eq!(forwarded, listener, "{operation} {body}");
    }
    dynamodb.close().await;
}

#[test]
fn a_form_that_is_to_be_checked_is_for_the_listener() {
    let key = r#"{"id":{"S":"1"}}"#;
    let plain = format!(r#"{{"TableName":"things","Key":{key}}}"#);
    assert!(direct(request("GetItem", &plain)).is_some());
    let bodies = [
        String::new(),
        "[]".to_owned(),
        format!(r#"["things",{key}]"#),
        "{".to_owned(),
        format!("{plain}x"),
        plain.replace(r#""1""#, "1"),
        plain.replace(r#""1""#, "null"),
        plain.replace(r#""S""#, r#""NULL""#),
        plain.replace(r#"{"S":"1"}"#, r#"{"S":"1","N":"1"}"#),
        plain.replace(r#"{"S":"1"}"#, r#"{"BOOL":"true"}"#),
        plain.replace(r#"{"S":"1"}"#, r#"{"L":[]}"#),
        plain.replace(r#"{"S":"1"}"#, r#"{"SS":["1"]}"#),
        plain.replace(r#"{"S":"1"}"#, "{}"),
        plain.replace(r#""things""#, "null"),
        plain.replace(r#""things""#, "7"),
        plain.replace(
            r#""things""#,
            r#""things","ReturnConsumedCapacity":"TOTAL""#,
        ),
        plain.replace(r#""things""#, r#""things","TableName":"things""#),
        plain.replace(r#""things""#, r#""things","ConsistentRead":"true""#),
        plain.replace(r#""things""#, r#""things","AttributesToGet":["id"]"#),
    ];
    for body in bodies {
        assert!(direct(request("GetItem", &body)).is_none(), "{body}");
    }
    let mut bytes = request("GetItem", &plain);
    *bytes.body_mut() = Bytes::from(plain.replace('1', "?").replace('?', "\u{1}").into_bytes());
    assert!(direct(bytes).is_none(), "a control character in a text");
    for operation in ["Scan", "CreateTable", "TransactGetItems", "None"] {
        assert!(direct(request(operation, &plain)).is_none(), "{operation}");
    }
}

#[test]
fn a_head_that_is_to_be_checked_is_for_the_listener() {
    let body = json!({"TableName": "things", "Key": {"id": {"S": "1"}}});
    let changed = |change: fn(&mut Request<Bytes>)| {
        let mut request = request("GetItem", &body);
        change(&mut request);
        direct(request).is_none()
    };
    assert!(changed(|request| *request.method_mut() = Method::GET));
    assert!(changed(|request| {
        *request.uri_mut() = "/things".parse().unwrap();
    }));
    assert!(changed(|request| {
        *request.uri_mut() = "/?X-Amz-Algorithm=a".parse().unwrap();
    }));
    for name in [
        "content-type",
        "x-amz-target",
        "authorization",
        "x-amz-date",
    ] {
        let mut request = request("GetItem", &body);
        request.headers_mut().remove(name);
        assert!(direct(request).is_none(), "{name}");
    }
    assert!(changed(|request| {
        let origin = HeaderValue::from_static("http://page.example");
        request.headers_mut().insert("origin", origin);
    }));
    assert!(changed(|request| {
        let other = HeaderValue::from_static("application/json");
        request.headers_mut().insert("content-type", other);
    }));
}

#[test]
fn requests_for_one_item_have_the_same_subject() {
    let subject = |operation: &str, body: Value| {
        let direct = direct(request(operation, body)).expect("it is a plain one");
        direct.item()
    };
    let (key, other) = (json!({"id": {"S": "1"}}), json!({"id": {"S": "2"}}));
    let item = json!({"id": {"S": "1"}, "n": {"N": "7"}, "s": {"S": "2"}});
    let read = subject("GetItem", json!({"TableName": "things", "Key": key}));
    assert!(read.is_some());
    for (operation, body) in [
        ("PutItem", json!({"TableName": "things", "Item": item})),
        ("DeleteItem", json!({"TableName": "things", "Key": key})),
        ("UpdateItem", json!({"TableName": "things", "Key": key})),
    ] {
        assert_eq!(subject(operation, body), read, "{operation}");
    }
    let another = subject("GetItem", json!({"TableName": "things", "Key": other}));
    assert!(another.is_some() && another != read);
    // If the table's key is unknown, or the key is not a string, the item is unknown and could be any.
    let elsewhere = json!({"TableName": "elsewhere", "Key": key});
    assert_eq!(subject("GetItem", elsewhere), None);
    let number = json!({"TableName": "things", "Key": {"id": {"N": "1"}}});
    assert_eq!(subject("GetItem", number), None);
}
