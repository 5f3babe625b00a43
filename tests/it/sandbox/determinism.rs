//! The same items and plugins give the same bytes: NaNs, relaxed SIMD, clock and seed are fixed.

use godwit::model::Batch;
use godwit::sandbox::{Component, Context, Engine, Limits, NoDocuments, Session};
use godwit_tests::world::guest;

/// What a guest answers to the same batch, in sessions of several engines.
fn answers(context: &Context) -> Vec<Vec<u8>> {
    let bytes = std::fs::read(guest("float-2-0-0")).expect("guests can be read");
    let mut batch = Batch::default();
    for n in 0..40 {
        batch.push(&format!("{n:02}"), format!(r#"{{"n":{n}}}"#).as_bytes());
    }
    let mut answers = Vec::new();
    for _ in 0..2 {
        let engine = Engine::new(Limits::default());
        let component = Component::load(&engine, &bytes).expect("it is valid");
        for _ in 0..2 {
            let mut session = Session::start(&component).expect("it can be started");
            for _ in 0..2 {
                let attempt = session.migrate("apply", &batch, context.clone(), NoDocuments);
                let reply = attempt.reply.expect("it answers");
                answers.push(reply.iter().flat_map(|(_, body)| body.to_vec()).collect());
            }
        }
    }
    answers
}

#[test]
fn floats_are_the_same_bits_in_every_session_of_every_engine() {
    let answers = answers(&Context::default());
    assert_eq!(answers.len(), 8);
    assert!(answers.iter().all(|answer| *answer == answers[0]));
    let text = String::from_utf8(answers[0].clone()).unwrap();
    assert!(
        text.contains("7ff8000000000000"),
        "a NaN has one pattern: {text}"
    );
}

#[test]
fn the_seed_and_the_time_are_all_that_differs() {
    let context = |seed: u64| Context {
        seed,
        started_at: 7,
        ..Context::default()
    };
    assert_eq!(answers(&context(1))[0], answers(&context(1))[0]);
    assert_ne!(answers(&context(1))[0], answers(&context(2))[0]);
}
