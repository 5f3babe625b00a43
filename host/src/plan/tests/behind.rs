//! Items that wait to be brought up to date.

use super::check;

const TWO_APPLIED: &str = "file notes 1.0.0 [a]
    file notes 2.0.0 [b i! c@tags | d]
    applied notes 1.0.0 offline
    applied notes 2.0.0 offline online";

fn applied(rest: &'static str) -> &'static str {
    Box::leak(format!("{TWO_APPLIED}\n{rest}").into_boxed_str())
}

#[test]
fn items_that_are_behind_go_through_what_is_applied() {
    check(&[
        (
            "above their version, before what is pending",
            applied(
                "file notes 3.0.0 [e]
                 collection notes of=notes behind=2 oldest=1.0.0",
            ),
            "behind: notes 2.0.0 offline [b]
             behind: notes 2.0.0 online [d@3]
             notes 3.0.0 offline [e]",
        ),
        (
            "only steps of their collections, without those that change no item",
            applied("collection tags of=notes behind=2 oldest=0.1.0"),
            "behind: notes 2.0.0 offline [c@2]",
        ),
        (
            "each collection from its own version on",
            applied(
                "collection tags of=notes behind=2 oldest=1.0.0
                 collection notes of=notes behind=1 oldest=0.1.0",
            ),
            "behind: notes 1.0.0 offline [a]
             behind: notes 2.0.0 offline [b]
             behind: notes 2.0.0 offline [c@2]
             behind: notes 2.0.0 online [d@3]",
        ),
        (
            "steps that stand together are one stage",
            "file notes 1.0.0 [a b c@tags d e]
             applied notes 1.0.0 offline
             collection notes of=notes behind=2 oldest=0.1.0",
            "behind: notes 1.0.0 offline [a b]
             behind: notes 1.0.0 offline [d@3 e]",
        ),
        (
            "nothing when nothing is behind",
            applied("collection tags of=notes behind=0 oldest=0.1.0"),
            "",
        ),
        (
            "what lies below the baseline counts as applied",
            "file notes 1.0.0 [a]
             file notes 2.0.0 [b | c]
             baseline notes 2.0.0
             collection notes of=notes behind=2 oldest=1.0.0",
            "behind: notes 2.0.0 offline [b]
             behind: notes 2.0.0 online [c@1]",
        ),
        (
            "a phase that is pending waits with the rest",
            "file notes 1.0.0 [a | b]
             applied notes 1.0.0 offline
             collection notes of=notes behind=2 oldest=0.1.0",
            "behind: notes 1.0.0 offline [a]
             notes 1.0.0 online [b@1]",
        ),
        (
            "items of no known version go through everything",
            applied("collection notes of=notes behind=2"),
            "behind: notes 1.0.0 offline [a]
             behind: notes 2.0.0 offline [b]
             behind: notes 2.0.0 online [d@3]",
        ),
        (
            "a missing file that they need cannot be accepted",
            applied(
                "remove notes 1.0.0
                 collection notes of=notes behind=2 oldest=0.1.0
                 policy gap=accept",
            ),
            "! gap notes 1.0.0",
        ),
        (
            "a missing file that they do not need can",
            applied(
                "remove notes 1.0.0
                 collection tags of=notes behind=2 oldest=1.0.0
                 policy gap=accept",
            ),
            "behind: notes 2.0.0 offline [c@2]
             ! gap notes 1.0.0 accepted",
        ),
        (
            "a changed file is told once",
            applied(
                "replace notes 1.0.0 [a] #mended
                 collection notes of=notes behind=2 oldest=0.1.0",
            ),
            "! digest-drift notes 1.0.0",
        ),
        (
            "all of them before anything pending, by rank",
            "file notes 1.0.0 [a] needs=users:1
             file notes 2.0.0
             file users 1.0.0 [b]
             file users 2.0.0
             applied notes 1.0.0 offline
             applied users 1.0.0 offline
             collection notes of=notes behind=2 oldest=0.1.0
             collection users of=users behind=2 oldest=0.1.0",
            "behind: users 1.0.0 offline [b]
             behind: notes 1.0.0 offline [a]
             users 2.0.0 offline []
             notes 2.0.0 offline []",
        ),
    ]);
}

#[test]
fn items_that_are_behind_wait_for_the_offline_phase() {
    check(&[
        (
            "everything at once while nothing is served",
            applied(
                "collection notes of=notes behind=2 oldest=1.0.0
                 goal phase=offline",
            ),
            "behind: notes 2.0.0 offline [b]
             behind: notes 2.0.0 online [d@3]",
        ),
        (
            "not while the application is serving",
            applied(
                "file notes 3.0.0 [e | f]
                 applied notes 3.0.0 offline
                 collection notes of=notes behind=2 oldest=1.0.0
                 goal phase=online",
            ),
            "notes 3.0.0 online [f@1]
             ! phase-order notes 2.0.0 warned",
        ),
        (
            "unless that is accepted",
            applied(
                "collection notes of=notes behind=2 oldest=1.0.0
                 goal phase=online
                 policy phase-order=accept",
            ),
            "behind: notes 2.0.0 offline [b]
             behind: notes 2.0.0 online [d@3]
             ! phase-order notes 2.0.0 accepted",
        ),
        (
            "online steps alone need not wait",
            "file notes 1.0.0 [ | a]
             applied notes 1.0.0 offline online
             collection notes of=notes behind=2 oldest=0.1.0
             goal phase=online",
            "behind: notes 1.0.0 online [a]",
        ),
    ]);
}
