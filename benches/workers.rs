//! How fast a run on PostgreSQL is with so many workers: one that waits, one that computes, and a single UPDATE beside them.
//!
//! `cargo run --release -p godwit-benches --bin workers`; the tables go to benches/README.md. Times are of whole processes, from
//! when the first worker is started to when the last one has ended; ratios are of one run of this program.

use std::error::Error;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use clap::Parser;
use godwit::store::{OpenMode, Postgres};
use godwit_tests::campaign::process::program;
use godwit_tests::made::{LAYOUTS, Order, made_for, plain, rewrite};
use godwit_tests::postgres::Server;
use godwit_tests::world::{self, ENGINE};

/// Measure workers.
#[derive(Debug, Parser)]
struct Args {
    /// How many items there are where workers wait.
    #[arg(long, default_value_t = 8_000)]
    waiting: usize,
    /// How long a worker rests behind each batch of 20 items, in milliseconds.
    #[arg(long, default_value_t = 100)]
    rest: u64,
    /// How many items there are where workers compute.
    #[arg(long, default_value_t = 60_000)]
    computing: usize,
}

const COUNTS: [usize; 4] = [1, 2, 4, 8];

fn main() -> Result<(), Box<dyn Error>> {
    let args = Args::parse();
    let folder = tempfile::tempdir()?;
    let plugins = folder.path().join("plugins");
    std::fs::create_dir(&plugins)?;
    let order = Order::new("made", "2.0.0").step(rewrite("apply", "items"));
    std::fs::write(plugins.join("made.wasm"), order.file(LAYOUTS[0]))?;
    let catalogue = made_for(&ENGINE, LAYOUTS[0], &[order]);
    // As a server is used, but for waiting for the disk, of which there is one for all.
    let server = Server::start();
    let bench = Bench {
        folder: folder.path(),
        server: &server,
        catalogue,
    };
    println!("| workers | that wait | speed-up | that compute | speed-up |");
    println!("| --- | --- | --- | --- | --- |");
    let rest = format!("{}ms", args.rest);
    let waits = [
        "--rest",
        &rest,
        "--batch-items",
        "20",
        "--range-items",
        "40",
    ];
    let (mut waiting, mut computing) = (Duration::ZERO, Duration::ZERO);
    for count in COUNTS {
        let waited = bench.run(&format!("wait_{count}"), args.waiting, count, &waits)?;
        let computed = bench.run(&format!("compute_{count}"), args.computing, count, &[])?;
        if count == 1 {
            (waiting, computing) = (waited, computed);
        }
        let times = |first: Duration, now: Duration| first.as_secs_f64() / now.as_secs_f64();
        println!(
            "| {count} | {:.2} s | {:.2} x | {:.2} s | {:.2} x |",
            waited.as_secs_f64(),
            times(waiting, waited),
            computed.as_secs_f64(),
            times(computing, computed)
        );
    }
    let update = bench.update(args.computing)?;
    println!(
        "\nOne `UPDATE … SET body = jsonb_set(…)` over the same {} documents takes {:.2} s: one worker takes {:.1} times as long, \
         and keeps what an undo needs.",
        args.computing,
        update.as_secs_f64(),
        computing.as_secs_f64() / update.as_secs_f64()
    );
    Ok(())
}

struct Bench<'b> {
    folder: &'b Path,
    server: &'b Server,
    catalogue: Arc<godwit::catalogue::Catalogue>,
}

impl Bench<'_> {
    /// Has so many workers bring a new store up to date.
    fn run(
        &self,
        schema: &str,
        items: usize,
        count: usize,
        more: &[&str],
    ) -> Result<Duration, Box<dyn Error>> {
        let url = self.server.url_of(schema);
        let host = world::host(
            Arc::new(Postgres::open(&url, OpenMode::Create)?),
            &self.catalogue,
        );
        let items: Vec<_> = (0..items).map(|n| plain(&format!("{n:08}"))).collect();
        for part in items.chunks(5_000) {
            world::seed(&host, "made", "items", part);
        }
        drop(host);
        self.server.psql("VACUUM ANALYZE");
        let started = Instant::now();
        let workers: Vec<_> = (0..count)
            .map(|_| {
                let mut command = Command::new(program("godwit")?);
                command.args(["worker", "--quiet", "--threads", "1", "--store", &url]);
                command.arg("--plugins").arg(self.folder.join("plugins"));
                command
                    .args(more)
                    .env("GODWIT_CACHE", self.folder.join("cache"));
                command.stdout(Stdio::null()).stdin(Stdio::null());
                Ok::<_, Box<dyn Error + Send + Sync>>(command.spawn()?)
            })
            .collect::<Result<_, _>>()
            .map_err(|error| error.to_string())?;
        for mut worker in workers {
            if !worker.wait()?.success() {
                return Err("a worker failed".into());
            }
        }
        let took = started.elapsed();
        self.server.psql(&format!("DROP SCHEMA {schema} CASCADE"));
        Ok(took)
    }

    /// What the server itself takes to change so many documents.
    fn update(&self, items: usize) -> Result<Duration, Box<dyn Error>> {
        self.server
            .psql("CREATE TABLE plain (id text PRIMARY KEY, body jsonb NOT NULL)");
        self.server.psql(&format!(
            "INSERT INTO plain SELECT lpad(n::text, 8, '0'), jsonb_build_object('_id', lpad(n::text, 8, '0'))
                FROM generate_series(0, {items} - 1) AS n"
        ));
        self.server.psql("VACUUM ANALYZE");
        let started = Instant::now();
        self.server
            .psql("UPDATE plain SET body = jsonb_set(body, '{trail}', '[\"2.0.0/apply\"]')");
        Ok(started.elapsed())
    }
}
