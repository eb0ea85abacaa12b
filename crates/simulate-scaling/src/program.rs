//! The program, from its command line to its exit code.

use std::{io::Write as _, process::ExitCode};

use clap::Parser as _;
use jiff::SignedDuration;

use crate::{
    clock::{ClockSpeed, SimulationClock},
    contract::{ContractState, ContractStatus},
    endpoint::{AskError, Endpoint},
    options::{EndpointOptions, SimulationOptions},
    outputs::{ActivityPrinter, OutputFiles, json, print, summary},
    policy::MOST_CAPACITY,
    sign::RequestSigner,
    simulation::{self, RunRecord, SimulationSettings},
    target::OrderTimings,
};

/// Runs it. Exit codes: 0 done; 1 the endpoint could not be reached, failed or broke the contract; 2 invalid options.
pub async fn program() -> ExitCode {
    match simulate(&SimulationOptions::parse()).await {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(Trouble::Options(sentence)) => exit_with(&sentence, 2),
        Err(Trouble::Endpoint(sentence)) => exit_with(&sentence, 1),
    }
}

enum Trouble {
    Options(String),
    Endpoint(String),
}

fn exit_with(sentence: &str, code: u8) -> ExitCode {
    // If standard error is closed, nobody wants to know.
    let _ = writeln!(std::io::stderr(), "simulate-scaling: {sentence}");
    ExitCode::from(code)
}

async fn simulate(options: &SimulationOptions) -> Result<bool, Trouble> {
    let settings = options.settings().map_err(Trouble::Options)?;
    let compared = match &settings {
        Some(settings) => options.compared(settings).map_err(Trouble::Options)?,
        None => None,
    };
    let files = OutputFiles::prepare(options, compared.is_some()).map_err(Trouble::Options)?;
    let (mut endpoint, state) = registered(options.endpoint_options()).await?;
    let Some(settings) = settings else {
        return check(&mut endpoint, &state, &options.refusals()).await;
    };
    let before = match &compared {
        Some(_) => Some(whole(&state).map_err(|reason| {
            Trouble::Options(format!("--compare begins both runs alike, and {reason}."))
        })?),
        None => None,
    };
    let mut lines = ActivityPrinter {
        printed: !options.json,
        with_not_scaled: options.include_not_scaled_activities,
    };
    let mut played = Vec::new();
    let run = simulation::run(&settings, options.speed(), state, &mut endpoint, &mut lines).await;
    let ended = run.stopped.is_some();
    played.push(RunRecord { settings, run });
    if let (Some(settings), Some(before), false) = (compared, before, ended) {
        print(&format!("\nNow with {}:\n", settings.names()));
        let state = restore(&mut endpoint, &settings, options.speed(), before).await?;
        let run =
            simulation::run(&settings, options.speed(), state, &mut endpoint, &mut lines).await;
        played.push(RunRecord { settings, run });
    }
    files
        .write(
            &played,
            endpoint.resource_id(),
            options.include_not_scaled_activities,
        )
        .map_err(Trouble::Options)?;
    if options.json {
        print(&json(
            &played[0].run,
            endpoint.resource_id(),
            options.include_not_scaled_activities,
        ));
    } else {
        print(&summary(&played, endpoint.requests()));
    }
    let stopped = played.iter().find_map(|played| {
        let reason = played.run.stopped.as_ref()?;
        Some((reason, played.run.end))
    });
    match stopped {
        Some((reason, end)) => Err(Trouble::Endpoint(format!(
            "{reason} The simulation ends here, at {end}."
        ))),
        None => Ok(played.iter().all(|played| played.run.succeeded())),
    }
}

/// Restores the previous desired capacity, and waits until the endpoint has reached it.
async fn restore(
    endpoint: &mut Endpoint,
    settings: &SimulationSettings,
    speed: ClockSpeed,
    desired: u32,
) -> Result<ContractState, Trouble> {
    let trouble = |error: AskError| {
        Trouble::Endpoint(format!(
            "The endpoint {error}. The second run was not played."
        ))
    };
    let mut state = endpoint.get().await.map_err(trouble)?;
    if state.desired != f64::from(desired) {
        state = endpoint.patch(desired).await.map_err(trouble)?;
    }
    let clock = SimulationClock::new(settings.start, speed);
    let OrderTimings { poll, give_up, .. } = settings.following;
    let mut waited = SignedDuration::ZERO;
    while matches!(
        state.status,
        ContractStatus::Pending | ContractStatus::InProgress
    ) {
        waited = waited.saturating_add(poll);
        let now = settings.start.checked_add(waited);
        let Some(now) = now.ok().filter(|_| waited <= give_up) else {
            return Err(Trouble::Endpoint(format!(
                "The endpoint has not gone back to a capacity of {desired} in {give_up:#}. The second run was not played."
            )));
        };
        clock.wait_until(now).await;
        state = endpoint.get().await.map_err(trouble)?;
    }
    Ok(state)
}

/// Tries a PATCH that changes nothing, and reports the result.
async fn check(
    endpoint: &mut Endpoint,
    state: &ContractState,
    refusals: &[String],
) -> Result<bool, Trouble> {
    let url = endpoint.resource_id().to_owned();
    let tried = match unchanged(state) {
        Err(reason) => format!("No PATCH was tried: {reason}."),
        Ok(desired) => {
            let answer = endpoint.patch(desired).await;
            answer.map_err(|error| Trouble::Endpoint(format!("{url} {error}.")))?;
            "It accepts a PATCH that changes nothing.".to_owned()
        }
    };
    let mut text = format!("{url} keeps the contract: {}. {tried}\n", in_words(state));
    if !refusals.is_empty() {
        text.push_str("Application Auto Scaling would refuse to register it:\n");
    }
    for refusal in refusals {
        text.push_str(&format!("  {refusal}\n"));
    }
    print(&text);
    Ok(true)
}

/// The desired capacity for a PATCH that changes nothing, or why there is none.
fn unchanged(state: &ContractState) -> Result<u32, String> {
    if state.status == ContractStatus::Failed {
        return Err("after Failed it may be a new try".to_owned());
    }
    whole(state)
}

/// The desired capacity, or why Application Auto Scaling could not request it.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a whole number between the limits fits"
)]
fn whole(state: &ContractState) -> Result<u32, String> {
    let desired = state.desired;
    if desired.fract() == 0.0 && desired <= f64::from(MOST_CAPACITY) {
        Ok(desired as u32)
    } else {
        Err(format!(
            "Application Auto Scaling has only whole capacities up to {MOST_CAPACITY}, and the desired one is {desired}"
        ))
    }
}

/// The single GET before anything is changed.
async fn registered(asking: EndpointOptions) -> Result<(Endpoint, ContractState), Trouble> {
    let signer = match asking.region {
        Some(region) => Some(RequestSigner::new(region).await.map_err(Trouble::Options)?),
        None => None,
    };
    let url = asking.url.to_string();
    let mut endpoint = Endpoint::new(asking.url, asking.headers, signer, asking.timeout)
        .map_err(Trouble::Options)?;
    let state = endpoint
        .get()
        .await
        .map_err(|error| Trouble::Endpoint(format!("{url} {error}. Nothing was changed.")))?;
    Ok((endpoint, state))
}

fn in_words(state: &ContractState) -> String {
    let ContractState {
        actual,
        desired,
        status,
        version,
        ..
    } = state;
    format!("actual capacity {actual}, desired capacity {desired}, {status:?}, version {version:?}")
}
