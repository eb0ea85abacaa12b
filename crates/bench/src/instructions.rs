//! The instructions of a request, counted by valgrind's callgrind: a regression shows without a stopwatch.

use std::{
    fs, io,
    path::Path,
    process::{Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use serde_json::Value;

use crate::{
    error::BenchError,
    report::{Report, ReportCell},
    start::{
        FunctionProcess, StartCandidate, StartPlan, environment, runtime_api::RuntimeApi, stores,
    },
};

/// Responses before counting begins: the first ones open connections and fill caches.
const WARM_UP: usize = 10;
/// Responses whose instructions are counted.
const COUNTED: usize = 100;
/// The maximum increase of a request's instructions, relative to the bare function's.
const MOST: f64 = 1.1;
/// The table's title, and the column to compare.
const TITLE: &str = "Instructions a request";
const COMPARED: &str = "instructions × bare";
/// How long a function may take to end once it gets no more work.
const END_TIMEOUT: Duration = Duration::from_secs(60);

/// Counts the instructions of each function's requests.
pub(crate) async fn measure(plan: StartPlan) -> Result<Report, BenchError> {
    let mut report = Report {
        title: TITLE.to_owned(),
        notes: vec![format!(
            "Counted by valgrind's callgrind over {COUNTED} requests, after {WARM_UP} others. Stores by plain HTTP; the stores' own \
             instructions are not counted."
        )],
        columns: vec!["function", "instructions", COMPARED],
        rows: Vec::new(),
    };
    if let Err(error) = version() {
        report.notes = vec![format!(
            "Not counted: valgrind does not run ({error}). Install the package `valgrind`."
        )];
        return Ok(report);
    }
    let subjects = tokio::task::spawn_blocking(move || plan.subjects()).await??;
    let server = stores().await?;
    let variables = environment(&format!("http://{}", server.aws_address))?;
    let counts = tokio::task::spawn_blocking(move || {
        subjects
            .iter()
            .filter(|subject| subject.function.is_steady)
            .map(|subject| {
                let label = subject.function.label();
                match count(subject, &variables) {
                    Ok(count) => Ok((label, count)),
                    Err(error) => Err(format!("{label}: {error}")),
                }
            })
            .collect::<Result<Vec<_>, _>>()
    })
    .await??;
    server.stop().await?;
    let bare = counts.first().map_or(1.0, |(_, count)| *count);
    report.rows = counts
        .into_iter()
        .map(|(label, count)| {
            vec![
                ReportCell::Text(label),
                ReportCell::Number(count, 0),
                ReportCell::Number(count / bare, 2),
            ]
        })
        .collect();
    Ok(report)
}

/// Messages about functions that take over a tenth more than in `before`, an earlier output of `--json`.
///
/// # Errors
/// If nothing was counted, or `before` has no such table.
pub(crate) fn regressions(reports: &[Value], before: &Value) -> Result<Vec<String>, BenchError> {
    let now = ratios(reports).ok_or("no instructions were counted")?;
    let before = before.as_array().map(Vec::as_slice).and_then(ratios);
    let before = before.ok_or("the earlier results have no instructions")?;
    Ok(now
        .iter()
        .filter_map(|(function, ratio)| {
            let (_, earlier) = before.iter().find(|(name, _)| name == function)?;
            (*ratio > earlier * MOST).then(|| {
                format!("{function}: {ratio:.2} times the instructions of the bare function, {earlier:.2} before")
            })
        })
        .collect())
}

/// The functions in the table, relative to the bare one; `None` without a table.
fn ratios(reports: &[Value]) -> Option<Vec<(&str, f64)>> {
    let table = reports.iter().find(|report| report["title"] == TITLE)?;
    let rows = table["rows"].as_array()?.iter();
    let ratios: Vec<_> = rows
        .filter_map(|row| Some((row["function"].as_str()?, row[COMPARED].as_f64()?)))
        .collect();
    (!ratios.is_empty()).then_some(ratios)
}

fn version() -> io::Result<()> {
    Command::new("valgrind")
        .arg("--version")
        .stdout(Stdio::null())
        .status()
        .map(drop)
}

/// The instructions of a request: the difference between two processes that handle different numbers of requests.
fn count(subject: &StartCandidate, variables: &[(String, String)]) -> Result<f64, BenchError> {
    let few = total(subject, variables, 0..WARM_UP)?;
    let many = total(subject, variables, WARM_UP..WARM_UP + WARM_UP + COUNTED)?;
    Ok(many.saturating_sub(few) as f64 / COUNTED as f64)
}

/// All instructions of a process that handles these events.
fn total(
    subject: &StartCandidate,
    variables: &[(String, String)],
    events: std::ops::Range<usize>,
) -> Result<u64, BenchError> {
    let folder = tempfile::tempdir()?;
    let file = folder.path().join("counts");
    let api = RuntimeApi::open()?;
    let mut process = FunctionProcess::start(callgrind(&file, &subject.program), variables, &api)?;
    let mut session = process.first_call(&api)?;
    for number in events {
        session.invoke(&subject.event(number))?;
    }
    // It ends when its request for work gets no response, and valgrind writes its counts.
    drop((session, api));
    let until = Instant::now() + END_TIMEOUT;
    while process.0.try_wait()?.is_none() {
        if Instant::now() > until {
            return Err("the function did not end".into());
        }
        thread::sleep(Duration::from_millis(20));
    }
    Ok(read_total(&fs::read_to_string(file)?).ok_or("valgrind wrote no total")?)
}

fn callgrind(file: &Path, program: &Path) -> Command {
    let mut command = Command::new("valgrind");
    command
        .arg("--tool=callgrind")
        .arg(format!("--callgrind-out-file={}", file.display()))
        .arg(program);
    command
}

/// The total in callgrind's file: <https://valgrind.org/docs/manual/cl-format.html>.
fn read_total(counts: &str) -> Option<u64> {
    let line = counts
        .lines()
        .find_map(|line| line.strip_prefix("totals: "))?;
    line.split(' ').next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_tenth_more_than_before_is_a_regression() {
        let table = |get: f64, patch: f64| {
            json!([
                {"title": "Start", "rows": []},
                {"title": TITLE, "rows": [{"function": "get", COMPARED: get}, {"function": "patch", COMPARED: patch}]},
            ])
        };
        let compared = |now: Value, before: Value| regressions(now.as_array().unwrap(), &before);
        assert!(
            compared(table(2.19, 3.0), table(2.0, 4.0))
                .unwrap()
                .is_empty()
        );
        assert_eq!(
            compared(table(2.21, 3.0), table(2.0, 3.0)).unwrap(),
            ["get: 2.21 times the instructions of the bare function, 2.00 before"]
        );
        assert!(compared(json!([]), table(2.0, 3.0)).is_err());
        assert!(compared(table(2.0, 3.0), json!({})).is_err());
    }

    #[test]
    fn the_total_is_read_from_callgrinds_file() {
        let counts = "# callgrind format\nversion: 1\nevents: Ir\nsummary: 1\n\nfn=(1)\n0 5\ntotals: 12345678\n";
        assert_eq!(read_total(counts), Some(12_345_678));
        assert_eq!(read_total("totals: 12 7"), Some(12));
        assert_eq!(read_total("summary: 5"), None);
    }
}
