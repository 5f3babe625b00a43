//! Writes down the bits of what differs between processors, if the sandbox does not see to it: NaNs and relaxed SIMD.

use std::hint::black_box;

use godwit_plugin::{Context, Descriptor, Item, Migration, Outcome, Result, Step, export, json};

/// App `float`, version 2.0.0.
pub struct Float;

impl Migration for Float {
    fn describe() -> Descriptor {
        Descriptor::new("float", "2.0.0")
            .summary("writes down the bits of floats")
            .step(Step::rewrite("apply", "items"))
    }

    fn migrate(_step: &str, item: &Item<'_>, context: &Context<'_>) -> Result {
        let n = item.json()?["n"].as_f64().ok_or("`n` is a number")?;
        let run = context.run();
        let bits: Vec<String> = nans(n)
            .iter()
            .map(|nan| format!("{:016x}", nan.to_bits()))
            .collect();
        Ok(Outcome::updated(json!({
            "n": n,
            "nans": bits,
            "simd": simd(n as f32),
            "seed": run.seed,
            "started_at": run.started_at,
        })))
    }
}

export!(Float);

/// What is not a number, come by in several ways.
fn nans(n: f64) -> [f64; 4] {
    let (zero, nought) = (black_box(0.0), black_box(0.0));
    let (infinite, endless) = (black_box(f64::INFINITY), black_box(f64::INFINITY));
    [
        zero / nought,
        infinite - endless,
        (-1.0 - n).sqrt(),
        (zero / nought) * -n,
    ]
}

/// Sums of products, whose rounding is left to the processor.
#[cfg(target_arch = "wasm32")]
fn simd(n: f32) -> String {
    use core::arch::wasm32::{f32x4_extract_lane, f32x4_relaxed_madd, f32x4_splat};
    #[target_feature(enable = "relaxed-simd")]
    fn sum(n: f32) -> f32 {
        let (a, b, c) = (
            f32x4_splat(n + 0.1),
            f32x4_splat(1.0 / 3.0),
            f32x4_splat(-n / 3.0),
        );
        f32x4_extract_lane::<0>(f32x4_relaxed_madd(a, b, c))
    }
    format!("{:08x}", sum(black_box(n)).to_bits())
}

/// Natively there is nothing that the sandbox could see to.
#[cfg(not(target_arch = "wasm32"))]
fn simd(n: f32) -> String {
    format!("{:08x}", (n + 0.1).to_bits())
}
