//! Answers and bodies as a plugin gives them: anything.

use godwit::model::{Kind, Reply, ReplyError, Rules, json};
use serde_json::Value;

use super::is_printable;

/// The rules by which every JSON text passes that the parser takes.
const LENIENT: Rules = Rules {
    depth: 128,
    duplicate_names: true,
};

/// The columns of an answer.
#[derive(Debug, Clone)]
struct Columns {
    expected: usize,
    kinds: Vec<u8>,
    payloads: Vec<u8>,
    ends: Vec<u32>,
}

/// Reads an answer to a batch, as it comes and mended so that it must be taken, and its payloads as
/// JSON.
///
/// # Panics
/// When an answer is taken that does not match, or one that does is not; when the readers of JSON do
/// not agree.
pub fn reply(bytes: &[u8]) {
    let Some(columns) = Columns::read(bytes) else {
        return;
    };
    if let Ok(reply) = columns.check() {
        columns.matches(&reply);
    }
    let mended = columns.mended();
    let reply = mended.check().expect("its columns fit together");
    mended.matches(&reply);
    let bodies: Vec<&[u8]> = reply.iter().map(|(_, payload)| payload).collect();
    for body in &bodies {
        check_json(body);
    }
    for pair in bodies.windows(2) {
        is_symmetric(pair[0], pair[1]);
    }
}

impl Columns {
    /// Splits bytes: how many items were fed, how many kinds and ends came; the kinds; the ends, two
    /// bytes each (little-endian); the payloads.
    fn read(bytes: &[u8]) -> Option<Self> {
        let ([expected, kinds, ends], rest) = bytes.split_first_chunk::<3>()?;
        let (kinds, rest) = rest.split_at_checked(usize::from(*kinds))?;
        let (ends, payloads) = rest.split_at_checked(2 * usize::from(*ends))?;
        let end = |bytes: &[u8]| u32::from(u16::from_le_bytes([bytes[0], bytes[1]]));
        Some(Self {
            expected: usize::from(*expected),
            kinds: kinds.to_vec(),
            payloads: payloads.to_vec(),
            // The largest stands for those that two bytes cannot say.
            ends: ends.chunks_exact(2).map(end).map(widened).collect(),
        })
    }

    fn check(&self) -> Result<Reply, ReplyError> {
        let (kinds, payloads) = (self.kinds.clone(), self.payloads.clone());
        let reply = Reply::from_columns(self.expected, kinds, payloads, self.ends.clone());
        if let Err(error) = &reply {
            assert!(is_printable(&error.to_string()), "{error:?}");
        }
        reply
    }

    /// The same with as many outcomes as there are kinds, each kind one that there is, and ends in
    /// order, the last one at the end.
    fn mended(&self) -> Self {
        let count = self.kinds.len();
        let length = u32::try_from(self.payloads.len()).expect("inputs are small");
        let mut ends: Vec<_> = self.ends.iter().map(|end| *end.min(&length)).collect();
        ends.resize(count, length);
        ends.sort_unstable();
        let payloads = match ends.last_mut() {
            Some(last) => {
                *last = length;
                self.payloads.clone()
            }
            None => Vec::new(),
        };
        Self {
            expected: count,
            kinds: self.kinds.iter().map(|kind| kind % 4).collect(),
            payloads,
            ends,
        }
    }

    /// The outcomes are as many as there are items, and have what the columns have.
    fn matches(&self, reply: &Reply) {
        assert_eq!(reply.len(), self.expected);
        assert_eq!(reply.is_empty(), self.expected == 0);
        assert_eq!(reply.iter().len(), self.expected);
        assert_eq!(reply.payload_bytes(), self.payloads.len());
        let (mut kinds, mut payloads) = (Vec::new(), Vec::new());
        let mut pushed = Reply::default();
        for (kind, payload) in reply.iter() {
            kinds.push(kind as u8);
            payloads.extend_from_slice(payload);
            pushed.push(kind, payload);
        }
        assert_eq!(
            (kinds, payloads),
            (self.kinds.clone(), self.payloads.clone())
        );
        assert_eq!(&pushed, reply);
        assert!(self.kinds.iter().all(|kind| *kind <= Kind::Failed as u8));
    }
}

fn widened(end: u32) -> u32 {
    if end == u32::from(u16::MAX) {
        u32::MAX
    } else {
        end
    }
}

/// The rules for JSON and the parser of values take the same texts, and whatever is taken says the
/// same as itself.
fn check_json(body: &[u8]) {
    let checked = LENIENT.check(body);
    if let Err(error) = &checked {
        assert!(is_printable(error), "{error:?}");
        // The parser has a limit of its own, which comes first.
        assert!(!error.starts_with("is nested"), "{error:?}");
    }
    if !json::has_private_name(body) {
        let value = serde_json::from_slice::<Value>(body);
        assert_eq!(checked.is_ok(), value.is_ok(), "{checked:?}, {value:?}");
        if let Ok(value) = value {
            says_the_same_written_anew(body, &value);
        }
    }
    is_stricter(body, checked.is_ok());
    assert!(json::same_body(body, body));
}

fn says_the_same_written_anew(body: &[u8], value: &Value) {
    let pretty = serde_json::to_vec_pretty(value).expect("a value can be written");
    is_symmetric(body, &pretty);
    assert!(json::same_body(body, &pretty), "{value:?}");
    assert_eq!(LENIENT.check(&pretty), Ok(()), "{value:?}");
}

/// Whatever stricter rules take, the lenient ones take.
fn is_stricter(body: &[u8], lenient: bool) {
    for (depth, duplicate_names) in [(128, false), (3, true), (0, false)] {
        let strict = Rules {
            depth,
            duplicate_names,
        };
        match strict.check(body) {
            Ok(()) => assert!(lenient, "{strict:?}"),
            Err(error) => assert!(is_printable(&error), "{error:?}"),
        }
    }
}

fn is_symmetric(a: &[u8], b: &[u8]) {
    assert_eq!(json::same_body(a, b), json::same_body(b, a));
}
