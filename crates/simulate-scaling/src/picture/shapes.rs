//! Shapes shared by all parts of the picture.

use svg::node::element::Text;

/// A line of text.
pub(super) fn text(x: f64, y: f64, class: &str, content: &str) -> Text {
    Text::new(content)
        .set("class", class)
        .set("x", rounded(x))
        .set("y", rounded(y))
}

/// Rounds to a tenth of a pixel: more is not visible, and a sine's last bits would make the file unstable.
pub(super) fn rounded(pixels: f64) -> f64 {
    (pixels * 10.0).round() / 10.0
}
