//! Endpoints that are unreachable, slow, throttle, refuse, fail, or never finish.

use serde_json::json;
use tokio::net::TcpListener;

use crate::{
    program::simulate,
    stub::{Stub, obey, plain},
};

const SCALES_OUT: [&str; 6] = [
    "--load",
    "constant(value=200)",
    "--duration",
    "10m",
    "--start",
    "2026-01-05T00:00:00Z",
];

#[tokio::test]
async fn an_endpoint_that_is_not_there_is_told_before_anything_is_written() {
    let address = TcpListener::bind("127.0.0.1:0")
        .await
        .unwrap()
        .local_addr()
        .unwrap();
    let folder = tempfile::tempdir().unwrap();
    let svg = folder.path().join("a.svg");
    let url = format!("http://{address}/1");
    let done = simulate(&[
        "--endpoint",
        &url,
        "--load",
        "constant(value=1)",
        "--svg",
        svg.to_str().unwrap(),
    ])
    .await;
    assert_eq!(done.code, Some(1));
    assert!(
        done.err.starts_with(&format!(
            "simulate-scaling: {url} cannot be reached: Connection refused"
        )),
        "{}",
        done.err
    );
    assert!(
        done.err.ends_with("(4 times). Nothing was changed.\n"),
        "{}",
        done.err
    );
    assert!(!svg.exists());
}

#[tokio::test]
async fn an_endpoint_that_does_not_answer_is_given_up() {
    // Nothing accepts, so each connection waits for its response.
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/1", listener.local_addr().unwrap());
    let done = simulate(&["--endpoint", &url, "--check", "--timeout", "1s"]).await;
    let sentence = format!(
        "simulate-scaling: {url} does not answer in time (4 times). Nothing was changed.\n"
    );
    assert_eq!(done.parts(), (Some(1), sentence.as_str()));
}

#[tokio::test]
async fn a_refusal_is_told_with_what_may_help() {
    for (status, body, words) in [
        (
            403,
            r#"{"message":"Missing Authentication Token"}"#,
            "answers a GET with 403: it takes signed requests (--sigv4 REGION) or a key (--header 'x-api-key: …') perhaps (Missing Authentication Token)",
        ),
        (
            404,
            "",
            "answers a GET with 404: there is no such dimension",
        ),
        (
            302,
            "",
            "answers a GET with 302: give the address that it redirects to",
        ),
    ] {
        let stub = Stub::start(move |_, _| plain(status, body)).await;
        let done = simulate(&["--endpoint", &stub.url, "--check"]).await;
        let sentence = format!(
            "simulate-scaling: {} {words}. Nothing was changed.\n",
            stub.url
        );
        assert_eq!(done.parts(), (Some(1), sentence.as_str()));
        assert_eq!(stub.requests().len(), 1, "a refusal is not asked for again");
    }
}

#[tokio::test]
async fn what_is_throttled_or_broken_for_a_moment_is_sent_again() {
    for status in [429, 500, 503] {
        let mut count = 0;
        let stub = Stub::start(move |request, state| {
            count += 1;
            if count % 8 < 2 {
                (status, vec![("retry-after", "0")], String::new())
            } else {
                obey(request, state)
            }
        })
        .await;
        let done = simulate(&[&["--endpoint", &stub.url], &SCALES_OUT[..]].concat()).await;
        assert_eq!(done.parts(), (Some(0), ""), "{}", done.out);
        assert!(
            done.out.contains("1 activities successful, 0 failed"),
            "{}",
            done.out
        );
        assert!(!done.out.contains(", 0 of them repeated"), "{}", done.out);
    }
}

#[tokio::test]
async fn an_endpoint_that_goes_away_ends_the_simulation() {
    let mut count = 0;
    let stub = Stub::start(move |request, state| {
        count += 1;
        if count > 3 {
            (503, vec![("retry-after", "0")], String::new())
        } else {
            obey(request, state)
        }
    })
    .await;
    let done = simulate(&[&["--endpoint", &stub.url], &SCALES_OUT[..]].concat()).await;
    assert_eq!(
        done.parts(),
        (
            Some(1),
            "simulate-scaling: The endpoint answers a GET with 503 (4 times), and 3 requests in a row failed. \
             The simulation ends here, at 2026-01-05T00:04:00Z.\n"
        )
    );
    assert!(
        done.out
            .contains("Reason: The endpoint answers a PATCH with 503 (4 times)."),
        "{}",
        done.out
    );
}

#[tokio::test]
async fn a_failed_scaling_is_a_failed_activity_with_its_reason() {
    let stub = Stub::start(|request, state| {
        obey(request, state);
        if request.method == "PATCH" {
            state["actualCapacity"] = json!(1.0);
            state["scalingStatus"] = json!("Failed");
            state["failureReason"] = json!("no more licences");
        }
        plain(200, state)
    })
    .await;
    let done = simulate(&[&["--endpoint", &stub.url], &SCALES_OUT[..]].concat()).await;
    assert_eq!(done.parts(), (Some(1), ""));
    assert!(
        done.out
            .contains("Failed: Failed to set desired capacity to 4. Reason: no more licences\n"),
        "{}",
        done.out
    );
}

#[tokio::test]
async fn what_never_ends_is_unfulfilled() {
    let stub = Stub::start(|request, state| {
        obey(request, state);
        state["actualCapacity"] = json!(1.0);
        state["scalingStatus"] = json!("InProgress");
        plain(200, state)
    })
    .await;
    let done = simulate(
        &[
            &["--endpoint", &stub.url, "--give-up", "2m", "--poll", "30s"],
            &SCALES_OUT[..],
        ]
        .concat(),
    )
    .await;
    assert_eq!(done.parts(), (Some(1), ""));
    let words = "Unfulfilled after 2m: Failed to set desired capacity to 4. Reason: the endpoint has not finished it after 2m.";
    assert!(done.out.contains(words), "{}", done.out);
}

#[tokio::test]
async fn another_hand_overrides_an_activity() {
    let mut gets = 0;
    let stub = Stub::start(move |request, state| {
        obey(request, state);
        state["scalingStatus"] = json!("InProgress");
        if request.method == "GET" {
            gets += 1;
            if gets > 4 {
                state["desiredCapacity"] = json!(9.0);
                state["actualCapacity"] = json!(9.0);
                state["scalingStatus"] = json!("Successful");
            }
        }
        plain(200, state)
    })
    .await;
    let done = simulate(&[&["--endpoint", &stub.url], &SCALES_OUT[..]].concat()).await;
    assert_eq!(done.parts(), (Some(0), ""), "{}", done.out);
    assert!(
        done.out.contains(
            "Overridden after 10s: The desired capacity was updated by a newer scaling event."
        ),
        "{}",
        done.out
    );
}

#[tokio::test]
async fn a_capacity_beyond_its_bounds_is_brought_back_at_registration() {
    let stub = Stub::start(obey).await;
    let options = [
        "--metric",
        "constant(value=50)",
        "--duration",
        "5m",
        "--min",
        "3",
        "--start",
        "2026-01-05T00:00:00Z",
    ];
    let done = simulate(&[&["--endpoint", &stub.url], &options[..]].concat()).await;
    assert_eq!(done.parts(), (Some(0), ""));
    assert!(
        done.out.starts_with("2026-01-05T00:00:00Z  Setting desired capacity to 3.\n    minimum capacity was set to 3\n    Successful: "),
        "{}",
        done.out
    );
}

#[tokio::test]
async fn an_outage_within_the_patience_is_survived_and_a_longer_one_is_not() {
    // Refused at once, so that no request is retried: half an hour of minutes, from the fifth request on.
    for (patience, code) in [("1h", 0), ("10m", 1)] {
        let mut count = 0;
        let stub = Stub::start(move |request, state| {
            count += 1;
            match count {
                5..35 => plain(404, ""),
                _ => obey(request, state),
            }
        })
        .await;
        let done = simulate(&[
            "--endpoint",
            &stub.url,
            "--load",
            "constant(value=40)",
            "--duration",
            "2h",
            "--start",
            "2026-01-05T00:00:00Z",
            "--patience",
            patience,
        ])
        .await;
        assert_eq!(done.code, Some(code), "{}{}", done.out, done.err);
        if code == 1 {
            let sentence = "and all requests for 10m failed. The simulation ends here, at 2026-01-05T00:14:00Z.";
            assert!(done.err.contains(sentence), "{}", done.err);
        }
    }
}

#[tokio::test]
async fn a_metric_that_ends_at_its_cap_takes_several_steps() {
    let desired = async |cap: &[&str]| {
        let stub = Stub::start(obey).await;
        let options = [
            "--endpoint",
            &stub.url,
            "--load",
            "constant(value=230)",
            "--duration",
            "30m",
            "--start",
            "2026-01-05T00:00:00Z",
        ];
        let done = simulate(&[&options, cap].concat()).await;
        assert_eq!(done.parts(), (Some(0), ""));
        let orders = done.out.lines().filter_map(|line| {
            let (_, order) = line.split_once("Setting desired capacity to ")?;
            Some(order.trim_end_matches('.').to_owned())
        });
        orders.collect::<Vec<_>>()
    };
    assert_eq!(desired(&[]).await, ["5"]);
    assert_eq!(desired(&["--cap", "100"]).await, ["2", "3", "5"]);
    let stub = Stub::start(obey).await;
    let refused = simulate(&[
        "--endpoint",
        &stub.url,
        "--load",
        "constant(value=1)",
        "--cap",
        "50",
    ])
    .await;
    let sentence =
        "simulate-scaling: --cap 50 must be above --target 50, or nothing would ever scale out.\n";
    assert_eq!(refused.parts(), (Some(2), sentence));
    assert!(stub.requests().is_empty());
}
