//! What steps ask for and are not granted.

use super::check;
use super::world::World;

const ASKS: &str = "file notes 1.0.0 [a>r-tags,sums]
    file users 1.0.0 [b@people>notes-of-people]
    collection r-tags of=users";

fn asks(rest: &'static str) -> &'static str {
    Box::leak(format!("{ASKS}\n{rest}").into_boxed_str())
}

#[test]
fn an_apps_own_collections_are_granted_by_default_and_others_are_not() {
    let users = "users 1.0.0 offline [b]";
    let both = "notes 1.0.0 offline [a]\nusers 1.0.0 offline [b]";
    check(&[
        ("another app's", asks(""), "! grant notes 1.0.0"),
        ("of another plan", asks("goal app=users"), users),
        ("granted", asks("grant notes:r-tags:read"), both),
        ("granted for more", asks("grant notes:r-tags"), both),
        (
            "to another app",
            asks("grant users:r-tags"),
            "! grant notes 1.0.0",
        ),
        (
            "nothing by default",
            asks("grant nothing\n grant notes:r-tags:read\n grant users:notes-of-people"),
            "! grant notes 1.0.0",
        ),
        (
            "reading is not writing",
            asks("grant nothing\n grant notes:r-tags\n grant notes:sums:read\n goal app=notes"),
            "! grant notes 1.0.0",
        ),
        (
            "everything by name",
            asks("grant nothing\n grant notes:r-tags:read\n grant notes:sums\n goal app=notes"),
            "notes 1.0.0 offline [a]",
        ),
        (
            "going on without",
            asks("policy grant=accept\n goal app=notes"),
            "notes 1.0.0 offline [a]
             ! grant notes 1.0.0 accepted",
        ),
        (
            "one item",
            asks("item notes/x version=0.1.0"),
            "! grant notes 1.0.0",
        ),
    ]);
}

#[test]
fn what_is_missing_is_told_with_the_flags_that_grant_it() {
    let world = World::read(asks("grant nothing\n goal app=notes"));
    let finding = &world.answer().findings[0];
    assert_eq!(
        finding.to_string(),
        "notes 1.0.0 (notes-1.0.0.wasm): step a asks to read r-tags and to write sums, which is not \
         granted"
    );
    assert_eq!(
        finding.way_out(),
        "grant it, here or under [grants] in godwit.toml: `--grant notes:r-tags:read --grant \
         notes:sums`; or run it without: repeat the command with `--accept grant`"
    );
}
