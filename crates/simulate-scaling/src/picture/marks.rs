//! The marks of activities: scaled, not scaled and scheduled.

use svg::node::element::{Group, Line, Path, Title};

use super::{
    axis::{TimeAxis, ValueAxis},
    shapes::rounded,
};
use crate::{
    activity::{Activity, StatusCode, reason_words},
    alarm::Direction,
    simulation::SimulationRun,
};

/// Half the size of an activity's mark.
const MARK: f64 = 5.5;

/// Whether it belongs to a scheduled action and requests nothing from the endpoint.
pub(super) fn is_scheduled(activity: &Activity) -> bool {
    activity.desired.is_none() && activity.not_scaled.is_none()
}

/// Every activity's mark, with its text as a tooltip.
pub(super) fn draw(
    run: &SimulationRun,
    time: &TimeAxis,
    value: &ValueAxis,
    (top, bottom): (f64, f64),
) -> Vec<Group> {
    let actual = |activity: &Activity| {
        let steps = run
            .steps
            .partition_point(|step| step.time <= activity.started);
        run.steps[..steps].last().map_or(0.0, |step| step.actual)
    };
    let mark = |activity: &Activity| {
        let x = time.x(activity.started);
        let group = Group::new();
        match activity.desired {
            Some((desired, direction)) => {
                let y = value.y(f64::from(desired));
                let (class, shape) = match (activity.status, direction) {
                    (StatusCode::Successful, Direction::Out) => {
                        ("mark out", triangle(x, y, direction))
                    }
                    (StatusCode::Successful, Direction::In) => {
                        ("mark in", triangle(x, y, direction))
                    }
                    _ => ("mark failed", cross(x, y)),
                };
                group.add(with_title(activity, class, shape))
            }
            None if is_scheduled(activity) => group
                .add(
                    Line::new()
                        .set("class", "scheduled")
                        .set("x1", rounded(x))
                        .set("x2", rounded(x))
                        .set("y1", top)
                        .set("y2", bottom),
                )
                .add(with_title(activity, "scheduled-mark", diamond(x, top))),
            None => group.add(with_title(
                activity,
                "not-scaled",
                circle(x, value.y(actual(activity))),
            )),
        }
    };
    run.activities.iter().map(mark).collect()
}

fn with_title(activity: &Activity, class: &str, shape: String) -> Path {
    let reason = activity.not_scaled.map(reason_words);
    let words = format!(
        "{} {} {}: {}{}",
        activity.started,
        activity.description,
        activity.status.name(),
        activity.cause,
        reason
            .map(|reason| format!(" ({reason})"))
            .unwrap_or_default()
    );
    Path::new()
        .set("class", class)
        .set("d", shape)
        .add(Title::new(words))
}

pub(super) fn triangle(x: f64, y: f64, direction: Direction) -> String {
    let tip = match direction {
        Direction::Out => -MARK,
        Direction::In => MARK,
    };
    format!(
        "M{:.1} {:.1}L{:.1} {:.1}H{:.1}Z",
        x,
        y + tip,
        x + MARK,
        y - tip * 0.7,
        x - MARK
    )
}

pub(super) fn cross(x: f64, y: f64) -> String {
    let (left, right, top, bottom) = (
        x - MARK + 1.0,
        x + MARK - 1.0,
        y - MARK + 1.0,
        y + MARK - 1.0,
    );
    format!("M{left:.1} {top:.1}L{right:.1} {bottom:.1}M{right:.1} {top:.1}L{left:.1} {bottom:.1}")
}

pub(super) fn diamond(x: f64, y: f64) -> String {
    let (left, right, top, bottom) = (x - MARK, x + MARK, y - MARK, y + MARK);
    format!("M{x:.1} {top:.1}L{right:.1} {y:.1}L{x:.1} {bottom:.1}L{left:.1} {y:.1}Z")
}

pub(super) fn circle(x: f64, y: f64) -> String {
    let radius = MARK * 0.6;
    let left = x - radius;
    let width = radius * 2.0;
    format!(
        "M{left:.1} {y:.1}a{radius:.1} {radius:.1} 0 1 0 {width:.1} 0a{radius:.1} {radius:.1} 0 1 0 -{width:.1} 0Z"
    )
}
