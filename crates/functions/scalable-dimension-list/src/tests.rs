//! The handler with events of API Gateway, over a store that records its calls.

use std::sync::Mutex;

use fleet_core::{
    inventory::PageLimit,
    scaling::{
        DimensionId, DimensionNames, DimensionPage, ListDimensions, StatusName, StoredDimension,
        UpdateTime,
    },
    store::StoreError,
};
use fleet_testing::TestEvent;
use serde_json::json;

use crate::ListDimensionsFunction;

type ListCall = (Option<StatusName>, Option<DimensionId>, usize);

/// Contains one dimension, and another page after it.
#[derive(Default)]
struct One(Mutex<Vec<ListCall>>);

fn id() -> DimensionId {
    DimensionId::parse("1-23456789").unwrap()
}

impl ListDimensions for One {
    async fn list(
        &self,
        status: Option<StatusName>,
        after: Option<&DimensionId>,
        limit: PageLimit,
    ) -> Result<DimensionPage, StoreError> {
        let asked = (status, after.cloned(), limit.get());
        self.0.lock().unwrap().push(asked);
        let updated_at = UpdateTime::parse("2026-01-05T08:00:00.000Z").ok();
        let stored = StoredDimension {
            updated_at,
            ..StoredDimension::initial()
        };
        Ok(DimensionPage {
            dimensions: vec![(id(), stored)],
            next: after.is_none().then(id),
        })
    }
}

fn list() -> ListDimensionsFunction<One> {
    ListDimensionsFunction::new(One::default(), DimensionNames::default())
}

#[tokio::test]
async fn a_page_has_whole_states_and_since_when_they_stand() {
    for route in ["get-scalable-dimensions", "get-v1-scalable-dimensions"] {
        let function = list();
        let state = json!({
            "scalableTargetDimensionId": "1-23456789",
            "version": "MyVersion",
            "resourceName": "MyService",
            "dimensionName": "MyDimension",
            "actualCapacity": 1.0,
            "desiredCapacity": 1.0,
            "scalingStatus": "Successful",
            "updatedAt": "2026-01-05T08:00:00.000Z",
        });
        let (status, first) = TestEvent::read(route)
            .query("")
            .send(&function)
            .await
            .parts();
        assert_eq!((status, &first["dimensions"]), (200, &json!([state])));
        let token = first["next_token"].as_str().unwrap();
        let last = TestEvent::read(route)
            .query(&format!("next_token={token}"))
            .send(&function)
            .await;
        assert_eq!(last.parts(), (200, json!({ "dimensions": [state] })));
        let asked = function.store.0.into_inner().unwrap();
        assert_eq!(asked, [(None, None, 50), (None, Some(id()), 50)]);
    }
}

#[tokio::test]
async fn filters_reach_the_store_and_other_parameters_are_left_alone() {
    let function = list();
    let answer = TestEvent::read("get-scalable-dimensions")
        .query("scalingStatus=Pending&limit=100&colour=red&colour=blue")
        .send(&function)
        .await;
    assert_eq!(answer.status, 200);
    let asked = function.store.0.into_inner().unwrap();
    assert_eq!(asked, [(Some(StatusName::Pending), None, 100)]);
}

#[tokio::test]
async fn a_wrong_parameter_is_400_and_named() {
    for (query, message) in [
        (
            "scalingStatus=pending",
            "scalingStatus must be one of Pending, InProgress, Successful, Failed.",
        ),
        ("limit=0", "limit must be a whole number from 1 to 100."),
        ("limit=101", "limit must be a whole number from 1 to 100."),
        (
            "next_token=x",
            "next_token must be the next_token of an earlier response, unchanged.",
        ),
    ] {
        let function = list();
        let (status, body) = TestEvent::read("get-scalable-dimensions")
            .query(query)
            .send(&function)
            .await
            .parts();
        assert_eq!((status, &body["message"]), (400, &json!(message)));
        assert!(function.store.0.into_inner().unwrap().is_empty(), "{query}");
    }
}

#[tokio::test]
async fn a_rehearsal_reads_a_page() {
    let function = list();
    assert_eq!(fleet_http::rehearsal(&function).await, Some(200));
    assert_eq!(function.store.0.lock().unwrap().len(), 1);
}
