//! The tables as one file.
//!
//! `CLIPZHW1`, then six numbers: bytes of the sounds, bytes of the words, words, pairs, entries and 0; then the tables in
//! the order of [`Tables`], without any gap: sounds (joined by line feeds), words, ends (u32), unlikely (u16), back-off
//! (u16), rows (u32, one more than words), pairs (u32), spoken (five u16 each) and spelt (u32). Everything is
//! little-endian.

use std::io::{self, Write};

use super::words::{LONGEST, PAIR_BITS, Tables};

/// Another last byte would be another version.
const MAGIC: &[u8; 8] = b"CLIPZHW1";

/// A file of words that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum BadWords {
    /// It could not be read.
    #[error("the Chinese words in {path} cannot be read: {source}")]
    Read {
        /// The file.
        path: camino::Utf8PathBuf,
        /// Why.
        source: io::Error,
    },
    /// It is something else, or of another version.
    #[error("this is no file of Chinese words of a version known here: run `clipmill models fetch zh-words`")]
    Unknown,
    /// It is damaged.
    #[error("the file of Chinese words is damaged ({0}): run `clipmill models fetch zh-words`")]
    Damaged(&'static str),
}

/// Writes the file.
pub(crate) fn write(tables: &Tables, out: &mut impl Write) -> io::Result<()> {
    let sounds = tables.sounds.join("\n");
    out.write_all(MAGIC)?;
    let counts =
        [sounds.len(), tables.text.len(), tables.ends.len(), tables.pairs.len(), tables.spelt.len(), 0];
    for n in counts {
        out.write_all(&u32::try_from(n).map_err(io::Error::other)?.to_le_bytes())?;
    }
    out.write_all(sounds.as_bytes())?;
    out.write_all(tables.text.as_bytes())?;
    let mut wide = |all: &[u32]| all.iter().try_for_each(|n| out.write_all(&n.to_le_bytes()));
    wide(&tables.ends)?;
    for all in [&tables.unlikely, &tables.back_off] {
        all.iter().try_for_each(|n| out.write_all(&n.to_le_bytes()))?;
    }
    let mut wide = |all: &[u32]| all.iter().try_for_each(|n| out.write_all(&n.to_le_bytes()));
    wide(&tables.rows)?;
    wide(&tables.pairs)?;
    tables.spoken.iter().flatten().try_for_each(|n| out.write_all(&n.to_le_bytes()))?;
    tables.spelt.iter().try_for_each(|n| out.write_all(&n.to_le_bytes()))
}

/// Reads the file's bytes. Nothing is taken from the file on trust: a count that its length does not bear out is
/// refused before room is made for it.
pub(super) fn read(bytes: &[u8]) -> Result<Tables, BadWords> {
    let mut left = bytes.strip_prefix(MAGIC).ok_or(BadWords::Unknown)?;
    let cut = || BadWords::Damaged("it is cut short");
    let mut counts = [0_usize; 6];
    for n in &mut counts {
        let (number, rest) = left.split_first_chunk().ok_or_else(cut)?;
        (*n, left) = (usize::try_from(u32::from_le_bytes(*number)).map_err(|_| cut())?, rest);
    }
    let [sounds, text, words, pairs, entries, 0] = counts else { return Err(BadWords::Unknown) };
    let mut take = |count: usize, size: usize| {
        let (piece, rest) = count.checked_mul(size).and_then(|n| left.split_at_checked(n)).ok_or_else(cut)?;
        left = rest;
        Ok::<_, BadWords>(piece)
    };
    let utf8 = |bytes: &[u8]| {
        String::from_utf8(bytes.to_vec()).map_err(|_| BadWords::Damaged("its text is no text"))
    };
    let sounds = utf8(take(sounds, 1)?)?;
    let tables = Tables {
        sounds: sounds.split('\n').map(str::to_owned).collect(),
        text: utf8(take(text, 1)?)?,
        ends: wide(take(words, 4)?),
        unlikely: narrow(take(words, 2)?),
        back_off: narrow(take(words, 2)?),
        rows: wide(take(words + 1, 4)?),
        pairs: wide(take(pairs, 4)?),
        spoken: take(entries, 2 * LONGEST)?.as_chunks().0.iter().map(row).collect(),
        spelt: wide(take(entries, 4)?),
    };
    if !left.is_empty() {
        return Err(BadWords::Damaged("it goes on behind its end"));
    }
    match flaw(&tables) {
        Some(flaw) => Err(BadWords::Damaged(flaw)),
        None => Ok(tables),
    }
}

fn wide(bytes: &[u8]) -> Vec<u32> {
    bytes.as_chunks().0.iter().map(|b| u32::from_le_bytes(*b)).collect()
}

fn narrow(bytes: &[u8]) -> Vec<u16> {
    bytes.as_chunks().0.iter().map(|b| u16::from_le_bytes(*b)).collect()
}

fn row(bytes: &[u8; 2 * LONGEST]) -> [u16; LONGEST] {
    let mut out = [0; LONGEST];
    for (to, from) in out.iter_mut().zip(bytes.as_chunks().0) {
        *to = u16::from_le_bytes(*from);
    }
    out
}

/// What makes the tables useless: places that are not there, and an order that no search can use.
fn flaw(t: &Tables) -> Option<&'static str> {
    let words = t.ends.len();
    let whole = t.ends.iter().all(|e| t.text.is_char_boundary(*e as usize))
        && t.ends.is_sorted()
        && t.ends.last().map_or(0, |e| *e as usize) == t.text.len();
    if !whole {
        return Some("its words are not in their places");
    }
    if !t.sounds.is_sorted() || (1..words).any(|i| t.word(i as u32 - 1) >= t.word(i as u32)) {
        return Some("its words are not in order");
    }
    let rows = t.rows.is_sorted() && t.rows.last().is_some_and(|e| *e as usize == t.pairs.len());
    let second = |pair: &u32| (pair >> PAIR_BITS) as usize;
    if !rows
        || t.pairs.iter().any(|p| second(p) >= words)
        || t.rows.windows(2).any(|r| !t.pairs[r[0] as usize..r[1] as usize].is_sorted_by_key(second))
    {
        return Some("its pairs are not in their places");
    }
    let sounds = t.spoken.iter().flatten().all(|s| usize::from(*s) <= t.sounds.len());
    let spoken = t.spoken.iter().zip(&t.spelt).all(|(sounds, id)| {
        let said = sounds.iter().position(|s| *s == 0).unwrap_or(LONGEST);
        (*id as usize) < words
            && said > 0
            && sounds[said..].iter().all(|s| *s == 0)
            && t.word(*id).chars().count() == said
    });
    (!sounds || !spoken || !t.spoken.is_sorted()).then_some("its sounds are not in their places")
}
