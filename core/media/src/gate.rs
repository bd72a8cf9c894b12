//! Stands before the [`crate::PartWriter`]: keeps back the beginning of an epoch while it looks like a repeat.

use std::collections::VecDeque;

use clipmill_domain::WallTime;

use crate::{
    repeats::{Print, Repeats, Verdict},
    streams::{Packet, StreamKind},
};

/// Sound kept from before the first key frame, in packets; as much as the writer keeps.
const EARLY_PACKETS_MAX: usize = 64;
/// Sound held back during a repeat, in packets; beyond, the repeat is not followed any longer.
const HELD_PACKETS_MAX: usize = 8192;
/// Sound is kept from this much before the picture the recording goes on with: 1 s, in microseconds.
const SOUND_BEFORE_MICROS: i64 = 1_000_000;

/// A packet and when it came in.
#[derive(Clone)]
pub struct Arrived {
    /// The packet.
    pub packet: Packet,
    /// When it was read.
    pub at: WallTime,
}

/// What may go on to the writer.
#[derive(Default)]
pub struct Passed {
    /// Set when a repeat was cut away: the epoch that begins with these packets lies at this media time, in
    /// microseconds, whatever the wall clock says. Its first pictures may be in the recording already; its first
    /// part begins where the last one ended.
    pub splice_us: Option<i64>,
    /// In order.
    pub packets: Vec<Arrived>,
}

enum State {
    /// Everything passes.
    Open,
    /// Nothing to compare has come yet.
    Waiting,
    /// Compares and holds.
    Following,
}

/// One connection's gate; [`Gate::into_repeats`] keeps the memory for the next.
pub struct Gate {
    repeats: Repeats,
    state: State,
    held: VecDeque<Arrived>,
    /// Where in `held` the compared packets lie.
    compared: Vec<usize>,
    /// Sender's time of the running epoch's first key frame.
    base_us: Option<i64>,
    /// Whether what is recorded may be sent again.
    remembers: bool,
}

impl Gate {
    /// With what the source's earlier connections recorded.
    pub fn new(repeats: Repeats) -> Self {
        let mut gate = Self { repeats, remembers: true, ..Self::passing() };
        gate.next_epoch();
        gate
    }

    /// For a sender that never sends anything again: everything passes, and nothing is remembered.
    pub fn passing() -> Self {
        Self {
            repeats: Repeats::default(),
            state: State::Open,
            held: VecDeque::new(),
            compared: vec![],
            base_us: None,
            remembers: false,
        }
    }

    /// What to keep for the next connection.
    pub fn into_repeats(self) -> Repeats {
        self.repeats
    }

    /// The next packet begins an epoch.
    pub fn next_epoch(&mut self) {
        self.repeats.next_epoch();
        self.base_us = None;
        self.held.clear();
        self.compared.clear();
        self.state = if self.repeats.is_empty() { State::Open } else { State::Waiting };
    }

    /// Takes a packet in; gives out what is certain.
    pub fn take(&mut self, item: Arrived) -> Passed {
        let leading = leads(&item.packet);
        match self.state {
            State::Open => return Passed { splice_us: None, packets: vec![item] },
            State::Waiting if !leading => {
                if self.held.len() == EARLY_PACKETS_MAX {
                    self.held.pop_front();
                }
                self.held.push_back(item);
                return Passed::default();
            }
            // Nothing can be shown before a key frame.
            State::Waiting if !item.packet.is_key() => return Passed::default(),
            State::Waiting => self.state = State::Following,
            State::Following => {}
        }
        let print = if leading { item.packet.print() } else { None };
        let verdict = match &print {
            Some(print) => self.repeats.follow(print),
            None if self.held.len() >= HELD_PACKETS_MAX => Verdict::New,
            None => Verdict::Hold,
        };
        if print.is_some() {
            self.compared.push(self.held.len());
        }
        self.held.push_back(item);
        match verdict {
            Verdict::Hold => Passed::default(),
            Verdict::New => {
                self.state = State::Open;
                Passed { splice_us: None, packets: self.held.drain(..).collect() }
            }
            Verdict::Repeat(splice) => {
                self.state = State::Open;
                let first = self.compared.get(splice.keep_from).copied().unwrap_or(self.held.len());
                let from_us = self.held.get(first).and_then(|i| i.packet.pts_us()).unwrap_or(i64::MIN);
                let kept = |(i, item): (usize, Arrived)| {
                    let sound = item.packet.pts_us() >= Some(from_us.saturating_sub(SOUND_BEFORE_MICROS));
                    let stays = if leads(&item.packet) { i >= first } else { sound };
                    stays.then_some(item)
                };
                let packets = self.held.drain(..).enumerate().filter_map(kept).collect();
                Passed { splice_us: Some(splice.media_start_us), packets }
            }
        }
    }

    /// The writer took the packet into the running epoch.
    pub fn recorded(&mut self, packet: &Packet) {
        // Told apart before it is hashed.
        if !self.remembers || !leads(packet) {
            return;
        }
        let Some(print) = packet.print() else { return };
        if self.base_us.is_none() && print.key {
            self.base_us = Some(print.pts_us);
        }
        if self.base_us.is_some() {
            self.repeats.recorded(&print);
        }
    }

    /// The running epoch got its place in the recording, in microseconds of media time.
    pub fn placed(&mut self, media_start_us: i64) {
        if let Some(base_us) = self.base_us {
            self.repeats.placed(base_us, media_start_us);
        }
    }

    /// What was recorded may not be on disk: nothing can be called a repeat of it.
    pub fn forget(&mut self) {
        self.repeats.forget();
    }

    /// At the end of the input: what is still held and not known to be a repeat.
    pub fn end(&mut self) -> Vec<Arrived> {
        let repeated = matches!(self.state, State::Following) && self.repeats.all_repeated();
        self.state = State::Open;
        let rest: Vec<Arrived> = self.held.drain(..).collect();
        if repeated { vec![] } else { rest }
    }
}

/// Whether epochs are told apart by this packet: pictures, or sound where there are none.
fn leads(packet: &Packet) -> bool {
    packet.kind() == StreamKind::Video || packet.streams().video.is_none()
}

impl Packet {
    /// What it is known by; `None` without a time.
    pub(crate) fn print(&self) -> Option<Print> {
        use std::hash::{DefaultHasher, Hasher};
        let data = self.inner.data().unwrap_or_default();
        let mut hasher = DefaultHasher::new();
        hasher.write(data);
        let (pts_us, dts_us) = (self.pts_us()?, self.dts_us()?);
        Some(Print { key: self.is_key(), bytes: data.len(), hash: hasher.finish(), pts_us, dts_us })
    }
}
