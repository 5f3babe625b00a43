//! `godwit prune`

use super::{GOOD, MIXED, with_items};

#[test]
fn a_run_without_pre_images_cannot_be_undone() {
    let cli = with_items(GOOD, &["append-2-0-0", "append-3-0-0"]);
    cli.prepare(&["godwit up --to 2.0.0", "godwit up"]);
    insta::assert_snapshot!(cli.session(&[
        "godwit prune --keep 1",
        "godwit runs",
        "godwit undo 2",
        "godwit undo 1",
        "godwit prune 1 --json",
    ]), @r#"
$ godwit prune --keep 1
6 pre-images of 1 run dropped
$ godwit runs
run  started               what  state      versions               can be undone
  1  [moment]  up    completed  append 1.0.0 -> 2.0.0  no
  2  [moment]  up    completed  append 2.0.0 -> 3.0.0  yes
$ godwit undo 2
run 2 is undone: 3 changes put back
$ godwit undo 1
2> error: run 1 cannot be undone: its pre-images were pruned
2> hint: `godwit runs` shows the states of the runs
[exit 2]
$ godwit prune 1 --json
{
  "runs": [
    1
  ],
  "dropped": 0
}
"#);
}

#[test]
fn what_cannot_be_pruned_is_named() {
    let cli = with_items(MIXED, &["append-2-0-0"]);
    assert_eq!(cli.run("godwit up").code, Some(4));
    insta::assert_snapshot!(cli.session(&[
        "godwit prune 1",
        "godwit prune 9",
        "godwit prune 9 --json",
        "godwit prune --keep 0",
        "godwit prune --keep 0 1",
    ]), @r#"
$ godwit prune 1
2> error: run 1 cannot be pruned: its pre-images are kept while it is blocked
2> hint: `godwit up` goes on once the items in quarantine were retried or accepted; `godwit undo 1` goes back
[exit 2]
$ godwit prune 9
2> error: there is no run 9
2> hint: `godwit runs` lists the runs
[exit 2]
$ godwit prune 9 --json
2> error: there is no run 9
2> hint: `godwit runs` lists the runs
{
  "error": "there is no run 9",
  "hint": "`godwit runs` lists the runs"
}
[exit 2]
$ godwit prune --keep 0
0 pre-images of 0 runs dropped
$ godwit prune --keep 0 1
2> error: the argument '--keep <N>' cannot be used with '[RUN]...'
2> 
2> Usage: godwit prune --keep <N> [RUN]...
2> 
2> For more information, try '--help'.
[exit 2]
"#);
}
