//! The exceptions of DynamoDB.

use super::*;

/// One exception: how often the SDK sends a call that meets it each time, and the client's error then.
struct DynamoDbException {
    name: &'static str,
    status: u16,
    sent: usize,
    told: ClientError,
}

fn exceptions() -> Vec<DynamoDbException> {
    let passing = |name, status| DynamoDbException {
        name,
        status,
        sent: 3,
        told: ClientError::Wait(SOON),
    };
    let fault = |name| DynamoDbException {
        name,
        status: 400,
        sent: 1,
        told: ClientError::Fault,
    };
    vec![
        passing("ProvisionedThroughputExceededException", 400),
        passing("ThrottlingException", 400),
        passing("RequestLimitExceeded", 400),
        passing("InternalServerError", 500),
        passing("ServiceUnavailable", 503),
        DynamoDbException {
            name: "TransactionConflictException",
            status: 400,
            sent: 1,
            told: ClientError::Wait(SOON),
        },
        fault("ResourceNotFoundException"),
        fault("ItemCollectionSizeLimitExceededException"),
        fault("ValidationException"),
        fault("AccessDeniedException"),
        fault("UnrecognizedClientException"),
        fault("ExpiredTokenException"),
        fault("MissingAuthenticationTokenException"),
        fault("SomethingNewException"),
    ]
}

fn met(exception: &DynamoDbException, work: RefusedWork) -> ServiceException {
    let DynamoDbException { name, status, .. } = exception;
    let kind = format!("com.amazonaws.dynamodb.v20120810#{name}");
    ServiceException {
        status: *status,
        exception: name,
        body: json!({ "__type": kind, "message": "CANARY" }),
        work,
    }
}

fn state(id: &str, desired: f64, status: &str) -> Value {
    json!({ "scalableTargetDimensionId": id, "version": "MyVersion", "resourceName": "MyService", "dimensionName": "MyDimension",
        "actualCapacity": 1.0, "desiredCapacity": desired, "scalingStatus": status })
}

#[tokio::test(start_paused = true)]
async fn a_patch_and_a_step_that_meet_an_exception_are_done_once_or_refused() {
    let run = FaultRun::of("exceptions in a patch or a step");
    let mut place = PausedApi::start();
    let (mut cases, patch) = (0, json!({ "desiredCapacity": 2.0 }));
    for exception in exceptions() {
        for (refused, work) in [
            ("GetItem", RefusedWork::Undone),
            ("PutItem", RefusedWork::Undone),
            ("PutItem", RefusedWork::Done),
        ] {
            for (lasts, is_step) in [(false, false), (true, false), (false, true), (true, true)] {
                let id = format!("d-{cases}");
                let case = format!(
                    "{} of {refused}, {work:?}, lasts: {lasts}, step: {is_step}",
                    exception.name
                );
                place.refuse_nothing();
                if is_step {
                    assert_eq!(
                        place
                            .demo
                            .dimension("PATCH", &id, Some(&patch))
                            .await
                            .status,
                        200,
                        "{case}"
                    );
                }
                let before = u64::from(is_step);
                place.refuse(refused, lasts, met(&exception, work));
                let answer = match is_step {
                    true => in_time(place.demo.dimension("GET", &id, None), &case).await,
                    false => in_time(place.demo.dimension("PATCH", &id, Some(&patch)), &case).await,
                };
                let steps = place.wire.steps();
                let done = !lasts && exception.sent > 1;
                let times = if done { 2 } else { exception.sent };
                let expected = match (refused, done) {
                    ("GetItem", true) => vec!["GetItem", "GetItem", "PutItem"],
                    ("GetItem", false) => vec!["GetItem"; times],
                    _ => [vec!["GetItem"], vec!["PutItem"; times]].concat(),
                };
                assert_eq!(steps, expected, "{case}");
                place.refuse_nothing();
                if done {
                    let status = if is_step { "InProgress" } else { "Pending" };
                    assert_eq!(
                        (answer.status, answer.body),
                        (200, state(&id, 2.0, status)),
                        "{case}"
                    );
                    assert_eq!(place.revision(id), before + 1, "{case}");
                } else {
                    assert_told(&answer, &exception.told, false, &case);
                    // A write that was done without a response is stored, once.
                    assert_eq!(
                        place.revision(id),
                        before + u64::from(work == RefusedWork::Done),
                        "{case}"
                    );
                }
                cases += 1;
            }
        }
    }
    run.report(format_args!(
        "{cases} patches and steps that met one; each done once, or refused and not done"
    ));
    place.stop();
}

#[tokio::test(start_paused = true)]
async fn a_read_in_production_that_meets_an_exception_is_answered_or_refused() {
    let mut place = PausedApi::start();
    for exception in exceptions() {
        for lasts in [false, true] {
            let case = format!("{}, lasts: {lasts}", exception.name);
            place.refuse("GetItem", lasts, met(&exception, RefusedWork::Undone));
            let answer = in_time(place.production.dimension("GET", "d", None), &case).await;
            let done = !lasts && exception.sent > 1;
            assert_eq!(
                place.wire.steps(),
                vec!["GetItem"; if done { 2 } else { exception.sent }],
                "{case}"
            );
            match done {
                true => assert_eq!(
                    (answer.status, answer.body),
                    (200, state("d", 1.0, "Successful")),
                    "{case}"
                ),
                false => assert_told(&answer, &exception.told, false, &case),
            }
        }
    }
    place.refuse_nothing();
    assert_eq!(place.revision("d".to_owned()), 0);
    place.stop();
}

#[tokio::test(start_paused = true)]
async fn a_write_that_another_came_before_is_made_anew_on_what_it_left() {
    let mut place = PausedApi::start();
    let item = |desired: &str, revision: usize| {
        json!({ "scalableTargetDimensionId": { "S": "d" }, "actualCapacity": { "S": "1.0" }, "desiredCapacity": { "S": desired },
            "scalingStatus": { "S": "Pending" }, "revision": { "N": revision.to_string() }, "writeId": { "S": "theirs" } })
    };
    let conflict = move |revision: usize| {
        let body = json!({ "__type": "com.amazonaws.dynamodb.v20120810#ConditionalCheckFailedException",
            "message": "The conditional request failed", "Item": item("7.0", revision) });
        CallFate::Refused(ServiceException {
            status: 400,
            exception: "ConditionalCheckFailedException",
            body,
            work: RefusedWork::Undone,
        })
    };
    let patch = json!({ "desiredCapacity": 2.0 });

    // In each call: until the time or the attempts are used up, and nothing is stored.
    place
        .wire
        .plan(move |step, before| (step == "PutItem").then(|| conflict(before + 1)));
    let answer = in_time(
        place.production.dimension("PATCH", "d", Some(&patch)),
        "conflicts",
    )
    .await;
    assert_told(&answer, &ClientError::Wait(SOON), false, "conflicts");
    let steps = place.wire.steps();
    assert!(
        steps.len() > 50 && steps.iter().filter(|step| *step == "GetItem").count() == 1,
        "{}",
        steps.len()
    );
    place.refuse_nothing();
    assert_eq!(place.revision("d".to_owned()), 0);

    // A conflict whose item equals the requested state needs no write.
    place
        .wire
        .plan(move |step, _| (step == "PutItem").then(|| conflict(1)));
    let answer = place
        .production
        .dimension("PATCH", "d", Some(&json!({ "desiredCapacity": 7.0 })))
        .await;
    assert_eq!(
        (answer.status, answer.body),
        (200, state("d", 7.0, "Pending"))
    );
    assert_eq!(place.wire.steps(), ["GetItem", "PutItem"]);

    // A write in another region: the SDK resends the write, and after its three attempts the item is read again.
    let race = DynamoDbException {
        name: "ReplicatedWriteConflictException",
        status: 400,
        sent: 3,
        told: ClientError::Wait(SOON),
    };
    place.wire.plan(move |step, before| {
        (step == "PutItem" && before < 3)
            .then(|| CallFate::Refused(met(&race, RefusedWork::Undone)))
    });
    let answer = place.production.dimension("PATCH", "d", Some(&patch)).await;
    assert_eq!(
        (answer.status, answer.body),
        (200, state("d", 2.0, "Pending"))
    );
    assert_eq!(
        place.wire.steps(),
        [
            "GetItem", "PutItem", "PutItem", "PutItem", "GetItem", "PutItem"
        ]
    );
    assert_eq!(place.revision("d".to_owned()), 1);
    place.stop();
}
