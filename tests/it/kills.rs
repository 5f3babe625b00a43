//! A few kills of the campaign that `cargo run -p godwit-tests --bin kills` carries out at length.

use godwit_tests::campaign::kills::{Settings, campaign};
use godwit_tests::campaign::stores::KINDS;
use godwit_tests::campaign::{backups, shadows};

fn a_few_kills_change_nothing(scheme: &str) {
    let settings = Settings {
        scheme: scheme.to_owned(),
        kills: 4,
        seed: 20,
        items: 1_200,
        batch_bytes: 32 << 10,
        keep: false,
    };
    let score = campaign(settings, &mut |line| eprintln!("{line}")).unwrap();
    assert_eq!(score.violations, []);
    assert!(score.counted("kills") >= 12);
}

#[test]
fn a_few_kills_of_backups_and_restores_change_nothing() {
    for scheme in KINDS {
        let settings = Settings {
            scheme: scheme.to_owned(),
            kills: 8,
            seed: 3,
            items: 600,
            batch_bytes: 32 << 10,
            keep: false,
        };
        let score = backups::campaign(settings, &mut |line| eprintln!("{line}")).unwrap();
        assert_eq!(score.violations, []);
        assert!(score.counted("kills") >= 8);
    }
}

#[test]
fn a_few_kills_of_shadow_runs_change_nothing() {
    for scheme in KINDS {
        let settings = Settings {
            scheme: scheme.to_owned(),
            kills: 3,
            seed: 5,
            items: 300,
            batch_bytes: 16 << 10,
            keep: false,
        };
        let score = shadows::campaign(settings, &mut |line| eprintln!("{line}")).unwrap();
        assert_eq!(score.violations, []);
        assert!(score.counted("kills") >= 18);
    }
}

#[test]
fn a_few_kills_change_nothing_on_lmdb() {
    a_few_kills_change_nothing("lmdb");
}

#[test]
fn a_few_kills_change_nothing_on_sled() {
    a_few_kills_change_nothing("sled");
}

#[test]
fn a_few_kills_change_nothing_on_postgresql() {
    a_few_kills_change_nothing("postgres");
}
