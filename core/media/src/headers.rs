//! Codec headers inside the stream: has the encoder changed its mind without saying so?

use std::collections::HashSet;

use ffmpeg_next::codec::Id;

/// The codec headers an epoch began with.
#[derive(Debug, Clone)]
pub(crate) struct Headers {
    codec: Id,
    /// Bytes of the length before each unit; 0 for start codes.
    length_bytes: usize,
    known: HashSet<Vec<u8>>,
    adts: Option<[u8; 2]>,
}

impl Headers {
    pub(crate) fn of_video(codec: Id, extradata: &[u8]) -> Self {
        let is_config = extradata.first() == Some(&1);
        let at = if codec == Id::HEVC { 21 } else { 4 };
        let length_bytes = match extradata.get(at) {
            Some(b) if is_config => usize::from(b & 3) + 1,
            _ => 0,
        };
        let mut known = HashSet::new();
        if is_config {
            known.extend(config_units(codec, extradata).unwrap_or_default());
        } else {
            known.extend(start_code_units(extradata).filter(|u| is_header(codec, u)).map(<[u8]>::to_vec));
        }
        Self { codec, length_bytes, known, adts: None }
    }

    /// Whether a key frame carries a header that is not known. The first key frame teaches (`learn`).
    pub(crate) fn changed_by(&mut self, key_frame: &[u8], learn: bool) -> bool {
        let fresh: Vec<&[u8]> = self
            .units(key_frame)
            .into_iter()
            .filter(|u| is_header(self.codec, u) && !self.known.contains(*u))
            .collect();
        if learn {
            self.known.extend(fresh.into_iter().map(<[u8]>::to_vec));
            return false;
        }
        !fresh.is_empty()
    }

    /// Whether no header is known yet.
    pub(crate) fn is_empty(&self) -> bool {
        self.known.is_empty()
    }

    fn units<'a>(&self, frame: &'a [u8]) -> Vec<&'a [u8]> {
        match self.length_bytes {
            0 => start_code_units(frame).collect(),
            n => length_units(frame, n).collect(),
        }
    }

    /// The key frame's own headers are the ones known from here on, with those of `fresh`.
    pub(crate) fn learn_video(&mut self, key_frame: &[u8], fresh: Self) {
        let adts = self.adts;
        *self = fresh;
        self.adts = adts;
        self.changed_by(key_frame, true);
    }

    /// Forgets what the sound was like: the next packet says.
    pub(crate) fn forget_audio(&mut self) {
        self.adts = None;
    }

    /// Whether an AAC packet with its own (ADTS) header says another rate or channel count than the one before.
    pub(crate) fn audio_changed_by(&mut self, packet: &[u8]) -> bool {
        let Some((config, _)) = adts(packet) else { return false };
        let changed = self.adts.is_some_and(|known| known != config);
        self.adts.get_or_insert(config);
        changed
    }
}

/// The codec header that a key frame with its own parameter sets amounts to; sets it lacks are taken from `old`.
/// `None` when it holds none, or for HEVC without start codes, whose box says more than the sets do.
pub(crate) fn config_of(codec: Id, old: &[u8], key_frame: &[u8]) -> Option<Vec<u8>> {
    let known = Headers::of_video(codec, old);
    let units = known.units(key_frame);
    let mut sets: Vec<Vec<u8>> =
        units.into_iter().filter(|u| is_header(codec, u)).map(<[u8]>::to_vec).collect();
    if sets.is_empty() {
        return None;
    }
    let is_config = old.first() == Some(&1);
    let before: Vec<Vec<u8>> = match is_config {
        true => config_units(codec, old).unwrap_or_default(),
        false => start_code_units(old).filter(|u| is_header(codec, u)).map(<[u8]>::to_vec).collect(),
    };
    let lacking: Vec<Vec<u8>> = before
        .into_iter()
        .filter(|b| sets.iter().all(|s| unit_type(codec, s) != unit_type(codec, b)))
        .collect();
    sets.extend(lacking);
    sets.sort_by_key(|s| unit_type(codec, s));
    match (codec, is_config) {
        (Id::H264, true) => avcc(&sets, known.length_bytes),
        (_, true) => None,
        (_, false) => Some(sets.iter().flat_map(|s| [&[0, 0, 0, 1][..], s].concat()).collect()),
    }
}

/// The `avcC` box of these parameter sets; `None` unless there is one of each.
fn avcc(sets: &[Vec<u8>], length_bytes: usize) -> Option<Vec<u8>> {
    let of = |kind: u8| sets.iter().filter(move |s| unit_type(Id::H264, s) == Some(kind));
    let (sps, pps) = (of(7), of(8));
    let &[_, profile, compatible, level, ..] = sps.clone().next()?.as_slice() else { return None };
    pps.clone().next()?;
    let count = |n: usize| u8::try_from(n).ok().filter(|n| *n < 32);
    let lengths = u8::try_from(length_bytes.checked_sub(1)?).ok()?;
    let mut out = vec![1, profile, compatible, level, 0xfc | lengths, 0xe0 | count(sps.clone().count())?];
    for (i, set) in sps.clone().chain(pps.clone()).enumerate() {
        if i == sps.clone().count() {
            out.push(count(pps.clone().count())?);
        }
        out.extend(u16::try_from(set.len()).ok()?.to_be_bytes());
        out.extend(set);
    }
    Some(out)
}

/// The AudioSpecificConfig that an ADTS packet's header amounts to, and what follows the header.
pub(crate) fn adts(packet: &[u8]) -> Option<([u8; 2], &[u8])> {
    let &[0xff, b1, b2, b3, ..] = packet else { return None };
    if b1 & 0xf6 != 0xf0 {
        return None;
    }
    let (object, rate) = (u16::from(b2 >> 6) + 1, u16::from(b2 >> 2 & 0xf));
    let channels = u16::from(b2 & 1) << 2 | u16::from(b3 >> 6);
    let config = (object << 11 | rate << 7 | channels << 3).to_be_bytes();
    Some((config, packet.get(if b1 & 1 == 1 { 7 } else { 9 }..)?))
}

/// Whether a unit is a parameter set (SPS, PPS; for HEVC also VPS).
fn is_header(codec: Id, unit: &[u8]) -> bool {
    match (codec, unit_type(codec, unit)) {
        (Id::H264, Some(kind)) => matches!(kind, 7 | 8),
        (Id::HEVC, Some(kind)) => matches!(kind, 32..=34),
        _ => false,
    }
}

fn unit_type(codec: Id, unit: &[u8]) -> Option<u8> {
    let first = unit.first()?;
    Some(if codec == Id::HEVC { (first >> 1) & 0x3f } else { first & 0x1f })
}

/// Units between `00 00 01` start codes, trailing zeros removed.
fn start_code_units(data: &[u8]) -> impl Iterator<Item = &[u8]> {
    let starts: Vec<usize> =
        data.windows(3).enumerate().filter(|(_, w)| *w == [0, 0, 1]).map(|(i, _)| i).collect();
    let ends: Vec<usize> = starts.iter().skip(1).copied().chain([data.len()]).collect();
    starts.into_iter().zip(ends).map(|(s, e)| {
        let unit = data.get(s + 3..e).unwrap_or_default();
        let zeros = unit.iter().rev().take_while(|b| **b == 0).count();
        unit.get(..unit.len() - zeros).unwrap_or_default()
    })
}

/// Units each preceded by its big-endian length.
fn length_units(mut data: &[u8], length_bytes: usize) -> impl Iterator<Item = &[u8]> {
    std::iter::from_fn(move || {
        let (head, rest) = data.split_at_checked(length_bytes)?;
        let length = head.iter().fold(0usize, |n, b| (n << 8) | usize::from(*b));
        let (unit, rest) = rest.split_at_checked(length)?;
        data = rest;
        Some(unit)
    })
}

/// The units inside an `avcC` or `hvcC` box.
fn config_units(codec: Id, config: &[u8]) -> Option<Vec<Vec<u8>>> {
    let mut at = if codec == Id::HEVC { 22 } else { 5 };
    let mut take = |n: usize| {
        let bytes = config.get(at..at + n)?;
        at += n;
        Some(bytes)
    };
    let mut units = vec![];
    let arrays = if codec == Id::HEVC { usize::from(*take(1)?.first()?) } else { 2 };
    for array in 0..arrays {
        let count = if codec == Id::HEVC {
            let head = take(3)?;
            usize::from(u16::from_be_bytes([*head.get(1)?, *head.get(2)?]))
        } else {
            usize::from(take(1)?.first()? & if array == 0 { 0x1f } else { 0xff })
        };
        for _ in 0..count {
            let length: [u8; 2] = take(2)?.try_into().ok()?;
            units.push(take(usize::from(u16::from_be_bytes(length)))?.to_vec());
        }
    }
    Some(units)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SPS: &[u8] = &[0x67, 100, 0, 30, 0xaa];
    const PPS: &[u8] = &[0x68, 0xee, 0x3c];

    fn avcc() -> Vec<u8> {
        let mut c = vec![1, 100, 0, 30, 0xff, 0xe1, 0, 5];
        c.extend(SPS);
        c.extend([1, 0, 3]);
        c.extend(PPS);
        c
    }

    fn unit(bytes: &[u8]) -> Vec<u8> {
        let mut u = u32::try_from(bytes.len()).unwrap().to_be_bytes().to_vec();
        u.extend(bytes);
        u
    }

    #[test]
    fn repeating_the_header_is_no_change_but_another_size_is() {
        let mut headers = Headers::of_video(Id::H264, &avcc());
        let same = [unit(SPS), unit(PPS), unit(&[0x65, 1, 2, 3])].concat();
        assert!(!headers.changed_by(&same, false));
        let other = [unit(&[0x67, 100, 0, 31, 0xbb]), unit(&[0x65, 1])].concat();
        assert!(headers.changed_by(&other, false));
    }

    #[test]
    fn start_codes_are_read_and_the_first_key_frame_teaches() {
        let mut headers = Headers::of_video(Id::H264, &[]);
        let frame = [&[0, 0, 0, 1][..], SPS, &[0, 0, 1], PPS, &[0, 0, 1, 0x65, 9]].concat();
        assert!(!headers.changed_by(&frame, true));
        assert!(!headers.changed_by(&frame, false));
        let other = [&[0, 0, 1][..], &[0x67, 66], &[0, 0, 1, 0x65, 9]].concat();
        assert!(headers.changed_by(&other, false));
    }

    #[test]
    fn a_change_of_sampling_rate_in_adts_is_seen() {
        let mut headers = Headers::of_video(Id::AAC, &[]);
        let packet = |b2: u8, last: u8| [0xff, 0xf1, b2, 0x80, 0, 0, 0, last];
        assert!(!headers.audio_changed_by(&packet(0x50, 0)));
        assert!(!headers.audio_changed_by(&packet(0x50, 9)));
        assert!(headers.audio_changed_by(&packet(0x4c, 0)));
        // AAC-LC, 44.1 kHz, stereo is 0x1210.
        assert_eq!(adts(&packet(0x50, 9)), Some(([0x12, 0x10], &[9][..])));
    }

    #[test]
    fn a_header_is_made_of_whole_sets_only() {
        let other = [0x67, 66, 0, 31, 0xbb];
        let made = config_of(Id::H264, &avcc(), &[unit(&other), unit(&[0x65, 1])].concat()).unwrap();
        assert_eq!(config_units(Id::H264, &made), Some(vec![other.to_vec(), PPS.to_vec()]));
        // Found by fuzzing: no picture parameter set anywhere.
        let broken = [1, 0, 0, 0, 3, 0xe1, 0, 0];
        assert_eq!(config_of(Id::H264, &broken, &unit(&other)), None);
    }
}
