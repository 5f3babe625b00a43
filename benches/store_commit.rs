//! A durable commit of 256 items of 1 KB, and a scan of 10,000, on each store.

#![expect(missing_docs, reason = "criterion's macros make functions")]

use std::hint::black_box;
use std::ops::ControlFlow;
use std::time::Duration;

use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use godwit_benches::{STORES, commit_of, store};

const ITEMS: usize = 256;
const SCANNED: usize = 10_000;

fn commit(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("commit of 256 items of 1 KB");
    group.throughput(Throughput::Elements(ITEMS as u64));
    for kind in STORES {
        let folder = tempfile::tempdir().expect("a folder can be made");
        let store = store(kind, folder.path());
        let mut first = 0;
        group.bench_function(kind, |bencher| {
            bencher.iter_batched(
                || {
                    first += ITEMS;
                    commit_of(first, ITEMS)
                },
                |commit| store.commit(&commit).expect("it can be written"),
                BatchSize::PerIteration,
            );
        });
    }
    group.finish();
}

fn scan(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("scan of 10,000 items of 1 KB");
    group.throughput(Throughput::Elements(SCANNED as u64));
    for kind in STORES {
        let folder = tempfile::tempdir().expect("a folder can be made");
        let store = store(kind, folder.path());
        for first in (0..SCANNED).step_by(ITEMS) {
            let count = ITEMS.min(SCANNED - first);
            store
                .commit(&commit_of(first, count))
                .expect("it can be written");
        }
        group.bench_function(kind, |bencher| {
            bencher.iter(|| {
                let mut bytes = 0;
                let visit = &mut |_: &[u8], value: &[u8]| {
                    bytes += value.len();
                    ControlFlow::Continue(())
                };
                store.scan(b"0", b"9", visit).expect("it can be read");
                black_box(bytes)
            });
        });
    }
    group.finish();
}

criterion_group! {
    name = benches;
    config = Criterion::default().sample_size(20).measurement_time(Duration::from_secs(8));
    targets = commit, scan
}
criterion_main!(benches);
