//! One phase at a time.

use super::check;

#[test]
fn offline_stops_where_an_online_stage_is_due() {
    check(&[
        (
            "nothing between",
            "file notes 1.0.0 [a]
             file notes 2.0.0 [b | c]
             goal phase=offline",
            "notes 1.0.0 offline [a]
             notes 2.0.0 offline [b]",
        ),
        (
            "an online stage between",
            "file notes 1.0.0 [a | b]
             file notes 2.0.0 [c]
             file notes 3.0.0 [d]
             goal phase=offline",
            "notes 1.0.0 offline [a]
             ! phase-order notes 2.0.0 warned",
        ),
        (
            "an online stage of a version applied offline",
            "file notes 1.0.0 [a | b]
             file notes 2.0.0 [c]
             applied notes 1.0.0 offline
             goal phase=offline",
            "! phase-order notes 2.0.0 warned",
        ),
        (
            "past an online stage, when that is accepted",
            "file notes 1.0.0 [a | b]
             file notes 2.0.0 [c | d]
             file notes 3.0.0 [e]
             goal phase=offline
             policy phase-order=accept",
            "notes 1.0.0 offline [a]
             notes 2.0.0 offline [c]
             notes 3.0.0 offline [e]
             ! phase-order notes 2.0.0 accepted",
        ),
        (
            "not at all, when it is refused",
            "file notes 1.0.0 [a | b]
             file notes 2.0.0 [c]
             goal phase=offline
             policy phase-order=refuse",
            "! phase-order notes 2.0.0",
        ),
        (
            "each app by itself",
            "file notes 1.0.0 [ | a]
             file notes 2.0.0
             file users 1.0.0
             goal phase=offline",
            "notes 1.0.0 offline []
             users 1.0.0 offline []
             ! phase-order notes 2.0.0 warned",
        ),
        (
            "a dependency on what is left for later is not met",
            "file notes 1.0.0 [ | a]
             file notes 2.0.0
             file users 1.0.0 needs=notes:2
             goal phase=offline",
            "! phase-order notes 2.0.0 warned
             ! dependency users 1.0.0",
        ),
    ]);
}

#[test]
fn online_stops_where_an_offline_stage_is_due() {
    check(&[
        (
            "what is applied offline",
            "file notes 1.0.0 [a | b]
             file notes 2.0.0 [c | d]
             applied notes 1.0.0 offline
             applied notes 2.0.0 offline
             goal phase=online",
            "notes 1.0.0 online [b@1]
             notes 2.0.0 online [d@1]",
        ),
        (
            "only offline stages are pending",
            "file notes 1.0.0 [a]
             goal phase=online",
            "",
        ),
        (
            "its own offline stage is pending",
            "file notes 1.0.0 [a | b]
             file notes 2.0.0 [c | d]
             applied notes 1.0.0 offline
             goal phase=online",
            "notes 1.0.0 online [b@1]
             ! phase-order notes 2.0.0 warned",
        ),
        (
            "its own offline stage is never passed",
            "file notes 1.0.0 [a | b]
             goal phase=online
             policy phase-order=accept",
            "! phase-order notes 1.0.0 warned",
        ),
        (
            "an older offline stage is pending",
            "file notes 1.0.0 [a]
             file notes 2.0.0 [b | c]
             applied notes 2.0.0 offline
             goal phase=online
             policy late-arrival=accept",
            "! late-arrival notes 1.0.0 accepted
             ! phase-order notes 2.0.0 warned",
        ),
        (
            "an older offline stage is passed when that is accepted, its own is not",
            "file notes 1.0.0 [a]
             file notes 2.0.0 [b | c]
             file notes 3.0.0 [d | e]
             applied notes 2.0.0 offline
             goal phase=online
             policy late-arrival=accept,phase-order=accept",
            "notes 2.0.0 online [c@1]
             ! late-arrival notes 1.0.0 accepted
             ! phase-order notes 2.0.0 accepted
             ! phase-order notes 3.0.0 warned",
        ),
    ]);
}
