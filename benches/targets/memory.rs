//! The peak of memory of runs over few items and many.

use godwit_tests::campaign::memory::measure;

use super::table::{Row, Target};

/// By how much the smaller number of items is smaller.
const TIMES: u64 = 100;

/// The peak of anonymous memory of an `up` over so many items beside that over a hundredth.
pub(crate) fn peak(items: u64) -> Row {
    let peak = |items| {
        eprintln!("memory at {items} items");
        let peaks =
            measure("lmdb", items).expect("godwit is built: cargo build --release -p godwit-host");
        peaks.up.anonymous as f64 / 1024.0
    };
    let few = [(); 3].map(|()| peak(items / TIMES));
    let few = median(few);
    let many = peak(items);
    Row {
        what: "peak memory of a run over many items / over a hundredth of them",
        target: Target::AtMost(1.2),
        found: many / few,
        unit: "x",
        of: format!(
            "{many:.1} MiB at {items} items, {few:.1} MiB at {}, without the store's map",
            items / TIMES
        ),
    }
}

fn median<const N: usize>(mut figures: [f64; N]) -> f64 {
    figures.sort_by(f64::total_cmp);
    figures[N / 2]
}
