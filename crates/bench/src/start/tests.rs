use super::*;

fn start(ready: f64, answers: &[f64]) -> StartTimes {
    StartTimes {
        ready,
        answers: answers.to_vec(),
    }
}

#[test]
fn warm_is_the_median_of_all_but_the_first_answer() {
    let start = start(2.0, &[9.0, 1.0, 5.0, 3.0]);
    assert_eq!(
        (start.first(), start.second(), start.warm()),
        (9.0, 1.0, 3.0)
    );
}

#[test]
fn only_known_functions_are_planned_and_the_bare_one_comes_first() {
    let folder = tempfile::tempdir().unwrap();
    for name in ["bare-function", "health"] {
        std::fs::write(folder.path().join(name), name).unwrap();
    }
    let plan = |only: &[&str]| StartPlan {
        starts: 1,
        binaries: Some(folder.path().to_owned()),
        only: only.iter().map(|name| (*name).to_owned()).collect(),
    };
    let labels: Vec<String> = plan(&["health"])
        .subjects()
        .unwrap()
        .iter()
        .map(|subject| subject.function.label())
        .collect();
    assert_eq!(labels, ["bare-function", "health", "health ready"]);
    let unknown = plan(&["helth"]).subjects().map(drop).unwrap_err();
    assert_eq!(unknown.to_string(), "there is no function helth");
    assert!(plan(&["books"]).subjects().is_err());
}

#[test]
fn a_function_has_its_settings_and_no_other_address_of_stores() {
    let environment = environment("http://stores").unwrap();
    let values = |name: &str| {
        environment
            .iter()
            .filter(|(variable, _)| variable.starts_with(name))
            .map(|(_, value)| value.as_str())
            .collect::<Vec<_>>()
    };
    assert_eq!(values("AWS_ENDPOINT_URL"), ["http://stores"]);
    assert_eq!(values("DIMENSIONS_TABLE"), ["fleet-dimensions"]);
    assert_eq!(values("DB_NAME"), ["ec2_inventory_db"]);
}

#[test]
fn a_program_that_ends_before_it_asks_for_work_is_a_failure() {
    let failed = StartTimes::measure(std::path::Path::new("/bin/true"), &[], &[], None)
        .map(drop)
        .unwrap_err()
        .to_string();
    assert!(
        failed.starts_with("the function ended before it asked for work"),
        "{failed}"
    );
}
