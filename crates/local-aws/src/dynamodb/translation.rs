//! Where the storage differs from DynamoDB: translates requests on their way to it, and responses on their way back.
//!
//! - A request may name a table by its ARN, and the response then has the ARN, too.
//! - ARNs have this region and account; `dynoxide-rs` 3.2 writes its own region.
//! - The storage compares members of a number set as texts for `ADD` and `DELETE`, so they are put into canonical form
//!   first.
//! - The storage counts one item too many as scanned for a page that ends at 1 MiB.
//! - Streams are handled in `streams.rs`.

use std::collections::HashMap;

use bytes::Bytes;
use dynoxide::types::normalize_dynamo_number;
use http::{HeaderMap, Request, Response, StatusCode, header, response::Parts};
use http_body_util::{BodyExt as _, Either, Full};
use serde_json::{Map, Value};

use super::{
    arns::Arns,
    refusals::{DynamoDbResponse, NotFound, unavailable},
    streams,
};

/// A translated request, and what is needed to translate its response.
#[derive(Debug, Default)]
pub(super) struct Translation {
    operation: String,
    /// The ARNs that named tables, by table name.
    named: HashMap<String, String>,
    /// How the requested page is limited.
    page: Option<PageRules>,
    /// The ARN of the stream whose iterator was requested.
    stream: Option<String>,
}

#[derive(Debug)]
struct PageRules {
    limit: Option<u64>,
    is_filtered: bool,
}

/// The operation that a request names in its headers.
pub(super) fn operation(headers: &HeaderMap) -> &str {
    headers
        .get("x-amz-target")
        .and_then(|target| target.to_str().ok()?.rsplit('.').next())
        .unwrap_or_default()
}

impl Translation {
    /// Translates the request for the storage.
    ///
    /// # Errors
    /// [`NotFound`] for a table or a stream that is not of this region and account.
    pub(super) fn of(arns: &Arns, request: &mut Request<Bytes>) -> Result<Self, NotFound> {
        let operation = operation(request.headers());
        let translation = Self {
            operation: operation.to_owned(),
            ..Self::default()
        };
        let is_page = matches!(operation, "Query" | "Scan");
        let has = |part: &str| memchr::memmem::find(request.body(), part.as_bytes()).is_some();
        if !is_page && !streams::is_stream_operation(operation) && !has("arn:") && !has("\"NS\"") {
            return Ok(translation);
        }
        // Any other body is refused by the listener.
        match serde_json::from_slice(request.body()) {
            Ok(Value::Object(body)) => translation.read(arns, body, request),
            _ => Ok(translation),
        }
    }

    fn read(
        mut self,
        arns: &Arns,
        mut body: Map<String, Value>,
        request: &mut Request<Bytes>,
    ) -> Result<Self, NotFound> {
        let mut is_changed = self.name_tables(arns, &mut body)?;
        match self.operation.as_str() {
            "Query" | "Scan" => {
                self.page = Some(PageRules {
                    limit: body.get("Limit").and_then(Value::as_u64),
                    is_filtered: ["FilterExpression", "QueryFilter", "ScanFilter"]
                        .iter()
                        .any(|filter| body.contains_key(*filter)),
                });
            }
            "UpdateItem"
            | "TransactWriteItems"
            | "ExecuteStatement"
            | "ExecuteTransaction"
            | "BatchExecuteStatement" => {
                is_changed |= body
                    .values_mut()
                    .fold(false, |any, value| normalize_number_sets(value) | any);
            }
            operation if streams::is_stream_operation(operation) => {
                self.stream = streams::of_client(arns, operation, &mut body)?;
                is_changed = true;
            }
            _ => {}
        }
        if is_changed {
            *request.body_mut() = Value::Object(body).to_string().into();
            let length = request.body().len().into();
            request.headers_mut().insert(header::CONTENT_LENGTH, length);
        }
        Ok(self)
    }

    /// Replaces ARNs with table names; returns whether there were any.
    fn name_tables(
        &mut self,
        arns: &Arns,
        body: &mut Map<String, Value>,
    ) -> Result<bool, NotFound> {
        if let Some(Value::Object(tables)) = body.get_mut("RequestItems") {
            let given = std::mem::take(tables);
            for (mut name, value) in given {
                self.name(arns, &mut name)?;
                tables.insert(name, value);
            }
        }
        if let Some(Value::Array(items)) = body.get_mut("TransactItems") {
            let items = items.iter_mut().filter_map(Value::as_object_mut);
            for action in items.flat_map(Map::values_mut) {
                if let Some(Value::String(name)) = action.get_mut("TableName") {
                    self.name(arns, name)?;
                }
            }
        }
        if let Some(Value::String(name)) = body.get_mut("TableName") {
            self.name(arns, name)?;
        }
        Ok(!self.named.is_empty())
    }

    fn name(&mut self, arns: &Arns, name: &mut String) -> Result<(), NotFound> {
        if let Some(table) = arns.table(name).map(str::to_owned) {
            self.named.insert(table.clone(), name.clone());
            *name = table;
        } else if name.starts_with("arn:") {
            return Err(NotFound::new("Table", name));
        }
        Ok(())
    }

    /// The stream that the request reads from.
    pub(super) fn stream(&self) -> Option<&str> {
        self.stream.as_deref()
    }

    /// Translates the storage's response for the client.
    pub(super) async fn answer(self, arns: &Arns, reply: DynamoDbResponse) -> DynamoDbResponse {
        if reply.status() == StatusCode::OK && !self.changes_answers() {
            return reply;
        }
        let (head, body) = reply.into_parts();
        let Ok(body) = body.collect().await else {
            return unavailable();
        };
        let body = body.to_bytes();
        match self.translate_response(arns, head.status, &body) {
            Some(translated) => rewritten(head, translated.into()),
            None => Response::from_parts(head, Either::Left(Full::new(body))),
        }
    }

    fn changes_answers(&self) -> bool {
        !self.named.is_empty()
            || self.page.is_some()
            || streams::is_stream_operation(&self.operation)
            || self.is_about_tables()
    }

    /// Whether its response describes a table.
    fn is_about_tables(&self) -> bool {
        self.operation.ends_with("Table")
    }

    /// The translated body, if it differs.
    fn translate_response(&self, arns: &Arns, status: StatusCode, body: &[u8]) -> Option<String> {
        if status != StatusCode::OK || self.is_about_tables() || self.operation == "ListStreams" {
            let text = std::str::from_utf8(body).ok()?;
            return Arns::are_in(body).then(|| arns.of_storage(text));
        }
        let is_whole_page = memchr::memmem::find(body, b"\"LastEvaluatedKey\"").is_none();
        if self.page.is_some() && self.named.is_empty() && is_whole_page {
            return None;
        }
        let mut body: Map<String, Value> = serde_json::from_slice(body).ok()?;
        if let Some(page) = &self.page {
            page.count_scanned(&mut body);
        }
        if streams::is_stream_operation(&self.operation) {
            streams::of_storage(arns, self.stream.as_deref(), &mut body);
        }
        self.name_back(&mut body);
        Some(Value::Object(body).to_string())
    }

    /// Puts the ARNs back wherever the response names tables.
    fn name_back(&self, body: &mut Map<String, Value>) {
        for map in [
            "Responses",
            "UnprocessedKeys",
            "UnprocessedItems",
            "ItemCollectionMetrics",
        ] {
            if let Some(Value::Object(tables)) = body.get_mut(map) {
                let given = std::mem::take(tables);
                tables.extend(given.into_iter().map(|(name, value)| {
                    let arn = self.named.get(&name).cloned();
                    (arn.unwrap_or(name), value)
                }));
            }
        }
        let capacities = match body.get_mut("ConsumedCapacity") {
            Some(Value::Array(several)) => several.as_mut_slice(),
            Some(one) => std::slice::from_mut(one),
            None => &mut [],
        };
        for capacity in capacities {
            if let Some(Value::String(name)) = capacity.get_mut("TableName")
                && let Some(arn) = self.named.get(name)
            {
                name.clone_from(arn);
            }
        }
    }
}

impl PageRules {
    /// The storage also counts the item where a 1 MiB page ended, which is the next page's first.
    fn count_scanned(&self, body: &mut Map<String, Value>) {
        if !body.contains_key("LastEvaluatedKey") {
            return;
        }
        let number = |name: &str| body.get(name).and_then(Value::as_u64);
        let (Some(count), Some(scanned)) = (number("Count"), number("ScannedCount")) else {
            return;
        };
        let scanned = if !self.is_filtered {
            count
        } else if self.limit.is_none_or(|limit| scanned < limit) {
            scanned - 1
        } else {
            scanned
        };
        body.insert("ScannedCount".to_owned(), scanned.into());
    }
}

/// Puts the members of number sets into canonical form; returns whether there were any.
fn normalize_number_sets(value: &mut Value) -> bool {
    match value {
        Value::Object(map) => map.iter_mut().fold(false, |any, (name, value)| {
            let here = match value {
                Value::Array(members) if name == "NS" => {
                    for member in members {
                        if let Value::String(number) = member {
                            *number = normalize_dynamo_number(number);
                        }
                    }
                    true
                }
                other => normalize_number_sets(other),
            };
            here | any
        }),
        Value::Array(values) => values
            .iter_mut()
            .fold(false, |any, value| normalize_number_sets(value) | any),
        _ => false,
    }
}

/// A response with a new body.
fn rewritten(mut head: Parts, body: Bytes) -> DynamoDbResponse {
    head.headers
        .insert(header::CONTENT_LENGTH, body.len().into());
    if let Some(checksum) = head.headers.get_mut("x-amz-crc32") {
        *checksum = crc32fast::hash(&body).into();
    }
    Response::from_parts(head, Either::Left(Full::new(body)))
}

#[cfg(test)]
mod tests;
