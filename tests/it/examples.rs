//! The examples do what they say, as components in the real host.

use std::collections::BTreeMap;

use godwit::store::Store;
use godwit_tests::world::{
    catalogue, documents, features, fixture, host, memory_host, name, seed, up,
};
use serde_json::Value;

/// The ids and bodies of a collection.
fn held(store: &Store, collection: &str) -> Vec<(String, String)> {
    let mut found = Vec::new();
    let visit = &mut |id: &str, record: godwit::store::ItemRecord<'_>| {
        found.push((
            id.to_owned(),
            String::from_utf8_lossy(record.body).into_owned(),
        ));
        std::ops::ControlFlow::Continue(())
    };
    store
        .each_item(&name(collection), None, visit)
        .expect("the store works");
    found
}

#[test]
fn before_becomes_after() {
    for (package, app, collection, derived) in [
        ("bcd-2-0-0", "bcd", "features", &[][..]),
        ("bcd-3-0-0", "bcd", "features", &[]),
        ("bcd-3-1-0", "bcd", "features", &["deprecated", "stats"]),
        ("election-votes-2-0-0", "q-election-votes", "items", &[]),
        ("todos-2-0-0", "todos", "todos", &["todo-search"]),
    ] {
        let host = memory_host(&catalogue(&[package]));
        let mut host = host;
        // Each is tried on its own, without the migrations before it.
        host.policy = "requires=accept,gap=accept"
            .parse()
            .expect("it is a policy");
        seed(&host, app, collection, &fixture(package, "items.before"));
        let reports = up(&host);
        assert_eq!(
            reports.last().map(|report| report.open),
            Some(0),
            "{package}"
        );
        let after = fixture(package, "items.after");
        assert_eq!(held(host.store(), collection), after, "{package}");
        for collection in derived {
            let expected = fixture(package, &format!("{collection}.after"));
            assert_eq!(held(host.store(), collection), expected, "{package}");
        }
        // A second time there is nothing to do.
        assert!(up(&host).is_empty(), "{package}");
    }
}

#[test]
fn one_of_eighteen_charts_of_votes_changes() {
    let host = memory_host(&catalogue(&["election-votes-2-0-0"]));
    seed(
        &host,
        "q-election-votes",
        "items",
        &documents("q-items/election-votes.ndjson"),
    );
    let counts = up(&host)[0].steps[0].counts;
    assert_eq!((counts.read, counts.updated, counts.unchanged), (18, 1, 17));
}

/// What three versions must make of all features, computed here and not by the migrations.
#[derive(Debug, Default, PartialEq)]
struct Expected {
    lists: u64,
    links: u64,
    deprecated: Vec<String>,
    namespaces: BTreeMap<String, u64>,
}

impl Expected {
    fn of(features: impl Iterator<Item = (String, String)>) -> Self {
        let mut expected = Self::default();
        for (id, body) in features {
            let feature: Value = serde_json::from_str(&body).expect("features are JSON");
            let support = feature["support"]
                .as_object()
                .expect("features have support");
            expected.lists += u64::from(support.values().any(Value::is_object));
            let has_link = ["mdn_url", "spec_url"]
                .iter()
                .any(|link| feature.get(link).is_some());
            expected.links += u64::from(has_link);
            let space = id
                .split('.')
                .next()
                .expect("ids have a first part")
                .to_owned();
            *expected.namespaces.entry(space).or_default() += 1;
            if feature["status"]["deprecated"] == Value::Bool(true) {
                expected.deprecated.push(id);
            }
        }
        expected.deprecated.sort();
        expected
    }
}

#[test]
fn all_features_go_through_three_versions() {
    let folder = tempfile::tempdir().expect("there is room");
    let url: godwit::store::StoreUrl = format!("lmdb:{}", folder.path().join("store").display())
        .parse()
        .expect("it is a URL");
    let backend = url
        .open(godwit::store::OpenMode::Create)
        .expect("there is room");
    let mut host = host(
        backend,
        &catalogue(&["bcd-2-0-0", "bcd-3-0-0", "bcd-3-1-0"]),
    );
    host.options.threads = 2;
    let all: Vec<_> = features().collect();
    assert_eq!(all.len(), 20_968);
    for part in all.chunks(4_096) {
        seed(&host, "bcd", "features", part);
    }
    let expected = Expected::of(all.into_iter());
    assert_eq!((expected.lists, expected.links), (20_954, 18_876));

    let reports = up(&host);
    assert_eq!((reports.len(), reports[0].open), (1, 0));
    let counts: Vec<_> = reports[0].steps.iter().map(|step| step.counts).collect();
    assert!(
        counts
            .iter()
            .all(|counts| counts.read == 20_968 && counts.failed == 0)
    );
    let updated: Vec<_> = counts.iter().map(|counts| counts.updated).collect();
    assert_eq!(updated, [expected.lists, expected.links, 0]);

    let store = host.store();
    let deprecated: Vec<_> = held(store, "deprecated")
        .into_iter()
        .map(|(id, _)| id)
        .collect();
    assert_eq!(deprecated, expected.deprecated);
    let stats = store
        .body(&name("stats"), "namespaces")
        .expect("the store works");
    let stats: Value = serde_json::from_slice(&stats.expect("it is there")).expect("it is JSON");
    let found = stats["features"]
        .as_object()
        .expect("there are some")
        .iter();
    let found = found.map(|(space, count)| (space.clone(), count.as_u64().expect("it is a count")));
    assert_eq!(found.collect::<BTreeMap<_, _>>(), expected.namespaces);
    assert_eq!(expected.namespaces.values().sum::<u64>(), 20_968);
    for (_, body) in held(store, "features").iter().step_by(97) {
        let feature: Value = serde_json::from_str(body).expect("features are JSON");
        let support = feature["support"].as_object().expect("it is still there");
        assert!(support.values().all(Value::is_array), "{body}");
        assert!(
            feature.get("mdn_url").is_none() && feature.get("spec_url").is_none(),
            "{body}"
        );
    }
    assert!(up(&host).is_empty());
}
