//! The picture of a simulation: the metric above, the capacity below, over the same time.

mod axis;
mod legend;
mod lines;
mod style;

use axis::{TimeAxis, ValueAxis};
use legend::Swatch;
use lines::{Shade, metric_path, shades, step_path};
use svg::{
    Document,
    node::element::{Description, Group, Line, Path, Rectangle, Style, Text, Title},
};

use crate::{
    activity::{Activity, StatusCode},
    alarm::{Alarm, AlarmState, Direction},
    simulation::{Load, Run, Settings},
};

const WIDTH: f64 = 1000.0;
const HEIGHT: f64 = 640.0;
const LEFT: f64 = 64.0;
const RIGHT: f64 = WIDTH - 28.0;
/// Top and bottom of the two panels.
const METRIC: (f64, f64) = (112.0, 318.0);
const CAPACITY: (f64, f64) = (382.0, 588.0);
/// Half the size of an activity's mark.
const MARK: f64 = 5.5;
const LONGEST_ADDRESS: usize = 100;

/// Draws it, as the text of an SVG file. The same run gives the same text.
#[must_use]
pub fn draw(settings: &Settings, resource_id: &str, run: &Run) -> String {
    let time = TimeAxis::new(
        settings.start,
        run.end.max(settings.period_end(1).unwrap_or(run.end)),
        LEFT,
        RIGHT,
    );
    let document = Document::new()
        .set("viewBox", (0, 0, WIDTH, HEIGHT))
        .set("role", "img")
        .add(Title::new(format!("Target tracking of {resource_id}")))
        .add(Description::new().add(svg::node::Text::new(description(settings, run))))
        .add(Style::new(style::CSS))
        .add(
            Rectangle::new()
                .set("class", "paper")
                .set("width", WIDTH)
                .set("height", HEIGHT)
                .set("rx", 8),
        )
        .add(headings(settings, resource_id))
        .add(metric_panel(settings, run, &time))
        .add(capacity_panel(run, &time))
        .add(time.labels(CAPACITY.1 + 20.0));
    format!("{document}\n")
}

fn description(settings: &Settings, run: &Run) -> String {
    let highest = run.steps.iter().map(|step| step.actual).fold(0.0, f64::max);
    format!(
        "The metric around its target of {} in {} periods, and a capacity of up to {highest} after {} successful activities.",
        settings.policy.target,
        run.samples.len(),
        run.count(StatusCode::Successful)
    )
}

fn headings(settings: &Settings, resource_id: &str) -> Group {
    let policy = &settings.policy;
    let address: String = match resource_id.char_indices().nth(LONGEST_ADDRESS) {
        Some((index, _)) => format!("{}…", &resource_id[..index]),
        None => resource_id.to_owned(),
    };
    let scale_in = if policy.disable_scale_in {
        "no scale-in".to_owned()
    } else {
        format!("{:#} in", policy.scale_in_cooldown)
    };
    let settings = format!(
        "Policy {}: target {}, capacity {} to {}, cooldown {:#} out and {scale_in}, from {}",
        policy.name,
        policy.target,
        settings.bounds.min,
        settings.bounds.max,
        policy.scale_out_cooldown,
        settings.start
    );
    Group::new()
        .add(text(
            LEFT,
            36.0,
            "heading",
            &format!("Target tracking of {address}"),
        ))
        .add(text(LEFT, 58.0, "small", &settings))
}

fn metric_panel(settings: &Settings, run: &Run, time: &TimeAxis) -> Group {
    let target = settings.policy.target;
    let known = || run.samples.iter().filter_map(|sample| sample.metric);
    let value = ValueAxis::new(
        known().fold(0.0, f64::min),
        known().fold(target * 1.25, f64::max),
        METRIC,
    );
    let low = (!settings.policy.disable_scale_in).then(|| Alarm::low(target).threshold());
    let name = match settings.load {
        Load::Metric(_) => "Metric",
        Load::Shared(_) => "Metric: load / actual capacity",
    };
    let mut swatches = vec![
        Swatch::line("metric", "metric"),
        Swatch::line("target", &format!("target {target}")),
    ];
    if let Some(low) = low {
        swatches.push(Swatch::line(
            "low",
            &format!("AlarmLow below {}", axis::number(low)),
        ));
    }
    swatches.push(Swatch::area("alarm-high", "AlarmHigh in ALARM"));
    if low.is_some() {
        swatches.push(Swatch::area("alarm-low", "AlarmLow in ALARM"));
    }
    let mut group = panel(name, METRIC, &swatches, time, &value).set("id", "metric-panel");
    let high = shades(run, settings.period, |sample| {
        sample.high == AlarmState::Alarm
    });
    let low_shades = shades(run, settings.period, |sample| {
        sample.low == Some(AlarmState::Alarm)
    });
    for (class, shades) in [("alarm-high", high), ("alarm-low", low_shades)] {
        for Shade { from, to } in shades {
            let (x, end) = (time.x(from), time.x(to).min(RIGHT));
            group = group.add(rectangle(
                class,
                x,
                METRIC.0,
                (end - x).max(1.0),
                METRIC.1 - METRIC.0,
            ));
        }
    }
    if let Some(low) = low {
        group = group.add(horizontal("low", value.y(low)));
    }
    group.add(horizontal("target", value.y(target))).add(
        Path::new()
            .set("class", "metric")
            .set("id", "metric")
            .set("d", metric_path(run, time, &value)),
    )
}

fn capacity_panel(run: &Run, time: &TimeAxis) -> Group {
    let seen = run
        .steps
        .iter()
        .map(|step| step.actual.max(step.desired))
        .fold(1.0, f64::max);
    let bound = run
        .steps
        .iter()
        .map(|step| f64::from(step.bounds.max))
        .fold(1.0, f64::max);
    // A maximum far above all that happened would leave it a line at the bottom.
    let value = ValueAxis::new(
        0.0,
        if bound <= seen * 2.5 {
            seen.max(bound) * 1.08
        } else {
            seen * 1.3
        },
        CAPACITY,
    );
    let swatches = [
        Swatch::line("actual", "actual"),
        Swatch::line("desired", "desired"),
        Swatch::area("band", "minimum to maximum"),
        Swatch::mark("out", &triangle(0.0, 0.0, Direction::Out), "scale out"),
        Swatch::mark("in", &triangle(0.0, 0.0, Direction::In), "scale in"),
        Swatch::mark("failed", &cross(0.0, 0.0), "not fulfilled"),
    ];
    let mut group =
        panel("Capacity: units", CAPACITY, &swatches, time, &value).set("id", "capacity-panel");
    for (index, step) in run.steps.iter().enumerate() {
        // Steps with the same bounds make one piece of the band.
        if index > 0 && run.steps[index - 1].bounds == step.bounds {
            continue;
        }
        let end = run.steps[index..]
            .iter()
            .find(|later| later.bounds != step.bounds)
            .map_or(run.end, |later| later.time);
        let (top, bottom) = (
            value.y(f64::from(step.bounds.max)).max(CAPACITY.0),
            value.y(f64::from(step.bounds.min)).max(CAPACITY.0),
        );
        group = group.add(rectangle(
            "band",
            time.x(step.time),
            top,
            time.x(end) - time.x(step.time),
            (bottom - top).max(1.0),
        ));
    }
    group = group
        .add(
            Path::new()
                .set("class", "desired")
                .set("id", "desired")
                .set("d", step_path(run, time, &value, |step| step.desired)),
        )
        .add(
            Path::new()
                .set("class", "actual")
                .set("id", "actual")
                .set("d", step_path(run, time, &value, |step| step.actual)),
        );
    run.activities
        .iter()
        .filter_map(|activity| mark(activity, time, &value))
        .fold(group, Group::add)
}

/// An activity's mark, with its words for whoever points at it.
fn mark(activity: &Activity, time: &TimeAxis, value: &ValueAxis) -> Option<Path> {
    let (desired, direction) = activity.desired?;
    let (x, y) = (time.x(activity.started), value.y(f64::from(desired)));
    let (class, shape) = match (activity.status, direction) {
        (StatusCode::Successful, Direction::Out) => ("mark out", triangle(x, y, direction)),
        (StatusCode::Successful, Direction::In) => ("mark in", triangle(x, y, direction)),
        _ => ("mark failed", cross(x, y)),
    };
    let words = format!(
        "{} {} {}: {}",
        activity.started,
        activity.description,
        activity.status.name(),
        activity.cause
    );
    Some(
        Path::new()
            .set("class", class)
            .set("d", shape)
            .add(Title::new(words)),
    )
}

fn triangle(x: f64, y: f64, direction: Direction) -> String {
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

fn cross(x: f64, y: f64) -> String {
    let (left, right, top, bottom) = (
        x - MARK + 1.0,
        x + MARK - 1.0,
        y - MARK + 1.0,
        y + MARK - 1.0,
    );
    format!("M{left:.1} {top:.1}L{right:.1} {bottom:.1}M{right:.1} {top:.1}L{left:.1} {bottom:.1}")
}

/// A panel's name, legend and grid.
fn panel(
    name: &str,
    (top, bottom): (f64, f64),
    swatches: &[Swatch],
    time: &TimeAxis,
    value: &ValueAxis,
) -> Group {
    Group::new()
        .add(text(LEFT, top - 14.0, "name", name))
        .add(legend::draw(swatches, RIGHT, top - 14.0))
        .add(time.grid(top, bottom))
        .add(value.grid(LEFT, RIGHT))
}

fn horizontal(class: &str, y: f64) -> Line {
    Line::new()
        .set("class", class)
        .set("x1", LEFT)
        .set("x2", RIGHT)
        .set("y1", rounded(y))
        .set("y2", rounded(y))
}

fn rectangle(class: &str, x: f64, y: f64, width: f64, height: f64) -> Rectangle {
    Rectangle::new()
        .set("class", class)
        .set("x", rounded(x))
        .set("y", rounded(y))
        .set("width", rounded(width))
        .set("height", rounded(height))
}

fn text(x: f64, y: f64, class: &str, content: &str) -> Text {
    Text::new(content)
        .set("class", class)
        .set("x", rounded(x))
        .set("y", rounded(y))
}

/// A tenth of a pixel is all that shows, and keeps the last bits of a sine out of the file.
fn rounded(pixels: f64) -> f64 {
    (pixels * 10.0).round() / 10.0
}
