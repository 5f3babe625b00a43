//! What holds a run from outside: the hours in which it may work, and a signal that says whether the system is well.

use std::sync::Arc;
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::thread::JoinHandle;
use std::time::Duration;

use godwit::model::{Clock, Timestamp};
use godwit::run::Control;
use jiff::civil::Time;
use jiff::tz::TimeZone;

use crate::output;
use crate::outside::Outside;

/// The hours of a day in which runs may work.
#[derive(Debug, Clone, PartialEq)]
pub struct Hours {
    text: String,
    from: Time,
    to: Time,
    zone: TimeZone,
}

/// A signal that says whether the system is well.
#[derive(Debug, Clone, PartialEq)]
pub struct Health {
    pub signal: Outside,
    /// How often it is asked.
    pub every: Duration,
}

/// How often the time of day is looked at.
const LOOK: Duration = Duration::from_secs(1);
/// How long a signal may take before it counts as bad.
const PATIENCE: Duration = Duration::from_secs(10);

impl Hours {
    /// Reads hours as in `22:00-06:00` or `22:00-06:00 Europe/Berlin`; without a time zone they are those of UTC.
    pub fn parse(text: &str) -> Result<Self, String> {
        let malformed =
            || format!("`{text}` are no hours, as in 22:00-06:00 or 22:00-06:00 Europe/Berlin");
        let (hours, zone) = match text.trim().split_once(' ') {
            Some((hours, zone)) => (hours, zone.trim()),
            None => (text.trim(), "UTC"),
        };
        let (from, to) = hours.split_once('-').ok_or_else(malformed)?;
        let time = |text: &str| text.parse::<Time>().map_err(|_| malformed());
        let (from, to) = (time(from)?, time(to)?);
        let zone = match zone {
            "UTC" => TimeZone::UTC,
            zone => TimeZone::get(zone).map_err(|_| {
                format!("`{zone}` is no time zone that this system knows, as in Europe/Berlin")
            })?,
        };
        Ok(Self {
            text: text.trim().to_owned(),
            from,
            to,
            zone,
        })
    }

    /// Whether a moment lies in them. Where they end before they begin, they go on past midnight.
    pub fn contain(&self, at: Timestamp) -> bool {
        let at = i64::try_from(at.0).ok();
        let Some(at) = at.and_then(|at| jiff::Timestamp::from_millisecond(at).ok()) else {
            return false;
        };
        let time = at.to_zoned(self.zone.clone()).time();
        if self.from <= self.to {
            (self.from..self.to).contains(&time)
        } else {
            time >= self.from || time < self.to
        }
    }

    fn reason(&self) -> String {
        format!("it is not {} now", self.text)
    }
}

/// What can be held: a run, or all works of a host.
pub trait Hold: Clone + Send + 'static {
    /// Holds for a reason.
    fn hold(&self, reason: &str);
    /// Takes a reason back.
    fn release(&self, reason: &str);
}

impl Hold for Control {
    fn hold(&self, reason: &str) {
        self.hold(reason);
    }

    fn release(&self, reason: &str) {
        self.release(reason);
    }
}

impl Hold for godwit::Host {
    fn hold(&self, reason: &str) {
        self.hold(reason);
    }

    fn release(&self, reason: &str) {
        self.release(reason);
    }
}

/// Holds a run while it may not work; ends when it is dropped.
pub struct Watch {
    threads: Vec<(Sender<()>, JoinHandle<()>)>,
}

impl Watch {
    /// Looks once, so that nothing begins that may not, and then again and again.
    pub fn start(
        hours: Option<Hours>,
        health: Option<Health>,
        clock: &Arc<dyn Clock>,
        control: &impl Hold,
    ) -> Self {
        let mut threads = Vec::new();
        if let Some(hours) = hours {
            let clock = clock.clone();
            let reason = hours.reason();
            threads.push(again(LOOK, control, move |held| {
                let is_allowed = hours.contain(clock.now());
                set(held, (!is_allowed).then(|| reason.clone()))
            }));
        }
        if let Some(Health { signal, every }) = health {
            threads.push(again(every, control, move |held| {
                let answer = signal.call(None, PATIENCE);
                set(held, answer.err().map(|error| format!("not well: {error}")))
            }));
        }
        Self { threads }
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        for (end, thread) in self.threads.drain(..) {
            drop(end);
            if thread.join().is_err() {
                output::warning("a thread that watches the run has failed");
            }
        }
    }
}

/// The reason for which a thread holds the run, and the one before.
type Held = Option<String>;

/// What changes: the reason to release, and the reason to hold.
fn set(held: &mut Held, now: Held) -> (Held, Held) {
    if *held == now {
        return (None, None);
    }
    (std::mem::replace(held, now.clone()), now)
}

fn again(
    every: Duration,
    control: &impl Hold,
    mut look: impl FnMut(&mut Held) -> (Held, Held) + Send + 'static,
) -> (Sender<()>, JoinHandle<()>) {
    let (end, ended) = channel();
    let control = control.clone();
    let mut held = None;
    let mut turn = move || {
        let (old, new) = look(&mut held);
        // The new one first, so that nothing goes on between two reasons.
        if let Some(new) = new {
            control.hold(&new);
        }
        if let Some(old) = old {
            control.release(&old);
        }
    };
    turn();
    let thread = std::thread::spawn(move || {
        while ended.recv_timeout(every) == Err(RecvTimeoutError::Timeout) {
            turn();
        }
    });
    (end, thread)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        let at: jiff::Timestamp = text.parse().unwrap();
        Timestamp(at.as_millisecond().try_into().unwrap())
    }

    #[test]
    fn hours_may_go_past_midnight_and_lie_in_a_time_zone() {
        let day = Hours::parse("08:00-17:30").unwrap();
        let night = Hours::parse("22:00-06:00").unwrap();
        for (time, is_day, is_night) in [
            ("2026-03-01T07:59:59Z", false, false),
            ("2026-03-01T08:00:00Z", true, false),
            ("2026-03-01T17:29:59Z", true, false),
            ("2026-03-01T17:30:00Z", false, false),
            ("2026-03-01T22:00:00Z", false, true),
            ("2026-03-01T00:00:00Z", false, true),
            ("2026-03-01T06:00:00Z", false, false),
        ] {
            assert_eq!(day.contain(at(time)), is_day, "{time}");
            assert_eq!(night.contain(at(time)), is_night, "{time}");
        }
        for bad in [
            "",
            "22:00",
            "25:00-01:00",
            "22:00-06:00 Nowhere/Land",
            "a-b",
        ] {
            assert!(Hours::parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_reason_is_held_until_it_is_another_one() {
        let mut held = None;
        let (a, b) = (Some("a".to_owned()), Some("b".to_owned()));
        assert_eq!(set(&mut held, None), (None, None));
        assert_eq!(set(&mut held, a.clone()), (None, a.clone()));
        assert_eq!(set(&mut held, a.clone()), (None, None));
        assert_eq!(set(&mut held, b.clone()), (a, b.clone()));
        assert_eq!(set(&mut held, None), (b, None));
    }
}
