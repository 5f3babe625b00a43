//! What is refused, warned of and accepted.

use super::check;

#[test]
fn the_catalogue_must_fit_the_history() {
    check(&[
        (
            "a gap",
            "file notes 2.0.0
             file notes 3.0.0
             applied notes 1.0.0 offline
             applied notes 2.0.0 offline",
            "! gap notes 1.0.0",
        ),
        (
            "a gap that is accepted",
            "file notes 2.0.0
             applied notes 1.0.0 offline
             policy gap=accept",
            "notes 2.0.0 offline []
             ! gap notes 1.0.0 accepted",
        ),
        (
            "drift",
            "file notes 1.0.0 #mended
             file notes 2.0.0
             applied notes 1.0.0 offline",
            "! digest-drift notes 1.0.0",
        ),
        (
            "drift with a warning",
            "file notes 1.0.0 #mended
             file notes 2.0.0
             applied notes 1.0.0 offline
             policy digest-drift=warn",
            "notes 2.0.0 offline []
             ! digest-drift notes 1.0.0 warned",
        ),
        (
            "a mended file is not taken for drift, nor is the one before",
            "file notes 1.0.0
             file notes 2.0.0 #mended
             applied notes 1.0.0 offline
             applied notes 1.0.0 offline #mended
             applied notes 2.0.0 offline
             applied notes 2.0.0 offline #mended",
            "",
        ),
        (
            "drift at or below the baseline cannot be known",
            "file notes 1.0.0 #mended
             baseline notes 1.0.0",
            "",
        ),
        (
            "a late arrival",
            "file notes 1.0.0
             file notes 1.5.0 [a]
             file notes 2.0.0
             file notes 3.0.0
             applied notes 1.0.0 offline
             applied notes 2.0.0 offline",
            "! late-arrival notes 1.5.0",
        ),
        (
            "late arrivals that are accepted come first, in order",
            "file notes 1.5.0 [a | b]
             file notes 1.6.0
             file notes 2.0.0
             file notes 3.0.0
             applied notes 2.0.0 offline
             policy late-arrival=accept",
            "notes 1.5.0 offline [a]
             notes 1.5.0 online [b@1]
             notes 1.6.0 offline []
             notes 3.0.0 offline []
             ! late-arrival notes 1.5.0 accepted
             ! late-arrival notes 1.6.0 accepted",
        ),
        (
            "what arrives below the baseline is not late",
            "file notes 0.5.0
             file notes 1.5.0
             file notes 2.0.0
             baseline notes 1.0.0
             applied notes 2.0.0 offline",
            "! late-arrival notes 1.5.0",
        ),
        (
            "one finding refuses everything, and all are told",
            "file notes 1.0.0 #mended
             file notes 3.0.0
             file users 1.0.0
             applied notes 1.0.0 offline
             applied notes 2.0.0 offline
             policy gap=accept",
            "! gap notes 2.0.0 accepted
             ! digest-drift notes 1.0.0",
        ),
        (
            "findings of apps that were not asked for are left out",
            "file notes 1.0.0 #mended
             file users 1.0.0
             applied notes 1.0.0 offline
             goal app=users",
            "users 1.0.0 offline []",
        ),
    ]);
}

#[test]
fn the_catalogue_must_be_unambiguous() {
    check(&[
        (
            "two files for a version",
            "file notes 1.0.0 name=b.wasm #b
             file notes 1.0.0 name=a.wasm",
            "! duplicate notes 1.0.0",
        ),
        (
            "build metadata makes no other version",
            "file notes 1.0.0+a
             file notes 1.0.0+b",
            "! duplicate notes 1.0.0+a",
        ),
        (
            "a collection that two apps claim",
            "file notes 1.0.0 [a@tags]
             file users 1.0.0 [b@users>tags]",
            "! foreign-collection users 1.0.0",
        ),
        (
            "a collection that two apps claim, when one is asked for",
            "file notes 1.0.0 [a@tags]
             file users 1.0.0 [b@tags]
             goal app=notes",
            "! foreign-collection users 1.0.0",
        ),
        (
            "a collection of an app that is not in the catalogue",
            "file notes 1.0.0
             file notes 2.0.0 [a@tags]
             file notes 3.0.0 [b@tags]
             collection tags of=labels",
            "! foreign-collection notes 2.0.0",
        ),
        (
            "an index on a collection of another app",
            "file notes 1.0.0 [i@tags!]
             collection tags of=labels",
            "! foreign-collection notes 1.0.0",
        ),
        (
            "another app's claim is its own affair when the store says whose it is",
            "file notes 1.0.0 [a@tags]
             file users 1.0.0 [b@tags]
             collection tags of=notes
             goal app=notes",
            "notes 1.0.0 offline [a]",
        ),
    ]);
}

#[test]
fn migrations_get_what_they_demand() {
    check(&[
        (
            "requires holds along the plan",
            "file notes 1.0.0
             file notes 2.0.0 requires=>=1,<2
             file notes 3.0.0 requires=^2",
            "notes 1.0.0 offline []
             notes 2.0.0 offline []
             notes 3.0.0 offline []",
        ),
        (
            "a version too far below",
            "file notes 3.0.0 requires=>=2
             baseline notes 1.0.0",
            "! requires notes 3.0.0",
        ),
        (
            "no version at all is no wrong one",
            "file notes 2.0.0 requires=>=1",
            "notes 2.0.0 offline []",
        ),
        (
            "a prerelease will do",
            "file notes 2.0.0 requires=>=1,<2
             baseline notes 1.5.0-rc.1",
            "notes 2.0.0 offline []",
        ),
        (
            "a late arrival starts from the present version",
            "file notes 1.5.0 requires=<2
             file notes 2.0.0
             applied notes 2.0.0 offline
             policy late-arrival=accept",
            "! late-arrival notes 1.5.0 accepted
             ! requires notes 1.5.0",
        ),
        (
            "a missing app",
            "file notes 1.0.0 needs=users:>=1",
            "! dependency notes 1.0.0",
        ),
        (
            "an app at a wrong version",
            "file notes 1.0.0 needs=users:>=3
             file users 1.0.0
             file users 2.0.0
             policy dependency=accept",
            "users 1.0.0 offline []
             users 2.0.0 offline []
             notes 1.0.0 offline []
             ! dependency notes 1.0.0 accepted",
        ),
        (
            "an app that was not asked for stays where it is",
            "file notes 1.0.0 needs=users:1
             file users 1.0.0
             goal app=notes",
            "! dependency notes 1.0.0",
        ),
        (
            "an app that is not in the catalogue but was applied",
            "file notes 1.0.0 needs=users:1
             applied users 1.2.0 offline",
            "notes 1.0.0 offline []",
        ),
        (
            "a circle",
            "file notes 1.0.0 needs=users:1
             file users 1.0.0 needs=tags:1
             file tags 1.0.0 needs=notes:1
             file zoo 1.0.0 needs=tags:1",
            "! cycle notes 1.0.0",
        ),
        (
            "each wants the other to stay behind",
            "file a 2.0.0 needs=b:<2
             file b 2.0.0 needs=a:<2
             baseline a 1.0.0
             baseline b 1.0.0",
            "! cycle a 2.0.0",
        ),
        (
            "a circle is cut by taking one app by itself",
            "file a 2.0.0 needs=b:2
             file b 2.0.0 needs=a:2
             goal app=a
             policy dependency=accept",
            "a 2.0.0 offline []
             ! dependency a 2.0.0 accepted",
        ),
    ]);
}

#[test]
fn older_code_does_not_touch_newer_data() {
    check(&[
        (
            "an app that was brought further",
            "file notes 1.0.0
             applied notes 1.0.0 offline
             applied notes 2.0.0 offline
             applied notes 3.0.0 offline",
            "! newer-store notes 3.0.0",
        ),
        (
            "a baseline further up",
            "file notes 1.0.0
             baseline notes 2.0.0",
            "! newer-store notes 2.0.0",
        ),
        (
            "an item that was brought further",
            "file notes 1.0.0
             file users 1.0.0
             collection tags of=notes newest=1.5.0
             collection people of=users newest=1.0.0",
            "! newer-store notes 1.5.0",
        ),
        (
            "an app without files is left alone",
            "file users 1.0.0
             applied notes 3.0.0 offline
             collection tags of=notes newest=3.0.0",
            "users 1.0.0 offline []",
        ),
    ]);
}

#[test]
fn goals_must_make_sense() {
    check(&[
        (
            "an unknown app",
            "file notes 1.0.0\n goal app=nots",
            "! app-unknown nots",
        ),
        (
            "a version without an app",
            "file notes 1.0.0
             file users 1.0.0
             goal to=1.0.0",
            "! target 1.0.0",
        ),
        ("a version of nothing", "goal to=1.0.0", "! target 1.0.0"),
        (
            "a version that is not there",
            "file notes 1.0.0\n goal to=2.0.0",
            "! target notes 2.0.0",
        ),
        (
            "a version below",
            "file notes 1.0.0
             file notes 2.0.0
             applied notes 1.0.0 offline
             applied notes 2.0.0 offline
             goal app=notes to=1.0.0",
            "! target notes 1.0.0",
        ),
    ]);
}
