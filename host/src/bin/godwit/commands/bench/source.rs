//! The items that are measured with: the same ones each time.

use std::path::Path;

use godwit::transfer::{Generator, Shape};

use crate::commands::read_text;
use crate::exit::Failure;

/// Items by their numbers.
pub struct Source {
    kind: Kind,
    count: u64,
}

enum Kind {
    MadeUp(Generator),
    /// Documents, which are taken over and over.
    Given(Vec<String>),
}

impl Source {
    pub fn new(file: Option<&Path>, size: u32, shape: Shape, count: u64) -> Result<Self, Failure> {
        let kind = match file {
            None => Kind::MadeUp(Generator::new(1, size).of_shape(shape)),
            Some(file) => {
                let text = read_text(file, "check the path; one JSON document a line")?;
                let lines = text.lines().filter(|line| !line.trim().is_empty());
                let lines: Vec<_> = lines.map(str::to_owned).collect();
                if lines.is_empty() {
                    let message = format!("{} has no documents", file.display());
                    return Err(Failure::input(message, "put one on each line"));
                }
                Kind::Given(lines)
            }
        };
        Ok(Self { kind, count })
    }

    /// How many bytes bodies have in the mean, about.
    pub fn mean_bytes(&self) -> u64 {
        match &self.kind {
            Kind::MadeUp(generator) => u64::from(generator.size()),
            Kind::Given(lines) => {
                let bytes: usize = lines.iter().map(String::len).sum();
                (bytes / lines.len()) as u64
            }
        }
    }

    /// Which shape they have, where they are made up.
    pub fn shape(&self) -> Option<Shape> {
        match &self.kind {
            Kind::MadeUp(generator) => Some(generator.shape()),
            Kind::Given(_) => None,
        }
    }

    /// Visits all items in order of their ids.
    pub fn each<E>(&self, mut visit: impl FnMut(&str, &[u8]) -> Result<(), E>) -> Result<(), E> {
        let mut body = Vec::new();
        for number in 0..self.count {
            let id = format!("{number:012}");
            match &self.kind {
                Kind::MadeUp(generator) => {
                    body.clear();
                    generator.item(number, &mut body);
                    visit(&id, &body)?;
                }
                Kind::Given(lines) => {
                    let place = (number % lines.len() as u64) as usize;
                    visit(&id, lines[place].as_bytes())?;
                }
            }
        }
        Ok(())
    }
}
