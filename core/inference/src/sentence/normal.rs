//! Text in the form that the pieces were learned from, as SentencePiece normalises: characters replaced by a table
//! (NFKC and some more), runs of spaces made one, none at the ends, and a mark where a word begins.

/// Stands for a space, and before the first word.
pub(super) const SPACE: &str = "\u{2581}";

/// The replacement table: a double-array trie over bytes (the form that darts-clone writes), whose values are places
/// among the replacements, each ended by a zero byte.
pub(super) struct Normaliser {
    units: Vec<u32>,
    replacements: Vec<u8>,
}

impl Normaliser {
    /// From the table as a SentencePiece model holds it: the trie's length in bytes, the trie, the replacements.
    pub(super) fn new(table: &[u8]) -> Result<Self, String> {
        let cut = || "its table of characters is cut short".to_owned();
        let (length, rest) = table.split_first_chunk().ok_or_else(cut)?;
        let length = u32::from_le_bytes(*length) as usize;
        let (trie, replacements) = rest.split_at_checked(length).ok_or_else(cut)?;
        if trie.is_empty() || !trie.len().is_multiple_of(4) || std::str::from_utf8(replacements).is_err() {
            return Err("its table of characters is damaged".to_owned());
        }
        let units = trie.as_chunks().0.iter().map(|unit| u32::from_le_bytes(*unit)).collect();
        Ok(Self { units, replacements: replacements.to_vec() })
    }

    /// `text` normalised; empty where nothing is left of it.
    pub(super) fn normalise(&self, text: &str) -> String {
        let mut out = String::with_capacity(text.len() + 8);
        out.push_str(SPACE);
        let mut after_space = true;
        let mut rest = text;
        while !rest.is_empty() {
            let (mut piece, length) = self.replace(rest);
            rest = rest.get(length..).unwrap_or("");
            if after_space {
                piece = piece.trim_start_matches(' ');
            }
            for c in piece.chars() {
                if c == ' ' { out.push_str(SPACE) } else { out.push(c) }
            }
            if !piece.is_empty() {
                after_space = piece.ends_with(' ');
            }
        }
        out.truncate(out.trim_end_matches(SPACE).len());
        out
    }

    /// What the beginning of `text` becomes, and the bytes that this covers: the longest entry of the table that fits,
    /// else one character as it is. `text` is not empty.
    fn replace<'a>(&'a self, text: &'a str) -> (&'a str, usize) {
        let mut found = None;
        let mut at = 0usize;
        let mut unit = self.unit(at);
        for (i, byte) in text.bytes().enumerate() {
            at ^= offset(unit) ^ usize::from(byte);
            unit = self.unit(at);
            if unit & 0x8000_00ff != u32::from(byte) {
                break;
            }
            if unit & 0x100 != 0 && text.is_char_boundary(i + 1) {
                found = Some(((self.unit(at ^ offset(unit)) & 0x7fff_ffff) as usize, i + 1));
            }
        }
        let entry = found.and_then(|(from, length)| {
            let tail = self.replacements.get(from..)?;
            let end = tail.iter().position(|b| *b == 0)?;
            Some((std::str::from_utf8(&tail[..end]).ok()?, length))
        });
        entry.unwrap_or_else(|| {
            let one = text.chars().next().map_or(text.len(), char::len_utf8);
            (&text[..one], one)
        })
    }

    /// A place outside the trie leads nowhere.
    fn unit(&self, at: usize) -> u32 {
        self.units.get(at).copied().unwrap_or(0x8000_0000)
    }
}

/// How far from a node its children are.
fn offset(unit: u32) -> usize {
    ((unit >> 10) << ((unit & 0x200) >> 6)) as usize
}
