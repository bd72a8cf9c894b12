//! What a crash left in an open part: every whole fragment is kept, the rest cut off.

use std::{
    fs::{self, OpenOptions},
    path::{Path, PathBuf},
};

use ffmpeg_next::{Rescale, media};

use crate::{
    error::MediaError,
    fragment::{Shown, epoch_us, whole_fragments},
    part_writer::seal,
    parts::open_bytes,
    streams::MICROS,
};

/// A part brought back. Times are epoch microseconds, as in [`crate::PartEvent::Part`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SalvagedPart {
    /// The file under its final name.
    pub path: PathBuf,
    /// Its length now.
    pub bytes: u64,
    /// How many bytes were cut off.
    pub lost_bytes: u64,
    /// First presentation time.
    pub start_us: i64,
    /// End of the last frame.
    pub end_us: i64,
    /// Key frames: presentation time, byte offset of their fragment.
    pub key_frames: Vec<(i64, u64)>,
}

/// Cuts `part` back to its last whole fragment, syncs it and renames `.part` to `.m4s`.
///
/// `None`, and the file removed, when no whole fragment is in it. A part that is already whole stays as it is,
/// so that running this twice is harmless.
pub fn salvage(part: &Path, init: &Path) -> Result<Option<SalvagedPart>, MediaError> {
    let mut bytes = fs::read(part).map_err(MediaError::io("read", part))?;
    let header = fs::read(init).map_err(MediaError::io("read", init))?;
    let found = bytes.len() as u64;
    let fragments = whole_fragments(&bytes);
    bytes.truncate(fragments.last().map_or(0, |f| f.end));
    if bytes.is_empty() {
        fs::remove_file(part).map_err(MediaError::io("remove", part))?;
        return Ok(None);
    }
    let kept = bytes.len() as u64;
    let lead = header.len();
    let mut scan = open_bytes([header, bytes].concat(), &part.display().to_string())?;
    let kind = |m| scan.streams().find(|s| s.parameters().medium() == m).map(|s| (s.index(), s.time_base()));
    let Some((index, base)) = kind(media::Type::Video).or_else(|| kind(media::Type::Audio)) else {
        return Err(MediaError::NotMedia {
            what: init.display().to_string(),
            detail: "no track in it".into(),
        });
    };
    let is_video = kind(media::Type::Video).is_some();
    let mut times: Vec<(i64, i64, i64)> = vec![];
    let mut key_frames = vec![];
    let mut packet = ffmpeg_next::Packet::empty();
    while packet.read(&mut scan).is_ok() {
        let Some(pts) = packet.pts().filter(|_| packet.stream() == index) else { continue };
        let dts = packet.dts().unwrap_or(pts);
        times.push((epoch_us(pts, base), epoch_us(dts, base), packet.duration().rescale(base, MICROS)));
        let at = usize::try_from(packet.position()).unwrap_or(0).saturating_sub(lead);
        let home = fragments.iter().find(|f| f.contains(&at));
        if let Some(home) = home.filter(|_| packet.is_key()) {
            let offset = home.start as u64;
            let known = key_frames.last().is_some_and(|(_, o)| *o == offset);
            if is_video || !known {
                key_frames.push((epoch_us(pts, base), offset));
            }
        }
    }
    let Some(start_us) = times.iter().map(|t| t.0).min() else {
        return Err(MediaError::NotMedia {
            what: part.display().to_string(),
            detail: "its fragments hold no frame; remove it".into(),
        });
    };
    // The demuxer leaves the last duration out at times.
    let step = times.windows(2).filter_map(|w| Some(w.get(1)?.1 - w.first()?.1)).min().unwrap_or(0);
    let mut shown = Shown::default();
    for (pts_us, dts_us, duration_us) in times {
        shown.add(pts_us, dts_us, if duration_us > 0 { duration_us } else { step });
    }
    let end_us = shown.whole_until();

    let file = OpenOptions::new().write(true).open(part).map_err(MediaError::io("open", part))?;
    if kept < found {
        file.set_len(kept).map_err(MediaError::io("shorten", part))?;
    }
    let path = if part.extension().is_some_and(|e| e == "part") {
        seal(&file, part)?
    } else {
        file.sync_data().map_err(MediaError::io("sync", part))?;
        part.to_owned()
    };
    Ok(Some(SalvagedPart { path, bytes: kept, lost_bytes: found - kept, start_us, end_us, key_frames }))
}
