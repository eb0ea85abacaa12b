//! The picture of a simulation: the metric above, the capacity below, over the same time axis.

mod axis;
mod legend;
mod lines;
mod marks;
mod shapes;
mod style;

use axis::{TimeAxis, ValueAxis};
use legend::Swatch;
use lines::{Shade, envelope_path, is_long, metric_path, shades, step_path};
use shapes::{rounded, text};
use svg::{
    Document,
    node::element::{Description, Group, Line, Path, Rectangle, Style, Title},
};

use crate::{
    activity::{Activity, StatusCode},
    alarm::{AlarmState, Direction},
    scaler::{PolicyType, ScalingPolicy},
    simulation::{PeriodSample, PolicySource, RunRecord, SimulationSettings},
};

const WIDTH: f64 = 1000.0;
const HEIGHT: f64 = 640.0;
const LEFT: f64 = 64.0;
const RIGHT: f64 = WIDTH - 28.0;
/// Top and bottom of the two panels.
const METRIC: (f64, f64) = (112.0, 318.0);
const CAPACITY: (f64, f64) = (382.0, 588.0);
/// The minimum width of an alarm, so that one of a minute in a month is visible.
const NARROWEST: f64 = 3.0;
/// The height of an alarm's bar.
const EDGE: f64 = 5.0;
const LONGEST_LINE: usize = 145;

/// Returns the alarms above, or those below.
type AlarmOf = fn(&PeriodSample) -> Option<AlarmState>;

/// Draws one run, or two for comparison, as the text of an SVG file. The same runs give the same text.
#[must_use]
pub fn draw(played: &[RunRecord], resource_id: &str) -> String {
    let Some(RunRecord { settings, .. }) = played.first() else {
        return String::new();
    };
    let ends = played.iter().map(|played| played.run.end).max();
    let end = ends.unwrap_or(settings.start);
    let time = TimeAxis::new(
        settings.start,
        end.max(settings.period_end(1).unwrap_or(end)),
        LEFT,
        RIGHT,
    );
    let document = Document::new()
        .set("viewBox", (0, 0, WIDTH, HEIGHT))
        .set("role", "img")
        .add(Title::new(format!("{} of {resource_id}", kind(settings))))
        .add(Description::new().add(svg::node::Text::new(description(played))))
        .add(Style::new(style::CSS))
        .add(
            Rectangle::new()
                .set("class", "paper")
                .set("width", WIDTH)
                .set("height", HEIGHT)
                .set("rx", 8),
        )
        .add(headings(played, settings, resource_id))
        .add(metric_panel(played, settings, &time))
        .add(capacity_panel(played, &time))
        .add(time.labels(CAPACITY.1 + 20.0));
    format!("{document}\n")
}

fn description(played: &[RunRecord]) -> String {
    let of = |RunRecord { settings, run }: &RunRecord| {
        let highest = run.steps.iter().map(|step| step.actual).fold(0.0, f64::max);
        format!(
            "The metric around its target of {} in {} periods, and a capacity of up to {highest} after {} successful activities.",
            settings.goal,
            run.samples.len(),
            run.count(StatusCode::Successful)
        )
    };
    played.iter().map(of).collect::<Vec<_>>().join(" ")
}

fn kind(settings: &SimulationSettings) -> &'static str {
    match settings.policies[..] {
        [
            (
                ScalingPolicy {
                    kind: PolicyType::Target(_),
                    ..
                },
                _,
            ),
        ] => "Target tracking",
        _ => "Scaling",
    }
}

/// A policy in a few words.
fn words(policy: &ScalingPolicy) -> String {
    match &policy.kind {
        PolicyType::Target(tracking) => {
            let scale_in = if tracking.disable_scale_in {
                "no scale-in".to_owned()
            } else {
                format!("{:#} in", tracking.scale_in_cooldown)
            };
            format!(
                "{}: target {}, cooldown {:#} out and {scale_in}",
                policy.name, tracking.target, tracking.scale_out_cooldown
            )
        }
        PolicyType::Step(step) => {
            let side = match step.alarm.side() {
                Direction::Out => "above",
                Direction::In => "below",
            };
            format!(
                "{}: {} steps {side} {}, cooldown {:#}",
                policy.name,
                step.steps.len(),
                step.alarm.threshold(),
                step.cooldown
            )
        }
    }
}

fn headings(played: &[RunRecord], settings: &SimulationSettings, resource_id: &str) -> Group {
    let shorter = |text: &str| match text.char_indices().nth(LONGEST_LINE) {
        Some((index, _)) => format!("{}…", &text[..index]),
        None => text.to_owned(),
    };
    let policies = |settings: &SimulationSettings| {
        let words: Vec<String> = settings
            .policies
            .iter()
            .map(|(policy, _)| words(policy))
            .collect();
        words.join("; ")
    };
    let lines = match played {
        [first, second] => {
            let of = |line: &str, played: &RunRecord| {
                format!(
                    "{line} {}: {:.1} unit-hours, {} periods above {}",
                    policies(&played.settings),
                    played.run.unit_hours(),
                    played.run.above(settings.goal),
                    settings.goal
                )
            };
            [of("Solid –", first), of("Dashed –", second)]
        }
        _ => [
            format!(
                "Policy {}, capacity {} to {}, from {}",
                policies(settings),
                settings.bounds.min,
                settings.bounds.max,
                settings.start
            ),
            String::new(),
        ],
    };
    let heading = shorter(&format!("{} of {resource_id}", kind(settings)));
    let mut group = Group::new().add(text(LEFT, 36.0, "heading", &heading));
    for (line, y) in lines.iter().zip([58.0, 76.0]) {
        if !line.is_empty() {
            group = group.add(text(LEFT, y, "small", &shorter(line)));
        }
    }
    group
}

fn metric_panel(played: &[RunRecord], settings: &SimulationSettings, time: &TimeAxis) -> Group {
    let goal = settings.goal;
    let known = || {
        let samples = played.iter().flat_map(|played| &played.run.samples);
        samples.filter_map(|sample| sample.metric)
    };
    let value = ValueAxis::new(
        known().fold(0.0, f64::min),
        known().fold(goal * 1.25, f64::max),
        METRIC,
    );
    let first = &settings.policies[0].0;
    let low = first.alarms().1.map(|alarm| alarm.threshold());
    let low = low.filter(|low| *low != goal);
    let name = match settings.shown {
        PolicySource::Metric => "Metric",
        PolicySource::Load => "Metric: load / actual capacity",
        PolicySource::Backlog => "Metric: backlog / actual capacity",
        PolicySource::Queue => "Metric: backlog",
    };
    let mut swatches = vec![Swatch::line("metric", "metric")];
    let aim = match first.kind {
        PolicyType::Target(_) => "target",
        PolicyType::Step(_) => "threshold",
    };
    swatches.push(Swatch::line("target", &format!("{aim} {goal}")));
    if let Some(low) = low {
        swatches.push(Swatch::line(
            "low",
            &format!("AlarmLow below {}", axis::number(low)),
        ));
    }
    let has = |which: AlarmOf| {
        played
            .iter()
            .flat_map(|played| &played.run.samples)
            .any(|sample| which(sample).is_some())
    };
    let kinds: [(&str, &str, AlarmOf); 2] = [
        ("alarm-high", "AlarmHigh in ALARM", PeriodSample::high),
        ("alarm-low", "AlarmLow in ALARM", PeriodSample::low),
    ];
    for (class, label, which) in kinds {
        if has(which) {
            swatches.push(Swatch::area(class, label));
        }
    }
    let mut group = panel(name, METRIC, &swatches, time, &value).set("id", "metric-panel");
    // Two runs' alarms on top of each other would be indistinguishable: the second run's are below the panel.
    for (index, RunRecord { run, .. }) in played.iter().enumerate() {
        for (class, _, which) in kinds {
            for shade in shades(run, settings.period, |sample| {
                which(sample) == Some(AlarmState::Alarm)
            }) {
                group = draw_shade(group, class, &shade, time, index == 0);
            }
        }
    }
    if let Some(low) = low {
        group = group.add(horizontal("low", value.y(low)));
    }
    group = group.add(horizontal("target", value.y(goal)));
    for (index, RunRecord { run, .. }) in played.iter().enumerate() {
        let (class, drawn) = if is_long(run) {
            ("envelope", envelope_path(run, time, &value))
        } else {
            ("metric", metric_path(run, time, &value))
        };
        group = group.add(with_id(Path::new().set("d", drawn), class, "metric", index));
    }
    group
}

/// Draws when an alarm was in `ALARM`: a pale area, which may be too narrow to see in a long run, and a bar at its
/// edge, which is always wide enough.
fn draw_shade(
    group: Group,
    class: &'static str,
    shade: &Shade,
    time: &TimeAxis,
    first: bool,
) -> Group {
    let (x, end) = (time.x(shade.from), time.x(shade.to).min(RIGHT));
    let edge = if first { METRIC.0 } else { METRIC.1 - EDGE };
    let bar = rectangle(class, x, edge, (end - x).max(NARROWEST), EDGE)
        .set("class", format!("{class} edge"));
    if first {
        let area = rectangle(class, x, METRIC.0, (end - x).max(1.0), METRIC.1 - METRIC.0);
        group.add(area).add(bar)
    } else {
        group.add(bar)
    }
}

/// The second run's lines are dashed.
fn with_id(path: Path, class: &str, id: &str, index: usize) -> Path {
    if index == 0 {
        path.set("class", class).set("id", id)
    } else {
        path.set("class", format!("{class} second"))
            .set("id", format!("{id}-{}", index + 1))
    }
}

fn capacity_panel(played: &[RunRecord], time: &TimeAxis) -> Group {
    let steps = || played.iter().flat_map(|played| &played.run.steps);
    let seen = steps()
        .map(|step| step.actual.max(step.desired))
        .fold(1.0, f64::max);
    let bound = steps()
        .map(|step| f64::from(step.bounds.max))
        .fold(1.0, f64::max);
    // A maximum far above all values would reduce the rest to a line at the bottom.
    let value = ValueAxis::new(
        0.0,
        if bound <= seen * 2.5 {
            seen.max(bound) * 1.08
        } else {
            seen * 1.3
        },
        CAPACITY,
    );
    let run = &played[0].run;
    let mut swatches = vec![
        Swatch::line("actual", "actual"),
        Swatch::line("desired", "desired"),
        Swatch::area("band", "min to max"),
        Swatch::mark(
            "mark out",
            &marks::triangle(0.0, 0.0, Direction::Out),
            "scale out",
        ),
        Swatch::mark(
            "mark in",
            &marks::triangle(0.0, 0.0, Direction::In),
            "scale in",
        ),
    ];
    let activities = || played.iter().flat_map(|played| &played.run.activities);
    let fails = |activity: &Activity| {
        activity.desired.is_some() && activity.status != StatusCode::Successful
    };
    if activities().any(fails) {
        swatches.push(Swatch::mark(
            "mark failed",
            &marks::cross(0.0, 0.0),
            "not fulfilled",
        ));
    }
    if activities().any(marks::is_scheduled) {
        swatches.push(Swatch::mark(
            "scheduled-mark",
            &marks::diamond(0.0, 0.0),
            "scheduled",
        ));
    }
    if activities().any(|activity| activity.not_scaled.is_some()) {
        swatches.push(Swatch::mark(
            "not-scaled",
            &marks::circle(0.0, 0.0),
            "not scaled",
        ));
    }
    let mut group =
        panel("Capacity: units", CAPACITY, &swatches, time, &value).set("id", "capacity-panel");
    for (index, step) in run.steps.iter().enumerate() {
        // Steps with the same bounds form one piece of the band.
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
    for (index, RunRecord { run, .. }) in played.iter().enumerate() {
        // Drawing the broad line twice would hide more than it shows.
        if index == 0 {
            let desired = step_path(run, time, &value, |step| step.desired);
            group = group.add(with_id(
                Path::new().set("d", desired),
                "desired",
                "desired",
                index,
            ));
        }
        let actual = step_path(run, time, &value, |step| step.actual);
        group = group.add(with_id(
            Path::new().set("d", actual),
            "actual",
            "actual",
            index,
        ));
    }
    played.iter().fold(group, |group, RunRecord { run, .. }| {
        marks::draw(run, time, &value, CAPACITY)
            .into_iter()
            .fold(group, |group, mark| group.add(mark))
    })
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
