//! The functions under measurement, and their events.

use std::{fs, path::PathBuf};

use serde_json::{Map, Value};

use crate::error::BenchError;

/// A function and its event.
pub(crate) struct MeasuredFunction {
    /// The package, and the program that it builds.
    pub(crate) name: &'static str,
    /// What the event requests, if that is not clear from the name.
    asked: &'static str,
    /// The event's file in `events/`.
    event: &'static str,
    /// Turns it into a distinct event.
    vary: fn(&mut Value, usize),
    /// Whether it makes calls to stores.
    pub(crate) has_store: bool,
    /// Whether each request does all of the work, without results cached by an earlier one.
    pub(crate) is_steady: bool,
}

/// The function that the others are compared with.
pub(crate) const BARE: MeasuredFunction =
    MeasuredFunction::of("bare-function", "get-v1-health.json");

/// The functions of the API. The event of a change is a different one each time.
pub(crate) const FUNCTIONS: [MeasuredFunction; 12] = [
    MeasuredFunction::of("books", "get-book.json"),
    MeasuredFunction::of("authors", "get-author.json"),
    MeasuredFunction::of("metadata", "get-v1-metadata.json"),
    MeasuredFunction::of("health", "get-v1-health.json"),
    MeasuredFunction {
        asked: "ready",
        is_steady: false,
        ..MeasuredFunction::with_store("health", "get-v1-health-ready.json")
    },
    MeasuredFunction::with_store("scalable-dimension-get", "get-scalable-dimension.json"),
    MeasuredFunction {
        vary: |event, number| event["body"] = format!(r#"{{"desiredCapacity":{number}.5}}"#).into(),
        ..MeasuredFunction::with_store("scalable-dimension-patch", "patch-scalable-dimension.json")
    },
    MeasuredFunction::with_store("scalable-dimension-list", "get-scalable-dimensions.json"),
    MeasuredFunction::with_store("ec2-inventory-get", "get-ec2-instance.json"),
    MeasuredFunction::with_store("ec2-inventory-list", "get-ec2.json"),
    MeasuredFunction {
        vary: |event, number| {
            let id = format!("start-{number}");
            event["path"] = format!("/ec2/{id}").into();
            event["pathParameters"]["aws_instance_id"] = id.into();
        },
        ..MeasuredFunction::with_store("ec2-inventory-add", "post-ec2-instance.json")
    },
    MeasuredFunction {
        asked: "of an unknown instance",
        vary: |event, number| {
            event["pathParameters"]["aws_instance_id"] = format!("none-{number}").into();
        },
        ..MeasuredFunction::with_store("ec2-inventory-remove", "delete-ec2-instance.json")
    },
];

impl MeasuredFunction {
    const fn of(name: &'static str, event: &'static str) -> Self {
        Self {
            name,
            asked: "",
            event,
            vary: |_, _| (),
            has_store: false,
            is_steady: true,
        }
    }

    const fn with_store(name: &'static str, event: &'static str) -> Self {
        Self {
            has_store: true,
            ..Self::of(name, event)
        }
    }

    /// The name in a table.
    pub(crate) fn label(&self) -> String {
        format!("{} {}", self.name, self.asked)
            .trim_end()
            .to_owned()
    }

    /// The event, from which one for each number can be created.
    pub(crate) fn event(&self) -> Result<FunctionEvent, BenchError> {
        let file = workspace().join("events").join(self.event);
        let text =
            fs::read_to_string(&file).map_err(|error| format!("{}: {error}", file.display()))?;
        Ok(FunctionEvent {
            template: serde_json::from_str(&text)?,
            vary: self.vary,
        })
    }
}

/// The event of a function.
pub(crate) struct FunctionEvent {
    template: Value,
    vary: fn(&mut Value, usize),
}

impl FunctionEvent {
    pub(crate) fn number(&self, number: usize) -> Vec<u8> {
        let mut event = self.template.clone();
        (self.vary)(&mut event, number);
        event.to_string().into_bytes()
    }
}

/// The folder of the workspace, where everything measured is built.
pub(crate) fn workspace() -> PathBuf {
    PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../.."))
}

/// The functions' settings, as for `sam local`, except for the address of the stores.
pub(crate) fn settings() -> Result<Vec<(String, String)>, BenchError> {
    let file = fs::read_to_string(workspace().join("events/env.local.json"))?;
    Ok(read_settings(&serde_json::from_str(&file)?))
}

/// The same variable has the same value for every function.
fn read_settings(functions: &Map<String, Value>) -> Vec<(String, String)> {
    let mut all: Vec<(String, String)> = functions
        .values()
        .filter_map(Value::as_object)
        .flatten()
        .filter(|(name, _)| !name.starts_with("AWS_ENDPOINT_URL"))
        .filter_map(|(name, value)| Some((name.clone(), value.as_str()?.to_owned())))
        .collect();
    all.sort();
    all.dedup();
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_function_of_the_workspace_with_a_route_is_measured() {
        let mut all: Vec<String> = fs::read_dir(workspace().join("crates/functions"))
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            // An authorizer has no route.
            .filter(|name| name != "jwt-authorizer")
            .collect();
        all.sort();
        let mut measured: Vec<_> = FUNCTIONS.iter().map(|function| function.name).collect();
        measured.sort_unstable();
        measured.dedup();
        assert_eq!(measured, all);
    }

    #[test]
    fn an_event_of_a_change_is_another_one_each_time() {
        for function in FUNCTIONS.iter().chain([&BARE]) {
            let event = function.event().unwrap();
            let read = |number| serde_json::from_slice::<Value>(&event.number(number)).unwrap();
            assert!(read(1)["resource"].is_string(), "{}", function.name);
            let changes = ["POST", "PATCH", "DELETE"].map(Value::from);
            assert_eq!(
                read(1) != read(2),
                changes.contains(&read(1)["httpMethod"]),
                "{}",
                function.name
            );
        }
    }

    #[test]
    fn settings_are_those_of_all_functions_without_the_address_of_the_stores() {
        let functions = serde_json::json!({
            "A": {"DB_NAME": "db", "AWS_ENDPOINT_URL": "http://other"},
            "B": {"DB_NAME": "db", "DIMENSIONS_TABLE": "table"},
        });
        let settings = read_settings(functions.as_object().unwrap());
        let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        assert_eq!(
            settings,
            [pair("DB_NAME", "db"), pair("DIMENSIONS_TABLE", "table")]
        );
    }
}
