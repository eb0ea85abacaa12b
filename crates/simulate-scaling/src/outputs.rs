//! What a simulation leaves behind: lines on standard output, and files.

use std::{
    fs,
    io::{self, Write as _},
    path::{Path, PathBuf},
};

use jiff::Timestamp;

use crate::{
    activity::{Activity, StatusCode, described, reason_words},
    endpoint::AskError,
    options::Options,
    picture,
    simulation::{Listener, Run, Settings},
};

/// Where the files go.
pub(crate) struct Files {
    svg: Option<PathBuf>,
    log: Option<PathBuf>,
    csv: Option<PathBuf>,
}

impl Files {
    /// Makes the folder and looks whether each file can be written, before anything else is done.
    pub(crate) fn prepare(options: &Options) -> Result<Self, String> {
        if let Some(folder) = &options.out {
            fs::create_dir_all(folder).map_err(|error| {
                format!("The folder {} cannot be made: {error}.", folder.display())
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
                "{} is to be written twice: give --svg, --log and --csv a file each.",
                twice.display()
            ));
        }
        for path in [&files.svg, &files.log, &files.csv].into_iter().flatten() {
            let existed = path.exists();
            fs::OpenOptions::new()
                .append(true)
                .create(true)
                .open(path)
                .map_err(|error| cannot_write(path, &error))?;
            if !existed {
                // Nothing half-done is left when the endpoint turns out not to be there.
                fs::remove_file(path).map_err(|error| cannot_write(path, &error))?;
            }
        }
        Ok(files)
    }

    pub(crate) fn write(
        &self,
        settings: &Settings,
        resource_id: &str,
        run: &Run,
        with_not_scaled: bool,
    ) -> Result<(), String> {
        let write = |path: &Option<PathBuf>, text: &dyn Fn() -> String| match path {
            Some(path) => fs::write(path, text()).map_err(|error| cannot_write(path, &error)),
            None => Ok(()),
        };
        write(&self.svg, &|| picture::draw(settings, resource_id, run))?;
        write(&self.log, &|| json(run, resource_id, with_not_scaled))?;
        write(&self.csv, &|| timeline(run))
    }
}

fn cannot_write(path: &Path, error: &io::Error) -> String {
    format!("{} cannot be written: {error}.", path.display())
}

/// The activities as the AWS CLI prints them.
pub(crate) fn json(run: &Run, resource_id: &str, with_not_scaled: bool) -> String {
    let told = run
        .activities
        .iter()
        .filter(|activity| with_not_scaled || activity.not_scaled.is_none());
    format!("{:#}\n", described(told, resource_id))
}

/// A row for each period. A missing datapoint is empty.
fn timeline(run: &Run) -> String {
    let mut text = "time,metric,alarm_high,alarm_low,actual_capacity,desired_capacity,min_capacity,max_capacity\n".to_owned();
    let mut steps = run.steps.iter().peekable();
    let mut current = None;
    for sample in &run.samples {
        while let Some(step) = steps.next_if(|step| step.time <= sample.time) {
            current = Some(step);
        }
        let metric = sample
            .metric
            .map(|metric| metric.to_string())
            .unwrap_or_default();
        let low = sample.low.map(|low| low.to_string()).unwrap_or_default();
        let capacity = current.map_or_else(String::new, |step| {
            format!(
                "{},{},{},{}",
                step.actual, step.desired, step.bounds.min, step.bounds.max
            )
        });
        text.push_str(&format!(
            "{},{metric},{},{low},{capacity}\n",
            sample.time, sample.high
        ));
    }
    text
}

/// Prints each activity when it ends.
pub(crate) struct Lines {
    /// Whether there are to be lines: not beside JSON.
    pub(crate) printed: bool,
    pub(crate) with_not_scaled: bool,
}

impl Listener for Lines {
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

/// The last lines.
pub(crate) fn summary(settings: &Settings, run: &Run, requests: (u64, u64)) -> String {
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
    let known: Vec<f64> = run
        .samples
        .iter()
        .filter_map(|sample| sample.metric)
        .collect();
    let above = known
        .iter()
        .filter(|metric| **metric > settings.policy.target)
        .count();
    format!(
        "{:#} from {}: {} datapoints ({missing} missing, {above} above the target of {}), actual capacity {lowest} to {highest}.\n\
         {} activities successful, {} failed, {} unfulfilled, {} overridden; {not_scaled} not scaled. {} requests, {} of them repeated.\n",
        run.end.duration_since(settings.start),
        settings.start,
        run.samples.len(),
        settings.policy.target,
        count(StatusCode::Successful),
        count(StatusCode::Failed),
        count(StatusCode::Unfulfilled),
        count(StatusCode::Overridden),
        requests.0,
        requests.1,
    )
}

/// Standard output may be a closed pipe, whose reader has seen enough.
pub(crate) fn print(text: &str) {
    let mut out = io::stdout().lock();
    let _ = out.write_all(text.as_bytes()).and_then(|()| out.flush());
}
