//! What cannot be typed.

use godwit_tests::cli::Cli;

#[test]
fn what_makes_no_sense_is_refused_with_a_hint_of_help() {
    let lines = [
        "godwit frobnicate",
        "godwit up --frobnicate",
        "godwit plan --phase later",
        "godwit plan --to 2",
        "godwit plan --accept nonsense",
        "godwit up --id items",
        "godwit up --max-failures many",
        "godwit up --on-failure ignore",
        "godwit up --threads 0",
        "godwit undo last",
        "godwit undo",
        "godwit prune",
        "godwit baseline append 1",
        "godwit import --collection 'a b' --version 1.0.0",
        "godwit import --collection items --version 1.0",
        "godwit import --collection items --version 1.0.0 --id name",
        "godwit quarantine show items",
        "godwit quarantine accept",
        "godwit get items",
    ];
    insta::assert_snapshot!(Cli::new().session(&lines), @r#"
$ godwit frobnicate
2> error: unrecognized subcommand 'frobnicate'
2> 
2> Usage: godwit [OPTIONS] <COMMAND>
2> 
2> For more information, try '--help'.
[exit 2]
$ godwit up --frobnicate
2> error: unexpected argument '--frobnicate' found
2> 
2> Usage: godwit up [OPTIONS]
2> 
2> For more information, try '--help'.
[exit 2]
$ godwit plan --phase later
2> error: invalid value 'later' for '--phase <offline|online>': it is `offline` or `online`
2> 
2> For more information, try '--help'.
[exit 2]
$ godwit plan --to 2
2> error: invalid value '2' for '--to <VERSION>': a version is like 1.0.0 or 2.1.0-beta.1: unexpected end of input while parsing major version number
2> 
2> For more information, try '--help'.
[exit 2]
$ godwit plan --accept nonsense
2> error: invalid value 'nonsense' for '--accept <KIND>': `nonsense` is no kind of finding that a policy can choose: invalid-file, gap, digest-drift, late-arrival, requires, dependency, phase-order, grant
2> 
2> For more information, try '--help'.
[exit 2]
$ godwit up --id items
2> error: invalid value 'items' for '--id <COLLECTION/ID>': `items` is not COLLECTION/ID
2> 
2> For more information, try '--help'.
[exit 2]
$ godwit up --max-failures many
2> error: invalid value 'many' for '--max-failures <N|P%>': `many` is neither a count, as in 100, nor a share, as in 5%
2> 
2> For more information, try '--help'.
[exit 2]
$ godwit up --on-failure ignore
2> error: invalid value 'ignore' for '--on-failure <quarantine|stop>': it is `quarantine` or `stop`
2> 
2> For more information, try '--help'.
[exit 2]
$ godwit up --threads 0
2> error: invalid value '0' for '--threads <THREADS>': 0 is not in 1..=512
2> 
2> For more information, try '--help'.
[exit 2]
$ godwit undo last
2> error: invalid value 'last' for '<RUN>': a run is a number, as `godwit runs` shows it
2> 
2> For more information, try '--help'.
[exit 2]
$ godwit undo
2> error: the following required arguments were not provided:
2>   <RUN>
2> 
2> Usage: godwit undo <RUN>
2> 
2> For more information, try '--help'.
[exit 2]
$ godwit prune
2> error: the following required arguments were not provided:
2>   <RUN>...
2> 
2> Usage: godwit prune <RUN>...
2> 
2> For more information, try '--help'.
[exit 2]
$ godwit baseline append 1
2> error: invalid value '1' for '<VERSION>': a version is like 1.0.0 or 2.1.0-beta.1: unexpected end of input while parsing major version number
2> 
2> For more information, try '--help'.
[exit 2]
$ godwit import --collection 'a b' --version 1.0.0
2> error: invalid value 'a b' for '--collection <NAME>': `a b` is not a name: 1 to 64 bytes without `/`, white space and control characters
2> 
2> For more information, try '--help'.
[exit 2]
$ godwit import --collection items --version 1.0
2> error: invalid value '1.0' for '--version <VERSION>': a version is like 1.0.0 or 2.1.0-beta.1: unexpected end of input while parsing minor version number
2> 
2> For more information, try '--help'.
[exit 2]
$ godwit import --collection items --version 1.0.0 --id name
2> error: invalid value 'name' for '--id <POINTER>': `name` is not a JSON pointer: it starts with `/`, as in `/_id`, and `~` is written `~0`
2> 
2> For more information, try '--help'.
[exit 2]
$ godwit quarantine show items
2> error: invalid value 'items' for '<COLLECTION/ID>': `items` is not COLLECTION/ID
2> 
2> For more information, try '--help'.
[exit 2]
$ godwit quarantine accept
2> error: the following required arguments were not provided:
2>   <COLLECTION/ID>...
2> 
2> Usage: godwit quarantine accept <COLLECTION/ID>...
2> 
2> For more information, try '--help'.
[exit 2]
$ godwit get items
2> error: the following required arguments were not provided:
2>   <IDS>...
2> 
2> Usage: godwit get <COLLECTION> <IDS>...
2> 
2> For more information, try '--help'.
[exit 2]
"#);
}
