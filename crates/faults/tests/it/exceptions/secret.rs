//! The readiness check, whichever of its stores refuses.

use super::*;

#[tokio::test(start_paused = true)]
async fn readiness_names_the_store_that_meets_an_exception() {
    let run = FaultRun::of("exceptions in a readiness check");
    let place = PausedApi::start();
    let checks = |failing: &str| {
        let names = ["dynamodb", "data_api", "secret"].into_iter();
        Value::Object(
            names
                .flat_map(|name| {
                    object(json!({ name: if name == failing { "unavailable" } else { "ok" } }))
                })
                .collect(),
        )
    };
    let ready = place.demo.get("/v1/health/ready").await;
    assert_eq!(
        (ready.status, ready.body),
        (200, json!({ "status": "ok", "checks": checks("") }))
    );
    let mut cases = 0;
    for (step, store, status, exception, sent) in [
        (
            "DescribeSecret",
            "secret",
            400,
            "ResourceNotFoundException",
            1,
        ),
        ("DescribeSecret", "secret", 400, "AccessDeniedException", 1),
        (
            "DescribeSecret",
            "secret",
            400,
            "InvalidParameterException",
            1,
        ),
        ("DescribeSecret", "secret", 400, "ThrottlingException", 3),
        ("DescribeSecret", "secret", 500, "InternalServiceError", 3),
        ("GetItem", "dynamodb", 400, "ResourceNotFoundException", 1),
        (
            "GetItem",
            "dynamodb",
            400,
            "ProvisionedThroughputExceededException",
            3,
        ),
        ("GetItem", "dynamodb", 500, "InternalServerError", 3),
        ("one", "data_api", 400, "DatabaseResumingException", 1),
        ("one", "data_api", 504, "DatabaseUnavailableException", 1),
        ("one", "data_api", 403, "AccessDeniedException", 1),
        ("one", "data_api", 400, "SecretsErrorException", 1),
    ] {
        let case = format!("{exception} of {step}");
        place.refuse(
            step,
            true,
            refusal(status, exception, "CANARY", RefusedWork::Undone),
        );
        let begun = Instant::now();
        let answer = place.demo.get("/v1/health/ready").await;
        assert!(
            begun.elapsed() <= Duration::from_secs(3),
            "{case}: {:?}",
            begun.elapsed()
        );
        let message = format!("The API is not ready; unavailable: {store}.");
        let body = json!({ "status": "unavailable", "checks": checks(store), "code": "Unavailable", "message": message, "request_id": "faults" });
        assert_eq!(
            (answer.status, &answer.body, answer.header("retry-after")),
            (503, &body, "5"),
            "{case}"
        );
        assert_eq!(
            place
                .wire
                .steps()
                .iter()
                .filter(|sent| *sent == step)
                .count(),
            sent,
            "{case}"
        );
        cases += 1;
    }
    run.report(format_args!("{cases} readiness checks that met one"));
    place.stop();
}
