//! Whole runs over 5,000 real documents: read, transform in the sandbox, commit with pre-images, on
//! each store. The rate is what an operator sees.

#![expect(missing_docs, reason = "criterion's macros make functions")]

use std::io::BufRead;
use std::path::Path;
use std::time::Duration;

use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use godwit::blocking::Host;
use godwit_benches::{STORES, store};
use godwit_tests::world::{catalogue, host, seed, up};

const ITEMS: usize = 5_000;

fn whole_run(criterion: &mut Criterion) {
    let items = real_items();
    let catalogue = catalogue(&["bcd-2-0-0"]);
    let mut group = criterion.benchmark_group("bcd 2.0.0 over 5,000 real documents");
    group.throughput(Throughput::Elements(ITEMS as u64));
    for kind in STORES {
        group.bench_function(kind, |bencher| {
            bencher.iter_batched(
                || {
                    let folder = tempfile::tempdir().expect("a folder can be made");
                    let mut host = host(store(kind, folder.path()), &catalogue);
                    host.options.threads = 2;
                    fill(&host, &items);
                    (folder, host)
                },
                |(folder, host)| {
                    assert_eq!(up(&host).len(), 1);
                    // Dropped by criterion, outside of the measurement.
                    (folder, host)
                },
                BatchSize::PerIteration,
            );
        });
    }
    group.finish();
}

fn fill(host: &Host, items: &[(String, String)]) {
    for chunk in items.chunks(500) {
        seed(host, "bcd", "features", chunk);
    }
}

fn real_items() -> Vec<(String, String)> {
    let file = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../plugins/examples/data/bcd-features.ndjson.gz"
    );
    let file = std::fs::File::open(Path::new(file)).expect("the data is there");
    let lines = std::io::BufReader::new(flate2::read::GzDecoder::new(file)).lines();
    let item = |line: std::io::Result<String>| {
        let line = line.expect("it can be read");
        let id = line
            .split('"')
            .nth(3)
            .expect("the id comes first")
            .to_owned();
        (id, line)
    };
    lines.take(ITEMS).map(item).collect()
}

criterion_group! {
    name = benches;
    config = Criterion::default().sample_size(10).measurement_time(Duration::from_secs(20));
    targets = whole_run
}
criterion_main!(benches);
