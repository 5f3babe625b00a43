//! What can be typed, and what is said about it.

use godwit_tests::cli::Cli;

/// The verbs below others.
pub(super) const NESTED: [&str; 11] = [
    "quarantine list",
    "quarantine show",
    "quarantine retry",
    "quarantine accept",
    "backup create",
    "backup verify",
    "backup restore",
    "backup list",
    "backup prune",
    "cache show",
    "cache clear",
];

const VERBS: [&str; 44] = [
    "import",
    "export",
    "inspect",
    "plan",
    "up",
    "worker",
    "status",
    "progress",
    "pause",
    "resume",
    "cancel",
    "throttle",
    "batch",
    "history",
    "runs",
    "get",
    "put",
    "delete",
    "quarantine",
    "undo",
    "down",
    "stats",
    "finalize",
    "reset",
    "backup",
    "verify",
    "digest",
    "prune",
    "baseline",
    "repair",
    "rehearse",
    "lock",
    "cache",
    "new",
    "build",
    "test",
    "check",
    "pack",
    "transform",
    "bindgen",
    "bench",
    "serve",
    "generate",
    "completions",
];

#[test]
fn the_whole_help() {
    insta::assert_snapshot!(Cli::new().session(&["godwit --help"]), @"
    $ godwit --help
    Bring stored documents from one version of an application to the next

    Usage: godwit [OPTIONS] <COMMAND>

    Commands:
      import       Put documents into a collection: JSON, one document a line (NDJSON)
      export       Write a collection as NDJSON, ordered by id: every body as it is stored, one a line
      inspect      Show what a plugin is: app, version, steps, contract, layout, imports, digest
      plan         Show what would be done, or why nothing can be
      up           Carry out what is pending, or go on with what was interrupted
      worker       Carry out what is pending along with other workers of the same store, on as many
                   machines as wanted
      status       Show where the apps and collections are
      progress     Show how far the run is that is under way, or that was left unfinished
      pause        Let the run that is under way wait, after the batch that is being committed
      resume       Let a run that waits since `godwit pause` go on
      cancel       End the run that is under way, as Ctrl-C does: `godwit up` goes on, `godwit runs`
                   shows what takes it back
      throttle     Slow down the run that is under way; without limits, let it go as fast as it can
      batch        Change how many bytes of documents the run that is under way feeds at once
      history      Show what was applied when, by which file, with which counts
      runs         Show the runs, or what one of them did
      get          Print items: by id, or those that have a value at a JSON pointer
      put          Put one item into a collection, as an application does: also while a shadow run is
                   under way
      delete       Remove items from a collection, as an application does: also while a shadow run is
                   under way
      quarantine   Deal with items that failed
      undo         Put back what a run changed, byte for byte, from the pre-images that it kept
      down         Bring an app back to an older version, by what its migrations do in their `revert`
      stats        Tell how far a shadow run is, and for how long a finalization would have the
                   application wait
      finalize     Make what a shadow run made live: all collections change places at once, however many
                   items they have
      reset        Drop a shadow run and everything that it made; what is live stays as it is
      backup       Make backups of the store, and put them in its place
      verify       Check that everything that is stored is as it should be; nothing is changed
      digest       Print a digest of each collection, by which stores can be compared
      prune        Drop the pre-images of runs, which can then not be undone any more
      baseline     Declare the version that an app's existing items have, so that migrations up to it
                   never run
      repair       Take a migration's file for the one that was applied, though it has other bytes
      rehearse     Try everything that is pending on copies that are thrown away
      lock         Write down which migrations there are, so that `godwit up --locked` takes these and
                   no others
      cache        Look after the compiled components that are kept
      new          Make a project for a migration: it builds, and passes its tests
      build        Build a project's migration with the language's own tools, and pack it
      test         Build a project's migration and test it, under the limits that hold in production
      check        Try any plugin on items, under the limits that hold in production
      pack         Make a plugin of what a compiler made
      transform    Pass documents through a plugin, without a store
      bindgen      Write bindings to the contract, for those who do without an SDK
      bench        Measure how fast a plugin is, and where the time goes
      serve        Serve the store over HTTP: an API, events, metrics, and a page for operators
      generate     Make items to try things with: the same ones each time, on every machine
      completions  Print the completions of a shell
      help         Print this message or the help of the given subcommand(s)

    Options:
      -h, --help     Print help
      -V, --version  Print version

    Everywhere:
          --store <URL>       Use this store: lmdb:PATH, sled:PATH, postgres://HOST/DATABASE, memory:,
                              or a PATH (what it is; new ones are LMDB) [env: GODWIT_STORE=]
          --plugins <FOLDER>  Take the migrations (.wasm and .json) from this folder [env:
                              GODWIT_PLUGINS=]
          --config <FILE>     Read this configuration file instead of ./godwit.toml [env:
                              GODWIT_CONFIG=]
          --json              Print JSON for programs
      -q, --quiet             Print results only, no progress

    Exit codes:
      0    done
      1    a fault of Godwit itself
      2    bad input: a flag, a file, a name, a version
      3    nothing was planned: a finding has to be decided first
      4    a migration failed items, or is at fault itself; lines of an import were bad
      5    somebody else works on the store
      6    the store failed: its disk, its files, its format
      130  stopped on request; nothing is lost, the same command goes on

    `godwit.toml` in the current folder (or --config FILE) may name the store and the plugins;
    GODWIT_STORE and GODWIT_PLUGINS override it, flags override both. Compiled plugins are kept in the
    user's cache folder, or where GODWIT_CACHE says (`none`: nowhere). GODWIT_LOG=debug traces what
    happens inside to standard error.
    ");
}

#[test]
fn the_help_of_verbs_has_what_each_takes() {
    let cli = Cli::new();
    insta::assert_snapshot!(cli.session(&["godwit import --help"]), @r#"
$ godwit import --help
Put documents into a collection: JSON, one document a line (NDJSON).

Bodies are stored exactly as they are spelled. The file may be packed with gzip or zstd. It may be
killed at any instant: the same command goes on where it was. Lines that cannot be imported are
named, and all others are imported.

Documents that are older than their collection go through the migrations in between on their way in,
where there are plugins and these see nothing but the document itself; the others wait for `godwit
up`, and so do those that fail. When too many do, the import stops, as a run does.

Usage: godwit import [OPTIONS] --collection <NAME> [FILE]

Arguments:
  [FILE]
          Read this file, or standard input as `-`
          
          [default: -]

Options:
      --collection <NAME>
          Put the documents into this collection, which is made if it is not there

      --app <NAME>
          Say which app the documents belong to; needed where the collection is new

      --version <VERSION>
          Say which version of the app has the shape that the documents have

      --version-at <POINTER>
          Take the version of each document from this JSON pointer; one that has nothing there has
          that of --version

      --id <POINTER>
          Take the id, a string or an integer, from this JSON pointer
          
          [default: /_id]

      --on-existing <refuse|replace|keep>
          Refuse, replace or keep items that are there already with another body or version
          
          [default: refuse]

      --as-is
          Leave items of older versions as they are, so that they wait for `godwit up`, instead of
          migrating them on the way in; and take such as are newer than all migrations, though
          `godwit up` refuses then

      --on-failure <quarantine|stop>
          Put items that fail into quarantine and go on, or stop before the first one

      --max-failures <N|P%>
          Stop when more items of a step fail: a count, or a share of those read (of 100 at least).
          [default: 10%]

      --restart
          Start at the first line, even if an import of this file was interrupted

  -h, --help
          Print help (see a summary with '-h')

Everywhere:
      --store <URL>
          Use this store: lmdb:PATH, sled:PATH, postgres://HOST/DATABASE, memory:, or a PATH (what
          it is; new ones are LMDB)
          
          [env: GODWIT_STORE=]

      --plugins <FOLDER>
          Take the migrations (.wasm and .json) from this folder
          
          [env: GODWIT_PLUGINS=]

      --config <FILE>
          Read this configuration file instead of ./godwit.toml
          
          [env: GODWIT_CONFIG=]

      --json
          Print JSON for programs

  -q, --quiet
          Print results only, no progress

Examples:
  godwit import --app bcd --collection features --version 1.0.0 features.ndjson.gz
  godwit import --collection features --version 1.0.0 --on-existing replace more.ndjson
  godwit import --collection features --version-at /meta/version mixed.ndjson
  zcat notes.gz | godwit import --app notes --collection notes --version 2.3.0 --id /meta/id
"#);
    insta::assert_snapshot!(cli.session(&["godwit up --help"]), @"
    $ godwit up --help
    Carry out what is pending, or go on with what was interrupted.

    It may be killed at any instant: the same command goes on as if nothing had happened. Ctrl-C commits
    the batch in flight first.

    Usage: godwit up [OPTIONS]

    Options:
          --app <APP>
              This app only

          --to <VERSION>
              Up to this version only

          --phase <offline|online>
              This phase only: offline before the new version takes traffic, online while it serves

          --accept <KIND>
              Go on in spite of a kind of finding, as in digest-drift; may be repeated

          --grant <APP:COLLECTION[:read]>
              Let migrations of an app reach a collection that they ask for; may be repeated

          --dry-run
              Change nothing: list every item that would fail, and how every other would change

          --shadow
              Migrate copies of the collections, while the application goes on with them as they are;
              `godwit finalize` has them change places

          --id <COLLECTION/ID>
              Bring only this item up to date

          --on-failure <quarantine|stop>
              Put items that fail into quarantine and go on, or stop before the first one

          --max-failures <N|P%>
              Stop when more items of a step fail: a count, or a share of those read (of 100 at least).
              [default: 10%]

          --threads <THREADS>
              Transform on so many threads. [default: the number of cores]

          --batch-bytes <BATCH_BYTES>
              Feed at most so many bytes of documents at once. [default: 262144]

          --batch-items <BATCH_ITEMS>
              Feed at most so many documents at once. [default: 4096]

          --batch-target <TIME>
              Feed fewer documents at once while a batch takes longer than this, as in 500ms. [default:
              250ms]

          --items-per-second <N>
              Migrate so many items a second at most

          --duty <P%>
              Work so many percent of the time at most, and rest for the others

          --rest <TIME>
              Rest so long after each batch of each thread, as in 100ms

          --backup <always|never|auto>
              Back up the store before the run. `auto` does so where nothing else would take it back:
              without pre-images. [default: auto]

          --no-pre-images
              Keep no pre-images: every replaced document is written once instead of twice, and the run
              cannot be undone

          --pre-images
              Keep pre-images, whatever godwit.toml says

          --locked [<FILE>]
              Refuse migrations that are not those of the lock. [default file: godwit.lock]

          --events <FILE>
              Append what happens to this file, a line of JSON for each event; `-` is standard output

          --timings
              Tell where the time went

      -h, --help
              Print help (see a summary with '-h')

    Everywhere:
          --store <URL>
              Use this store: lmdb:PATH, sled:PATH, postgres://HOST/DATABASE, memory:, or a PATH (what
              it is; new ones are LMDB)
              
              [env: GODWIT_STORE=]

          --plugins <FOLDER>
              Take the migrations (.wasm and .json) from this folder
              
              [env: GODWIT_PLUGINS=]

          --config <FILE>
              Read this configuration file instead of ./godwit.toml
              
              [env: GODWIT_CONFIG=]

          --json
              Print JSON for programs

      -q, --quiet
              Print results only, no progress

    Examples:
      godwit up --store lmdb:data --plugins migrations
      godwit up --dry-run
      godwit up --dry-run --id features/api.Window
      godwit up --app bcd --to 3.0.0 --phase offline
      godwit up --max-failures 1% --json
      godwit up --no-pre-images
      godwit up --backup always
    ");
    insta::assert_snapshot!(cli.session(&["godwit quarantine --help"]), @r#"
$ godwit quarantine --help
Deal with items that failed

Usage: godwit quarantine [OPTIONS] <COMMAND>

Commands:
  list    List the items in quarantine with their reasons
  show    Show one item in quarantine: why, since when, and its body
  retry   Try items again, with the migrations as they are now
  accept  Accept by name that items stay as they are: they stand in nobody's way any more
  help    Print this message or the help of the given subcommand(s)

Options:
  -h, --help  Print help

Everywhere:
      --store <URL>       Use this store: lmdb:PATH, sled:PATH, postgres://HOST/DATABASE, memory:,
                          or a PATH (what it is; new ones are LMDB) [env: GODWIT_STORE=]
      --plugins <FOLDER>  Take the migrations (.wasm and .json) from this folder [env:
                          GODWIT_PLUGINS=]
      --config <FILE>     Read this configuration file instead of ./godwit.toml [env:
                          GODWIT_CONFIG=]
      --json              Print JSON for programs
  -q, --quiet             Print results only, no progress
"#);
}

#[test]
fn every_verb_has_help_with_examples() {
    let cli = Cli::new();
    for verb in VERBS {
        let help = cli.run(&format!("godwit {verb} --help"));
        assert_eq!(help.code, Some(0), "{help}");
        assert_eq!(help.err, "", "{help}");
        let has_verbs = ["quarantine", "backup", "cache"].contains(&verb);
        let has_examples = help.out.contains("\nExample") || has_verbs;
        assert!(has_examples, "{help}");
    }
    for verb in NESTED {
        let help = cli.run(&format!("godwit {verb} --help"));
        assert!(help.out.contains("\nExample"), "{help}");
    }
}

#[test]
fn every_verb_is_listed() {
    let help = Cli::new().run("godwit --help").out;
    let listed: Vec<_> = help
        .lines()
        .skip_while(|line| *line != "Commands:")
        .skip(1)
        .take_while(|line| !line.is_empty())
        .filter_map(|line| line.strip_prefix("  ")?.split(' ').next())
        // Behind more spaces a description goes on.
        .filter(|verb| !verb.is_empty())
        .collect();
    assert_eq!(listed, [&VERBS[..], &["help"]].concat());
}

#[test]
fn without_a_verb_the_help_is_shown() {
    let ended = Cli::new().run("godwit");
    assert_eq!(ended.code, Some(2));
    assert!(
        ended.err.contains("Usage: godwit [OPTIONS] <COMMAND>"),
        "{ended}"
    );
}

#[test]
fn the_version_is_that_of_the_package() {
    let ended = Cli::new().run("godwit --version");
    assert_eq!(ended.out, format!("godwit {}\n", env!("CARGO_PKG_VERSION")));
}
