//! A small language for catalogues, histories and goals, one fact in a line:
//!
//! ```text
//! file notes 2.0.0 [a b@tags d@tags>sums i! | c] requires=>=1 needs=users:>=2 name=x.wasm #mended
//! ```
//! A file, its offline and online steps: `b` feeds on `tags`, `d` writes `sums` (names that
//! begin with `r-` are only read), `i` is an index. A
//! step without `@` feeds on a collection named after the app. `#` gives the file other bytes.
//! ```text
//! replace notes 2.0.0 [a] #mended         the file of this version is another one now
//! remove notes 2.0.0
//! baseline notes 1.0.0
//! applied notes 2.0.0 offline online #mended
//! collection tags of=notes newest=2.0.0 behind=3 oldest=1.0.0
//! run failed 1                            an unfinished run of what could be planned so far
//! retreat 7 x.godwit                      this run is taken back by a backup, or by nothing where none is named
//! goal app=notes to=2.0.0 phase=offline
//! item tags/x version=1.0.0 next=2.0.0:1 to=3.0.0
//! retry notes from=2.0.0 items=tags/x,tags/y
//! policy late-arrival=accept
//! grant notes:tags:read                   `grant nothing` takes the default away
//! ```
//! Expected are the run that is resumed, the stages and the findings:
//! ```text
//! resumes 7
//! notes 2.0.0 offline [a b]
//! notes 2.0.0 online [c@2]                c is the third step of the file
//! behind: notes 1.0.0 offline [a]
//! ! digest-drift notes 2.0.0
//! ! late-arrival notes 1.5.0 accepted     everything else than refused is named
//! ```

use crate::model::{
    Body, DefaultGrant, Dependency, Digest, Grants, Layout, Migration, Mode, Name, Operation,
    Phase, Position, Purpose, Retreat, Run, RunId, RunState, Source, Stage, Step, StepWork,
    Timestamp, Version,
};
use crate::plan::{
    CollectionState, Finding, Goal, ItemGoal, Planned, Policy, Recorded, RetryGoal, Severity,
    missing_grants, plan, plan_item, plan_retry,
};

/// What a case tells.
#[derive(Debug, Clone, Default)]
pub struct World {
    pub catalogue: Vec<Migration>,
    pub recorded: Recorded,
    pub goal: Goal,
    pub item: Option<ItemGoal>,
    pub retry: Option<RetryGoal>,
    pub policy: Policy,
    pub grants: Grants,
}

impl World {
    /// Reads the lines in order.
    pub fn read(text: &str) -> Self {
        let mut world = Self::default();
        for line in text.lines().map(str::trim).filter(|line| !line.is_empty()) {
            let (verb, rest) = line.split_once(' ').expect(line);
            world.add(verb, rest);
        }
        world
    }

    /// What is planned, and what is not granted of it.
    pub fn answer(&self) -> Planned {
        let planned = self.planned();
        let (recorded, policy) = (&self.recorded, &self.policy);
        let missing = missing_grants(&planned.plan, recorded, &self.grants, policy);
        planned.after(missing)
    }

    fn planned(&self) -> Planned {
        let Self {
            catalogue,
            recorded,
            policy,
            ..
        } = self;
        match (&self.item, &self.retry) {
            (Some(goal), _) => plan_item(catalogue, recorded, goal, policy),
            (_, Some(goal)) => plan_retry(catalogue, recorded, goal, policy),
            _ => plan(catalogue, recorded, &self.goal, policy),
        }
    }

    fn add(&mut self, verb: &str, rest: &str) {
        let words: Vec<&str> = rest.split_whitespace().collect();
        match verb {
            "file" => self.catalogue.push(migration(rest)),
            "replace" => {
                self.remove(&words);
                self.catalogue.push(migration(rest));
            }
            "remove" => self.remove(&words),
            "baseline" => {
                let app = self.recorded.apps.entry(name(words[0])).or_default();
                app.baseline = Some(version(words[1]));
            }
            "applied" => self.add_applied(&words),
            "collection" => self.add_collection(&words),
            "run" => self.recorded.unfinished = Some(self.run(&words)),
            "retreat" => {
                let run = RunId(words[0].parse().expect(words[0]));
                let instead = words.get(1).map(|word| match *word {
                    "reset" => Retreat::Reset,
                    file => Retreat::Restore(file.to_owned()),
                });
                self.recorded.without_undo.insert(run, instead);
            }
            "goal" => {
                self.goal.app = value(&words, "app").map(name);
                self.goal.to = value(&words, "to").map(version);
                self.goal.phase = value(&words, "phase").map(phase);
            }
            "item" => self.item = Some(item(&words)),
            "retry" => self.retry = Some(retry(&words)),
            "grant" if rest == "nothing" => self.grants.default = DefaultGrant::Nothing,
            "grant" => self.grants.add(rest.parse().expect(rest)),
            "policy" => self.policy = rest.parse().expect(rest),
            verb => panic!("`{verb}` is no verb of this language"),
        }
    }

    fn remove(&mut self, words: &[&str]) {
        let (app, version) = (name(words[0]), version(words[1]));
        self.catalogue
            .retain(|file| (&file.app, &file.version) != (&app, &version));
    }

    fn add_applied(&mut self, words: &[&str]) {
        let app = self.recorded.apps.entry(name(words[0])).or_default();
        let applied = app.applied.entry(version(words[1])).or_default();
        applied.file = format!("{}-{}.wasm", words[0], words[1]);
        applied.digests.push(digest(words));
        let phases = words[2..].iter().filter(|word| !word.starts_with('#'));
        applied
            .phases
            .extend(phases.map(|word| (phase(word), RunId(3))));
    }

    fn add_collection(&mut self, words: &[&str]) {
        let state = CollectionState {
            app: name(value(words, "of").expect("an owner")),
            newest: value(words, "newest").map(version),
            oldest_behind: value(words, "oldest").map(version),
            behind: value(words, "behind").map_or(0, |number| number.parse().expect(number)),
        };
        self.recorded.collections.insert(name(words[0]), state);
    }

    fn run(&self, words: &[&str]) -> Run {
        let planned = self.answer();
        assert!(!planned.plan.is_empty(), "{:?}", planned.findings);
        Run {
            id: RunId(7),
            purpose: Purpose::Up,
            state: serde_json::from_value::<RunState>(words[0].into()).expect(words[0]),
            reason: None,
            started_at: Timestamp(0),
            changed_at: Timestamp(0),
            seed: 0,
            plan: planned.plan,
            stages_done: words[1].parse().expect(words[1]),
            stages_begun: 0,
            has_pre_images: true,
            keeps_pre_images: true,
            backup: None,
        }
    }
}

pub fn name(text: &str) -> Name {
    text.parse().expect(text)
}

pub fn version(text: &str) -> Version {
    text.parse().expect(text)
}

fn phase(text: &str) -> Phase {
    serde_json::from_value(text.into()).expect(text)
}

fn value<'w>(words: &[&'w str], key: &str) -> Option<&'w str> {
    words
        .iter()
        .find_map(|word| word.strip_prefix(key)?.strip_prefix('='))
}

/// The digest of a version's file, or of another with a tag.
fn digest(words: &[&str]) -> Digest {
    let tag = words
        .iter()
        .find(|word| word.starts_with('#'))
        .unwrap_or(&"");
    Digest::of(format!("{} {} {tag}", words[0], words[1]).as_bytes())
}

fn migration(text: &str) -> Migration {
    let (words, steps) = match text.split_once('[') {
        Some((before, after)) => {
            let (steps, after) = after.split_once(']').expect(text);
            (format!("{before}{after}"), steps)
        }
        None => (text.to_owned(), ""),
    };
    let words: Vec<&str> = words.split_whitespace().collect();
    let file = format!("{}-{}.wasm", words[0], words[1]);
    Migration {
        app: name(words[0]),
        version: version(words[1]),
        requires: value(&words, "requires").map(|text| text.parse().expect(text)),
        depends_on: value(&words, "needs").map_or(Vec::new(), dependencies),
        summary: String::new(),
        steps: steps_of(steps, words[0]),
        digest: digest(&words),
        file: value(&words, "name").unwrap_or(&file).into(),
        body: Body::Component {
            contract: Version::new(1, 0, 0),
            layout: Layout::Columns,
        },
    }
}

fn dependencies(text: &str) -> Vec<Dependency> {
    let one = |text: &str| {
        let (app, versions) = text.split_once(':').expect(text);
        Dependency {
            app: name(app),
            versions: versions.parse().expect(versions),
        }
    };
    text.split(';').map(one).collect()
}

fn steps_of(text: &str, app: &str) -> Vec<Step> {
    let (offline, online) = text.split_once('|').unwrap_or((text, ""));
    let offline = offline
        .split_whitespace()
        .map(|word| step(word, Phase::Offline, app));
    let online = online
        .split_whitespace()
        .map(|word| step(word, Phase::Online, app));
    offline.chain(online).collect()
}

fn step(text: &str, phase: Phase, app: &str) -> Step {
    let (text, writes) = text.split_once('>').unwrap_or((text, ""));
    let (step_name, collection) = text.split_once('@').unwrap_or((text, app));
    let collection = name(collection.trim_end_matches('!'));
    let work = if text.ends_with('!') {
        StepWork::Schema(Operation::EnsureIndex {
            collection,
            pointer: "/a".to_owned(),
        })
    } else {
        let writes: Vec<Name> = writes
            .split(',')
            .filter(|name| !name.is_empty())
            .map(name)
            .collect();
        let (reads, writes) = writes
            .into_iter()
            .partition(|name: &Name| name.as_str().starts_with("r-"));
        StepWork::Transform {
            mode: Mode::Rewrite,
            collection,
            reads,
            writes,
        }
    };
    Step {
        name: name(step_name.trim_end_matches('!')),
        phase,
        work,
    }
}

fn item(words: &[&str]) -> ItemGoal {
    let (collection, id) = words[0].split_once('/').expect(words[0]);
    let position = |text: &str| {
        let (at, step) = text.split_once(':').expect(text);
        Position {
            version: version(at),
            step: step.parse().expect(step),
        }
    };
    ItemGoal {
        collection: name(collection),
        id: id.to_owned(),
        version: version(value(words, "version").expect("a version")),
        next: value(words, "next").map(position),
        to: value(words, "to").map(version),
    }
}

fn retry(words: &[&str]) -> RetryGoal {
    let pair = |text: &str| {
        let (collection, id) = text.split_once('/').expect(text);
        (name(collection), id.to_owned())
    };
    RetryGoal {
        app: name(words[0]),
        from: version(value(words, "from").expect("a version")),
        selection: value(words, "items").map(|items| items.split(',').map(pair).collect()),
    }
}

/// An answer in lines.
pub fn lines(planned: &Planned) -> Vec<String> {
    let resumes = planned.resumes.map(|run| format!("resumes {run}"));
    let stages = planned.plan.stages.iter().map(stage_line);
    let findings = planned.findings.iter().map(finding_line);
    resumes.into_iter().chain(stages).chain(findings).collect()
}

/// A stage in a line; the place of its first step is told unless it is the first of the file.
pub fn stage_line(stage: &Stage) -> String {
    let source = match &stage.source {
        Source::Collection => String::new(),
        Source::Behind => "behind: ".to_owned(),
        Source::Quarantine(_) => "quarantine: ".to_owned(),
        Source::Item(collection, id) => format!("{collection}/{id}: "),
    };
    let mut names: Vec<String> = stage
        .steps
        .iter()
        .map(|step| step.name.to_string())
        .collect();
    if let Some(first) = names.first_mut()
        && stage.first_step > 0
    {
        *first = format!("{first}@{}", stage.first_step);
    }
    let Stage {
        app,
        version,
        phase,
        ..
    } = stage;
    format!("{source}{app} {version} {phase} [{}]", names.join(" "))
}

fn finding_line(finding: &Finding) -> String {
    let subject = &finding.subject;
    let app = subject
        .app
        .as_ref()
        .map(|app| format!(" {app}"))
        .unwrap_or_default();
    let version = subject
        .version
        .as_ref()
        .map(|version| format!(" {version}"));
    let severity = match finding.severity {
        Severity::Refused => "",
        Severity::Warned => " warned",
        Severity::Accepted => " accepted",
        Severity::Info => " info",
    };
    format!(
        "! {}{app}{}{severity}",
        finding.kind(),
        version.unwrap_or_default()
    )
}
