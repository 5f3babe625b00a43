//! What it costs to go into the sandbox and back, by the interface of the contract and by the number of items that are
//! fed at once. The guests are the same code: they read each item and leave it as it is.

#![expect(missing_docs, reason = "criterion's macros make functions")]

use std::time::Duration;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use godwit::model::Batch;
use godwit::sandbox::{Component, Context, Engine, Limits, NoDocuments, Session};
use godwit_benches::item;
use godwit_tests::world::guest;

const SIZES: [usize; 4] = [1, 16, 256, 4_096];

fn boundary(criterion: &mut Criterion) {
    let engine = Engine::new(Limits::default());
    let mut group = criterion.benchmark_group("items of 1 KB fed at once");
    for (name, package) in [
        ("columns", "columns-2-0-0"),
        ("records", "records-2-0-0"),
        ("text", "text-2-0-0"),
    ] {
        let file = std::fs::read(guest(package)).expect("guests can be read");
        let component = Component::load(&engine, &file).expect("it is valid");
        let mut session = Session::start(&component).expect("it can be started");
        for size in SIZES {
            let mut batch = Batch::default();
            for n in 0..size {
                let (id, body) = item(n);
                batch.push(&id, body.as_bytes());
            }
            group.throughput(Throughput::Elements(size as u64));
            group.bench_function(BenchmarkId::new(name, size), |bencher| {
                bencher.iter(|| {
                    let context = Context::default();
                    let attempt = session.migrate("apply", &batch, context, NoDocuments);
                    assert_eq!(attempt.reply.expect("it answers").len(), size);
                });
            });
        }
    }
    group.finish();
}

criterion_group! {
    name = benches;
    config = Criterion::default().sample_size(20).measurement_time(Duration::from_secs(3));
    targets = boundary
}
criterion_main!(benches);
