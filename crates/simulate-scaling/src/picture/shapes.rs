//! What all parts of the picture draw with.

use svg::node::element::Text;

/// A line of text.
pub(super) fn text(x: f64, y: f64, class: &str, content: &str) -> Text {
    Text::new(content)
        .set("class", class)
        .set("x", rounded(x))
        .set("y", rounded(y))
}

/// A tenth of a pixel is all that shows, and keeps the last bits of a sine out of the file.
pub(super) fn rounded(pixels: f64) -> f64 {
    (pixels * 10.0).round() / 10.0
}
