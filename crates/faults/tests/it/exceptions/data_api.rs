//! The exceptions of the RDS Data API.

use super::*;

/// A paused cluster is retried until time runs out, with waits that grow from 0.5 to 3 s, each shortened by up to half.
const UNTIL_THE_DEADLINE: RangeInclusive<usize> = 10..=18;
/// The wait for a resuming cluster, according to Aurora's guide.
const WAKING: ClientError = ClientError::Wait(15..=15);

const CONFLICT: &str = "Deadlock found when trying to get lock; try restarting transaction; Error code: 1213; SQLState: 40001";
const LOCK_WAIT: &str =
    "Database error code: 1205. Message: Lock wait timeout exceeded; try restarting transaction";
const TOO_LONG: &str =
    "Data too long for column 'aws_region' at row 1; Error code: 1406; SQLState: 22001";
const LINK_FAILURE: &str = "Communications link failure\n\nThe last packet sent successfully to the server was 0 milliseconds ago.";

/// One exception: its status and message, how often a call is sent that meets it each time, and the client's error
/// then. An exception that does not persist is overcome.
struct DataApiException {
    name: &'static str,
    status: u16,
    message: &'static str,
    sent: RangeInclusive<usize>,
    told: ClientError,
    /// Whether it also ends the transaction.
    ends: bool,
}

/// Every exception in `faults` with each of its meanings.
fn exceptions() -> Vec<DataApiException> {
    let mut all = Vec::new();
    let mut add = |name, status, message, sent, told, ends| {
        all.push(DataApiException {
            name,
            status,
            message,
            sent,
            told,
            ends,
        })
    };
    add(
        "DatabaseResumingException",
        400,
        "The instance is resuming after being auto-paused.",
        UNTIL_THE_DEADLINE,
        WAKING,
        false,
    );
    add(
        "DatabaseErrorException",
        400,
        "Communications link failure; SQLState: 08S01",
        UNTIL_THE_DEADLINE,
        WAKING,
        false,
    );
    add(
        "BadRequestException",
        400,
        LINK_FAILURE,
        UNTIL_THE_DEADLINE,
        WAKING,
        false,
    );
    add(
        "DatabaseUnavailableException",
        504,
        "The writer instance is not available.",
        4..=4,
        ClientError::Wait(SOON),
        false,
    );
    add(
        "ServiceUnavailableError",
        503,
        "The service is not available.",
        4..=4,
        ClientError::Wait(SOON),
        false,
    );
    add(
        "InternalServerErrorException",
        500,
        "An internal error occurred.",
        4..=4,
        ClientError::Wait(SOON),
        false,
    );
    add(
        "DatabaseErrorException",
        400,
        "Server shutdown in progress; Error code: 1053; SQLState: 08S01",
        4..=4,
        ClientError::Wait(SOON),
        false,
    );
    add(
        "DatabaseErrorException",
        400,
        CONFLICT,
        9..=9,
        ClientError::Wait(SOON),
        false,
    );
    add(
        "BadRequestException",
        400,
        LOCK_WAIT,
        9..=9,
        ClientError::Wait(SOON),
        false,
    );
    add(
        "DatabaseErrorException",
        400,
        "Too many connections; Error code: 1040; SQLState: 08004",
        6..=6,
        ClientError::Wait(SOON),
        false,
    );
    add(
        "ThrottlingException",
        429,
        "Rate exceeded",
        6..=6,
        ClientError::Wait(SOON),
        false,
    );
    add(
        "SecretsErrorException",
        400,
        "There was a problem with the Secrets Manager secret.",
        2..=2,
        ClientError::Wait(SOON),
        false,
    );
    // A password that has just changed.
    add(
        "DatabaseErrorException",
        400,
        "Access denied for user 'fleet_writer'@'10.0.0.1' (using password: YES); Error code: 1045; SQLState: 28000",
        2..=2,
        ClientError::Wait(SOON),
        false,
    );
    add(
        "TransactionNotFoundException",
        404,
        "Transaction x is not found",
        2..=2,
        ClientError::Wait(SOON),
        true,
    );
    add(
        "NotFoundException",
        404,
        "The transactionId was not found.",
        2..=2,
        ClientError::Wait(SOON),
        true,
    );
    add(
        "BadRequestException",
        400,
        "Transaction x is not found",
        2..=2,
        ClientError::Wait(SOON),
        true,
    );
    add(
        "StatementTimeoutException",
        400,
        "The statement timed out.",
        1..=1,
        ClientError::Wait(SOON),
        false,
    );
    add(
        "InvalidResourceStateException",
        400,
        "The cluster is stopped.",
        1..=1,
        ClientError::Wait(SOON),
        false,
    );
    add(
        "DatabaseErrorException",
        400,
        TOO_LONG,
        1..=1,
        ClientError::Fault,
        false,
    );
    add(
        "BadRequestException",
        400,
        "Database returned more than the allowed response size limit",
        1..=1,
        ClientError::Fault,
        false,
    );
    add(
        "InvalidSecretException",
        400,
        "The secret has no username.",
        1..=1,
        ClientError::Fault,
        false,
    );
    add(
        "HttpEndpointNotEnabledException",
        400,
        "HttpEndpoint is not enabled.",
        1..=1,
        ClientError::Fault,
        false,
    );
    add(
        "DatabaseNotFoundException",
        404,
        "Unknown database.",
        1..=1,
        ClientError::Fault,
        false,
    );
    add(
        "AccessDeniedException",
        403,
        "User is not authorized.",
        1..=1,
        ClientError::Fault,
        false,
    );
    add(
        "ForbiddenException",
        403,
        "There are insufficient privileges.",
        1..=1,
        ClientError::Fault,
        false,
    );
    add(
        "UnsupportedResultException",
        400,
        "Unsupported result.",
        1..=1,
        ClientError::Fault,
        false,
    );
    all
}

/// One call of a request, refused.
struct RefusedCall<'a> {
    exception: &'a DataApiException,
    /// The calls of the request without a failure.
    calls: &'static [&'static str],
    /// The index of the refused one.
    refused: usize,
    lasts: bool,
}

impl RefusedCall<'_> {
    fn told(&self) -> String {
        let DataApiException { name, message, .. } = self.exception;
        format!(
            "{} {} {name} ({message})",
            self.calls[self.refused],
            if self.lasts { "always" } else { "once" }
        )
    }

    /// Whether the request succeeds nevertheless.
    fn is_done(&self) -> bool {
        !self.lasts && *self.exception.sent.start() > 1
    }

    /// The calls of one failed attempt.
    fn failed_try(&self) -> Vec<&'static str> {
        let mut calls = self.calls[..=self.refused].to_vec();
        if calls[0] == "begin" && self.refused > 0 && !self.exception.ends {
            calls.push("rollback");
        }
        if self.calls[self.refused] == "commit" {
            calls.push("token");
        }
        calls
    }

    /// Checks what was sent.
    fn assert_steps(&self, steps: &[String]) {
        let step = self.calls[self.refused];
        let failed = self.failed_try();
        let expected = if self.is_done() {
            [failed.as_slice(), self.calls].concat()
        } else {
            let times = steps.iter().filter(|sent| *sent == step).count();
            assert!(
                self.exception.sent.contains(&times),
                "{}: sent {times} times",
                self.told()
            );
            failed.repeat(times)
        };
        assert_eq!(steps, expected, "{}", self.told());
    }
}

/// Every exception at every one of `calls`, once and persistently.
fn each<'a>(
    exceptions: &'a [DataApiException],
    calls: &'static [&'static str],
) -> impl Iterator<Item = RefusedCall<'a>> {
    exceptions.iter().flat_map(move |exception| {
        (0..calls.len()).flat_map(move |refused| {
            [false, true].map(|lasts| RefusedCall {
                exception,
                calls,
                refused,
                lasts,
            })
        })
    })
}

impl PausedApi {
    /// Sets up the refusal of a case.
    fn meet(&self, case: &RefusedCall<'_>) {
        let DataApiException {
            name,
            status,
            message,
            ends,
            ..
        } = case.exception;
        // A transaction that has not begun cannot be ended.
        let work = if *ends && case.refused > 0 {
            RefusedWork::Ended
        } else {
            RefusedWork::Undone
        };
        self.refuse(
            case.calls[case.refused],
            case.lasts,
            refusal(*status, name, message, work),
        );
    }

    fn stored(&mut self, id: &str) -> (i64, i64) {
        let of =
            |table: &str| format!("SELECT COUNT(*) FROM {table} WHERE aws_instance_id = '{id}'");
        (self.count(of("ec2")), self.count(of("ec2_package")))
    }
}

fn record() -> Value {
    let package = |version: &str| json!({ "package_name": "p", "package_version": version });
    json!({ "aws_region": "us-east-1", "aws_account": "123456789012", "packages": [package("1"), package("2")] })
}

#[tokio::test(start_paused = true)]
async fn an_add_that_meets_an_exception_is_done_whole_or_refused_whole() {
    let run = FaultRun::of("exceptions in an add");
    let mut place = PausedApi::start();
    let exceptions = exceptions();
    let mut cases = 0;
    for (number, case) in each(&exceptions, &["begin", "insert", "packages", "commit"]).enumerate()
    {
        let (id, told) = (format!("i-{number}"), case.told());
        place.meet(&case);
        let answer = in_time(place.demo.instance("POST", &id, Some(&record())), &told).await;
        case.assert_steps(&place.wire.steps());
        place.refuse_nothing();
        if case.is_done() {
            assert_eq!(
                (answer.status, answer.body),
                (200, json!({ "new_record": record() })),
                "{told}"
            );
        } else {
            assert_told(&answer, &case.exception.told, true, &told);
            assert_eq!(place.stored(&id), (0, 0), "{told}");
            // No lock is left, nor anything that would make a retry a duplicate.
            assert_eq!(
                place
                    .demo
                    .instance("POST", &id, Some(&record()))
                    .await
                    .status,
                200,
                "{told}"
            );
        }
        assert_eq!(place.stored(&id), (1, 2), "{told}");
        cases += 1;
    }
    run.report(format_args!(
        "{cases} adds that met one; each done whole or refused whole"
    ));
    place.stop();
}

#[tokio::test(start_paused = true)]
async fn a_removal_that_meets_an_exception_is_done_whole_or_refused_whole() {
    let run = FaultRun::of("exceptions in a removal");
    let mut place = PausedApi::start();
    let exceptions = exceptions();
    let mut cases = 0;
    for (number, case) in each(&exceptions, &["begin", "delete", "commit"]).enumerate() {
        let (id, told) = (format!("i-{number}"), case.told());
        place.refuse_nothing();
        assert_eq!(
            place
                .demo
                .instance("POST", &id, Some(&record()))
                .await
                .status,
            200
        );
        place.meet(&case);
        let answer = in_time(place.demo.instance("DELETE", &id, None), &told).await;
        case.assert_steps(&place.wire.steps());
        place.refuse_nothing();
        if !case.is_done() {
            assert_told(&answer, &case.exception.told, true, &told);
            assert_eq!(place.stored(&id), (1, 2), "{told}");
            let again = place.demo.instance("DELETE", &id, None).await;
            assert_eq!(again.body, json!({ "record_deleted": true }), "{told}");
        } else {
            assert_eq!(
                (answer.status, answer.body),
                (200, json!({ "record_deleted": true })),
                "{told}"
            );
        }
        assert_eq!(place.stored(&id), (0, 0), "{told}");
        cases += 1;
    }
    run.report(format_args!(
        "{cases} removals that met one; each done whole or refused whole"
    ));
    place.stop();
}

#[tokio::test(start_paused = true)]
async fn a_commit_that_was_done_is_a_success_whatever_its_answer_was() {
    let mut place = PausedApi::start();
    for (
        number,
        DataApiException {
            name,
            status,
            message,
            ends,
            ..
        },
    ) in exceptions().into_iter().enumerate()
    {
        let id = format!("i-{number}");
        let told = format!("{name} ({message})");
        let done = || refusal(status, name, message, RefusedWork::Done);
        let rollback: &[&str] = if ends { &[] } else { &["rollback"] };
        place.refuse("commit", true, done());
        let added = place.demo.instance("POST", &id, Some(&record())).await;
        assert_eq!(
            (added.status, added.body),
            (200, json!({ "new_record": record() })),
            "{told}"
        );
        assert_eq!(
            place.wire.steps(),
            [
                &["begin", "insert", "packages", "commit"],
                rollback,
                &["token"]
            ]
            .concat(),
            "{told}"
        );
        assert_eq!(place.stored(&id), (1, 2), "{told}");
        place.refuse("commit", true, done());
        let removed = place.demo.instance("DELETE", &id, None).await;
        assert_eq!(
            (removed.status, removed.body),
            (200, json!({ "record_deleted": true })),
            "{told}"
        );
        assert_eq!(
            place.wire.steps(),
            [&["begin", "delete", "commit"], rollback, &["token"]].concat(),
            "{told}"
        );
        assert_eq!(place.stored(&id), (0, 0), "{told}");
    }
    place.stop();
}

#[tokio::test(start_paused = true)]
async fn a_read_that_meets_an_exception_is_answered_or_refused() {
    let run = FaultRun::of("exceptions in a read");
    let place = PausedApi::start();
    let exceptions = exceptions();
    assert_eq!(
        place
            .demo
            .instance("POST", "i-1", Some(&record()))
            .await
            .status,
        200
    );
    let mut cases = 0;
    for calls in [&["get"], &["list"]] {
        for case in each(&exceptions, calls) {
            let told = case.told();
            place.meet(&case);
            let answer = match calls {
                ["get"] => in_time(place.demo.instance("GET", "i-1", None), &told).await,
                _ => {
                    in_time(
                        place.demo.list(&json!({ "aws_region": ["us-east-1"] })),
                        &told,
                    )
                    .await
                }
            };
            case.assert_steps(&place.wire.steps());
            match (case.is_done(), calls) {
                (false, _) => assert_told(&answer, &case.exception.told, true, &told),
                (true, ["get"]) => assert_eq!(
                    (answer.status, &answer.body["record"]["packages"]),
                    (200, &record()["packages"]),
                    "{told}"
                ),
                (true, _) => assert_eq!(
                    (answer.status, &answer.body["records"][0]["aws_instance_id"]),
                    (200, &json!("i-1")),
                    "{told}"
                ),
            }
            cases += 1;
        }
    }
    run.report(format_args!("{cases} reads that met one"));
    place.stop();
}

#[tokio::test(start_paused = true)]
async fn a_duplicate_is_the_clients_own_and_the_stored_record_stays() {
    let mut place = PausedApi::start();
    assert_eq!(
        place
            .demo
            .instance("POST", "i-1", Some(&record()))
            .await
            .status,
        200
    );
    let message = "The instance already exists: Duplicate entry 'i-1' for key 'PRIMARY'.";
    let body = json!({ "code": "DuplicateInstance", "message": message, "error_message": message, "request_id": "faults" });
    for (exception, text) in [
        (None, ""),
        (
            Some("DatabaseErrorException"),
            "Duplicate entry 'i-1' for key 'ec2.PRIMARY'; Error code: 1062; SQLState: 23000",
        ),
        (
            Some("BadRequestException"),
            "Database error code: 1062. Message: Duplicate entry 'i-1' for key 'PRIMARY'",
        ),
    ] {
        place.refuse_nothing();
        if let Some(exception) = exception {
            place.refuse(
                "insert",
                true,
                refusal(400, exception, text, RefusedWork::Undone),
            );
        }
        let answer = place
            .demo
            .instance(
                "POST",
                "i-1",
                Some(&json!({ "aws_region": "x", "aws_account": "x" })),
            )
            .await;
        assert_eq!(
            (answer.status, &answer.body, answer.header("retry-after")),
            (400, &body, ""),
            "{text}"
        );
        assert_eq!(
            place.wire.steps(),
            ["begin", "insert", "rollback"],
            "{text}"
        );
        assert_eq!(place.stored("i-1"), (1, 2));
    }
    place.stop();
}

#[tokio::test(start_paused = true)]
async fn a_cluster_that_wakes_in_time_is_waited_for_and_else_nothing_is_sent_after_the_answer() {
    let run = FaultRun::of("a cluster that wakes");
    let mut place = PausedApi::start();
    for (seconds, answered) in [
        (0, true),
        (5, true),
        (15, true),
        (20, true),
        (30, false),
        (60, false),
    ] {
        for method in ["POST", "GET", "LIST", "DELETE"] {
            let (id, case) = (
                format!("i-{seconds}-{method}"),
                format!("{method} of a cluster that wakes after {seconds} s"),
            );
            place.refuse_nothing();
            if method != "POST" {
                assert_eq!(
                    place
                        .demo
                        .instance("POST", &id, Some(&record()))
                        .await
                        .status,
                    200
                );
            }
            let wakes = Instant::now() + Duration::from_secs(seconds);
            place.wire.plan(move |_, _| {
                let resuming = || {
                    refusal(
                        400,
                        "DatabaseResumingException",
                        "The instance is resuming after being auto-paused.",
                        RefusedWork::Undone,
                    )
                };
                (Instant::now() < wakes).then(|| CallFate::Refused(resuming()))
            });
            let body = record();
            let answer = match method {
                "LIST" => in_time(place.demo.list(&json!({})), &case).await,
                _ => {
                    in_time(
                        place
                            .demo
                            .instance(method, &id, (method == "POST").then_some(&body)),
                        &case,
                    )
                    .await
                }
            };
            match answered {
                true => assert_eq!(answer.status, 200, "{case}: {}", answer.text),
                false => assert_told(&answer, &WAKING, true, &case),
            }
            // A client that was asked to retry finds that nothing has happened meanwhile.
            let sent = place.wire.steps();
            tokio::time::sleep(Duration::from_secs(600)).await;
            assert_eq!(place.wire.steps(), sent, "{case}");
            let there = match method {
                "POST" => answered,
                "DELETE" => !answered,
                _ => true,
            };
            assert_eq!(
                place.stored(&id),
                if there { (1, 2) } else { (0, 0) },
                "{case}"
            );
        }
    }
    run.report("after 0, 5, 15 and 20 s answered, after 30 and 60 s 503 before 28 s; 4 requests each, nothing sent afterwards");
    place.stop();
}
