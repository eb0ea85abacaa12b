//! CloudFormation's intrinsic functions, evaluated with the defaults of the template's parameters.

use std::borrow::Cow;

use saphyr::{Scalar, Yaml};

use super::{get, mapping};

/// The value of an intrinsic function.
pub(super) enum IntrinsicValue<'a, 'input> {
    /// A known value.
    Value(&'a Yaml<'input>),
    /// `AWS::NoValue`: the entry counts as absent.
    Absent,
    /// A value that is only known in a deployment.
    Unknown,
}

/// A whole template, to look up values in.
#[derive(Clone, Copy)]
pub(super) struct Document<'a, 'input> {
    root: &'a Yaml<'input>,
    /// Values of parameters that replace their defaults.
    given: &'a [(&'static str, Yaml<'input>)],
}

impl<'a, 'input> Document<'a, 'input> {
    /// The template `root` with these parameter values.
    pub(super) fn new(root: &'a Yaml<'input>, given: &'a [(&'static str, Yaml<'input>)]) -> Self {
        Self { root, given }
    }

    /// The value at `node`, with `!Ref` of a parameter and `!If` evaluated.
    pub(super) fn resolve(self, node: &'a Yaml<'input>) -> IntrinsicValue<'a, 'input> {
        let Yaml::Tagged(tag, inner) = node else {
            return IntrinsicValue::Value(node);
        };
        match (tag.suffix.as_str(), inner.as_str(), inner.as_vec()) {
            ("Ref", Some("AWS::NoValue"), _) => IntrinsicValue::Absent,
            ("Ref", Some(name), _) => self
                .parameter(name)
                .map_or(IntrinsicValue::Unknown, IntrinsicValue::Value),
            ("If", _, Some(parts)) => match parts.as_slice() {
                [condition, yes, no] => {
                    match condition.as_str().and_then(|name| self.holds(name)) {
                        Some(true) => self.resolve(yes),
                        Some(false) => self.resolve(no),
                        None => IntrinsicValue::Unknown,
                    }
                }
                _ => IntrinsicValue::Unknown,
            },
            _ => IntrinsicValue::Unknown,
        }
    }

    /// The value of one of the template's parameters.
    fn parameter(self, name: &str) -> Option<&'a Yaml<'input>> {
        let parameter = get(self.root, "Parameters").and_then(|all| get(all, name))?;
        let given = self.given.iter().find(|(known, _)| *known == name);
        given
            .map(|(_, value)| value)
            .or_else(|| get(parameter, "Default"))
    }

    /// The value at `node`, if present and known.
    pub(super) fn value(self, node: &'a Yaml<'input>) -> Option<&'a Yaml<'input>> {
        match self.resolve(node) {
            IntrinsicValue::Value(value) => Some(value),
            IntrinsicValue::Absent | IntrinsicValue::Unknown => None,
        }
    }

    /// The entry of the mapping `node`, unless it is `AWS::NoValue`.
    pub(super) fn entry(self, node: &'a Yaml<'input>, key: &str) -> Option<&'a Yaml<'input>> {
        get(node, key).filter(|value| !matches!(self.resolve(value), IntrinsicValue::Absent))
    }

    /// The value of `key` in the mapping `node`.
    pub(super) fn get(self, node: &'a Yaml<'input>, key: &str) -> Option<&'a Yaml<'input>> {
        self.value(get(self.value(node)?, key)?)
    }

    /// A text, or the text of a number or boolean.
    pub(super) fn text(self, node: &'a Yaml<'input>) -> Option<Cow<'a, str>> {
        Some(match self.value(node)? {
            Yaml::Value(Scalar::String(text)) => Cow::Borrowed(text.as_ref()),
            Yaml::Value(Scalar::Integer(number)) => Cow::Owned(number.to_string()),
            Yaml::Value(Scalar::FloatingPoint(number)) => Cow::Owned(number.to_string()),
            Yaml::Value(Scalar::Boolean(truth)) => Cow::Owned(truth.to_string()),
            _ => return None,
        })
    }

    /// The entries of a mapping.
    pub(super) fn entries(
        self,
        node: Option<&'a Yaml<'input>>,
    ) -> impl Iterator<Item = (&'a str, &'a Yaml<'input>)> {
        node.and_then(|node| self.value(node)?.as_mapping())
            .into_iter()
            .flatten()
            .filter_map(|(key, value)| Some((key.as_str()?, value)))
    }

    /// Whether a condition holds.
    fn holds(self, name: &str) -> Option<bool> {
        let (_, condition) = mapping(self.root, "Conditions")?
            .iter()
            .find(|(key, _)| key.as_str() == Some(name))?;
        self.is_true(condition)
    }

    fn is_true(self, condition: &'a Yaml<'input>) -> Option<bool> {
        let Yaml::Tagged(tag, inner) = condition else {
            return None;
        };
        let parts = || inner.as_vec();
        match tag.suffix.as_str() {
            "Condition" => self.holds(inner.as_str()?),
            "Equals" => match parts()?.as_slice() {
                [one, other] => Some(self.text(one)? == self.text(other)?),
                _ => None,
            },
            "Not" => Some(!self.is_true(parts()?.first()?)?),
            "And" => self.all(parts()?).map(|all| all.into_iter().all(|one| one)),
            "Or" => self.all(parts()?).map(|all| all.into_iter().any(|one| one)),
            _ => None,
        }
    }

    fn all(self, conditions: &'a [Yaml<'input>]) -> Option<Vec<bool>> {
        conditions.iter().map(|one| self.is_true(one)).collect()
    }
}

#[cfg(test)]
mod tests {
    use saphyr::LoadableYamlNode as _;

    use super::*;

    const TEMPLATE: &str = r#"
Parameters:
  Rate: {Type: Number, Default: 2.5}
  Issuer: {Type: String, Default: ""}
  Needed: {Type: String}
Conditions:
  HasIssuer: !Not [!Equals [!Ref Issuer, ""]]
  IsFast: !Equals [!Ref Rate, "2.5"]
  Both: !And [!Condition HasIssuer, !Condition IsFast]
  Either: !Or [!Condition HasIssuer, !Condition IsFast]
  ByRegion: !Equals [!Ref AWS::Region, us-east-1]
Values:
  plain: hello
  rate: !Ref Rate
  issuer: !If [HasIssuer, jwt, none]
  nested: !If [IsFast, !If [HasIssuer, 1, !Ref Rate], 3]
  both: !If [Both, 1, 2]
  either: !If [Either, 1, 2]
  gone: !If [HasIssuer, 1, !Ref AWS::NoValue]
  needed: !Ref Needed
  region: !If [ByRegion, 1, 2]
  unknown: !If [Nothing, 1, 2]
  made: !GetAtt Table.Arn
"#;

    #[test]
    fn values_are_worked_out_with_the_defaults_of_parameters() {
        let documents = Yaml::load_from_str(TEMPLATE).unwrap();
        let document = Document::new(&documents[0], &[]);
        let values = get(&documents[0], "Values").unwrap();
        let text = |key| document.text(get(values, key).unwrap());
        for (key, value) in [
            ("plain", Some("hello")),
            ("rate", Some("2.5")),
            ("issuer", Some("none")),
            ("nested", Some("2.5")),
            ("both", Some("2")),
            ("either", Some("1")),
            ("gone", None),
            // Only known in a deployment.
            ("needed", None),
            ("region", None),
            ("unknown", None),
            ("made", None),
        ] {
            assert_eq!(text(key).as_deref(), value, "{key}");
        }
        let one = |value: &'static str| Yaml::Value(Scalar::String(value.into()));
        // A value for a parameter that the template does not have has no effect.
        let given = [("Issuer", one("x")), ("Nothing", one("y"))];
        let document = Document::new(&documents[0], &given);
        let text = |key| document.text(get(values, key).unwrap());
        for (key, value) in [("issuer", "jwt"), ("nested", "1"), ("gone", "1")] {
            assert_eq!(text(key).as_deref(), Some(value), "{key}");
        }
    }
}
