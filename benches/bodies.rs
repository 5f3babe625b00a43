//! What the host does to the bodies that come back: they are read once and hashed, or only looked at where they differ from
//! the old ones. Beside it what the SDK and `serde_json` take to read the same. Real documents of about 1 KB.

#![expect(missing_docs, reason = "criterion's macros make functions")]

use std::hint::black_box;
use std::time::Duration;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use godwit::model::{Rules, fingerprint, glance, json};
use godwit_benches::batch;
use godwit_plugin::JsonText;
use serde_json::Value;
use serde_json::value::RawValue;

fn reading(criterion: &mut Criterion) {
    let batch = batch();
    let ways: [(&str, fn(&[u8]) -> bool); 4] = [
        ("by the host: checked and hashed", |body| {
            fingerprint(body, Rules::default()).is_some()
        }),
        ("by the SDK: checked, members found", |body| {
            JsonText::parse(body).is_ok()
        }),
        ("by serde_json: checked", |body| {
            serde_json::from_slice::<&RawValue>(body).is_ok()
        }),
        ("by serde_json: a tree", |body| {
            serde_json::from_slice::<Value>(body).is_ok()
        }),
    ];
    let mut group = criterion.benchmark_group("a body is read");
    group.throughput(Throughput::Bytes(batch.bodies.len() as u64));
    for (name, read) in ways {
        group.bench_function(name, |bencher| {
            bencher.iter(|| batch.iter().all(|(_, body)| read(black_box(body))));
        });
    }
    // What comes out of a component's memory does so once, all bodies of a batch together.
    group.bench_function("copied out of the guest, with its batch", |bencher| {
        let mut copy = Vec::with_capacity(batch.bodies.len());
        bencher.iter(|| {
            copy.clear();
            copy.extend_from_slice(black_box(&batch.bodies));
            black_box(copy.len())
        });
    });
    group.finish();
}

fn comparing(criterion: &mut Criterion) {
    let batch = batch();
    let edits: [(&str, fn(&str) -> String); 3] = [
        ("a member more", |body| {
            format!("{},\"tags\":[]}}", &body[..body.len() - 1])
        }),
        ("a text in it is another one", |body| {
            body.replacen("https:", "http:", 1)
        }),
        ("members in another order", |body| {
            let (first, rest) = body[1..body.len() - 1]
                .split_once(',')
                .expect("it has several");
            format!("{{{rest},{first}}}")
        }),
    ];
    let mut group = criterion.benchmark_group("a body is compared with the old one");
    group.throughput(Throughput::Bytes(batch.bodies.len() as u64));
    for (name, edit) in edits {
        let edited: Vec<_> = batch
            .iter()
            .map(|(_, body)| edit(std::str::from_utf8(body).expect("it is text")))
            .collect();
        let pairs = || {
            batch
                .iter()
                .map(|(_, body)| body)
                .zip(edited.iter().map(String::as_bytes))
        };
        group.bench_function(format!("{name}: a look"), |bencher| {
            bencher.iter(|| {
                pairs().for_each(|(old, new)| {
                    black_box(glance(black_box(old), black_box(new)));
                });
            });
        });
        group.bench_function(format!("{name}: both hashed"), |bencher| {
            let print = |body| fingerprint(black_box(body), Rules::default());
            bencher.iter(|| {
                pairs()
                    .filter(|(old, new)| print(old) != print(new))
                    .count()
            });
        });
        group.bench_function(format!("{name}: as trees"), |bencher| {
            bencher.iter(|| {
                pairs()
                    .filter(|(old, new)| json::same_body(old, new))
                    .count()
            });
        });
    }
    group.finish();
}

criterion_group! {
    name = benches;
    config = Criterion::default().sample_size(20).measurement_time(Duration::from_secs(3));
    targets = reading, comparing
}
criterion_main!(benches);
