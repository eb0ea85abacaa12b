//! The output of a simulation: lines on standard output, and files.

use std::{
    fs,
    io::{self, Write as _},
    path::{Path, PathBuf},
};

use jiff::{SignedDuration, Timestamp};

use crate::{
    activities::ActivityListener,
    activity::{Activity, StatusCode, describe, reason_words},
    alarm::AlarmState,
    endpoint::AskError,
    options::SimulationOptions,
    picture,
    simulation::{RunRecord, SimulationRun, SimulationSettings},
};

/// The paths of the files.
pub(crate) struct OutputFiles {
    svg: Option<PathBuf>,
    log: Option<PathBuf>,
    csv: Option<PathBuf>,
}

impl OutputFiles {
    /// Creates the folder and checks that each file can be written, before anything else is done.
    pub(crate) fn prepare(options: &SimulationOptions, twice: bool) -> Result<Self, String> {
        if let Some(folder) = &options.out {
            fs::create_dir_all(folder).map_err(|error| {
                format!(
                    "The folder {} cannot be created: {error}.",
                    folder.display()
                )
            })?;
        }
        let place = |own: &Option<PathBuf>, name: &str| {
            own.clone()
                .or_else(|| options.out.as_ref().map(|folder| folder.join(name)))
        };
        let files = Self {
            svg: place(&options.svg, "scaling.svg"),
            log: place(&options.log, "activities.json"),
            csv: place(&options.csv, "timeline.csv"),
        };
        let paths: Vec<_> = [&files.svg, &files.log, &files.csv]
            .into_iter()
            .flatten()
            .collect();
        if let Some(twice) = paths
            .iter()
            .enumerate()
            .find_map(|(index, path)| paths[..index].contains(path).then_some(path))
        {
            return Err(format!(
                "{} would be written twice: give --svg, --log and --csv different files.",
                twice.display()
            ));
        }
        let seconds = [&files.log, &files.csv].into_iter().flatten();
        let seconds: Vec<PathBuf> = seconds.map(|path| second(path)).filter(|_| twice).collect();
        for path in paths.into_iter().chain(&seconds) {
            let existed = path.exists();
            fs::OpenOptions::new()
                .append(true)
                .create(true)
                .open(path)
                .map_err(|error| cannot_write(path, &error))?;
            if !existed {
                // No unfinished file is left if the endpoint turns out not to exist.
                fs::remove_file(path).map_err(|error| cannot_write(path, &error))?;
            }
        }
        Ok(files)
    }

    pub(crate) fn write(
        &self,
        played: &[RunRecord],
        resource_id: &str,
        with_not_scaled: bool,
    ) -> Result<(), String> {
        let write = |path: &Path, text: String| {
            fs::write(path, text).map_err(|error| cannot_write(path, &error))
        };
        if let Some(path) = &self.svg {
            write(path, picture::draw(played, resource_id))?;
        }
        for (index, RunRecord { settings, run }) in played.iter().enumerate() {
            let place = |path: &PathBuf| {
                if index == 0 {
                    path.clone()
                } else {
                    second(path)
                }
            };
            if let Some(path) = self.log.as_ref().map(place) {
                write(&path, json(run, resource_id, with_not_scaled))?;
            }
            if let Some(path) = self.csv.as_ref().map(place) {
                write(&path, timeline(settings, run))?;
            }
        }
        Ok(())
    }
}

/// The second run's file: `timeline-2.csv` beside `timeline.csv`.
fn second(path: &Path) -> PathBuf {
    let mut name = path.file_stem().unwrap_or_default().to_owned();
    name.push("-2");
    if let Some(extension) = path.extension() {
        name.push(".");
        name.push(extension);
    }
    path.with_file_name(name)
}

fn cannot_write(path: &Path, error: &io::Error) -> String {
    format!("{} cannot be written: {error}.", path.display())
}

/// The activities as the AWS CLI prints them.
pub(crate) fn json(run: &SimulationRun, resource_id: &str, with_not_scaled: bool) -> String {
    let told = run
        .activities
        .iter()
        .filter(|activity| with_not_scaled || activity.not_scaled.is_none());
    format!("{:#}\n", describe(told, resource_id))
}

/// A row per period. A missing datapoint is empty. Each of several policies also has its own metric and alarms.
fn timeline(settings: &SimulationSettings, run: &SimulationRun) -> String {
    let mut writer = csv::Writer::from_writer(Vec::new());
    let mut heading: Vec<String> = [
        "time",
        "metric",
        "alarm_high",
        "alarm_low",
        "actual_capacity",
        "desired_capacity",
        "min_capacity",
        "max_capacity",
    ]
    .map(str::to_owned)
    .into();
    let several = settings.policies.len() > 1;
    if several {
        for (policy, _) in &settings.policies {
            for what in ["metric", "alarm_high", "alarm_low"] {
                heading.push(format!("{what} {}", policy.name));
            }
        }
    }
    let text = |value: Option<String>| value.unwrap_or_default();
    let metric = |value: Option<f64>| text(value.map(|value| value.to_string()));
    let state = |value: Option<AlarmState>| text(value.map(|value| value.to_string()));
    let mut rows = vec![heading];
    let mut steps = run.steps.iter().peekable();
    let mut current = None;
    for sample in &run.samples {
        while let Some(step) = steps.next_if(|step| step.time <= sample.time) {
            current = Some(step);
        }
        let mut row = vec![
            sample.time.to_string(),
            metric(sample.metric),
            state(sample.high()),
            state(sample.low()),
        ];
        let capacity = current.map(|step| {
            [
                step.actual.to_string(),
                step.desired.to_string(),
                step.bounds.min.to_string(),
                step.bounds.max.to_string(),
            ]
        });
        row.extend(capacity.unwrap_or_default());
        if several {
            for (value, states) in sample.metrics.iter().zip(&sample.alarms) {
                row.extend([metric(*value), state(states.high), state(states.low)]);
            }
        }
        rows.push(row);
    }
    for row in &rows {
        // Writing to memory cannot fail.
        let _ = writer.write_record(row);
    }
    let bytes = writer.into_inner().unwrap_or_default();
    String::from_utf8_lossy(&bytes).into_owned()
}

/// Prints each activity when it ends.
pub(crate) struct ActivityPrinter {
    /// Whether to print lines: not in addition to JSON.
    pub(crate) printed: bool,
    pub(crate) with_not_scaled: bool,
}

impl ActivityListener for ActivityPrinter {
    fn ended(&mut self, activity: &Activity) {
        let Activity {
            started,
            description,
            cause,
            status,
            ..
        } = activity;
        if !self.printed || (activity.not_scaled.is_some() && !self.with_not_scaled) {
            return;
        }
        let took = activity
            .ended
            .map(|ended| ended.duration_since(*started))
            .filter(|took| !took.is_zero());
        let took = took
            .map(|took| format!(" after {took:#}"))
            .unwrap_or_default();
        let outcome = match (&activity.message, activity.not_scaled) {
            (Some(message), _) => message.clone(),
            (None, Some(reason)) => reason_words(reason),
            (None, None) => String::new(),
        };
        print(&format!(
            "{started}  {description}\n    {cause}\n    {}{took}: {outcome}\n",
            status.name()
        ));
    }

    fn remarked(&mut self, now: Timestamp, remark: &str) {
        if self.printed {
            print(&format!("{now}  {remark}\n"));
        }
    }

    fn unanswered(&mut self, now: Timestamp, error: &AskError) {
        if self.printed {
            print(&format!("{now}  The endpoint {error}.\n"));
        }
    }
}

/// The last lines: a paragraph per run, and for two runs the figures to compare.
pub(crate) fn summary(played: &[RunRecord], requests: (u64, u64)) -> String {
    let mut text = String::new();
    for RunRecord { settings, run } in played {
        if played.len() > 1 {
            text.push_str(&format!("\n{}: ", settings.names()));
        }
        text.push_str(&paragraph(settings, run));
    }
    let (sent, repeated) = requests;
    if let [first, second] = played {
        let end = text.trim_end().len();
        text.truncate(end);
        text.push_str(&format!(
            "\n\n{}{sent} requests, {repeated} of them repeated.\n",
            table(first, second)
        ));
    } else {
        let end = text.trim_end().len();
        text.truncate(end);
        text.push_str(&format!(" {sent} requests, {repeated} of them repeated.\n"));
    }
    text
}

/// The cost of each of two runs, and how long it was above the goal of the first one.
fn table(first: &RunRecord, second: &RunRecord) -> String {
    let goal = first.settings.goal;
    let figures = |played: &RunRecord| {
        let above = played.run.above(goal);
        let period = played.settings.period.as_secs();
        let time = i64::try_from(above)
            .unwrap_or(i64::MAX)
            .saturating_mul(period);
        let time = SignedDuration::from_secs(time);
        (
            format!("{:.1}", played.run.unit_hours()),
            format!("{time:#}"),
        )
    };
    let (a, b) = (figures(first), figures(second));
    let names = (first.settings.names(), second.settings.names());
    let above = format!("time above {goal}");
    let rows = [
        ("", &names.0, &names.1),
        ("unit-hours", &a.0, &b.0),
        (above.as_str(), &a.1, &b.1),
    ];
    let widths = rows.iter().fold((0, 0), |(label, column), row| {
        let first = row.1.chars().count();
        (row.0.chars().count().max(label), first.max(column))
    });
    rows.iter()
        .map(|(label, first, second)| {
            format!("{label:<0$}  {first:<1$}  {second}\n", widths.0, widths.1)
        })
        .collect()
}

fn paragraph(settings: &SimulationSettings, run: &SimulationRun) -> String {
    let count = |status| run.count(status);
    let missing = run
        .samples
        .iter()
        .filter(|sample| sample.metric.is_none())
        .count();
    let not_scaled = run
        .activities
        .iter()
        .filter(|activity| activity.not_scaled.is_some())
        .count();
    let highest = run.steps.iter().map(|step| step.actual).fold(0.0, f64::max);
    let lowest = run
        .steps
        .iter()
        .map(|step| step.actual)
        .fold(f64::INFINITY, f64::min);
    format!(
        "{:#} from {}: {} datapoints ({missing} missing, {} above the target of {}), actual capacity {lowest} to {highest}.\n\
         {} activities successful, {} failed, {} unfulfilled, {} overridden; {not_scaled} not scaled.\n",
        run.end.duration_since(settings.start),
        settings.start,
        run.samples.len(),
        run.above(settings.goal),
        settings.goal,
        count(StatusCode::Successful),
        count(StatusCode::Failed),
        count(StatusCode::Unfulfilled),
        count(StatusCode::Overridden),
    )
}

/// Standard output may be a closed pipe, which is not an error.
pub(crate) fn print(text: &str) {
    let mut out = io::stdout().lock();
    let _ = out.write_all(text.as_bytes()).and_then(|()| out.flush());
}
