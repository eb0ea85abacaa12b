//! The times of one start.

use std::{
    path::Path,
    process::Command,
    time::{Duration, Instant},
};

use super::{process::FunctionProcess, runtime_api::RuntimeApi, share::ControlGroup};
use crate::{error::BenchError, statistics::median};

/// The memory settings whose processor share is measured, in MB.
pub(super) const MEMORIES: [u32; 4] = [128, 256, 512, 1_024];
/// How many responses after the first one the warm time is the median of.
pub(super) const WARM_ANSWERS: usize = 20;

/// The milliseconds of one start.
pub(super) struct StartTimes {
    pub(super) ready: f64,
    pub(super) answers: Vec<f64>,
}

impl StartTimes {
    /// Starts a program and lets it handle some events, from the first one on with a share of a processor.
    pub(super) fn measure(
        program: &Path,
        variables: &[(String, String)],
        events: &[Vec<u8>],
        share: Option<&ControlGroup>,
    ) -> Result<Self, BenchError> {
        let api = RuntimeApi::open()?;
        let started = Instant::now();
        let mut process = FunctionProcess::start(Command::new(program), variables, &api)?;
        let mut session = process.first_call(&api)?;
        let ready = milliseconds(started.elapsed());
        if let Some(share) = share {
            share.add_process(process.0.id())?;
        }
        let answers: Result<_, BenchError> = events
            .iter()
            .map(|event| Ok(milliseconds(session.invoke(event)?)))
            .collect();
        Ok(Self {
            ready,
            answers: answers?,
        })
    }

    pub(super) fn first(&self) -> f64 {
        self.answers.first().copied().unwrap_or_default()
    }

    pub(super) fn second(&self) -> f64 {
        self.answers.get(1).copied().unwrap_or_default()
    }

    pub(super) fn warm(&self) -> f64 {
        median(self.answers.iter().skip(1).copied()).unwrap_or_default()
    }
}

fn milliseconds(duration: Duration) -> f64 {
    1e3 * duration.as_secs_f64()
}
