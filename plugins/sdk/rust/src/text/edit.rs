//! The text of a document, and what can be done to it.

use std::borrow::Cow;
use std::error::Error;
use std::fmt;
use std::ops::Range;

use super::piece::quoted;
use super::pointer::steps;
use super::slice::{index, place};
use super::syntax::{check, space};
use super::walk::{Place, Places, is_name};
use super::{JsonPiece, JsonSlice, SyntaxError};

/// JSON text that is read in place and edited by splicing: what is not touched keeps every byte, be it the spelling of
/// a number, the order of members, an escape or a space.
///
/// The text is checked once, when it is made; no tree is built. So it is much faster than
/// [`Item::json`](crate::Item::json) and back for a migration that changes a few members of a document.
///
/// Places are named by JSON pointers (RFC 6901): `/people/0/name`, where `~1` stands for `/` and `~0` for `~`. Of
/// several members with one name the last counts, as it does for most readers.
///
/// ```
/// use godwit_plugin::JsonText;
///
/// let mut note = JsonText::parse(br#"{"title": "Brot", "weight": 1.50, "old": true}"#)?;
/// note.rename("/title", "name")?;
/// note.remove("/old")?;
/// note.set("/tags", serde_json::json!([]))?;
/// assert_eq!(note.text(), r#"{"name": "Brot", "weight": 1.50, "tags": []}"#);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// Each edit takes time in proportion to the text: it is gone through up to the place, and what lies behind is moved.
/// For changes of many elements there is [`each`](Self::each), which goes through the text once.
#[derive(Clone, Debug)]
pub struct JsonText<'t> {
    text: Cow<'t, str>,
    /// Where the outermost object's members lie, as long as that is known.
    members: Option<Vec<Place>>,
    is_edited: bool,
}

/// Occurs when an edit cannot be made; the text is as it was before.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum EditError {
    /// A pointer does not begin with `/`.
    NotAPointer(String),
    /// There is no object and no array that could have the member or element.
    NoParent(String),
    /// A member's new name is another member's.
    Taken(String),
    /// Only a member of an object has a name.
    NotAMember(String),
    /// A value cannot be moved into itself.
    IntoItself(String),
    /// The whole text cannot be removed, moved or renamed.
    Whole,
}

impl fmt::Display for EditError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotAPointer(pointer) => {
                write!(f, "`{pointer}` is no JSON pointer: one begins with `/`")
            }
            Self::NoParent(pointer) => write!(
                f,
                "nothing can be at `{pointer}`: there is no object or array around it"
            ),
            Self::Taken(name) => write!(f, "there is a member `{name}` already"),
            Self::NotAMember(pointer) => write!(
                f,
                "what is at `{pointer}` has no name: it is no member of an object"
            ),
            Self::IntoItself(pointer) => {
                write!(f, "what is at `{pointer}` cannot be moved into itself")
            }
            Self::Whole => f.write_str("the whole text cannot be removed, moved or renamed"),
        }
    }
}

impl Error for EditError {}

type Edited<T = bool> = Result<T, EditError>;

impl<'t> JsonText<'t> {
    /// Checks bytes: one JSON value (RFC 8259, nothing else: no comments, no byte order mark, valid UTF-8), nested no
    /// deeper than [`MAX_DEPTH`](super::MAX_DEPTH).
    ///
    /// # Errors
    /// [`SyntaxError`] with the place where it is seen first that they are none.
    pub fn parse(bytes: &'t [u8]) -> Result<Self, SyntaxError> {
        let (text, members) = check::<true>(bytes)?;
        Ok(Self {
            text: text.into(),
            members: text
                .trim_start_matches(SPACES)
                .starts_with('{')
                .then_some(members),
            is_edited: false,
        })
    }

    /// A part of a text that is known to be JSON.
    fn part(text: &'t str) -> Self {
        Self {
            text: text.into(),
            members: None,
            is_edited: false,
        }
    }

    /// The text as it is now.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The text, handed over.
    pub fn into_text(self) -> Cow<'t, str> {
        self.text
    }

    /// Whether anything was edited.
    pub fn is_edited(&self) -> bool {
        self.is_edited
    }

    /// The whole value.
    pub fn root(&self) -> JsonSlice<'_> {
        self.slice(self.whole())
    }

    /// The value at a pointer; nothing where there is none.
    pub fn get(&self, pointer: &str) -> Option<JsonSlice<'_>> {
        let found = self.find(pointer).ok()??;
        Some(self.slice(found))
    }

    /// Whether there is a value at a pointer.
    pub fn contains(&self, pointer: &str) -> bool {
        self.get(pointer).is_some()
    }

    /// Puts a value at a pointer: instead of the one that is there, or as an object's last member, or as an array's
    /// last element, whose pointer ends in `/-` or in the array's length.
    ///
    /// # Errors
    /// [`EditError`] when there is no object or array that could have it.
    pub fn set<'p>(&mut self, pointer: &str, value: impl Into<JsonPiece<'p>>) -> Edited<()> {
        self.put(pointer, value.into().text())
    }

    /// Puts a value in the place of the one at a pointer; false if there is none.
    ///
    /// # Errors
    /// [`EditError`] when it is no pointer.
    pub fn replace<'p>(&mut self, pointer: &str, value: impl Into<JsonPiece<'p>>) -> Edited {
        let Some(found) = self.find(pointer)? else {
            return Ok(false);
        };
        self.splice(found, value.into().text());
        Ok(true)
    }

    /// Puts a value into an array, before the element at a pointer; otherwise like [`set`](Self::set).
    ///
    /// # Errors
    /// [`EditError`] when there is no object or array that could have it.
    pub fn insert<'p>(&mut self, pointer: &str, value: impl Into<JsonPiece<'p>>) -> Edited<()> {
        let value = value.into();
        let before = match self.around(pointer)? {
            Some(around) if !around.is_object => around.found.map(|found| {
                // What stands between the first two elements stands here, too.
                let gap = match &*around.places {
                    [first, second, ..] => &self.text[first.value.end..second.value.start],
                    _ => ",",
                };
                let start = around.places[found].value.start;
                (start, [value.text(), gap].concat())
            }),
            _ => None,
        };
        match before {
            Some((start, added)) => {
                self.splice(start..start, &added);
                Ok(())
            }
            None => self.put(pointer, value.text()),
        }
    }

    /// Removes the member or element at a pointer, with its comma; of several members with the name all. False if there
    /// is none.
    ///
    /// # Errors
    /// [`EditError`] when it is no pointer, or that to the whole text.
    pub fn remove(&mut self, pointer: &str) -> Edited {
        let mut is_removed = false;
        loop {
            let Some(around) = self.around(pointer)? else {
                return Ok(is_removed);
            };
            let Some(found) = around.found else {
                return Ok(is_removed);
            };
            let whole = around.places[found].whole();
            let cut = match (found.checked_sub(1), around.places.get(found + 1)) {
                (_, Some(behind)) => whole.start..behind.whole().start,
                (Some(before), None) => around.places[before].value.end..whole.end,
                (None, None) => whole,
            };
            let is_object = around.is_object;
            self.splice(cut, "");
            is_removed = true;
            if !is_object {
                return Ok(true);
            }
        }
    }

    /// Gives the member at a pointer another name, in its place; false if there is none.
    ///
    /// # Errors
    /// [`EditError`] when another member has the name already, or what is there is no member of an object.
    pub fn rename(&mut self, pointer: &str, name: &str) -> Edited {
        let Some(around) = self.around(pointer)? else {
            return Ok(false);
        };
        let Some(found) = around.found else {
            return Ok(false);
        };
        if !around.is_object {
            return Err(EditError::NotAMember(pointer.to_owned()));
        }
        let old = around.places[found].name.clone();
        let is_it = |place: &Place| is_name(self.text[place.name.clone()].as_bytes(), name);
        if is_it(&around.places[found]) {
            return Ok(true);
        }
        if around.places.iter().any(is_it) {
            return Err(EditError::Taken(name.to_owned()));
        }
        self.splice(old, &quoted(name));
        Ok(true)
    }

    /// Moves the value at a pointer to another one, where it is [`set`](Self::set); false if there is none.
    ///
    /// # Errors
    /// [`EditError`] when there is no object or array that could have it.
    pub fn move_to(&mut self, from: &str, to: &str) -> Edited {
        if to
            .strip_prefix(from)
            .is_some_and(|rest| rest.starts_with('/'))
        {
            return Err(EditError::IntoItself(from.to_owned()));
        }
        let Some(found) = self.find(from)? else {
            return Ok(false);
        };
        if from == to {
            return Ok(true);
        }
        let value = self.text[found].to_owned();
        let before = self.clone();
        self.remove(from)?;
        let moved = self.put(to, &value);
        if moved.is_err() {
            *self = before;
        }
        moved.map(|()| true)
    }

    /// Edits each element of the array, or each member's value of the object, that is at a pointer, in one go; the text
    /// is as it was if one of them fails. Gives how many were edited; none if there is no array and no object.
    ///
    /// ```
    /// use godwit_plugin::JsonText;
    ///
    /// let mut order = JsonText::parse(br#"{"lines": [{"sku": "a"}, {"sku": "b", "n": 2}]}"#)?;
    /// let edited = order.each("/lines", |line| {
    ///     if !line.contains("/n") {
    ///         line.set("/n", 1)?;
    ///     }
    ///     Ok(())
    /// })?;
    /// assert_eq!(edited, 1);
    /// assert_eq!(order.text(), r#"{"lines": [{"sku": "a","n": 1}, {"sku": "b", "n": 2}]}"#);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// The first one that the function gives back, and [`EditError`] when it is no pointer.
    pub fn each(
        &mut self,
        pointer: &str,
        mut edit: impl FnMut(&mut JsonText<'_>) -> crate::Result<()>,
    ) -> crate::Result<usize> {
        let Some(inside) = self.find(pointer)? else {
            return Ok(0);
        };
        let part = &self.text[inside.clone()];
        let mut edited = String::new();
        let (mut count, mut copied) = (0, 0);
        for Place { value, .. } in Places::of(part.as_bytes(), 0) {
            let mut element = JsonText::part(&part[value.clone()]);
            edit(&mut element)?;
            if element.is_edited {
                if count == 0 {
                    edited.reserve(part.len() + part.len() / 4);
                }
                edited.push_str(&part[copied..value.start]);
                edited.push_str(element.text.trim_matches(SPACES));
                copied = value.end;
                count += 1;
            }
        }
        if count > 0 {
            edited.push_str(&part[copied..]);
            self.splice(inside, &edited);
        }
        Ok(count)
    }

    /// Removes those elements of the array, or those members of the object, at a pointer that a function does not want
    /// to keep, in one go. Gives how many were removed; none if there is no array and no object.
    ///
    /// # Errors
    /// [`EditError`] when it is no pointer.
    pub fn retain(
        &mut self,
        pointer: &str,
        mut keep: impl FnMut(JsonSlice<'_>) -> bool,
    ) -> Edited<usize> {
        let Some(inside) = self.find(pointer)? else {
            return Ok(0);
        };
        let part = &self.text[inside.clone()];
        let places: Vec<Place> = Places::of(part.as_bytes(), 0).collect();
        let mut left = String::with_capacity(part.len());
        let mut kept = 0;
        for (number, place) in places.iter().enumerate() {
            if !keep(JsonSlice::new(&part[place.value.clone()])) {
                continue;
            }
            // Each comes with what stands between it and the one before.
            let before = match (kept, number) {
                (_, 0) => 0,
                (0, _) => {
                    left.push_str(&part[..places[0].whole().start]);
                    place.whole().start
                }
                _ => places[number - 1].value.end,
            };
            left.push_str(&part[before..place.value.end]);
            kept += 1;
        }
        let removed = places.len() - kept;
        if let (Some(first), Some(last), 1..) = (places.first(), places.last(), removed) {
            if kept == 0 {
                left.push_str(&part[..first.whole().start]);
            }
            left.push_str(&part[last.value.end..]);
            self.splice(inside, &left);
        }
        Ok(removed)
    }

    fn slice(&self, range: Range<usize>) -> JsonSlice<'_> {
        JsonSlice::new(&self.text[range])
    }

    /// Where the whole value is: between the spaces around it.
    fn whole(&self) -> Range<usize> {
        space(self.text.as_bytes(), 0)..self.text.trim_end_matches(SPACES).len()
    }

    /// Where the value at a pointer is.
    fn find(&self, pointer: &str) -> Edited<Option<Range<usize>>> {
        if pointer.is_empty() {
            return Ok(Some(self.whole()));
        }
        Ok(self.around(pointer)?.and_then(|around| {
            let found = around.found?;
            Some(around.places[found].value.clone())
        }))
    }

    /// What is around the place that a pointer names; nothing if that is no array and no object.
    fn around<'a>(&'a self, pointer: &'a str) -> Edited<Option<Around<'a>>> {
        if pointer.is_empty() {
            return Err(EditError::Whole);
        }
        let mut steps = steps(pointer)
            .ok_or_else(|| EditError::NotAPointer(pointer.to_owned()))?
            .peekable();
        let text = self.text.as_bytes();
        let mut open = space(text, 0);
        let mut known = self.members.as_deref();
        while let Some(step) = steps.next() {
            let is_object = match text.get(open) {
                Some(b'{') => true,
                Some(b'[') => false,
                _ => return Ok(None),
            };
            if steps.peek().is_none() {
                let places: Cow<'_, [Place]> = match known {
                    Some(known) => known.into(),
                    None => Places::of(text, open).collect::<Vec<_>>().into(),
                };
                let found = match is_object {
                    true => places
                        .iter()
                        .rposition(|place| is_name(&text[place.name.clone()], &step)),
                    false => index(&step).filter(|index| *index < places.len()),
                };
                return Ok(Some(Around {
                    inside: space(text, open + 1),
                    is_object,
                    places,
                    found,
                    step,
                }));
            }
            let found = match known.take() {
                Some(known) => known
                    .iter()
                    .rfind(|place| is_name(&text[place.name.clone()], &step))
                    .cloned(),
                None => place(text, open, &step),
            };
            match found {
                Some(found) => open = found.value.start,
                None => return Ok(None),
            }
        }
        Ok(None)
    }

    /// Puts a value at a pointer.
    fn put(&mut self, pointer: &str, value: &str) -> Edited<()> {
        if pointer.is_empty() {
            self.splice(self.whole(), value);
            return Ok(());
        }
        let no_parent = || EditError::NoParent(pointer.to_owned());
        let around = self.around(pointer)?.ok_or_else(no_parent)?;
        if let Some(found) = around.found {
            let found = around.places[found].value.clone();
            self.splice(found, value);
            return Ok(());
        }
        let is_next = around.is_object
            || around.step == "-"
            || index(&around.step) == Some(around.places.len());
        if !is_next {
            return Err(no_parent());
        }
        let name = match around.is_object {
            true => quoted(&around.step),
            false => String::new(),
        };
        // Spaced as the last one is.
        let (at, added) = match &*around.places {
            [] if around.is_object => (around.inside, [&name, ":", value].concat()),
            [] => (around.inside, value.to_owned()),
            [before @ .., last] => {
                let gap = match before.last() {
                    Some(before) => &self.text[before.value.end..last.whole().start],
                    None => &self.text[self.opening(&around)..last.whole().start],
                };
                let spaces = gap.split_once(',').map_or(gap, |(_, spaces)| spaces);
                let colon = &self.text[last.name.end..last.value.start];
                (last.value.end, [",", spaces, &name, colon, value].concat())
            }
        };
        let member = around.is_object && self.members.is_some() && pointer.rfind('/') == Some(0);
        self.splice(at..at, &added);
        if let (true, Some(members)) = (member, &mut self.members) {
            let end = at + added.len();
            let start = end - value.len();
            let name_start = at + added.find('"').unwrap_or_default();
            members.push(Place {
                name: name_start..name_start + name.len(),
                value: start..end,
            });
        }
        Ok(())
    }

    /// Behind the opening bracket of what is around a place.
    fn opening(&self, around: &Around<'_>) -> usize {
        let before = self.text[..around.inside].trim_end_matches(SPACES);
        before.len()
    }

    /// Puts a piece in the place of a part of the text.
    fn splice(&mut self, cut: Range<usize>, piece: &str) {
        self.is_edited = true;
        if cut.start <= space(self.text.as_bytes(), 0) {
            // The whole is another one.
            self.members = None;
        } else if let Some(members) = &mut self.members {
            follow(members, &cut, piece.len());
        }
        match &mut self.text {
            Cow::Owned(text) => text.replace_range(cut, piece),
            Cow::Borrowed(text) => {
                // Room for what comes next, too.
                const ROOM: usize = 128;
                let mut spliced = String::with_capacity(text.len() + piece.len() + ROOM);
                spliced.push_str(&text[..cut.start]);
                spliced.push_str(piece);
                spliced.push_str(&text[cut.end..]);
                self.text = spliced.into();
            }
        }
    }
}

/// White space, as JSON has it.
const SPACES: [char; 4] = [' ', '\n', '\r', '\t'];

/// What is around a place.
struct Around<'a> {
    /// Behind the opening bracket and the spaces there.
    inside: usize,
    is_object: bool,
    /// The members or elements.
    places: Cow<'a, [Place]>,
    /// Which of them is named: of several the last.
    found: Option<usize>,
    /// The name or number that a pointer ends in.
    step: Cow<'a, str>,
}

/// Lets places follow what is spliced: those that are cut out go, those behind move, and what is around grows.
fn follow(members: &mut Vec<Place>, cut: &Range<usize>, added: usize) {
    members.retain(|member| {
        cut.is_empty() || member.name.start < cut.start || member.value.end > cut.end
    });
    let moved = |at: usize| at - cut.len() + added;
    for member in members {
        for start in [&mut member.name.start, &mut member.value.start] {
            if *start >= cut.end && (*start > cut.start || cut.is_empty()) {
                *start = moved(*start);
            }
        }
        for end in [&mut member.name.end, &mut member.value.end] {
            if *end > cut.end || *end == cut.end && !cut.is_empty() {
                *end = moved(*end);
            }
        }
    }
}

impl PartialEq for JsonText<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

impl Eq for JsonText<'_> {}

impl fmt::Display for JsonText<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}
