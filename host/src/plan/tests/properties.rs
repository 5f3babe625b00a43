//! What holds for every catalogue and history.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::world::{World, version};
use crate::model::{Name, Phase, RunId, Stage, Version};
use crate::plan::Planned;

const STEPS: [&str; 4] = ["", "[a]", "[a b | c]", "[ | c]"];

/// One file in a catalogue: its app, its version, its steps, its dependency on the app before.
type File = (u8, u64, usize, bool);

/// Catalogues of up to three apps, with a part of each applied and everything accepted.
fn worlds() -> impl Strategy<Value = World> {
    let file = (0..3u8, 1..6u64, 0..STEPS.len(), any::<bool>());
    let files = prop::collection::btree_map((0..3u8, 1..6u64), file, 0..12);
    let applied = prop::collection::vec((0..3u8, 1..6u64, any::<bool>()), 0..4);
    (files, applied).prop_map(|(files, applied)| {
        let files: BTreeMap<(u8, u64), File> = files
            .into_iter()
            .map(|((app, at), (_, _, steps, needs))| ((app, at), (app, at, steps, needs)))
            .collect();
        let mut text = "policy late-arrival=accept,dependency=accept,gap=accept\n".to_owned();
        for (app, at, steps, needs) in files.values() {
            let needs = match app.checked_sub(1) {
                Some(other) if *needs => format!("needs=app{other}:>={at}"),
                _ => String::new(),
            };
            text += &format!("file app{app} {at}.0.0 {} {needs}\n", STEPS[*steps]);
        }
        for (app, at, both) in applied
            .iter()
            .filter(|(app, at, _)| files.contains_key(&(*app, *at)))
        {
            let online = if *both { "online" } else { "" };
            text += &format!("applied app{app} {at}.0.0 offline {online}\n");
        }
        World::read(&text)
    })
}

/// Writes into the history what a plan says.
fn carry_out(world: &mut World, planned: &Planned) {
    for stage in &planned.plan.stages {
        let app = world.recorded.apps.entry(stage.app.clone()).or_default();
        let applied = app.applied.entry(stage.version.clone()).or_default();
        applied.phases.insert(stage.phase, RunId(1));
        applied.digests.push(stage.digest);
    }
}

fn by_app(stages: &[Stage]) -> BTreeMap<&Name, Vec<(&Version, Phase)>> {
    let mut apps: BTreeMap<_, Vec<_>> = BTreeMap::new();
    for stage in stages {
        apps.entry(&stage.app)
            .or_default()
            .push((&stage.version, stage.phase));
    }
    apps
}

proptest! {
    #[test]
    fn nothing_is_left_after_a_plan_is_carried_out(mut world in worlds()) {
        let planned = world.answer();
        prop_assert!(!planned.is_refused(), "{:?}", planned.findings);
        carry_out(&mut world, &planned);
        let again = world.answer();
        prop_assert!(again.plan.is_empty(), "{again:?}");
    }

    #[test]
    fn stages_of_an_app_are_in_order(world in worlds()) {
        let planned = world.answer();
        for stages in by_app(&planned.plan.stages).values() {
            prop_assert!(stages.is_sorted_by(|one, next| one < next), "{stages:?}");
        }
    }

    #[test]
    fn the_order_of_the_catalogue_does_not_matter(
        (world, shuffled) in worlds().prop_flat_map(|world| {
            let files = Just(world.catalogue.clone()).prop_shuffle();
            (Just(world), files)
        })
    ) {
        let answer = world.answer();
        let other = World { catalogue: shuffled, ..world };
        prop_assert_eq!(answer, other.answer());
    }

    #[test]
    fn phase_by_phase_comes_to_the_same(mut world in worlds()) {
        let mut whole = world.clone();
        let planned = whole.answer();
        carry_out(&mut whole, &planned);
        for phase in [Phase::Offline, Phase::Online].into_iter().cycle().take(20) {
            world.goal.phase = Some(phase);
            let planned = world.answer();
            prop_assert!(!planned.is_refused(), "{:?}", planned.findings);
            carry_out(&mut world, &planned);
        }
        world.goal.phase = None;
        prop_assert!(world.answer().plan.is_empty());
        for (app, state) in &whole.recorded.apps {
            let versions = |world: &World| world.recorded.apps[app].applied.keys().cloned().collect::<Vec<_>>();
            prop_assert_eq!(state.applied.keys().cloned().collect::<Vec<_>>(), versions(&world));
        }
    }

    #[test]
    fn a_version_named_is_not_passed(mut world in worlds(), at in 1..6u64) {
        let to = version(&format!("{at}.0.0"));
        world.goal.app = Some("app0".parse().unwrap());
        world.goal.to = Some(to.clone());
        let planned = world.answer();
        prop_assert!(planned.plan.stages.iter().all(|stage| stage.version <= to));
    }
}
