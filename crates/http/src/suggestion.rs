//! The end of a message about an unknown name: the known names, and the one that was probably meant.

/// The most letters that may differ in a misspelt name.
const MAX_TYPOS: usize = 2;

/// The end of a message about an unknown name: the one that it resembles, if any, then the known ones.
pub(crate) fn of(unknown: &str, known: &[&str]) -> String {
    if known.is_empty() {
        return "; none are allowed.".to_owned();
    }
    match (closest(unknown, known), known) {
        (Some(meant), [_]) => format!("; did you mean `{meant}`? No other is allowed."),
        (None, [only]) => format!("; only {only} is allowed."),
        (Some(meant), _) => {
            let all = known.join(", ");
            format!("; did you mean `{meant}`? Allowed are {all}.")
        }
        (None, _) => format!("; allowed are {}.", known.join(", ")),
    }
}

fn closest<'k>(unknown: &str, known: &[&'k str]) -> Option<&'k str> {
    // A name of megabytes resembles nothing, and comparing it would take too long.
    let longest = known.iter().map(|name| name.len()).max().unwrap_or(0);
    if unknown.len() > 2 * longest {
        return None;
    }
    let plain = simplified(unknown);
    // A part of a name only counts if it is specific: not `a` for `aws_account`.
    let is_part = |name: &str| plain.len() >= 4 && name.contains(&plain);
    known
        .iter()
        .map(|name| (*name, simplified(name)))
        .filter_map(|(name, simple)| {
            let typos = distance(&plain, &simple);
            let is_typo = typos <= MAX_TYPOS && typos < simple.len().min(plain.len());
            (is_typo || is_part(&simple)).then_some((name, typos))
        })
        .min_by_key(|(_, typos)| *typos)
        .map(|(name, _)| name)
}

/// Removes differences of style: `Aws-Region`, `awsRegion` and `aws_region` are one name.
fn simplified(name: &str) -> String {
    name.chars()
        .filter(|c| c.is_alphanumeric())
        .flat_map(char::to_lowercase)
        .collect()
}

/// How many letters must be added, removed or replaced to turn `a` into `b` (Levenshtein).
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, letter) in a.chars().enumerate() {
        let mut before = i;
        row[0] = i + 1;
        for (j, other) in b.iter().enumerate() {
            let replaced = before + usize::from(letter != *other);
            before = row[j + 1];
            row[j + 1] = replaced.min(before + 1).min(row[j] + 1);
        }
    }
    row.last().copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_misspelt_or_shortened_name_is_recognised() {
        let known = ["aws_region", "aws_account", "packages", "desiredCapacity"];
        for (unknown, meant) in [
            ("region", Some("aws_region")),
            ("awsRegion", Some("aws_region")),
            ("aws_regoin", Some("aws_region")),
            ("AWS_ACCOUNT", Some("aws_account")),
            ("package", Some("packages")),
            ("desired", Some("desiredCapacity")),
            ("tags", None),
            ("a", None),
            ("", None),
            ("\u{1F600}", None),
            (&"aws_region".repeat(100_000), None),
        ] {
            assert_eq!(closest(unknown, &known), meant, "{unknown:.40}");
        }
        assert_eq!(closest("x", &["a", "b"]), None);
        // Twice as long as the longest known name is not too long yet.
        assert_eq!(closest(&format!("{:->30}", "tags"), &known), None);
        let padded = format!("{:->30}", "packages");
        assert_eq!(closest(&padded, &known), Some("packages"));
        assert_eq!(closest(&format!("{padded}-"), &known), None);
    }

    #[test]
    fn a_distance_counts_the_letters_that_differ() {
        for (a, b, letters) in [
            ("", "", 0),
            ("abc", "abc", 0),
            ("", "abc", 3),
            ("abc", "", 3),
            ("abc", "bc", 1),
            ("ab", "abc", 1),
            ("abc", "axc", 1),
            ("kitten", "sitting", 3),
            ("flaw", "lawn", 2),
        ] {
            assert_eq!(distance(a, b), letters, "{a} {b}");
            assert_eq!(distance(b, a), letters, "{b} {a}");
        }
    }

    #[test]
    fn the_sentence_says_what_is_allowed() {
        assert_eq!(of("tags", &["a", "b"]), "; allowed are a, b.");
        assert_eq!(
            of("limits", &["limit"]),
            "; did you mean `limit`? No other is allowed."
        );
        assert_eq!(of("tags", &["limit"]), "; only limit is allowed.");
        assert_eq!(of("dry_run", &[]), "; none are allowed.");
    }
}
