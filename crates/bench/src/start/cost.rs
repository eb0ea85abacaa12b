//! The cost of each memory setting, as Lambda bills it: the memory times the duration in whole milliseconds.
//!
//! INIT is billed as well: <https://aws.amazon.com/blogs/compute/aws-lambda-standardizes-billing-for-init-phase/>.

use super::times::{MEMORIES, StartTimes, WARM_ANSWERS};
use crate::{
    report::{Report, ReportCell},
    statistics::median,
};

/// The table of all measured memory settings, from the starts of each function (in the order of `labels`).
pub(super) fn of_memory(labels: &[String], by_memory: &[(u32, Vec<Vec<StartTimes>>)]) -> Report {
    let rows = labels.iter().enumerate().map(|(number, label)| {
        let mut row = vec![ReportCell::text(label)];
        for memory in MEMORIES {
            let starts = by_memory
                .iter()
                .find(|(measured, _)| *measured == memory)
                .map_or(&[][..], |(_, starts)| &starts[number]);
            let of = |part: fn(&StartTimes) -> f64| {
                median(starts.iter().map(part)).map(|time| billed(memory, time))
            };
            row.push(ReportCell::number(
                of(|start| start.ready + start.first()),
                2,
            ));
            row.push(ReportCell::number(of(StartTimes::warm), 2));
        }
        row
    });
    Report {
        title: "What memory costs".to_owned(),
        notes: vec![format!(
            "Thousandths of a GB-second that are billed for an INIT with its first answer (cold), and for one of the {WARM_ANSWERS} \
             answers after it (warm): the memory times whole milliseconds. Stores by TLS, on this machine; on AWS, the stores' own time \
             is added to each answer."
        )],
        columns: vec![
            "function",
            "128 MB cold",
            "128 MB warm",
            "256 MB cold",
            "256 MB warm",
            "512 MB cold",
            "512 MB warm",
            "1,024 MB cold",
            "1,024 MB warm",
        ],
        rows: rows.collect(),
    }
}

/// Thousandths of a GB-second.
fn billed(memory: u32, milliseconds: f64) -> f64 {
    f64::from(memory) / 1_024.0 * milliseconds.ceil()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn start(ready: f64, first: f64, warm: f64) -> StartTimes {
        StartTimes {
            ready,
            answers: vec![first, warm, warm],
        }
    }

    #[test]
    fn whole_milliseconds_of_the_memory_are_billed() {
        let labels = ["get".to_owned()];
        let measured = [
            (128, vec![vec![start(4.2, 30.0, 0.4)]]),
            (
                1_024,
                vec![vec![
                    start(4.2, 3.0, 0.4),
                    start(4.2, 5.0, 1.2),
                    start(4.2, 4.0, 0.4),
                ]],
            ),
        ];
        let report = of_memory(&labels, &measured);
        assert_eq!(report.columns.len(), 1 + 2 * MEMORIES.len());
        assert_eq!(
            report.rows,
            [vec![
                ReportCell::text("get"),
                ReportCell::Number(35.0 / 8.0, 2),
                ReportCell::Number(0.125, 2),
                ReportCell::Missing,
                ReportCell::Missing,
                ReportCell::Missing,
                ReportCell::Missing,
                ReportCell::Number(9.0, 2),
                ReportCell::Number(1.0, 2),
            ]]
        );
    }
}
