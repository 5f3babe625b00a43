//! Results as a picture: a bar for each part, in SVG 1.1.

use std::fmt::Write;

use super::Measured;

const WIDTH: f64 = 760.0;
const LABELS: f64 = 190.0;
const VALUES: f64 = 150.0;
const ROW: f64 = 34.0;
const HEAD: f64 = 48.0;

/// Draws how long an item takes in each part.
pub fn draw(title: &str, measured: &[Measured], items: u64) -> String {
    let micros = |measured: &Measured| measured.best.as_secs_f64() * 1e6 / items as f64;
    let longest = measured
        .iter()
        .map(micros)
        .fold(f64::MIN_POSITIVE, f64::max);
    let height = HEAD + ROW * measured.len() as f64 + 10.0;
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {height}\" \
         font-family=\"sans-serif\" font-size=\"14\">\n\
         <rect width=\"100%\" height=\"100%\" fill=\"#fff\"/>\n\
         <text x=\"10\" y=\"26\" font-weight=\"bold\">{}</text>\n",
        title.replace('&', "&amp;").replace('<', "&lt;")
    );
    for (row, measured) in (0_u32..).zip(measured) {
        let top = HEAD + ROW * f64::from(row);
        let middle = top + ROW / 2.0 + 2.0;
        let value = micros(measured);
        let length = value / longest * (WIDTH - LABELS - VALUES);
        let label = measured.part.label();
        // A text is written to; that cannot fail.
        let _ = writeln!(
            svg,
            "<text x=\"{:.0}\" y=\"{middle:.0}\" text-anchor=\"end\">{label}</text>\n\
             <rect x=\"{LABELS}\" y=\"{:.0}\" width=\"{length:.1}\" height=\"{:.0}\" fill=\"#3a6ea5\"/>\n\
             <text x=\"{:.1}\" y=\"{middle:.0}\">{value:.2} us an item</text>",
            LABELS - 10.0,
            top + 5.0,
            ROW - 10.0,
            LABELS + length + 8.0,
        );
    }
    svg.push_str("</svg>\n");
    svg
}
