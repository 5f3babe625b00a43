//! Items in quarantine.

use super::check;

const APPLIED: &str = "file notes 1.0.0 [a]
    file notes 2.0.0 [b c@tags | d]
    file notes 3.0.0 [e i!]
    file notes 4.0.0 [f]
    applied notes 1.0.0 offline
    applied notes 2.0.0 offline
    applied notes 3.0.0 offline";

fn applied(rest: &'static str) -> &'static str {
    Box::leak(format!("{APPLIED}\n{rest}").into_boxed_str())
}

#[test]
fn items_in_quarantine_go_through_what_is_applied() {
    check(&[
        (
            "from the lowest failed migration on",
            applied("retry notes from=2.0.0"),
            "quarantine: notes 2.0.0 offline [b c]
             quarantine: notes 3.0.0 offline [e]",
        ),
        (
            "steps of the collections of those selected",
            applied("retry notes from=2.0.0 items=tags/x,tags/y"),
            "quarantine: notes 2.0.0 offline [c@1]",
        ),
        (
            "and the stage that the unfinished run is at",
            applied("run blocked 0\n retry notes from=3.0.0"),
            "quarantine: notes 2.0.0 online [d@2]
             quarantine: notes 3.0.0 offline [e]",
        ),
        (
            "which may be beyond everything applied",
            "file notes 1.0.0 [a b]
             file users 1.0.0
             run blocked 0
             retry notes from=1.0.0",
            "quarantine: notes 1.0.0 offline [a b]",
        ),
        (
            "the run of another app is no matter",
            "file notes 1.0.0 [a b]
             file users 1.0.0 [c]
             run blocked 0
             retry users from=1.0.0",
            "",
        ),
    ]);
}

#[test]
fn items_in_quarantine_may_have_mended_files() {
    check(&[
        (
            "a mended file is what a retry is for",
            applied("replace notes 2.0.0 [b c@tags | d] #mended\n retry notes from=2.0.0"),
            "quarantine: notes 2.0.0 offline [b c]
             quarantine: notes 3.0.0 offline [e]
             ! digest-drift notes 2.0.0 info",
        ),
        (
            "of the current stage as well",
            "file notes 1.0.0 [a b]
             run blocked 0
             replace notes 1.0.0 [a b] #mended
             retry notes from=1.0.0",
            "quarantine: notes 1.0.0 offline [a b]
             ! digest-drift notes 1.0.0 info",
        ),
        (
            "a missing file",
            applied("remove notes 2.0.0\n retry notes from=1.0.0\n policy gap=accept"),
            "! gap notes 2.0.0",
        ),
        (
            "a missing file of the current stage",
            "file notes 0.1.0
             file notes 1.0.0 [a b]
             run blocked 1
             remove notes 1.0.0
             retry notes from=1.0.0",
            "! gap notes 1.0.0",
        ),
        (
            "an unknown app",
            applied("retry nots from=1.0.0"),
            "! app-unknown nots",
        ),
        (
            "a run that is being undone",
            applied("run undoing 0\n retry notes from=1.0.0"),
            "! unfinished-run notes 2.0.0",
        ),
    ]);
}
