//! `godwit runs`

use super::{GOOD, with_items};

#[test]
fn runs_say_what_they_did() {
    let cli = with_items(GOOD, &["append-2-0-0"]);
    cli.prepare(&["godwit up --quiet"]);
    insta::assert_snapshot!(cli.session(&[
        "godwit runs",
        "godwit runs 1",
        "godwit runs --json",
        "godwit runs 2",
        "godwit runs 2 --json",
        "godwit runs first",
    ]), @r#"
$ godwit runs
run  started               what  state      versions               can be undone
  1  [moment]  up    completed  append 1.0.0 -> 2.0.0  yes
$ godwit runs 1
run 1: append 1.0.0 -> 2.0.0, completed
  append 2.0.0 append on items: 4 read, 2 updated, 1 unchanged, 1 removed, 1 written elsewhere
$ godwit runs --json
[
  {
    "id": 1,
    "purpose": "up",
    "state": "completed",
    "started_at": "[moment]",
    "changed_at": "[moment]",
    "seed": "[seed]",
    "plan": {
      "stages": [
        {
          "app": "append",
          "version": "2.0.0",
          "from": "1.0.0",
          "phase": "offline",
          "digest": "[digest]",
          "file": "append-2-0-0.wasm",
          "first_step": 0,
          "steps": [
            {
              "name": "append",
              "phase": "offline",
              "transform": {
                "mode": "rewrite",
                "collection": "items",
                "reads": [],
                "writes": [
                  "tallies"
                ]
              }
            }
          ],
          "source": "collection"
        }
      ]
    },
    "stages_done": 1,
    "has_pre_images": true
  }
]
$ godwit runs 2
2> error: there is no run 2
2> hint: `godwit runs` lists the runs
[exit 2]
$ godwit runs 2 --json
2> error: there is no run 2
2> hint: `godwit runs` lists the runs
{
  "error": "there is no run 2",
  "hint": "`godwit runs` lists the runs"
}
[exit 2]
$ godwit runs first
2> error: invalid value 'first' for '[RUN]': a run is a number, as `godwit runs` shows it
2> 
2> For more information, try '--help'.
[exit 2]
"#);
}
