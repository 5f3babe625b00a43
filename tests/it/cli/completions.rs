//! `godwit completions`

use godwit_tests::cli::Cli;

#[test]
fn every_shell_gets_every_verb() {
    let cli = Cli::new();
    for shell in ["bash", "elvish", "fish", "powershell", "zsh"] {
        let ended = cli.run(&format!("godwit completions {shell}"));
        assert_eq!(ended.code, Some(0), "{ended}");
        for verb in ["import", "quarantine", "baseline", "dry-run", "on-existing"] {
            assert!(ended.out.contains(verb), "{shell}: {verb}");
        }
    }
}

#[test]
fn shells_that_are_not_known_are_refused() {
    insta::assert_snapshot!(Cli::new().session(&["godwit completions tcsh"]), @r#"
$ godwit completions tcsh
2> error: invalid value 'tcsh' for '<SHELL>'
2>   [possible values: bash, elvish, fish, powershell, zsh]
2> 
2>   tip: a similar value exists: 'zsh'
2> 
2> For more information, try '--help'.
[exit 2]
"#);
}
