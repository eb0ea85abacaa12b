//! The program from its command line to its exit code.

use std::{io::Write as _, process::ExitCode};

use clap::Parser as _;

use crate::{
    contract::{ScalingStatus, State},
    endpoint::Endpoint,
    options::{Asking, Options},
    outputs::{Files, Lines, json, print, summary},
    sign::Signer,
    simulation,
};

/// Runs it: 0 done, 1 the endpoint could not be reached, failed or broke the contract, 2 wrong options.
pub async fn program() -> ExitCode {
    match simulate(&Options::parse()).await {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(Trouble::Options(sentence)) => say(&sentence, 2),
        Err(Trouble::Endpoint(sentence)) => say(&sentence, 1),
    }
}

enum Trouble {
    Options(String),
    Endpoint(String),
}

fn say(sentence: &str, code: u8) -> ExitCode {
    // Whoever closed standard error does not want to know.
    let _ = writeln!(std::io::stderr(), "simulate-scaling: {sentence}");
    ExitCode::from(code)
}

async fn simulate(options: &Options) -> Result<bool, Trouble> {
    let settings = options.settings().map_err(Trouble::Options)?;
    let files = Files::prepare(options).map_err(Trouble::Options)?;
    let (mut endpoint, state) = registered(options.asking()).await?;
    let Some(settings) = settings else {
        return check(&mut endpoint, &state, &options.refusals()).await;
    };
    let mut lines = Lines {
        printed: !options.json,
        with_not_scaled: options.include_not_scaled_activities,
    };
    let run = simulation::run(&settings, options.speed(), state, &mut endpoint, &mut lines).await;
    files
        .write(
            &settings,
            endpoint.resource_id(),
            &run,
            options.include_not_scaled_activities,
        )
        .map_err(Trouble::Options)?;
    if options.json {
        print(&json(
            &run,
            endpoint.resource_id(),
            options.include_not_scaled_activities,
        ));
    } else {
        print(&summary(&settings, &run, endpoint.requests()));
    }
    match &run.stopped {
        Some(reason) => Err(Trouble::Endpoint(format!(
            "{reason} The simulation ends here, at {}.",
            run.end
        ))),
        None => Ok(run.succeeded()),
    }
}

/// Tries a PATCH that changes nothing, and says what has been found.
async fn check(
    endpoint: &mut Endpoint,
    state: &State,
    refusals: &[String],
) -> Result<bool, Trouble> {
    let url = endpoint.resource_id().to_owned();
    let tried = match unchanged(state) {
        Err(reason) => format!("No PATCH was tried: {reason}."),
        Ok(desired) => {
            let answer = endpoint.patch(desired).await;
            answer.map_err(|error| Trouble::Endpoint(format!("{url} {error}.")))?;
            "It takes a PATCH that changes nothing.".to_owned()
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

/// The desired capacity that a PATCH may ask for without changing anything, or why there is none.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a whole number between the limits fits"
)]
fn unchanged(state: &State) -> Result<u32, &'static str> {
    if state.status == ScalingStatus::Failed {
        return Err("after Failed it may be a new try");
    }
    let fits = state.desired.fract() == 0.0 && state.desired <= f64::from(u32::MAX);
    if fits {
        Ok(state.desired as u32)
    } else {
        Err("Application Auto Scaling has whole capacities alone, and the desired one is another")
    }
}

/// The one GET before anything is changed.
async fn registered(asking: Asking) -> Result<(Endpoint, State), Trouble> {
    let signer = match asking.region {
        Some(region) => Some(Signer::new(region).await.map_err(Trouble::Options)?),
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

fn in_words(state: &State) -> String {
    let State {
        actual,
        desired,
        status,
        version,
        ..
    } = state;
    format!("actual capacity {actual}, desired capacity {desired}, {status:?}, version {version:?}")
}
