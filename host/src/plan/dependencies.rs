//! What migrations demand of other apps, and the order that follows from it.

use std::collections::{BTreeMap, BTreeSet};

use crate::model::{Dependency, Migration, Name, Phase, Version};

use super::due::Due;
use super::finding::Subject;
use super::findings::Findings;
use super::graph::Graph;
use super::lines::{Line, Lines};
use super::requirement::satisfies;
use super::{Matter, Recorded};

/// The apps of `scope`, those that others depend on first, else by name. Where apps depend on each
/// other in a circle, versions may still come in an order, so it is cut somewhere.
pub(super) fn ranked<'s, 'a>(lines: &Lines<'a>, scope: &[&'s Line<'a>]) -> Vec<&'s Line<'a>> {
    let mut ranked = Vec::new();
    let mut seen = BTreeSet::new();
    for line in scope {
        visit(lines, line.app, &mut seen, &mut ranked);
    }
    let place = |app: &Name| ranked.iter().position(|name| *name == app);
    let mut apps = scope.to_vec();
    apps.sort_by_key(|line| place(line.app));
    apps
}

fn visit<'a>(
    lines: &Lines<'a>,
    app: &'a Name,
    seen: &mut BTreeSet<&'a Name>,
    ranked: &mut Vec<&'a Name>,
) {
    let Some(line) = lines.get(app).filter(|_| seen.insert(app)) else {
        return;
    };
    let dependencies = line
        .files
        .values()
        .flat_map(|migration| &migration.depends_on);
    let others: BTreeSet<&Name> = dependencies.map(|dependency| &dependency.app).collect();
    others
        .into_iter()
        .for_each(|other| visit(lines, other, seen, ranked));
    ranked.push(app);
}

/// The pending stages of all apps in one order. `backlogs` has those of each app, by rank.
pub(super) fn arranged<'a>(
    backlogs: &[(&Line<'a>, Vec<Due<'a>>)],
    recorded: &Recorded,
    findings: &mut Findings<'_>,
) -> Vec<Due<'a>> {
    let courses = Courses::new(backlogs);
    let mut graph = courses.graph();
    for (place, node) in courses
        .nodes
        .iter()
        .enumerate()
        .filter(|(_, node)| node.begins())
    {
        for dependency in &node.migration.depends_on {
            if !courses.demand(&mut graph, place, dependency, recorded) {
                report_unmet(node.migration, dependency, &courses, recorded, findings);
            }
        }
    }
    let sorted = graph.sorted().unwrap_or_else(|circle| {
        report_cycle(&circle, &courses, findings);
        Vec::new()
    });
    let nodes = sorted.into_iter().map(|place| &courses.nodes[place]);
    nodes.flat_map(|node| node.dues.clone()).collect()
}

/// The pending stages of one migration.
struct Node<'a> {
    migration: &'a Migration,
    dues: Vec<Due<'a>>,
    /// The app's version afterwards.
    reached: Option<Version>,
}

impl Node<'_> {
    /// Whether its demands are due: they are checked before the offline stage only.
    fn begins(&self) -> bool {
        self.dues.iter().any(|due| due.phase == Phase::Offline)
    }
}

/// The course of every app: its migrations one after another, by rank of the apps.
struct Courses<'a> {
    nodes: Vec<Node<'a>>,
    places: BTreeMap<&'a Name, Vec<usize>>,
}

impl<'a> Courses<'a> {
    fn new(backlogs: &[(&Line<'a>, Vec<Due<'a>>)]) -> Self {
        let mut courses = Self {
            nodes: Vec::new(),
            places: BTreeMap::new(),
        };
        for (line, dues) in backlogs {
            let mut reached = line.state.version().cloned();
            for dues in dues.chunk_by(|one, other| one.migration.version == other.migration.version)
            {
                courses
                    .places
                    .entry(line.app)
                    .or_default()
                    .push(courses.nodes.len());
                let node = Node::new(dues, reached);
                reached = node.reached.clone();
                courses.nodes.push(node);
            }
        }
        courses
    }

    /// What comes before what inside each app.
    fn graph(&self) -> Graph {
        let mut graph = Graph::new(self.nodes.len());
        for places in self.places.values() {
            places
                .windows(2)
                .for_each(|pair| graph.order(pair[0], pair[1]));
        }
        graph
    }

    /// The versions of an app along its course: as recorded, then after each of its migrations.
    fn versions<'s>(&'s self, app: &Name, recorded: &'s Recorded) -> Vec<Option<&'s Version>> {
        let start = recorded.apps.get(app).and_then(|state| state.version());
        let reached = self
            .places(app)
            .iter()
            .map(|place| self.nodes[*place].reached.as_ref());
        std::iter::once(start).chain(reached).collect()
    }

    fn places(&self, app: &Name) -> &[usize] {
        self.places.get(app).map_or(&[], Vec::as_slice)
    }

    /// Puts the migration at `place` where the other app has a version that will do: after the
    /// migration that reaches the first such version, before the one that leaves them. Whether
    /// there is such a version.
    fn demand(
        &self,
        graph: &mut Graph,
        place: usize,
        dependency: &Dependency,
        recorded: &Recorded,
    ) -> bool {
        let will_do = |version: &Option<&Version>| {
            version.is_some_and(|version| satisfies(version, &dependency.versions))
        };
        let node = &self.nodes[place];
        if dependency.app == node.migration.app {
            return node.dues.iter().all(|due| will_do(&due.from.as_ref()));
        }
        let versions = self.versions(&dependency.app, recorded);
        let Some(first) = versions.iter().position(will_do) else {
            return false;
        };
        let count = versions[first..]
            .iter()
            .take_while(|version| will_do(version))
            .count();
        let others = self.places(&dependency.app);
        if let Some(reaching) = first.checked_sub(1) {
            graph.order(others[reaching], place);
        }
        if let Some(leaving) = others.get(first + count - 1) {
            graph.order(place, *leaving);
        }
        true
    }
}

impl<'a> Node<'a> {
    fn new(dues: &[Due<'a>], before: Option<Version>) -> Self {
        let migration = dues[0].migration;
        let mut node = Self {
            migration,
            dues: dues.to_vec(),
            reached: before,
        };
        if node.begins() {
            node.reached = node.reached.max(Some(migration.version.clone()));
        }
        node
    }
}

/// Reports what an item's migration demands of other apps as they are now.
pub(super) fn check_recorded(dues: &[Due<'_>], recorded: &Recorded, findings: &mut Findings<'_>) {
    let courses = Courses {
        nodes: Vec::new(),
        places: BTreeMap::new(),
    };
    for due in dues.iter().filter(|due| due.phase == Phase::Offline) {
        for dependency in &due.migration.depends_on {
            let version = if dependency.app == due.migration.app {
                due.from.as_ref()
            } else {
                recorded
                    .apps
                    .get(&dependency.app)
                    .and_then(|state| state.version())
            };
            if !version.is_some_and(|version| satisfies(version, &dependency.versions)) {
                report_unmet(due.migration, dependency, &courses, recorded, findings);
            }
        }
    }
}

fn report_unmet(
    migration: &Migration,
    on: &Dependency,
    courses: &Courses<'_>,
    recorded: &Recorded,
    findings: &mut Findings<'_>,
) {
    let versions = courses.versions(&on.app, recorded);
    let found = versions.last().copied().flatten().cloned();
    findings.add(
        migration,
        Matter::Dependency {
            on: on.clone(),
            found,
        },
    );
}

/// Reports a circle, told from the first app by name.
fn report_cycle(circle: &[usize], courses: &Courses<'_>, findings: &mut Findings<'_>) {
    let mut circle: Vec<_> = circle
        .iter()
        .map(|place| courses.nodes[*place].migration)
        .collect();
    let by_name = |place: &usize| (&circle[*place].app, &circle[*place].version);
    let first = (0..circle.len()).min_by_key(by_name).unwrap_or(0);
    circle.rotate_left(first);
    if let Some((first, others)) = circle.split_first() {
        let others = others.iter().map(|other| Subject::from(*other).to_string());
        let through = others.collect();
        findings.add(*first, Matter::Cycle { through });
    }
}
