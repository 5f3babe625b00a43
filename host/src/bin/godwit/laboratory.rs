//! What `test` and `check` share: suites of cases, and how they are told.

use std::fmt::Write as _;
use std::path::Path;
use std::time::{Duration, Instant};

use godwit::kit::{Bench, Failed, Feeding, Findings, TrialError, World};
use godwit::model::{Counts, Migration};
use serde_json::{Value, json};

use crate::commands::pack::write;
use crate::exit::{Code, Failure};
use crate::output;
use crate::project::Strictness;

/// How a case ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    Passed,
    Failed,
    Warned,
    Skipped,
}

impl Verdict {
    fn word(self) -> &'static str {
        match self {
            Self::Passed => "ok",
            Self::Failed => "FAILED",
            Self::Warned => "warn",
            Self::Skipped => "skip",
        }
    }
}

/// Something that was tried.
#[derive(Debug)]
pub struct Case {
    pub name: String,
    pub verdict: Verdict,
    /// What was found, or why it was skipped.
    pub findings: Findings,
}

impl Case {
    /// A case that fails if there is any finding.
    pub fn strict(name: impl Into<String>, findings: Findings) -> Self {
        Self::judged(name, findings, Strictness::Error)
    }

    /// A case that is as severe as it is said.
    pub fn judged(name: impl Into<String>, findings: Findings, strictness: Strictness) -> Self {
        let verdict = match strictness {
            _ if findings.is_empty() => Verdict::Passed,
            Strictness::Error => Verdict::Failed,
            Strictness::Warn => Verdict::Warned,
            Strictness::Off => Verdict::Skipped,
        };
        Self {
            name: name.into(),
            verdict,
            findings,
        }
    }

    /// A case that was not tried.
    pub fn skipped(name: impl Into<String>, why: &str) -> Self {
        Self {
            name: name.into(),
            verdict: Verdict::Skipped,
            findings: vec![why.to_owned()],
        }
    }

    fn print(&self) {
        output::line(format!("  {:<6}  {}", self.verdict.word(), self.name));
        for line in self.findings.iter().flat_map(|finding| finding.lines()) {
            output::line(format!("          {line}"));
        }
    }
}

/// What was tried, by kind.
#[derive(Debug)]
pub struct Results {
    suites: Vec<(&'static str, Vec<Case>)>,
    pub counts: Counts,
    pub usage: Option<Usage>,
    /// Whether people are told of each case as soon as it is tried.
    is_told: bool,
}

/// What a migration used of what it may.
#[derive(Debug)]
pub struct Usage {
    /// Items that were fed to find out.
    pub items: usize,
    /// How long they took.
    pub time: Duration,
    /// The most memory that an instance had.
    pub memory_bytes: usize,
    /// The most that it may have.
    pub memory_limit: usize,
    /// The longest that a batch may take.
    pub batch_limit: Duration,
    /// How many items a batch has at most.
    pub batch_items: usize,
}

/// What is asked of the checks.
pub struct Wish {
    pub idempotent: Strictness,
    pub mutations: usize,
    pub seed: u64,
    /// Items that are left out ran out of time before.
    pub has_run_out_of_time: bool,
}

/// The checks that every migration should pass, on some items; gives what became of those.
pub fn checks(
    bench: &Bench<'_>,
    world: &World,
    wish: &Wish,
    results: &mut Results,
) -> Result<Counts, TrialError> {
    const ORDER: &str = "an item's outcome does not depend on the items around it";
    const IDEMPOTENT: &str = "a second pass changes nothing";
    results.suite("checks");
    if world.is_empty() {
        let why = "there are no items to try it on";
        results.add(Case::skipped("checks", why));
        return Ok(Counts::default());
    }
    let (trial, faults, world) = bench.faults(world)?;
    let is_slow = trial.failed.iter().any(Failed::is_out_of_time);
    results.add(Case::strict("no item makes it fault", faults));
    results.add(Case::strict(
        "two runs, two threads and batches of several sizes leave the same bytes",
        bench.deterministic(&world)?,
    ));
    results.add(match bench.independent_of_order(&world)? {
        Some(findings) => Case::strict(ORDER, findings),
        None => Case::skipped(
            ORDER,
            "it asks for documents: their order is part of what it does",
        ),
    });
    results.add(match wish.idempotent {
        Strictness::Off => Case::skipped(IDEMPOTENT, "`idempotent` is off in migration.toml"),
        strictness => Case::judged(IDEMPOTENT, bench.idempotent(&world)?, strictness),
    });
    let Wish {
        mutations, seed, ..
    } = wish;
    let name = format!("{mutations} items bent out of shape make it fault nowhere (seed {seed})");
    results.add(if is_slow || wish.has_run_out_of_time {
        Case::skipped(name, "items ran out of time already: mend that first")
    } else {
        Case::strict(name, bench.survives_mutations(&world, *mutations, *seed)?)
    });
    results.usage = usage(bench, &world)?;
    Ok(trial.counts)
}

/// Measures what a migration uses, on items repeated until there are enough, or until it takes long.
fn usage(bench: &Bench<'_>, world: &World) -> Result<Option<Usage>, TrialError> {
    const ITEMS: usize = 2_000;
    const LONG: Duration = Duration::from_secs(2);
    if world.is_empty() {
        return Ok(None);
    }
    let started = Instant::now();
    bench.run(world, Feeding::default())?;
    let once = started.elapsed().as_secs_f64().max(1e-6);
    let rounds = ITEMS
        .div_ceil(world.len())
        .min((LONG.as_secs_f64() / once) as usize);
    let mut many = world.clone();
    for round in 1..rounds {
        for (collection, id, body) in world.items() {
            // An id that is too long already is repeated often enough without it.
            let _ = many.insert(collection, &format!("{id} {round}"), body.to_vec());
        }
    }
    let started = Instant::now();
    bench.run(&many, Feeding::default())?;
    let engine = bench.subject.engine();
    Ok(Some(Usage {
        items: many.len(),
        time: started.elapsed(),
        memory_bytes: engine.peak_memory(),
        memory_limit: engine.limits().memory_bytes,
        batch_limit: engine.limits().batch,
        batch_items: Feeding::default().batch_items,
    }))
}

impl Usage {
    fn micros_an_item(&self) -> f64 {
        self.time.as_secs_f64() * 1e6 / self.items as f64
    }

    /// The share of the time of a batch that a full one would take.
    fn batch_share(&self) -> f64 {
        self.micros_an_item() * self.batch_items as f64 / 1e6 / self.batch_limit.as_secs_f64()
    }

    fn as_json(&self) -> Value {
        json!({
            "items": self.items,
            "micros_per_item": self.micros_an_item(),
            "memory_bytes": self.memory_bytes,
            "memory_limit_bytes": self.memory_limit,
            "batch_time_share": self.batch_share(),
        })
    }
}

impl Results {
    /// Nothing tried yet; people are told of each case at once, programs of all at the end.
    pub fn new(is_told: bool) -> Self {
        Self {
            suites: Vec::new(),
            counts: Counts::default(),
            usage: None,
            is_told,
        }
    }

    /// Begins a kind of cases.
    pub fn suite(&mut self, name: &'static str) {
        if self.is_told {
            output::line(name);
        }
        self.suites.push((name, Vec::new()));
    }

    /// Adds a case of the kind that was begun last.
    pub fn add(&mut self, case: Case) {
        if self.is_told {
            case.print();
        }
        let (_, cases) = self.suites.last_mut().expect("a suite was begun");
        cases.push(case);
    }

    fn count(&self, verdict: Verdict) -> usize {
        let cases = self.suites.iter().flat_map(|(_, cases)| cases);
        cases.filter(|case| case.verdict == verdict).count()
    }

    /// What the command ends with.
    pub fn code(&self) -> Code {
        if self.count(Verdict::Failed) > 0 {
            Code::Migration
        } else {
            Code::Done
        }
    }

    /// Prints, for people, what all of it comes to.
    pub fn print(&self, migration: &Migration) {
        let Counts {
            updated,
            unchanged,
            removed,
            failed,
            ..
        } = self.counts;
        output::line(format!(
            "outcomes  {updated} updated, {unchanged} unchanged, {removed} removed, {failed} failed"
        ));
        if let Some(usage) = &self.usage {
            output::line(format!(
                "usage     {:.1} us an item, {} of memory at most ({:.0} % of what it may have); a batch of {} \
                 items would take {:.1} % of its time",
                usage.micros_an_item(),
                output::bytes(usage.memory_bytes as u64),
                usage.memory_bytes as f64 * 100.0 / usage.memory_limit as f64,
                usage.batch_items,
                usage.batch_share() * 100.0,
            ));
        }
        output::line(format!(
            "{} {}: {} passed, {} failed, {}, {} skipped",
            migration.app,
            migration.version,
            self.count(Verdict::Passed),
            self.count(Verdict::Failed),
            output::counted(self.count(Verdict::Warned) as u64, "warning"),
            self.count(Verdict::Skipped),
        ));
    }

    /// All of it for programs.
    pub fn as_json(&self, migration: &Migration) -> Value {
        let suites = self.suites.iter().map(|(name, cases)| {
            let cases = cases.iter().map(|case| {
                json!({
                    "name": case.name,
                    "verdict": case.verdict.word().to_lowercase(),
                    "findings": case.findings,
                })
            });
            json!({ "name": name, "cases": cases.collect::<Vec<_>>() })
        });
        json!({
            "app": migration.app,
            "version": migration.version,
            "passed": self.count(Verdict::Failed) == 0,
            "suites": suites.collect::<Vec<_>>(),
            "outcomes": self.counts,
            "usage": self.usage.as_ref().map(Usage::as_json),
        })
    }

    /// Writes JUnit's XML, which build servers read.
    pub fn write_junit(&self, file: &Path) -> Result<(), Failure> {
        let total: usize = self.suites.iter().map(|(_, cases)| cases.len()).sum();
        let mut xml = format!(
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites tests=\"{total}\" failures=\"{}\">\n",
            self.count(Verdict::Failed)
        );
        for (name, cases) in &self.suites {
            let count = |verdict| cases.iter().filter(|case| case.verdict == verdict).count();
            let _ = writeln!(
                xml,
                "  <testsuite name=\"{}\" tests=\"{}\" failures=\"{}\" skipped=\"{}\">",
                escaped(name),
                cases.len(),
                count(Verdict::Failed),
                count(Verdict::Skipped)
            );
            for case in cases {
                let findings = escaped(&case.findings.join("\n"));
                let inner = match case.verdict {
                    Verdict::Passed => String::new(),
                    Verdict::Failed => format!("<failure>{findings}</failure>"),
                    Verdict::Warned => format!("<system-out>{findings}</system-out>"),
                    Verdict::Skipped => format!("<skipped message=\"{findings}\"/>"),
                };
                let _ = writeln!(
                    xml,
                    "    <testcase classname=\"{}\" name=\"{}\">{inner}</testcase>",
                    escaped(name),
                    escaped(&case.name)
                );
            }
            xml.push_str("  </testsuite>\n");
        }
        xml.push_str("</testsuites>\n");
        write(file, xml.as_bytes())
    }
}

/// A text inside of XML; characters that XML 1.0 has no spelling for are left out.
fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\n' => escaped.push_str("&#10;"),
            c if c.is_control() && c != '\t' => {}
            '\u{fffe}' | '\u{ffff}' => {}
            c => escaped.push(c),
        }
    }
    escaped
}
