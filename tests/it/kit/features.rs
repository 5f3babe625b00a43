//! Given, when, then.

use godwit::kit::{Subject, run_feature};
use godwit_tests::made::{Order, doing, rewrite};
use godwit_tests::world::{ENGINE, guest, name};
use serde_json::json;

fn load(packages: &[&str]) -> Subject {
    let files = packages.iter().map(|package| {
        let file = guest(package);
        let bytes = std::fs::read(&file).unwrap();
        (file, bytes)
    });
    Subject::load(&ENGINE, files).unwrap()
}

#[test]
fn todos_become_searchable() {
    let feature =
        include_str!("../../../plugins/examples/rust/todos-2-0-0/features/todo-search.feature");
    let results = run_feature(feature, &load(&["todos-2-0-0"]), &name("todos")).unwrap();
    assert_eq!(results.len(), 5);
    for result in results {
        assert_eq!(result.wrong, [""; 0], "{}", result.name);
    }
}

#[test]
fn a_feature_leads_through_several_versions() {
    let feature = r#"
Feature: Features go on
  Scenario: Two versions, one after the other
    Given the collection "features" with:
      """
      {"_id":"api.X","support":{"firefox":{"version_added":"1"}}}
      """
    When version "2.0.0" is deployed
    Then the collection "features" contains:
      | _id   | support                                |
      | api.X | {"firefox":[{"version_added":"1"}]}    |
    When the migration runs
    Then no item fails
    And the collection "nowhere" is empty
"#;
    let subject = load(&["bcd-2-0-0", "bcd-3-0-0"]);
    let results = run_feature(feature, &subject, &name("bcd")).unwrap();
    assert_eq!(results[0].wrong, [""; 0]);
}

#[test]
fn what_is_not_so_is_told_with_its_line() {
    let order = Order::new("made", "2.0.0").step(rewrite("apply", "items"));
    let file = order.file("text-2-0-0");
    let subject = Subject::load(&ENGINE, [("made.wasm".into(), file)]).unwrap();
    let (_, fails) = doing(
        "a",
        "2.0.0/apply",
        json!([["log", "warn", "a remark"], ["fail", "no"]]),
    );
    let given = format!("Given the collection \"items\" with:\n\"\"\"\n{fails}\n\"\"\"\n");
    let trials = [
        ("When the migration runs", "items/a failed (refused: no)"),
        (
            "When the migration runs\nThen the item \"a\" of \"items\" fails with \"no\"",
            "",
        ),
        (
            "When the migration runs\nThen the item \"a\" of \"items\" fails with \"yes\"",
            "line 8: items/a failed for another reason",
        ),
        (
            "When the migration runs\nThen the item \"b\" of \"items\" fails with \"no\"",
            "line 8: items/b did not fail",
        ),
        (
            "When the migration runs\nThen no item fails",
            "line 8: items/a failed",
        ),
        (
            "When the migration runs\nThen the collection \"items\" is empty",
            "line 8: items/a was not expected",
        ),
        (
            "When the migration runs\nThen the collection \"items\" is empty",
            "items/a failed (refused: no)\nit logged:\n  warn a: a remark",
        ),
        (
            "When the migration runs\nThen the log says \"another\"",
            "line 8: no line of the log says \"another\"; it says [\"a remark\"]",
        ),
        (
            "Then the collection \"items\" is empty",
            "line 7: nothing was migrated yet",
        ),
        (
            "When pigs fly",
            "line 7: nobody knows the step `When pigs fly`",
        ),
        (
            "When version \"two\" is deployed",
            "line 7: `two` is not a version",
        ),
    ];
    for (steps, part) in trials {
        let feature = format!("Feature: f\nScenario: s\n{given}{steps}\n");
        let results = run_feature(&feature, &subject, &name("made")).unwrap();
        let wrong = results[0].wrong.join("\n");
        let is_as_said = if part.is_empty() {
            wrong.is_empty()
        } else {
            wrong.contains(part)
        };
        assert!(is_as_said, "{steps}: {wrong}");
    }
    let error = run_feature("no feature", &subject, &name("made")).unwrap_err();
    assert!(
        error.to_string().starts_with("it is not a Gherkin feature"),
        "{error}"
    );
}
