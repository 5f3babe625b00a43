//! What a migration costs that renames one member and adds one: as a tree of `serde_json` and as text that is spliced,
//! natively and in the sandbox. Real documents of about 1 KB, in batches as a run feeds them.

#![expect(missing_docs, reason = "criterion's macros make functions")]

use std::hint::black_box;
use std::time::Duration;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use godwit::model::Batch;
use godwit::sandbox::{Component, Context, Engine, Limits, NoDocuments, Session};
use godwit_benches::batch;
use godwit_plugin::{Body, Item, JsonText, Outcome};
use godwit_tests::world::guest;

/// Edits all documents natively; the new bodies go where a guest puts them.
fn natively(batch: &Batch, edit: fn(&Item<'_>) -> godwit_plugin::Result, reply: &mut Vec<u8>) {
    reply.clear();
    for (id, body) in batch.iter() {
        let outcome = edit(&Item::new(id, body)).expect("it can be edited");
        let Outcome::Updated(Body::Bytes(body)) = outcome else {
            panic!("it is finished");
        };
        reply.extend_from_slice(&body);
    }
}

fn in_sandbox(session: &mut Session<NoDocuments>, step: &str, batch: &Batch) {
    let attempt = session.migrate(step, batch, Context::default(), NoDocuments);
    assert_eq!(attempt.reply.expect("it answers").len(), batch.len());
}

fn editing(criterion: &mut Criterion) {
    let batch = batch();
    let file = std::fs::read(guest("members-2-0-0")).expect("guests can be read");
    let component = Component::load(&Engine::new(Limits::default()), &file).expect("it is valid");
    let mut session = Session::start(&component).expect("it can be started");
    let mut reply = Vec::with_capacity(batch.bodies.len() * 2);
    let mut group =
        criterion.benchmark_group("rename a member and add one, a batch of real documents");
    group.throughput(Throughput::Elements(batch.len() as u64));
    group.bench_function("copied, natively", |bencher| {
        bencher.iter(|| {
            reply.clear();
            batch
                .iter()
                .for_each(|(_, body)| reply.extend_from_slice(black_box(body)));
        });
    });
    group.bench_function("read as text, natively", |bencher| {
        bencher.iter(|| {
            let texts = batch
                .iter()
                .map(|(_, body)| JsonText::parse(black_box(body)));
            texts.filter(Result::is_ok).count()
        });
    });
    for (name, edit) in [
        (
            "as a tree, natively",
            members_2_0_0::as_tree as fn(&Item<'_>) -> _,
        ),
        ("as text, natively", members_2_0_0::as_text),
    ] {
        group.bench_function(name, |bencher| {
            bencher.iter(|| natively(&batch, edit, &mut reply));
        });
    }
    for (name, step) in [
        ("as a tree, in the sandbox", "tree"),
        ("as text, in the sandbox", "text"),
    ] {
        group.bench_function(name, |bencher| {
            bencher.iter(|| in_sandbox(&mut session, step, &batch));
        });
    }
    group.finish();
}

criterion_group! {
    name = benches;
    config = Criterion::default().sample_size(20).measurement_time(Duration::from_secs(5));
    targets = editing
}
criterion_main!(benches);
