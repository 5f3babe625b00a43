//! `godwit repair`

#[test]
fn a_file_is_taken_for_the_applied_one_by_name_and_with_a_reason() {
    let cli = super::with_items(super::GOOD, &["append-2-0-0"]);
    let index = |pointer: &str| {
        format!(
            r#"{{"app": "append", "version": "1.5.0", "operations": [
            {{"ensure_index": {{"collection": "items", "pointer": "{pointer}"}}}}]}}"#
        )
    };
    cli.write("plugins/index.json", index("/n"))
        .prepare(&["godwit up --quiet"]);
    let same = cli.run("godwit repair append 1.5.0 --reason 'none needed'");
    assert_eq!(same.code, Some(2), "{same}");
    assert!(
        same.err.contains("its file is the one that was applied"),
        "{same}"
    );

    cli.write("plugins/index.json", index("/m"));
    let refused = cli.run("godwit up");
    assert_eq!(refused.code, Some(3), "{refused}");
    assert!(
        refused
            .err
            .contains("`godwit repair append 1.5.0 --reason TEXT`"),
        "{refused}"
    );
    for (line, part) in [
        (
            "append 9.0.0 --reason x",
            "its file is not among the plugins",
        ),
        (
            "append 1.5.0 --reason ' '",
            "the history keeps a reason, and there is none",
        ),
        ("append 1.5.0", "--reason <TEXT>"),
    ] {
        let ended = cli.run(&format!("godwit repair {line}"));
        assert_eq!(ended.code, Some(2), "{ended}");
        assert!(ended.err.contains(part), "`{part}` is not in {ended}");
    }
    let before = cli.run("godwit history --json").json();
    let repaired = cli.run("godwit repair append 1.5.0 --reason 'the index moved'");
    assert_eq!(repaired.code, Some(0), "{repaired}");
    let history = cli.run("godwit history --json").json();
    let (old, new) = (before.as_array().unwrap(), history.as_array().unwrap());
    assert_eq!(&new[..old.len()], &old[..], "nothing else is changed");
    assert_eq!(new.len(), old.len() + 1);
    assert_eq!(new[old.len()]["event"], "repaired");
    assert_eq!(new[old.len()]["reason"], "the index moved");
    assert!(
        cli.run("godwit history")
            .out
            .contains("repaired: the index moved")
    );
    let up = cli.run("godwit up");
    assert_eq!(up.code, Some(0), "{up}");
    // What is not applied cannot be repaired.
    let cli = super::with_items(super::GOOD, &["append-2-0-0"]);
    let early = cli.run("godwit repair append 2.0.0 --reason early");
    assert!(early.err.contains("it is not applied"), "{early}");
}
