//! Adds the contents of a file.

use std::{
    fs::File,
    io::{self, BufRead as _, BufReader, Write as _},
    path::Path,
    process::ExitCode,
};

use fleet_core::{
    inventory::{AddError, GetInstance as _, Instance},
    scaling::{Dimension, DimensionId, StoredDimension, UpdateDimension as _, UpdateError},
    store::StoreError,
};
use futures_util::{StreamExt as _, TryStreamExt as _, stream};

use super::{
    error::TransferError,
    line::TransferLine,
    retry::{AT_ONCE, with_retries},
    stores::Ports,
};

/// The exit code if a record exists with other contents.
const OTHERS: u8 = 4;

/// The result of a line.
#[derive(Clone, Debug, PartialEq, Eq)]
enum LineOutcome {
    Added,
    /// It already existed.
    Same,
    /// It exists with other contents, and is left as it is.
    Other(String),
    /// The line is irrelevant to an import.
    Nothing,
    End,
}

pub(super) async fn run(ports: &Ports, file: &Path) -> Result<(String, ExitCode), TransferError> {
    let failed = |cause: io::Error| TransferError::File {
        file: file.to_owned(),
        cause: cause.kind(),
    };
    let lines = BufReader::new(File::open(file).map_err(failed)?).lines();
    let (mut added, mut same, mut others, mut ended) = (0_usize, 0_usize, 0_usize, false);
    let mut outcomes = stream::iter(lines.zip(1..))
        .map(|(line, number)| async move {
            let wrong = |reason: String| TransferError::Line {
                file: file.to_owned(),
                number,
                reason,
            };
            let line = serde_json::from_str(&line.map_err(failed)?)
                .map_err(|error| wrong(error.to_string()))?;
            Ok::<_, TransferError>(match line {
                TransferLine::Instance(line) => {
                    let instance = line.instance().map_err(wrong)?;
                    add_instance(ports, &instance).await?
                }
                TransferLine::Dimension(line) => {
                    let id = line.id().map_err(&wrong)?;
                    let state = line.state().map_err(&wrong)?;
                    set_dimension(ports, &id, &state).await?
                }
                TransferLine::Next(_) => LineOutcome::Nothing,
                TransferLine::End(_) => LineOutcome::End,
            })
        })
        .buffered(AT_ONCE);
    while let Some(outcome) = outcomes.try_next().await? {
        match outcome {
            LineOutcome::Added => added += 1,
            LineOutcome::Same => same += 1,
            LineOutcome::Other(what) => {
                others += 1;
                let _ = writeln!(
                    io::stderr(),
                    "{what} already exists with other contents and was not changed."
                );
            }
            LineOutcome::Nothing => {}
            LineOutcome::End => ended = true,
        }
    }
    if !ended {
        return Err(TransferError::Unfinished(file.to_owned()));
    }
    let said =
        format!("{added} added, {same} already existed, {others} exist with other contents.");
    let code = if others == 0 {
        ExitCode::SUCCESS
    } else {
        ExitCode::from(OTHERS)
    };
    Ok((said, code))
}

async fn add_instance(ports: &Ports, instance: &Instance) -> Result<LineOutcome, StoreError> {
    let added = with_retries(async || match ports.writes.restore(instance).await {
        Ok(()) => Ok(true),
        Err(AddError::Duplicate) => Ok(false),
        Err(AddError::Store(error)) => Err(error),
    })
    .await?;
    if added {
        return Ok(LineOutcome::Added);
    }
    let id = &instance.summary.id;
    let found = with_retries(async || ports.reads.get(id).await).await?;
    Ok(if found.as_ref() == Some(instance) {
        LineOutcome::Same
    } else {
        LineOutcome::Other(format!("The instance {}", id.as_str()))
    })
}

/// Sets a dimension, unless it has been changed before.
async fn set_dimension(
    ports: &Ports,
    id: &DimensionId,
    state: &Dimension,
) -> Result<LineOutcome, StoreError> {
    let initial = StoredDimension::initial();
    with_retries(async || {
        let changed = ports
            .dimensions
            .update(id, |stored| {
                if stored.tag == initial.tag || stored.state == *state {
                    Ok(state.clone())
                } else {
                    Err(())
                }
            })
            .await;
        match changed {
            Ok(change) if change.before == change.after => Ok(LineOutcome::Same),
            Ok(_) => Ok(LineOutcome::Added),
            Err(UpdateError::Refused(())) => {
                Ok(LineOutcome::Other(format!("The dimension {}", id.as_str())))
            }
            Err(UpdateError::Store(error)) => Err(error),
        }
    })
    .await
}
