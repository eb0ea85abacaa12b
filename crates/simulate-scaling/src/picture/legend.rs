//! The legend of a panel, from right to left beside its name.

use svg::node::element::{Group, Line, Path, Rectangle};

use super::shapes::{rounded, text};

/// The approximate width of a character at the legend's size; there is no font to measure.
const CHARACTER: f64 = 7.0;
const SAMPLE: f64 = 20.0;
const GAP: f64 = 14.0;

enum SwatchShape {
    Line,
    Area,
    Mark(String),
}

/// An entry: its symbol and its label.
pub(super) struct Swatch {
    class: &'static str,
    shape: SwatchShape,
    label: String,
}

impl Swatch {
    pub(super) fn line(class: &'static str, label: &str) -> Self {
        Self {
            class,
            shape: SwatchShape::Line,
            label: label.to_owned(),
        }
    }

    pub(super) fn area(class: &'static str, label: &str) -> Self {
        Self {
            class,
            shape: SwatchShape::Area,
            label: label.to_owned(),
        }
    }

    /// `path` is drawn around 0, 0.
    pub(super) fn mark(class: &'static str, path: &str, label: &str) -> Self {
        Self {
            class,
            shape: SwatchShape::Mark(path.to_owned()),
            label: label.to_owned(),
        }
    }

    fn sample(&self) -> f64 {
        if matches!(self.shape, SwatchShape::Mark(_)) {
            SAMPLE / 2.0
        } else {
            SAMPLE
        }
    }

    #[expect(clippy::cast_precision_loss, reason = "a label has few characters")]
    fn width(&self) -> f64 {
        self.sample() + 6.0 + self.label.chars().count() as f64 * CHARACTER
    }
}

/// Draws `swatches` so that they end at `right`.
pub(super) fn draw(swatches: &[Swatch], right: f64, y: f64) -> Group {
    let gaps: f64 = swatches.iter().skip(1).map(|_| GAP).sum();
    let mut x = right - swatches.iter().map(Swatch::width).sum::<f64>() - gaps;
    let mut group = Group::new();
    let middle = y - 4.0;
    for swatch in swatches {
        let (from, to) = (rounded(x), rounded(x + swatch.sample()));
        group = match &swatch.shape {
            SwatchShape::Line => group.add(
                Line::new()
                    .set("class", swatch.class)
                    .set("x1", from)
                    .set("x2", to)
                    .set("y1", middle)
                    .set("y2", middle),
            ),
            SwatchShape::Area => group.add(
                Rectangle::new()
                    .set("class", swatch.class)
                    .set("x", from)
                    .set("y", middle - 6.0)
                    .set("width", swatch.sample())
                    .set("height", 12),
            ),
            SwatchShape::Mark(path) => {
                let place = format!("translate({} {middle})", rounded(x + swatch.sample() / 2.0));
                group.add(
                    Path::new()
                        .set("class", swatch.class)
                        .set("transform", place)
                        .set("d", path.as_str()),
                )
            }
        };
        group = group.add(text(x + swatch.sample() + 6.0, y, "small", &swatch.label));
        x += swatch.width() + GAP;
    }
    group
}
