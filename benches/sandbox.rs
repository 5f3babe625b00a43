//! What the sandbox costs: the clock and the fuel, a fresh instance or a kept one, a component that is
//! compiled or found in the cache. Each group has what it is compared with in the same run.

#![expect(missing_docs, reason = "criterion's macros make functions")]

use std::time::Duration;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use godwit::model::Batch;
use godwit::sandbox::{
    Cache, Compiler, CompilerProcess, Component, Context, Engine, Limits, NoDocuments, Session,
};
use godwit_benches::batch;
use godwit_tests::campaign::process::program;
use godwit_tests::world::guest;

const GUEST: &str = "bcd-2-0-0";

fn bytes() -> Vec<u8> {
    std::fs::read(guest(GUEST)).expect("guests can be read")
}

fn load(engine: &Engine) -> Component {
    Component::load(engine, &bytes()).expect("it is valid")
}

fn migrate(session: &mut Session<NoDocuments>, batch: &Batch) {
    let attempt = session.migrate("lists", batch, Context::default(), NoDocuments);
    assert_eq!(attempt.reply.expect("it answers").len(), batch.len());
}

fn metering(criterion: &mut Criterion) {
    let batch = batch();
    let mut group = criterion.benchmark_group("a batch of real documents");
    group.throughput(Throughput::Elements(batch.len() as u64));
    let metered = Limits {
        fuel: Some(u64::MAX),
        ..Limits::default()
    };
    for (name, engine) in [
        ("no limit of time", Engine::without_clock(Limits::default())),
        (
            "time by epochs, as in every run",
            Engine::new(Limits::default()),
        ),
        ("fuel and epochs", Engine::new(metered)),
    ] {
        let mut session = Session::start(&load(&engine)).expect("it can be started");
        group.bench_function(name, |bencher| {
            bencher.iter(|| migrate(&mut session, &batch));
        });
    }
    let component = load(&Engine::new(Limits::default()));
    group.bench_function("epochs, a fresh instance for each batch", |bencher| {
        bencher.iter(|| {
            let mut session = Session::start(&component).expect("it can be started");
            migrate(&mut session, &batch);
        });
    });
    group.finish();
}

fn loading(criterion: &mut Criterion) {
    let folder = tempfile::tempdir().expect("a folder can be made");
    let cache = Cache::open(&folder.path().join("cache")).expect("it can be used");
    let process = CompilerProcess {
        program: program("godwit").expect("it is built: cargo build --release -p godwit-host"),
        arguments: vec!["compiler".into()],
    };
    let here = Engine::new(Limits::default());
    let child = here.clone().with_compiler(Compiler::Child(process));
    let cached = here.clone().with_cache(cache);
    load(&cached);
    let mut group = criterion.benchmark_group("loading a plugin of 180 KB");
    for (name, engine) in [
        ("from the cache", &cached),
        ("compiled in this process", &here),
        ("compiled in a process of its own", &child),
    ] {
        group.bench_function(name, |bencher| bencher.iter(|| load(engine)));
    }
    let component = load(&here);
    group.bench_function("an instance", |bencher| {
        bencher.iter(|| Session::<NoDocuments>::start(&component).expect("it can be started"));
    });
    group.finish();
}

criterion_group! {
    name = benches;
    config = Criterion::default().sample_size(20).measurement_time(Duration::from_secs(5));
    targets = metering, loading
}
criterion_main!(benches);
