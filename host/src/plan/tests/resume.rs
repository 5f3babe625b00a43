//! Going on with a run.

use super::check;
use super::world::World;

const HALF_DONE: &str = "file notes 1.0.0 [a b]
    file notes 2.0.0 [c | d]
    run stopped 1
    applied notes 1.0.0 offline";

fn half_done(rest: &'static str) -> &'static str {
    Box::leak(format!("{HALF_DONE}\n{rest}").into_boxed_str())
}

const ITS_PLAN: &str = "resumes 7
    notes 1.0.0 offline [a b]
    notes 2.0.0 offline [c]
    notes 2.0.0 online [d@1]";

fn its_plan(rest: &'static str) -> &'static str {
    Box::leak(format!("{ITS_PLAN}\n{rest}").into_boxed_str())
}

#[test]
fn an_unfinished_run_is_gone_on_with() {
    check(&[
        ("with its own plan", half_done(""), ITS_PLAN),
        (
            "when it failed",
            "file notes 1.0.0 [a]\n run failed 0",
            "resumes 7\nnotes 1.0.0 offline [a]",
        ),
        (
            "when it is blocked",
            "file notes 1.0.0 [a]\n run blocked 0",
            "resumes 7\nnotes 1.0.0 offline [a]",
        ),
        (
            "new files are left to the next plan",
            half_done("file notes 3.0.0"),
            ITS_PLAN,
        ),
        (
            "so is what is wrong with what is done",
            half_done("replace notes 1.0.0 [x] #mended\n file notes 0.5.0"),
            ITS_PLAN,
        ),
        (
            "a goal that it is part of",
            half_done("goal app=notes to=2.0.0"),
            ITS_PLAN,
        ),
        (
            "a completed run is over",
            "file notes 1.0.0 [a]
             run completed 1
             applied notes 1.0.0 offline",
            "",
        ),
    ]);
}

#[test]
fn what_is_left_of_a_run_needs_its_files() {
    check(&[
        (
            "a missing file",
            half_done("remove notes 2.0.0\n policy gap=accept"),
            "! gap notes 2.0.0",
        ),
        (
            "a changed file",
            half_done("replace notes 2.0.0 [c | d] #mended"),
            "! digest-drift notes 2.0.0",
        ),
        (
            "a changed file with the same steps can be accepted",
            half_done("replace notes 2.0.0 [c>tags | d] #mended\n policy digest-drift=accept"),
            its_plan("! digest-drift notes 2.0.0 accepted"),
        ),
        (
            "a changed file with other steps cannot, in the middle of them",
            half_done("replace notes 2.0.0 [c e | d] #mended\n policy digest-drift=accept"),
            "! digest-drift notes 2.0.0
             ! digest-drift notes 2.0.0 accepted",
        ),
        (
            "other steps that have not begun can",
            half_done("replace notes 2.0.0 [c | e f] #mended\n policy digest-drift=warn"),
            "resumes 7
             notes 1.0.0 offline [a b]
             notes 2.0.0 offline [c]
             notes 2.0.0 online [e@1 f]
             ! digest-drift notes 2.0.0 warned",
        ),
        (
            "the part of a file that items behind go through must be the same",
            "file notes 1.0.0 [a@tags b]
             applied notes 1.0.0 offline
             collection notes of=notes behind=1 oldest=0.1.0
             run failed 0
             replace notes 1.0.0 [a@tags c] #mended
             policy digest-drift=accept",
            "! digest-drift notes 1.0.0",
        ),
        (
            "a part that is the same goes on",
            "file notes 1.0.0 [a@tags b]
             applied notes 1.0.0 offline
             collection notes of=notes behind=1 oldest=0.1.0
             run failed 0
             replace notes 1.0.0 [z@tags b] #mended
             policy digest-drift=accept",
            "resumes 7
             behind: notes 1.0.0 offline [b@1]
             ! digest-drift notes 1.0.0 accepted",
        ),
        (
            "two files for a version, or older code",
            half_done(
                "file notes 1.0.0 name=x.wasm
                 collection notes of=notes newest=3.0.0",
            ),
            "! duplicate notes 1.0.0
             ! newer-store notes 3.0.0",
        ),
    ]);
}

#[test]
fn an_unfinished_run_comes_before_other_goals() {
    let with_users = "file users 1.0.0 [z]
        goal app=notes
        file notes 1.0.0 [a]
        file notes 2.0.0 [b | c]
        run failed 1
        applied notes 1.0.0 offline";
    let with = |rest: &str| -> &'static str {
        Box::leak(format!("{with_users}\n{rest}").into_boxed_str())
    };
    check(&[
        (
            "of other apps",
            with("goal app=users"),
            "! unfinished-run notes 2.0.0",
        ),
        (
            "of versions below",
            with("goal app=notes to=1.0.0"),
            "! unfinished-run notes 2.0.0",
        ),
        (
            "of one phase",
            with("goal app=notes phase=offline"),
            "! unfinished-run notes 2.0.0",
        ),
        (
            "only offline ones, of which none is left",
            "file notes 1.0.0 [a | b]
             run failed 1
             applied notes 1.0.0 offline
             goal phase=offline",
            "",
        ),
        (
            "only offline ones, of which one waits for what is left",
            "file notes 1.0.0 [a | b]
             run failed 1
             applied notes 1.0.0 offline
             file notes 2.0.0 [c]
             goal phase=offline",
            "! phase-order notes 2.0.0 warned",
        ),
        (
            "only offline ones, of which one need not wait",
            "file notes 1.0.0 [a | b]
             run failed 1
             applied notes 1.0.0 offline
             file notes 2.0.0 [c]
             goal phase=offline
             policy phase-order=accept",
            "! phase-order notes 2.0.0 accepted
             ! unfinished-run notes 1.0.0",
        ),
        (
            "while it is being undone",
            "file notes 1.0.0 [a]
             run undoing 1
             applied notes 1.0.0 offline",
            "! unfinished-run notes 1.0.0",
        ),
        (
            "a run of one phase is gone on with by that phase",
            "file notes 1.0.0 [a | b]
             goal phase=offline
             run failed 0",
            "resumes 7
             notes 1.0.0 offline [a]",
        ),
    ]);
}

#[test]
fn a_changed_file_that_is_accepted_has_its_digest_in_the_plan() {
    let world = World::read(half_done(
        "replace notes 2.0.0 [c>tags | d] #mended
         policy digest-drift=accept",
    ));
    let answer = world.answer();
    let mended = world.catalogue.last().expect("the file that was put there");
    let before = world.recorded.unfinished.expect("the run").plan.stages;
    assert_eq!(answer.plan.stages[0], before[0]);
    assert_ne!(before[1].digest, mended.digest);
    assert_eq!(answer.plan.stages[1].digest, mended.digest);
    assert_eq!(answer.plan.stages[1].steps, mended.steps[..1]);
    assert_eq!(answer.plan.stages[2].digest, mended.digest);
    assert_eq!(answer.plan.stages[2].from, before[2].from);
}
