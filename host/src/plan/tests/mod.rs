//! Tables of catalogues and histories, and what is planned for them.
//!
//! A case is a name, a world and what is expected, in lines of text; [`world`] tells what they mean.

#![expect(clippy::too_many_lines, reason = "tables of cases are long")]

mod behind;
mod findings;
mod grants;
mod items;
mod order;
mod phases;
mod properties;
mod resume;
mod retries;
mod texts;
mod way_in;
mod world;

/// A name, a world, and what is expected.
type Case = (&'static str, &'static str, &'static str);

/// Runs a table.
fn check(cases: &[Case]) {
    for (name, text, expected) in cases {
        let answer = world::World::read(text).answer();
        let expected: Vec<&str> = expected
            .lines()
            .map(str::trim)
            .filter(|line| !line.is_empty())
            .collect();
        assert_eq!(world::lines(&answer), expected, "{name}");
    }
}
