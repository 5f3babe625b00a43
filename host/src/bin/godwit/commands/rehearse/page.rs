//! A page about a rehearsal that needs nothing else: no script, no style, no font of somebody's.

use std::fmt::Write;

use godwit::Rehearsal;

use super::{Reached, Rehearsed, checks};
use crate::commands::runs;
use crate::output;

const STYLE: &str = "body{font:15px/1.5 system-ui,sans-serif;margin:2rem auto;max-width:60rem;padding:0 1rem;color:#222;background:#fff}\
h1{font-size:1.5rem}h2{font-size:1.2rem;margin-top:2rem}table{border-collapse:collapse;width:100%}\
th,td{text-align:left;padding:.25rem .6rem;border-bottom:1px solid #ddd;vertical-align:top}\
td.n{text-align:right;font-variant-numeric:tabular-nums}pre{background:#f6f6f6;padding:.6rem;overflow:auto;margin:.2rem 0}\
.good{color:#176b2c}.bad{color:#a4161a}";

/// Draws the page.
pub(super) fn draw(rehearsed: &Rehearsed) -> String {
    let mut page = String::new();
    let (class, verdict) = match rehearsed.good {
        true => ("good", "Nothing is wrong"),
        false => ("bad", "Something is wrong"),
    };
    page += "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">";
    page += "<meta name=\"viewport\" content=\"width=device-width,initial-scale=1\">";
    add(
        &mut page,
        format_args!("<title>Rehearsal: {verdict}</title><style>{STYLE}</style></head><body>\n"),
    );
    add(
        &mut page,
        format_args!("<h1>Rehearsal: <span class=\"{class}\">{verdict}</span></h1>\n"),
    );
    if let Some(rehearsal) = &rehearsed.scratch {
        part(&mut page, "From scratch", rehearsal);
    }
    if let Some(rehearsal) = &rehearsed.data {
        part(&mut page, "On existing data", rehearsal);
    }
    plugins(&mut page, rehearsed);
    page += "</body></html>\n";
    page
}

fn add(page: &mut String, text: std::fmt::Arguments<'_>) {
    page.write_fmt(text).expect("memory takes it");
}

fn part(page: &mut String, title: &str, rehearsal: &Rehearsal) {
    add(page, format_args!("<h2>{title}</h2>\n<ul>"));
    for line in checks(rehearsal) {
        let class = if line.starts_with('!') { "bad" } else { "good" };
        add(
            page,
            format_args!(
                "<li class=\"{class}\">{}</li>",
                escaped(line.trim_start_matches("! "))
            ),
        );
    }
    for missing in &rehearsal.missing {
        add(
            page,
            format_args!("<li class=\"bad\">{} is missing</li>", escaped(missing)),
        );
    }
    page.push_str("</ul>\n");
    steps(page, rehearsal);
    let failures = rehearsal.failures.iter().map(|failure| {
        let place = format!("{}/{}", failure.collection, failure.id);
        let what = format!("{}: {}: {}", failure.version, failure.kind, failure.reason);
        (place, what)
    });
    list(page, "Items that fail", failures.collect());
    let flaws = rehearsal.flaws.iter().map(|flaw| {
        let id = flaw
            .id
            .as_ref()
            .map_or_else(String::new, |id| format!("/{id}"));
        (
            format!("{}{id}", flaw.collection),
            format!("{}: {}", flaw.kind, flaw.what),
        )
    });
    list(page, "What is not as it should be", flaws.collect());
    if !rehearsal.samples.is_empty() {
        page.push_str("<h3>Some items</h3>\n");
        for sample in &rehearsal.samples {
            add(
                page,
                format_args!(
                    "<div>{}/{}</div><pre>{}</pre>\n",
                    escaped(sample.collection.as_str()),
                    escaped(&sample.id),
                    escaped(&sample.diff.join("\n"))
                ),
            );
        }
    }
}

fn steps(page: &mut String, rehearsal: &Rehearsal) {
    page.push_str("<table><tr><th>run</th><th>step</th><th>items</th><th>time</th></tr>\n");
    for report in &rehearsal.reports {
        for step in &report.steps {
            let took = rehearsal.steps.iter().find(|time| {
                (&time.app, &time.version, &time.step) == (&step.app, &step.version, &step.step)
            });
            let took = took.map_or_else(String::new, |time| output::duration(time.took));
            let run = format!("{}, {}", runs::versions(&report.run), report.run.state);
            let name = format!(
                "{} {} {} on {}",
                step.app, step.version, step.step, step.collection
            );
            add(
                page,
                format_args!(
                    "<tr><td>{}</td><td>{}</td><td>{}</td><td class=\"n\">{took}</td></tr>\n",
                    escaped(&run),
                    escaped(&name),
                    escaped(&output::counts(&step.counts))
                ),
            );
        }
    }
    page.push_str("</table>\n");
}

fn list(page: &mut String, title: &str, rows: Vec<(String, String)>) {
    if rows.is_empty() {
        return;
    }
    add(
        page,
        format_args!(
            "<h3 class=\"bad\">{title}: {}</h3>\n<table>\n",
            output::count(rows.len() as u64)
        ),
    );
    for (place, what) in rows {
        add(
            page,
            format_args!(
                "<tr><td>{}</td><td>{}</td></tr>\n",
                escaped(&place),
                escaped(&what)
            ),
        );
    }
    page.push_str("</table>\n");
}

fn plugins(page: &mut String, rehearsed: &Rehearsed) {
    page.push_str(
        "<h2>Plugins</h2>\n<table><tr><th>plugin</th><th>what</th><th>most</th><th>limit</th></tr>\n",
    );
    for used in &rehearsed.plugins {
        let name = escaped(&format!("{} {}", used.app, used.version));
        for Reached {
            what,
            most,
            limit,
            is_near,
        } in used.limits()
        {
            let class = if is_near { "bad" } else { "" };
            add(
                page,
                format_args!(
                    "<tr><td>{name}</td><td>{what}</td><td class=\"n {class}\">{most}</td><td class=\"n\">{limit}</td></tr>\n"
                ),
            );
        }
    }
    page.push_str("</table>\n");
}

/// Text in which nothing is a tag.
fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => escaped += "&amp;",
            '<' => escaped += "&lt;",
            '>' => escaped += "&gt;",
            '"' => escaped += "&quot;",
            c => escaped.push(c),
        }
    }
    escaped
}
