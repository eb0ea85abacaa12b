//! Writes the file, or continues an unfinished one.

use std::{
    fs::File,
    io::{self, BufRead as _, BufReader, BufWriter, Seek as _, SeekFrom, Write as _},
    path::Path,
    process::ExitCode,
};

use super::{
    error::TransferError,
    line::{Counts, PagePosition, TransferLine},
    source::ExportSource,
};

/// The usable part of an unfinished file.
struct Progress {
    counts: Counts,
    /// The position after its last complete page.
    next: PagePosition,
    /// Its length up to there, in bytes.
    bytes: u64,
    complete: bool,
}

pub(super) async fn run(
    source: &ExportSource,
    file: &Path,
) -> Result<(String, ExitCode), TransferError> {
    let failed = |cause: io::Error| TransferError::File {
        file: file.to_owned(),
        cause: cause.kind(),
    };
    let mut opened = File::options()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .open(file)
        .map_err(failed)?;
    let Progress {
        mut counts,
        mut next,
        bytes,
        complete,
    } = progress(&opened, file)?;
    if complete {
        return Ok((
            format!("{} is already complete.", file.display()),
            ExitCode::SUCCESS,
        ));
    }
    // The rest is an incomplete page.
    opened.set_len(bytes).map_err(failed)?;
    opened.seek(SeekFrom::End(0)).map_err(failed)?;
    let mut out = BufWriter::new(opened);
    loop {
        let following = match &next {
            PagePosition::Instances(token) => {
                let page = source.instances(token.as_deref()).await?;
                counts.instances += page.lines.len();
                for instance in page.lines {
                    write(&mut out, &TransferLine::Instance(instance)).map_err(failed)?;
                }
                Some(page.next.map_or(PagePosition::Dimensions(None), |token| {
                    PagePosition::Instances(Some(token))
                }))
            }
            PagePosition::Dimensions(token) => {
                let page = source.dimensions(token.as_deref()).await?;
                counts.dimensions += page.lines.len();
                for dimension in page.lines {
                    write(&mut out, &TransferLine::Dimension(dimension)).map_err(failed)?;
                }
                page.next.map(|token| PagePosition::Dimensions(Some(token)))
            }
        };
        let Some(following) = following else { break };
        write(&mut out, &TransferLine::Next(following.clone())).map_err(failed)?;
        out.flush().map_err(failed)?;
        next = following;
    }
    write(&mut out, &TransferLine::End(counts)).map_err(failed)?;
    out.flush().map_err(failed)?;
    out.get_ref().sync_all().map_err(failed)?;
    let Counts {
        instances,
        dimensions,
    } = counts;
    let text = format!(
        "{instances} instances and {dimensions} dimensions are in {}.",
        file.display()
    );
    Ok((text, ExitCode::SUCCESS))
}

fn write(out: &mut impl io::Write, line: &TransferLine) -> io::Result<()> {
    serde_json::to_writer(&mut *out, line)?;
    out.write_all(b"\n")
}

/// Reads what an earlier run has written, line by line.
fn progress(opened: &File, file: &Path) -> Result<Progress, TransferError> {
    let mut reader = BufReader::new(opened);
    let mut kept = Progress {
        counts: Counts::default(),
        next: PagePosition::Instances(None),
        bytes: 0,
        complete: false,
    };
    let (mut counts, mut bytes) = (Counts::default(), 0);
    let mut line = Vec::new();
    for number in 1.. {
        line.clear();
        bytes += reader
            .read_until(b'\n', &mut line)
            .map_err(|cause| TransferError::File {
                file: file.to_owned(),
                cause: cause.kind(),
            })? as u64;
        if !line.ends_with(b"\n") {
            break;
        }
        let read = serde_json::from_slice(&line).map_err(|error| TransferError::Line {
            file: file.to_owned(),
            number,
            reason: error.to_string(),
        })?;
        match read {
            TransferLine::Instance(_) => counts.instances += 1,
            TransferLine::Dimension(_) => counts.dimensions += 1,
            TransferLine::Next(next) => {
                kept = Progress {
                    counts,
                    next,
                    bytes,
                    complete: false,
                };
            }
            TransferLine::End(_) => kept.complete = true,
        }
    }
    Ok(kept)
}
