//! One item.

use super::check;

const THREE: &str = "file notes 1.0.0 [a]
    file notes 2.0.0 [b c@tags d | e]
    file notes 3.0.0 [f]
    applied notes 1.0.0 offline
    applied notes 2.0.0 offline
    collection notes of=notes newest=2.0.0";

fn three(rest: &'static str) -> &'static str {
    Box::leak(format!("{THREE}\n{rest}").into_boxed_str())
}

#[test]
fn an_item_goes_through_everything_above_its_version() {
    check(&[
        (
            "applied or pending, steps of its collection",
            three("item notes/x version=1.0.0"),
            "notes/x: notes 2.0.0 offline [b]
             notes/x: notes 2.0.0 offline [d@2]
             notes/x: notes 2.0.0 online [e@3]
             notes/x: notes 3.0.0 offline [f]",
        ),
        (
            "up to a version",
            three("item notes/x version=0.1.0 to=1.0.0"),
            "notes/x: notes 1.0.0 offline [a]",
        ),
        (
            "from the step that it is due for",
            three("item notes/x version=1.0.0 next=2.0.0:2 to=2.0.0"),
            "notes/x: notes 2.0.0 offline [d@2]
             notes/x: notes 2.0.0 online [e@3]",
        ),
        (
            "from a step of the version that it has",
            three("item notes/x version=2.0.0 next=2.0.0:3 to=2.0.0"),
            "notes/x: notes 2.0.0 online [e@3]",
        ),
        (
            "nothing when it is up to date",
            three("item notes/x version=3.0.0"),
            "",
        ),
        (
            "the catalogue knows whose a collection is, where the store does not",
            three("item tags/x version=1.0.0"),
            "tags/x: notes 2.0.0 offline [c@1]",
        ),
        (
            "an unfinished run is no hindrance",
            three("run failed 1\n item tags/x version=1.0.0"),
            "tags/x: notes 2.0.0 offline [c@1]",
        ),
    ]);
}

#[test]
fn an_item_is_checked_like_its_app() {
    check(&[
        (
            "a missing file beyond what is wanted",
            three("remove notes 2.0.0\n item notes/x version=0.1.0 to=1.0.0"),
            "notes/x: notes 1.0.0 offline [a]",
        ),
        (
            "a missing file",
            three("remove notes 1.0.0\n item notes/x version=0.1.0\n policy gap=accept"),
            "! gap notes 1.0.0",
        ),
        (
            "a missing file that it does not need",
            three("remove notes 1.0.0\n item tags/x version=1.0.0"),
            "tags/x: notes 2.0.0 offline [c@1]",
        ),
        (
            "a changed file",
            three("replace notes 2.0.0 [b] #new\n item notes/x version=1.0.0"),
            "! digest-drift notes 2.0.0",
        ),
        (
            "a late arrival",
            three("file notes 1.5.0\n item notes/x version=1.0.0"),
            "! late-arrival notes 1.5.0",
        ),
        (
            "what it starts from is its own version",
            three(
                "file notes 4.0.0 requires=3\n replace notes 2.0.0 requires=>=1\n policy digest-drift=accept\n item notes/x version=1.0.0-rc.1\n",
            ),
            "notes/x: notes 1.0.0 offline [a]
             notes/x: notes 3.0.0 offline [f]",
        ),
        (
            "its version is too old for a migration",
            three("replace notes 3.0.0 requires=>2\n item notes/x version=2.0.0"),
            "! requires notes 3.0.0",
        ),
        (
            "not again when it has begun the migration",
            three(
                "replace notes 2.0.0 [b c@tags d | e] requires=1\n policy digest-drift=accept\n item notes/x version=2.0.0 next=2.0.0:3 to=2.0.0",
            ),
            "notes/x: notes 2.0.0 online [e@3]",
        ),
        (
            "nor when it is through with it, ahead of its app",
            three("replace notes 3.0.0 [f] requires=2\n item notes/x version=3.0.0 next=3.0.0:1"),
            "",
        ),
        (
            "other apps are where they are",
            three(
                "replace notes 3.0.0 needs=users:1\n file users 1.0.0\n item notes/x version=2.0.0",
            ),
            "! dependency notes 3.0.0",
        ),
        (
            "a version below its own",
            three("item notes/x version=2.0.0 to=1.0.0"),
            "! target notes 1.0.0",
        ),
        (
            "a version beyond the catalogue",
            three("item notes/x version=4.0.0"),
            "! newer-store notes 4.0.0",
        ),
        (
            "a collection of nobody",
            three("item nots/x version=1.0.0"),
            "! collection-unknown",
        ),
        (
            "a collection of an app without files",
            three("collection people of=users\n item people/x version=1.0.0"),
            "! app-unknown users",
        ),
        (
            "a run that is being undone",
            three("run undoing 0\n item notes/x version=1.0.0"),
            "! unfinished-run notes 2.0.0",
        ),
    ]);
}
