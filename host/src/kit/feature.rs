//! Given, when, then: migrations specified as features (Gherkin, as Cucumber defines it).
//!
//! | step | what it does |
//! | --- | --- |
//! | Given the app is at version "1.0.0" | says where the scenario starts; without it, where the first migration can |
//! | Given the collection "todos" with: | a table or lines of JSON: the items that are there |
//! | Given the collection "todos" is empty | |
//! | When version "2.0.0" is deployed | brings the app to that version |
//! | When the migration runs | brings the app as far as its migrations go |
//! | Then the collection "todos" contains: | a table or lines of JSON: these items and no others |
//! | Then the collection "todos" is empty | |
//! | Then the collection "todos" is unchanged | |
//! | Then the item "a" of "todos" fails with "a reason" | it keeps its body; the reason has that text |
//! | Then no item fails | which goes without saying: an item that no step speaks of must not fail |
//! | Then the log says "something" | a line has that text |
//!
//! The head of a table names members, `/status/done` a member inside of another one (RFC 6901). A cell
//! is JSON if it can be, else a text; an empty one leaves the member out.

use std::collections::BTreeSet;

use gherkin::{GherkinEnv, Scenario, Step, StepType, Table};
use serde_json::{Map, Value};

use super::subject::{Feeding, Subject, Trial};
use super::{Deviation, World};
use crate::host::with_causes;
use crate::model::{Name, Version};

/// What came of a scenario.
///
/// ```
/// # use godwit::kit::Subject;
/// # use godwit::sandbox::{Engine, Limits};
/// # let schema = br#"{"app": "notes", "version": "2.0.0",
/// #     "operations": [{"ensure_index": {"collection": "notes", "pointer": "/title"}}]}"#;
/// # let files = [("notes.json".into(), schema.to_vec())];
/// # let subject = Subject::load(&Engine::new(Limits::default()), files)?;
/// use godwit::kit::run_feature;
///
/// let feature = r#"Feature: Notes
///   Scenario: They fly
///     When pigs fly
/// "#;
/// let results = run_feature(feature, &subject, &"notes".parse()?)?;
/// assert_eq!(results[0].name, "They fly");
/// assert!(results[0].wrong[0].starts_with("line 3: nobody knows the step `When pigs fly`"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ScenarioResult {
    /// Its name.
    pub name: String,
    /// The line that it starts at.
    pub line: usize,
    /// What is wrong, in words, with the lines of the steps; nothing if all is as it says.
    pub wrong: Vec<String>,
}

/// Occurs when a text is no feature.
///
/// ```
/// # use godwit::kit::Subject;
/// # use godwit::sandbox::{Engine, Limits};
/// # let schema = br#"{"app": "notes", "version": "2.0.0",
/// #     "operations": [{"ensure_index": {"collection": "notes", "pointer": "/title"}}]}"#;
/// # let files = [("notes.json".into(), schema.to_vec())];
/// # let subject = Subject::load(&Engine::new(Limits::default()), files)?;
/// use godwit::kit::run_feature;
///
/// let error = run_feature("no feature", &subject, &"notes".parse()?).unwrap_err();
/// assert!(error.to_string().starts_with("it is not a Gherkin feature: "));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, thiserror::Error)]
#[error("it is not a Gherkin feature: {0}")]
pub struct FeatureError(String);

/// Carries out the scenarios of a feature with the migrations of an app.
///
/// ```
/// # use godwit::kit::Subject;
/// # use godwit::sandbox::{Engine, Limits};
/// # let schema = br#"{"app": "notes", "version": "2.0.0",
/// #     "operations": [{"ensure_index": {"collection": "notes", "pointer": "/title"}}]}"#;
/// # let files = [("notes.json".into(), schema.to_vec())];
/// # let subject = Subject::load(&Engine::new(Limits::default()), files)?;
/// use godwit::kit::run_feature;
///
/// let feature = r#"Feature: Notes
///   Scenario: An index changes nothing
///     Given the collection "notes" with:
///       | _id   | title |
///       | first | hello |
///     When version "2.0.0" is deployed
///     Then the collection "notes" is unchanged
/// "#;
/// let results = run_feature(feature, &subject, &"notes".parse()?)?;
/// assert!(results.iter().all(|result| result.wrong.is_empty()));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
/// [`FeatureError`] when the text is no feature.
pub fn run_feature(
    text: &str,
    subject: &Subject,
    app: &Name,
) -> Result<Vec<ScenarioResult>, FeatureError> {
    let feature = gherkin::Feature::parse(text, GherkinEnv::default());
    let feature = feature.map_err(|error| FeatureError(error.to_string()))?;
    let common = feature
        .background
        .map_or_else(Vec::new, |background| background.steps);
    let mut results = Vec::new();
    let mut carry_out = |before: &[Step], scenario: &Scenario| {
        for (name, steps) in outlined(scenario) {
            let mut stage = Stage::new(subject, app);
            let steps = before.iter().cloned().chain(steps);
            let wrong = steps.into_iter().find_map(|step| stage.step(&step).err());
            let mut wrong: Vec<String> = wrong.into_iter().collect();
            // What failed is often why something is not as a step says.
            for failed in stage.unspoken() {
                if !wrong.iter().any(|told| told.contains(&failed)) {
                    wrong.push(failed);
                }
            }
            if !wrong.is_empty() {
                wrong.extend(stage.trial.as_ref().and_then(Trial::log_told));
            }
            results.push(ScenarioResult {
                name,
                line: scenario.position.line,
                wrong,
            });
        }
    };
    for scenario in &feature.scenarios {
        carry_out(&common, scenario);
    }
    for rule in &feature.rules {
        let own = rule
            .background
            .iter()
            .flat_map(|background| &background.steps);
        let before: Vec<_> = common.iter().chain(own).cloned().collect();
        for scenario in &rule.scenarios {
            carry_out(&before, scenario);
        }
    }
    Ok(results)
}

/// A scenario, or one for each of an outline's examples.
fn outlined(scenario: &Scenario) -> Vec<(String, Vec<Step>)> {
    let tables = scenario
        .examples
        .iter()
        .filter_map(|examples| examples.table.as_ref());
    let mut all = Vec::new();
    for Table { rows, .. } in tables {
        let Some((head, rows)) = rows.split_first() else {
            continue;
        };
        for row in rows {
            let fill = |text: &str| {
                let pairs = head.iter().zip(row);
                pairs.fold(text.to_owned(), |text, (name, value)| {
                    text.replace(&format!("<{name}>"), value)
                })
            };
            let steps = scenario.steps.iter().map(|step| {
                let mut step = step.clone();
                step.value = fill(&step.value);
                step.docstring = step.docstring.as_deref().map(fill);
                if let Some(table) = &mut step.table {
                    for cell in table.rows.iter_mut().flatten() {
                        *cell = fill(cell);
                    }
                }
                step
            });
            all.push((
                format!("{} ({})", scenario.name, row.join(", ")),
                steps.collect(),
            ));
        }
    }
    if scenario.examples.is_empty() {
        all.push((scenario.name.clone(), scenario.steps.clone()));
    }
    all
}

/// Where a scenario is carried out.
struct Stage<'a> {
    subject: &'a Subject,
    app: &'a Name,
    version: Option<Version>,
    /// What was there at first.
    given: World,
    /// What is there now.
    world: World,
    trial: Option<Trial>,
    /// The failed items that a step spoke of.
    spoken: BTreeSet<(Name, String)>,
}

impl<'a> Stage<'a> {
    fn new(subject: &'a Subject, app: &'a Name) -> Self {
        Self {
            subject,
            app,
            version: None,
            given: World::new(),
            world: World::new(),
            trial: None,
            spoken: BTreeSet::new(),
        }
    }

    fn step(&mut self, step: &Step) -> Result<(), String> {
        let (shape, arguments) = shape(&step.value);
        let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
        let done = match (step.ty, shape.as_str(), &arguments[..]) {
            (StepType::Given, "the app is at version {}", [version]) => self.start_at(version),
            (StepType::Given, "the collection {} with:", [name]) => self.give(name, step),
            (StepType::Given, "the collection {} is empty", [name]) => self.give_nothing(name),
            (StepType::When, "version {} is deployed", [version]) => self.deploy(Some(version)),
            (StepType::When, "the migration runs", []) => self.deploy(None),
            (StepType::Then, "the collection {} contains:", [name]) => self.contains(name, step),
            (StepType::Then, "the collection {} is empty", [name]) => self.is_empty(name),
            (StepType::Then, "the collection {} is unchanged", [name]) => self.is_unchanged(name),
            (StepType::Then, "the item {} of {} fails with {}", [id, name, reason]) => {
                self.fails(id, name, reason)
            }
            (StepType::Then, "no item fails", []) => match self.unspoken() {
                unspoken if unspoken.is_empty() => Ok(()),
                unspoken => Err(unspoken.join("\n")),
            },
            (StepType::Then, "the log says {}", [text]) => self.log_says(text),
            _ => Err(format!(
                "nobody knows the step `{} {}`; plugins/README.md lists those that there are",
                step.keyword.trim(),
                step.value
            )),
        };
        done.map_err(|wrong| format!("line {}: {wrong}", step.position.line))
    }

    fn start_at(&mut self, version: &str) -> Result<(), String> {
        self.version = Some(parse_version(version)?);
        Ok(())
    }

    fn give(&mut self, name: &str, step: &Step) -> Result<(), String> {
        let name = parse_name(name)?;
        read(step, &name, &mut self.given)?;
        self.world = self.given.clone();
        Ok(())
    }

    fn give_nothing(&mut self, name: &str) -> Result<(), String> {
        self.given.collection(&parse_name(name)?);
        self.world = self.given.clone();
        Ok(())
    }

    fn deploy(&mut self, to: Option<&&str>) -> Result<(), String> {
        let to = to.map(|version| parse_version(version)).transpose()?;
        let from = match self.version.take() {
            Some(version) => version,
            None => {
                let own = self.subject.migrations().iter();
                let first = own.into_iter().find(|migration| migration.app == *self.app);
                let first =
                    first.ok_or_else(|| format!("there is no migration of {}", self.app))?;
                Subject::start_of(first).map_err(|error| error.to_string())?
            }
        };
        let trial = self
            .subject
            .run(
                self.app,
                &from,
                to.as_ref(),
                &self.world,
                Feeding::default(),
            )
            .map_err(|error| with_causes(&error))?;
        let newest = self.subject.migrations().iter();
        let newest = newest.filter(|migration| migration.app == *self.app);
        self.version = to.or_else(|| newest.map(|migration| migration.version.clone()).max());
        self.world = trial.left.clone();
        let earlier = self.trial.take().unwrap_or_default();
        self.trial = Some(Trial {
            failed: [earlier.failed, trial.failed].concat(),
            log: [earlier.log, trial.log].concat(),
            ..trial
        });
        Ok(())
    }

    fn trial(&self) -> Result<&Trial, String> {
        let hint = "nothing was migrated yet: a `When` comes before";
        self.trial.as_ref().ok_or_else(|| hint.to_owned())
    }

    fn contains(&self, name: &str, step: &Step) -> Result<(), String> {
        self.trial()?;
        let name = parse_name(name)?;
        let mut expected = World::new();
        read(step, &name, &mut expected)?;
        self.is_as(&name, &expected)
    }

    fn is_empty(&self, name: &str) -> Result<(), String> {
        self.trial()?;
        self.is_as(&parse_name(name)?, &World::new())
    }

    fn is_unchanged(&self, name: &str) -> Result<(), String> {
        self.trial()?;
        self.is_as(&parse_name(name)?, &self.given)
    }

    fn is_as(&self, name: &Name, expected: &World) -> Result<(), String> {
        let deviations = only(&self.world, name).deviations(&only(expected, name));
        if deviations.is_empty() {
            return Ok(());
        }
        let lines: Vec<_> = deviations.iter().map(Deviation::to_string).collect();
        Err(lines.join("\n"))
    }

    fn fails(&mut self, id: &str, name: &str, reason: &str) -> Result<(), String> {
        let name = parse_name(name)?;
        let failed = self.trial()?.failed.iter();
        let failed = failed
            .into_iter()
            .find(|failed| (&failed.collection, failed.id.as_str()) == (&name, id));
        let said = match failed {
            None => return Err(format!("{name}/{id} did not fail")),
            Some(failed) if failed.reason.contains(reason) => None,
            Some(failed) => Some(format!("{}: {}", failed.kind, failed.reason)),
        };
        if let Some(said) = said {
            return Err(format!("{name}/{id} failed for another reason ({said})"));
        }
        self.spoken.insert((name, id.to_owned()));
        Ok(())
    }

    fn log_says(&self, text: &str) -> Result<(), String> {
        let log = &self.trial()?.log;
        if log.iter().any(|line| line.message.contains(text)) {
            return Ok(());
        }
        let lines: Vec<_> = log.iter().map(|line| line.message.as_str()).collect();
        Err(format!(
            "no line of the log says {text:?}; it says {lines:?}"
        ))
    }

    /// The failures that no step spoke of.
    fn unspoken(&self) -> Vec<String> {
        let failed = self.trial.iter().flat_map(|trial| &trial.failed);
        let unspoken = failed.filter(|failed| {
            !self
                .spoken
                .contains(&(failed.collection.clone(), failed.id.clone()))
        });
        unspoken
            .map(|failed| {
                let (collection, id) = (&failed.collection, &failed.id);
                format!(
                    "{collection}/{id} failed ({}: {})",
                    failed.kind, failed.reason
                )
            })
            .collect()
    }
}

/// One collection of a world.
fn only(world: &World, name: &Name) -> World {
    let mut one = World::new();
    let items = world
        .collections()
        .find(|(collection, _)| *collection == name);
    if let Some((_, items)) = items {
        *one.collection(name) = items.clone();
    }
    one
}

/// A step's text with `{}` for what stands in quotes, and what stands there.
fn shape(text: &str) -> (String, Vec<String>) {
    let mut parts = text.trim().split('"');
    let (mut shape, mut arguments) = (parts.next().unwrap_or_default().to_owned(), Vec::new());
    while let Some(argument) = parts.next() {
        arguments.push(argument.to_owned());
        shape.push_str("{}");
        shape.push_str(parts.next().unwrap_or_default());
    }
    (shape, arguments)
}

fn parse_version(text: &str) -> Result<Version, String> {
    text.parse()
        .map_err(|error| format!("`{text}` is not a version: {error}"))
}

fn parse_name(text: &str) -> Result<Name, String> {
    text.parse().map_err(|error| format!("`{text}`: {error}"))
}

/// The items of a step's table or lines.
fn read(step: &Step, name: &Name, world: &mut World) -> Result<(), String> {
    let lines = match (&step.table, &step.docstring) {
        (Some(table), None) => table_lines(table)?,
        (None, Some(lines)) => lines.clone(),
        _ => return Err("the step needs a table, or lines of JSON between \"\"\"".to_owned()),
    };
    world
        .read_ndjson(name, &lines)
        .map_err(|error| error.to_string())
}

fn table_lines(table: &Table) -> Result<String, String> {
    let Some((head, rows)) = table.rows.split_first() else {
        return Err("the table has no head".to_owned());
    };
    let mut lines = String::new();
    for row in rows {
        let mut item = Value::Object(Map::new());
        for (name, cell) in head.iter().zip(row).filter(|(_, cell)| !cell.is_empty()) {
            let value = serde_json::from_str(cell).unwrap_or_else(|_| Value::from(cell.as_str()));
            put(&mut item, name, value)?;
        }
        lines.push_str(&item.to_string());
        lines.push('\n');
    }
    Ok(lines)
}

/// Puts a value at a member, or at a pointer.
fn put(item: &mut Value, name: &str, value: Value) -> Result<(), String> {
    let Some(pointer) = name.strip_prefix('/') else {
        item[name] = value;
        return Ok(());
    };
    let mut target = item;
    for part in pointer.split('/') {
        let part = part.replace("~1", "/").replace("~0", "~");
        let members = match target {
            Value::Null => {
                *target = Value::Object(Map::new());
                target.as_object_mut()
            }
            other => other.as_object_mut(),
        };
        let members = members.ok_or_else(|| format!("`{name}` leads through what is no object"))?;
        target = members.entry(part).or_insert(Value::Null);
    }
    *target = value;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_has_members_at_pointers_json_and_text() {
        let text = "Feature: f\n  Scenario: s\n    Given the collection \"c\" with:\n      \
                    | _id | /a/b | n   | t        | e |\n      \
                    | x   | [1]  | 1.0 | not json |   |\n";
        let feature = gherkin::Feature::parse(text, GherkinEnv::default()).unwrap();
        let table = feature.scenarios[0].steps[0].table.as_ref().unwrap();
        let lines = table_lines(table).unwrap();
        assert_eq!(
            lines,
            "{\"_id\":\"x\",\"a\":{\"b\":[1]},\"n\":1.0,\"t\":\"not json\"}\n"
        );
    }

    #[test]
    fn arguments_stand_in_quotes() {
        let (shape, arguments) = shape("the item \"a b\" of \"c\" fails with \"\"");
        assert_eq!(shape, "the item {} of {} fails with {}");
        assert_eq!(arguments, ["a b", "c", ""]);
    }
}
