//! A function's cold start, as on Lambda: a whole processor until it requests work, and then its memory's share.

pub(crate) mod binaries;
mod cost;
pub(crate) mod functions;
mod messages;
mod process;
pub(crate) mod runtime_api;
mod share;
mod stores;
mod times;

use std::path::PathBuf;

use http::Method;

use crate::{
    error::BenchError,
    report::{Report, ReportCell},
    server::{BenchServer, INSTANCE, ServerSetup},
    statistics::median,
};
use binaries::Binaries;
use functions::{BARE, FUNCTIONS, FunctionEvent, MeasuredFunction};
pub(crate) use process::FunctionProcess;
use share::ControlGroup;
use stores::ReplayedStores;
use times::{MEMORIES, StartTimes, WARM_ANSWERS};

/// The memory setting whose second response is shown.
const SHOWN: u32 = 256;
/// The most reads until a dimension reaches its desired capacity.
const LOOKS: usize = 5;

/// What to measure, and how often.
#[derive(Clone)]
pub(crate) struct StartPlan {
    pub(crate) starts: usize,
    /// The folder of the programs, if they are not to be built.
    pub(crate) binaries: Option<PathBuf>,
    /// The functions' names; all of them if empty.
    pub(crate) only: Vec<String>,
}

/// One function, ready to be started.
pub(crate) struct StartCandidate {
    pub(crate) function: &'static MeasuredFunction,
    pub(crate) program: PathBuf,
    event: FunctionEvent,
}

impl StartPlan {
    /// The bare function and the planned ones, built if they are not there already.
    pub(crate) fn subjects(&self) -> Result<Vec<StartCandidate>, BenchError> {
        if let Some(unknown) = self
            .only
            .iter()
            .find(|name| FUNCTIONS.iter().all(|function| function.name != **name))
        {
            return Err(format!("there is no function {unknown}").into());
        }
        let planned: Vec<&MeasuredFunction> = FUNCTIONS
            .iter()
            .filter(|function| {
                self.only.is_empty() || self.only.iter().any(|name| name == function.name)
            })
            .collect();
        let mut names: Vec<&str> = planned.iter().map(|function| function.name).collect();
        names.push(BARE.name);
        names.dedup();
        let binaries = match &self.binaries {
            Some(folder) => Binaries::of(folder, &names),
            None => Binaries::build(&names)?,
        };
        [&BARE]
            .into_iter()
            .chain(planned)
            .map(|function| {
                Ok(StartCandidate {
                    function,
                    program: binaries.program(function.name)?.to_owned(),
                    event: function.event()?,
                })
            })
            .collect()
    }
}

impl StartCandidate {
    /// The event with this number.
    pub(crate) fn event(&self, number: usize) -> Vec<u8> {
        self.event.number(number)
    }
}

/// A server for the functions' stores, filled with what they read.
pub(crate) async fn stores() -> Result<BenchServer, BenchError> {
    let (server, _) = BenchServer::start(ServerSetup::default()).await?;
    server
        .send(Method::POST, "/ec2/instance-002", INSTANCE)
        .await?;
    let dimension = "/scalableTargetDimensions/1-23456789";
    server
        .send(Method::PATCH, dimension, r#"{"desiredCapacity":2.0}"#)
        .await?;
    // In demo mode each read moves the dimension, until it reaches the desired capacity.
    for _ in 0..LOOKS {
        server.send(Method::GET, dimension, "").await?;
    }
    Ok(server)
}

/// The environment of a function on Lambda whose stores are at `endpoint`.
pub(crate) fn environment(endpoint: &str) -> Result<Vec<(String, String)>, BenchError> {
    let mut variables = functions::settings()?;
    let own = [
        ("AWS_ACCESS_KEY_ID", "bench"),
        ("AWS_ENDPOINT_URL", endpoint),
        ("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "256"),
        ("AWS_LAMBDA_FUNCTION_NAME", "bench"),
        ("AWS_LAMBDA_FUNCTION_VERSION", "1"),
        ("AWS_LAMBDA_LOG_GROUP_NAME", "bench"),
        ("AWS_LAMBDA_LOG_STREAM_NAME", "bench"),
        ("AWS_REGION", "us-east-1"),
        ("AWS_SECRET_ACCESS_KEY", "bench"),
        ("LAMBDA_TASK_ROOT", "/var/task"),
        ("_HANDLER", "bootstrap"),
    ];
    variables.extend(own.map(|(name, value)| (name.to_owned(), value.to_owned())));
    Ok(variables)
}

/// Starts each function many times, over plain HTTP and over TLS.
pub(crate) async fn measure(plan: StartPlan) -> Result<Vec<Report>, BenchError> {
    let (plan, subjects) = tokio::task::spawn_blocking(move || {
        let subjects = plan.subjects()?;
        Ok::<_, BenchError>((plan, subjects))
    })
    .await??;
    let server = stores().await?;
    let replayed = ReplayedStores::like(server.aws_address.clone())?;
    let plain = environment(&replayed.url)?;
    let mut secure = environment(&replayed.tls_url)?;
    secure.push((
        "SSL_CERT_FILE".into(),
        replayed.bundle.display().to_string(),
    ));
    secure.push(("SSL_CERT_DIR".into(), "/nonexistent".into()));
    let reports = tokio::task::spawn_blocking(move || {
        let mut numbers = 1..;
        let mut reports = vec![over_http(&plan, &subjects, &plain, &mut numbers)?];
        reports.extend(over_tls(&plan, &subjects, &secure, &mut numbers)?);
        Ok::<_, BenchError>(reports)
    })
    .await??;
    server.stop().await?;
    Ok(reports)
}

/// Starts each of the subjects once per round, so that disturbances of the machine affect them all.
fn rounds(
    plan: &StartPlan,
    subjects: &[&StartCandidate],
    variables: &[(String, String)],
    (answers, share): (usize, Option<&ControlGroup>),
    numbers: &mut impl Iterator<Item = usize>,
) -> Result<Vec<Vec<StartTimes>>, BenchError> {
    let mut starts: Vec<Vec<StartTimes>> = subjects.iter().map(|_| Vec::new()).collect();
    for _ in 0..plan.starts {
        for (subject, starts) in subjects.iter().zip(&mut starts) {
            let events: Vec<_> = numbers
                .by_ref()
                .take(answers)
                .map(|number| subject.event(number))
                .collect();
            let mut variables = variables.to_vec();
            // From it the stores know whose transaction a call belongs to. A variable's last value counts.
            variables.push(("AWS_ACCESS_KEY_ID".into(), subject.function.name.into()));
            let start = StartTimes::measure(&subject.program, &variables, &events, share)
                .map_err(|error| format!("{}: {error}", subject.function.label()))?;
            starts.push(start);
        }
    }
    Ok(starts)
}

fn over_http(
    plan: &StartPlan,
    subjects: &[StartCandidate],
    variables: &[(String, String)],
    numbers: &mut impl Iterator<Item = usize>,
) -> Result<Report, BenchError> {
    let all: Vec<&StartCandidate> = subjects.iter().collect();
    let starts = rounds(plan, &all, variables, (1 + WARM_ANSWERS, None), numbers)?;
    let mut rows = Vec::new();
    let mut bare = None;
    for (subject, starts) in all.iter().zip(&starts) {
        let of = |part: fn(&StartTimes) -> f64| median(starts.iter().map(part)).unwrap_or_default();
        let times = [
            of(|start| start.ready),
            of(|start| start.ready + start.first()),
            of(StartTimes::warm),
        ];
        let bare = *bare.get_or_insert(times);
        let mut row = vec![ReportCell::text(subject.function.label())];
        for (number, (time, digits)) in times.into_iter().zip([2, 2, 3]).enumerate() {
            row.push(ReportCell::Number(time, digits));
            row.push(ReportCell::Number(time / bare[number], 2));
        }
        let (program, zipped) = binaries::sizes(&subject.program)?;
        row.push(ReportCell::Number(program as f64 / 1e6, 2));
        row.push(ReportCell::Number(zipped as f64 / 1e6, 2));
        rows.push(row);
    }
    Ok(Report {
        title: "Cold start, stores by plain HTTP".to_owned(),
        notes: vec![format!(
            "Milliseconds from the start of the process until it asks for work (ready) and until its first answer; warm: the median \
             of {WARM_ANSWERS} more answers. Medians of {} starts, {} processors. The stores answer at once what the \
             local AWS endpoints answered the first time.",
            plan.starts,
            std::thread::available_parallelism()?,
        )],
        columns: vec![
            "function",
            "ready ms",
            "ready × bare",
            "first answer ms",
            "first × bare",
            "warm ms",
            "warm × bare",
            "program MB",
            "zip MB",
        ],
        rows,
    })
}

fn over_tls(
    plan: &StartPlan,
    subjects: &[StartCandidate],
    variables: &[(String, String)],
    numbers: &mut impl Iterator<Item = usize>,
) -> Result<[Report; 2], BenchError> {
    let all: Vec<&StartCandidate> = subjects
        .iter()
        .filter(|subject| subject.function.has_store)
        .collect();
    let mut notes = vec![format!(
        "Milliseconds from the start of the process until it asks for work (INIT, on a whole processor), and of the first answer after \
         that at the share of a processor that each memory setting has on Lambda. One bundle of certificate authorities. The stores \
         answer at once. Medians of {} starts.",
        plan.starts
    )];
    let starts = rounds(plan, &all, variables, (2, None), numbers)?;
    let of = |starts: &[StartTimes], part: fn(&StartTimes) -> f64| median(starts.iter().map(part));
    let inits: Vec<_> = starts
        .iter()
        .map(|starts| of(starts, |start| start.ready))
        .collect();
    let mut rows: Vec<Vec<ReportCell>> = all
        .iter()
        .zip(&starts)
        .zip(&inits)
        .map(|((subject, starts), init)| {
            vec![
                ReportCell::text(subject.function.label()),
                ReportCell::number(*init, 2),
                ReportCell::number(of(starts, StartTimes::first), 2),
            ]
        })
        .collect();
    let mut by_memory = Vec::new();
    for memory in MEMORIES {
        let share = match ControlGroup::of(memory) {
            Ok(share) => share,
            Err(error) => {
                notes.push(format!(
                    "The share of {memory} MB was not measured: no control group could be made ({error}). Root can, where they are \
                     mounted to be written to."
                ));
                rows.iter_mut()
                    .for_each(|row| row.push(ReportCell::Missing));
                continue;
            }
        };
        let answers = (1 + WARM_ANSWERS, Some(&share));
        let starts = rounds(plan, &all, variables, answers, numbers)?;
        for (row, starts) in rows.iter_mut().zip(&starts) {
            row.push(ReportCell::number(of(starts, StartTimes::first), 2));
        }
        by_memory.push((memory, starts));
    }
    let shown = by_memory.iter().find(|(memory, _)| *memory == SHOWN);
    for (number, (row, init)) in rows.iter_mut().zip(&inits).enumerate() {
        let starts = shown.map(|(_, starts)| &starts[number][..]);
        let first = starts.and_then(|starts| of(starts, StartTimes::first));
        row.push(ReportCell::number(
            starts.and_then(|starts| of(starts, StartTimes::second)),
            2,
        ));
        row.push(ReportCell::number(
            first.zip(*init).map(|(first, init)| first + init),
            2,
        ));
    }
    let first = Report {
        title: "First answer, stores by TLS".to_owned(),
        notes,
        columns: vec![
            "function",
            "INIT ms",
            "whole processor ms",
            "128 MB ms",
            "256 MB ms",
            "512 MB ms",
            "1,024 MB ms",
            "256 MB second ms",
            "256 MB INIT + first ms",
        ],
        rows,
    };
    let labels: Vec<String> = all.iter().map(|subject| subject.function.label()).collect();
    Ok([first, cost::of_memory(&labels, &by_memory)])
}

#[cfg(test)]
mod tests;
