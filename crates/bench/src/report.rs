//! The results: as Markdown for people, as JSON for programs, and as a picture of one column.

use std::fmt::Write as _;

use serde_json::{Map, Value, json};

/// The result of one subject.
pub(crate) struct Report {
    pub(crate) title: String,
    /// Whole sentences.
    pub(crate) notes: Vec<String>,
    pub(crate) columns: Vec<&'static str>,
    pub(crate) rows: Vec<Vec<ReportCell>>,
}

/// A cell of a table.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum ReportCell {
    Text(String),
    /// A number, and how many decimals are shown.
    Number(f64, usize),
    /// Not measured.
    Missing,
}

impl ReportCell {
    pub(crate) fn text(text: impl Into<String>) -> Self {
        Self::Text(text.into())
    }

    /// A number that may not have been measured.
    pub(crate) fn number(value: Option<f64>, digits: usize) -> Self {
        value.map_or(Self::Missing, |value| Self::Number(value, digits))
    }

    fn display_text(&self) -> String {
        match self {
            Self::Text(text) => text.clone(),
            Self::Number(value, digits) => format!("{value:.digits$}"),
            Self::Missing => "–".to_owned(),
        }
    }

    fn json(&self) -> Value {
        match self {
            Self::Text(text) => json!(text),
            Self::Number(value, _) => json!(value),
            Self::Missing => Value::Null,
        }
    }
}

impl Report {
    pub(crate) fn markdown(&self) -> String {
        let mut text = format!("## {}\n\n", self.title);
        for note in &self.notes {
            let _ = writeln!(text, "{note}");
        }
        if !self.rows.is_empty() {
            let _ = writeln!(text, "\n| {} |", self.columns.join(" | "));
            let _ = writeln!(text, "|{}", "---|".repeat(self.columns.len()));
            for row in &self.rows {
                let cells: Vec<String> = row.iter().map(ReportCell::display_text).collect();
                let _ = writeln!(text, "| {} |", cells.join(" | "));
            }
        }
        text
    }

    pub(crate) fn json(&self) -> Value {
        let rows = self.rows.iter().map(|row| {
            let cells = self.columns.iter().zip(row);
            let cells: Map<_, _> = cells
                .map(|(name, cell)| ((*name).to_owned(), cell.json()))
                .collect();
            Value::Object(cells)
        });
        json!({ "title": self.title, "notes": self.notes, "rows": rows.collect::<Vec<_>>() })
    }

    /// A bar chart of a column's numbers, labelled by the first column.
    pub(crate) fn svg(&self, column: &str) -> Option<String> {
        const ROW: usize = 24;
        const NAME: usize = 230;
        const BAR: usize = 400;
        let place = self.columns.iter().position(|name| *name == column)?;
        let bars: Vec<(String, f64)> = self
            .rows
            .iter()
            .filter_map(|row| match (row.first()?, row.get(place)?) {
                (ReportCell::Text(name), ReportCell::Number(value, _)) => {
                    Some((name.clone(), *value))
                }
                _ => None,
            })
            .collect();
        let most = bars.iter().map(|(_, value)| *value).fold(0.0, f64::max);
        if most <= 0.0 {
            return None;
        }
        let title = escaped(&format!("{}: {column}", self.title));
        let (width, height) = (NAME + BAR + 90, ROW * (bars.len() + 1) + 8);
        let mut svg = format!(
            "<svg role=\"img\" viewBox=\"0 0 {width} {height}\" xmlns=\"http://www.w3.org/2000/svg\" font-family=\"sans-serif\" font-size=\"13\">\n\
             <title>{title}</title>\n<style>\n\
             text {{ fill: #1f2328; }} rect {{ fill: #4878a8; }}\n\
             @media (prefers-color-scheme: dark) {{ text {{ fill: #e6edf3; }} rect {{ fill: #6ea8dc; }} }}\n</style>\n\
             <text x=\"4\" y=\"17\" font-weight=\"bold\">{title}</text>\n"
        );
        for (number, (name, value)) in bars.iter().enumerate() {
            let (y, width) = (ROW * (number + 1), value / most * BAR as f64);
            let _ = writeln!(
                svg,
                "<text x=\"4\" y=\"{}\">{}</text>",
                y + 17,
                escaped(name)
            );
            let _ = writeln!(
                svg,
                "<rect x=\"{NAME}\" y=\"{}\" width=\"{width:.1}\" height=\"{}\"/>",
                y + 4,
                ROW - 8
            );
            let _ = writeln!(
                svg,
                "<text x=\"{:.1}\" y=\"{}\">{value:.3}</text>",
                NAME as f64 + width + 6.0,
                y + 17
            );
        }
        svg.push_str("</svg>\n");
        Some(svg)
    }
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report() -> Report {
        Report {
            title: "Reads & writes".to_owned(),
            notes: vec!["Two processors.".to_owned()],
            columns: vec!["request", "per second", "× health"],
            rows: vec![
                vec![
                    ReportCell::text("health"),
                    ReportCell::Number(1000.4, 0),
                    ReportCell::Number(1.0, 3),
                ],
                vec![
                    ReportCell::text("add <2>"),
                    ReportCell::Missing,
                    ReportCell::Number(0.25, 3),
                ],
            ],
        }
    }

    #[test]
    fn a_report_is_a_table_for_people() {
        assert_eq!(
            report().markdown(),
            "## Reads & writes\n\nTwo processors.\n\n| request | per second | × health |\n|---|---|---|\n\
             | health | 1000 | 1.000 |\n| add <2> | – | 0.250 |\n"
        );
    }

    #[test]
    fn a_report_is_json_for_programs_with_all_its_digits() {
        assert_eq!(
            report().json(),
            json!({
                "title": "Reads & writes", "notes": ["Two processors."],
                "rows": [
                    {"request": "health", "per second": 1000.4, "× health": 1.0},
                    {"request": "add <2>", "per second": null, "× health": 0.25},
                ],
            })
        );
    }

    #[test]
    fn a_picture_has_a_bar_for_each_number_in_proportion() {
        let svg = report().svg("× health").unwrap();
        assert!(
            svg.contains("Reads &amp; writes: × health") && svg.contains("add &lt;2>"),
            "{svg}"
        );
        assert!(
            svg.contains("width=\"400.0\"") && svg.contains("width=\"100.0\""),
            "{svg}"
        );
        // Cells that were not measured have no bar.
        assert_eq!(
            report().svg("per second").unwrap().matches("<rect").count(),
            1
        );
        assert_eq!(report().svg("another"), None);
    }
}
