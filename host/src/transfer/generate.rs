//! Items that are made up: the same ones for the same seed and size, on every machine.

use std::fmt;
use std::io::Write;
use std::ops::Range;
use std::str::FromStr;

use crate::model::Dice;

/// Makes items up: documents with an id, of a [`Shape`].
///
/// An item depends on the seed, the size, the shape and its own number only, so that any range of them can be
/// made, and fewer items are always the first of more.
///
/// ```
/// use godwit::transfer::Generator;
///
/// let mut lines = Vec::new();
/// Generator::new(42, 400).lines(0..3, &mut lines);
/// let lines = String::from_utf8(lines)?;
/// assert_eq!(lines.lines().count(), 3);
/// let first: serde_json::Value = serde_json::from_str(lines.lines().next().unwrap_or_default())?;
/// assert_eq!(first["_id"], "item-000000000000");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Generator {
    seed: u64,
    size: u32,
    shape: Shape,
}

/// What made-up items are like: what a migration of JSON takes depends on it as much as on their size.
///
/// ```
/// use godwit::transfer::Shape;
///
/// let shape: Shape = "flat".parse()?;
/// assert_eq!(shape, Shape::Flat);
/// assert_eq!(shape.name(), "flat");
/// assert!(Shape::ALL.contains(&Shape::default()));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum Shape {
    /// Nested objects, lists, numbers in several spellings, and text that is not all ASCII.
    #[default]
    Record,
    /// Many short members side by side.
    Flat,
    /// Objects in objects, up to [`Shape::DEPTH`] deep.
    Nested,
    /// One list of small objects.
    List,
    /// One text, with escapes and not all ASCII.
    Text,
}

impl Shape {
    /// All shapes.
    pub const ALL: [Self; 5] = [
        Self::Record,
        Self::Flat,
        Self::Nested,
        Self::List,
        Self::Text,
    ];

    /// How deep objects are nested at most: well below what the host takes for JSON.
    pub const DEPTH: usize = 32;

    /// Its name, as in `flat`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Record => "record",
            Self::Flat => "flat",
            Self::Nested => "nested",
            Self::List => "list",
            Self::Text => "text",
        }
    }
}

impl fmt::Display for Shape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// Occurs when a text names no shape.
///
/// ```
/// use godwit::transfer::{Shape, UnknownShape};
///
/// let error = "round".parse::<Shape>().unwrap_err();
/// assert_eq!(error, UnknownShape("round".to_owned()));
/// ```
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no shape of items: record, flat, nested, list or text")]
pub struct UnknownShape(pub String);

impl FromStr for Shape {
    type Err = UnknownShape;

    fn from_str(name: &str) -> Result<Self, UnknownShape> {
        let found = Self::ALL.into_iter().find(|shape| shape.name() == name);
        found.ok_or_else(|| UnknownShape(name.to_owned()))
    }
}

/// Words of the made-up texts, as they are spelled in JSON.
const WORDS: [&str; 48] = [
    "godwit",
    "flies",
    "south",
    "without",
    "a",
    "rest",
    "over",
    "the",
    "open",
    "sea",
    "Zürich",
    "São Paulo",
    "naïve",
    "façade",
    "Łódź",
    "Ελλάδα",
    "море",
    "日本",
    "서울",
    "שלום",
    "🐦",
    "½",
    "caf\\u00e9",
    "\\\"quoted\\\"",
    "tab\\tbed",
    "line\\nbroken",
    "back\\\\slash",
    "and\\/or",
    "wind",
    "tide",
    "north",
    "eleven",
    "days",
    "mud",
    "flats",
    "of",
    "in",
    "it",
    "shore",
    "wing",
    "feather",
    "light",
    "storm",
    "star",
    "chart",
    "course",
    "home",
    "again",
];

const NAMES: [&str; 8] = [
    "Zoë",
    "Łukasz",
    "Aiko",
    "María José",
    "Åsa",
    "Nguyễn",
    "O'Brien",
    "Renée",
];

const CITIES: [&str; 8] = [
    "Zürich",
    "São Paulo",
    "Kraków",
    "東京",
    "Αθήνα",
    "Nome",
    "Saint-Étienne",
    "Da Nang",
];

/// What the members before the lists and the text need at most, in bytes.
const HEAD_BYTES: usize = 300;

impl Generator {
    /// Makes items of about `size` bytes: from three quarters of it to five quarters, evenly. Below
    /// some 400 bytes they have fewer members; none is smaller than some 40 bytes.
    pub fn new(seed: u64, size: u32) -> Self {
        Self {
            seed,
            size,
            shape: Shape::default(),
        }
    }

    /// The same, of another shape.
    ///
    /// ```
    /// use godwit::transfer::{Generator, Shape};
    ///
    /// let generator = Generator::new(42, 400).of_shape(Shape::List);
    /// assert_eq!(generator.shape(), Shape::List);
    /// assert_eq!(generator.size(), 400);
    /// ```
    #[must_use]
    pub fn of_shape(self, shape: Shape) -> Self {
        Self { shape, ..self }
    }

    /// About how many bytes items have.
    pub fn size(&self) -> u32 {
        self.size
    }

    /// Which shape items have.
    pub fn shape(&self) -> Shape {
        self.shape
    }

    /// Adds the body of item `number` to `out`.
    ///
    /// ```
    /// use godwit::transfer::Generator;
    ///
    /// let (mut body, mut again) = (Vec::new(), Vec::new());
    /// Generator::new(42, 400).item(7, &mut body);
    /// Generator::new(42, 400).item(7, &mut again);
    /// assert_eq!(body, again);
    /// ```
    pub fn item(&self, number: u64, out: &mut Vec<u8>) {
        let mut dice = Dice::of_item(self.seed, number);
        let size = u64::from(self.size);
        let most = out.len() + (size - size / 4 + dice.below(size / 2 + 1)) as usize;
        push(out, format_args!("{{\"_id\":\"item-{number:012}\""));
        match self.shape {
            Shape::Record if out.len() + HEAD_BYTES <= most => {
                head(out, &mut dice);
                parts(out, &mut dice, most);
                text(out, &mut dice, most);
            }
            Shape::Record | Shape::Text => text(out, &mut dice, most),
            Shape::Flat => flat(out, &mut dice, most),
            Shape::Nested => nested(out, &mut dice, most),
            Shape::List => list(out, &mut dice, most.saturating_sub(2)),
        }
        out.push(b'}');
    }

    /// Adds the items of a range of numbers to `out`, one a line.
    pub fn lines(&self, numbers: Range<u64>, out: &mut Vec<u8>) {
        for number in numbers {
            self.item(number, out);
            out.push(b'\n');
        }
    }
}

fn head(out: &mut Vec<u8>, dice: &mut Dice) {
    push(out, format_args!(",\"number\":{}", dice.below(1_000_000)));
    push(
        out,
        format_args!(",\"price\":{}.{:02}", dice.below(1_000), dice.below(100)),
    );
    push(
        out,
        format_args!(
            ",\"mass\":{}.{}e-{}",
            dice.below(9) + 1,
            dice.below(10),
            dice.below(20)
        ),
    );
    push(out, format_args!(",\"active\":{}", dice.below(2) == 1));
    push(
        out,
        format_args!(
            ",\"created\":\"20{:02}-{:02}-{:02}T{:02}:{:02}:{:02}Z\"",
            dice.below(30),
            dice.below(12) + 1,
            dice.below(28) + 1,
            dice.below(24),
            dice.below(60),
            dice.below(60)
        ),
    );
    push(
        out,
        format_args!(",\"author\":{{\"name\":\"{}\"", dice.pick(&NAMES)),
    );
    let (city, floor) = (dice.pick(&CITIES), dice.below(12) as i64 - 2);
    push(
        out,
        format_args!(",\"home\":{{\"city\":\"{city}\",\"floor\":{floor}}}}}"),
    );
    out.extend_from_slice(if dice.below(3) == 0 {
        b",\"rating\":null"
    } else {
        b",\"rating\":4.50"
    });
}

/// A text that fills what is left.
fn text(out: &mut Vec<u8>, dice: &mut Dice, most: usize) {
    out.extend_from_slice(b",\"text\":\"");
    words(out, dice, most.saturating_sub(2));
    out.push(b'"');
}

/// Members side by side.
fn flat(out: &mut Vec<u8>, dice: &mut Dice, most: usize) {
    let mut number = 0;
    while out.len() + 1 < most {
        push(out, format_args!(",\"member-{number}\":"));
        value(out, dice);
        number += 1;
    }
}

/// Chains of objects in objects.
fn nested(out: &mut Vec<u8>, dice: &mut Dice, most: usize) {
    let mut number = 0;
    while out.len() + 1 < most {
        push(out, format_args!(",\"branch-{number}\":"));
        let mut depth = 0;
        // One less, for the document is an object, too; what closes them takes a byte each.
        while depth + 1 < Shape::DEPTH && (depth == 0 || out.len() + depth + 20 < most) {
            push(out, format_args!("{{\"n\":{},\"in\":", dice.below(1_000)));
            depth += 1;
        }
        value(out, dice);
        out.resize(out.len() + depth, b'}');
        number += 1;
    }
}

/// A list of small objects.
fn list(out: &mut Vec<u8>, dice: &mut Dice, most: usize) {
    out.extend_from_slice(b",\"parts\":");
    push_parts(out, dice, most);
}

/// A value that is no object and no list.
fn value(out: &mut Vec<u8>, dice: &mut Dice) {
    match dice.below(5) {
        0 => push(out, format_args!("{}", dice.below(1_000_000))),
        1 => push(
            out,
            format_args!("{}.{:02}", dice.below(1_000), dice.below(100)),
        ),
        2 => push(out, format_args!("{}", dice.below(2) == 1)),
        3 => push(out, format_args!("\"{}\"", dice.pick(&CITIES))),
        _ => push(out, format_args!("\"{}\"", dice.pick(&WORDS))),
    }
}

/// The lists: tags, and an order's parts for a third of what is left.
fn parts(out: &mut Vec<u8>, dice: &mut Dice, most: usize) {
    push(
        out,
        format_args!(
            ",\"tags\":[\"{}\",\"{}\"]",
            dice.pick(&WORDS),
            dice.pick(&WORDS)
        ),
    );
    let end = out.len() + most.saturating_sub(out.len()) / 3;
    out.extend_from_slice(b",\"parts\":");
    push_parts(out, dice, end);
}

/// A list of an order's parts, up to `end` or one part more.
fn push_parts(out: &mut Vec<u8>, dice: &mut Dice, end: usize) {
    out.push(b'[');
    let start = out.len();
    while out.len() < end {
        if out.len() > start {
            out.push(b',');
        }
        push(
            out,
            format_args!(
                "{{\"part\":\"p-{}\",\"count\":{}}}",
                dice.below(10_000),
                dice.below(50)
            ),
        );
    }
    out.push(b']');
}

/// Adds words until there are `most` bytes, or one word more.
fn words(out: &mut Vec<u8>, dice: &mut Dice, most: usize) {
    while out.len() < most {
        out.extend_from_slice(dice.pick(&WORDS).as_bytes());
        out.push(b' ');
    }
}

fn push(out: &mut Vec<u8>, text: fmt::Arguments<'_>) {
    out.write_fmt(text).expect("a vector takes everything");
}
