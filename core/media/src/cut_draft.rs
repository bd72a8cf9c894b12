//! The draft cut: packets copied from the key frame before the start, ready in an instant.

use std::path::Path;

use clipmill_domain::Span;
use ffmpeg_next::{self as ff, Rational, Rescale, codec::Parameters};

use crate::{
    cut_exact::cut_exact,
    encode::Mp4,
    error::MediaError,
    frames::{SAME_MICROS, last_key_before, same_epoch},
    output::or_remove,
    parts::{MediaPart, TrackPackets, check_spans, load_both, touching},
    streams::{MICROS, Params},
};

/// What a cut turned out to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CutReport {
    /// Pictures in the file.
    pub frames: u64,
    /// Playing time in microseconds.
    pub duration_us: i64,
    /// Media time of the first picture, in microseconds: of a draft, at or before the start asked for.
    pub start_us: i64,
    /// Why pictures had to be encoded anew; `None` when all were copied.
    pub reencoded: Option<String>,
    /// Pictures that decoded with errors; always 0 for a copy, which decodes nothing.
    pub damaged_frames: u64,
}

/// A packet with its media times in microseconds.
struct Timed {
    pts_us: i64,
    dts_us: i64,
    duration_us: i64,
    packet: ff::Packet,
}

/// What is copied for one span.
struct Piece {
    video: Vec<Timed>,
    audio: Vec<Timed>,
    start_us: i64,
    end_us: i64,
}

/// Copies the spans, one after the other, into an MP4 at `out`.
///
/// Each begins with the last key frame at or before its start and ends with the first frame beyond its end. When
/// the spans come from epochs with different codec headers, copying cannot work and the cut is encoded
/// ([`cut_exact()`]); the report says so. Only the parts that touch the spans are opened.
pub fn cut_draft(parts: &[MediaPart], spans: &[Span], out: &Path) -> Result<CutReport, MediaError> {
    check_spans(spans, out)?;
    let mut headers: Option<[Option<(Parameters, Rational)>; 2]> = None;
    let mut pieces = vec![];
    for span in spans {
        let mut piece = Piece { video: vec![], audio: vec![], start_us: 0, end_us: 0 };
        let mut before: Option<&MediaPart> = None;
        for part in touching(parts, *span, 0) {
            let [video, audio] = load_both(part)?;
            let Some(video) = video else { continue };
            if before.replace(part).is_some_and(|b| !same_epoch(b, part)) {
                give_way(&mut piece, &video, audio.as_ref());
            }
            let mine = [Some(&video), audio.as_ref()].map(|t| t.map(|t| (t.params.clone(), t.base)));
            match &headers {
                None => headers = Some(mine),
                Some(known) if same_headers(known, &mine) => {}
                Some(_) => {
                    let mut report = cut_exact(parts, spans, out)?;
                    report.reencoded = Some("the codec header changes inside the cut".into());
                    return Ok(report);
                }
            }
            take(video, &mut piece.video, Some(span.start().as_micros()));
            if let Some(audio) = audio {
                take(audio, &mut piece.audio, None);
            }
        }
        if piece.video.is_empty() {
            return Err(MediaError::NothingInSpan { span: *span });
        }
        trim(&mut piece, span.end().as_micros());
        pieces.push(piece);
    }
    let Some([Some(video), audio]) = headers else {
        return Err(MediaError::BadRequest("no span to cut was given".into()));
    };
    or_remove(out, || write(pieces, video, audio, out))
}

fn same_headers(a: &[Option<(Parameters, Rational)>; 2], b: &[Option<(Parameters, Rational)>; 2]) -> bool {
    a.iter().zip(b).all(|(a, b)| match (a, b) {
        (Some((a, x)), Some((b, y))) => {
            a.id() == b.id() && a.size() == b.size() && a.extradata() == b.extradata() && x == y
        }
        (None, None) => true,
        _ => false,
    })
}

/// Adds a part's packets; the first part of a span begins at its last key frame before the start.
fn take(mut track: TrackPackets, into: &mut Vec<Timed>, start_us: Option<i64>) {
    let mut packets = std::mem::take(&mut track.packets);
    if let Some(start_us) = start_us.filter(|_| into.is_empty()) {
        let from = last_key_before(&track, &packets, start_us);
        packets.drain(..from);
    }
    into.extend(packets.into_iter().filter_map(|packet| {
        let (pts_us, dts_us) = (track.media_us(packet.pts()?), track.media_us(packet.dts()?));
        let duration_us = packet.duration().rescale(track.base, MICROS);
        Some(Timed { pts_us, dts_us, duration_us, packet })
    }));
}

/// An epoch that goes on with the one before it begins with a group that both hold, and the sound to it: only the
/// new one's is whole.
fn give_way(piece: &mut Piece, video: &TrackPackets, audio: Option<&TrackPackets>) {
    let start = |t: &TrackPackets| t.packets.first().and_then(|p| p.pts()).map(|at| t.media_us(at));
    if let Some(from_us) = start(video) {
        let again = piece.video.iter().position(|t| t.packet.is_key() && t.pts_us >= from_us - SAME_MICROS);
        piece.video.truncate(again.unwrap_or(piece.video.len()));
    }
    if let Some(from_us) = audio.and_then(start) {
        piece.audio.retain(|t| t.pts_us + t.duration_us / 2 <= from_us);
    }
}

/// Ends the piece behind its span without a hole: re-ordered frames in front of the last one stay.
fn trim(piece: &mut Piece, end_us: i64) {
    let times: Vec<i64> = piece.video.iter().map(|t| t.pts_us).collect();
    piece.video.truncate(whole_prefix(&times, end_us));
    piece.start_us = piece.video.first().map_or(0, |t| t.pts_us);
    piece.end_us = piece.video.iter().map(|t| t.pts_us + t.duration_us).max().unwrap_or(0);
    let (from, to) = (piece.start_us, piece.end_us);
    piece.audio.retain(|t| t.pts_us + t.duration_us / 2 >= from && t.pts_us < to);
}

/// How many packets (times in decoding order) hold every frame before `end`, and no hole before their last.
fn whole_prefix(times: &[i64], end: i64) -> usize {
    let mut n = times.iter().rposition(|t| *t < end).map_or(1, |i| i + 1).min(times.len());
    loop {
        let last = times.iter().take(n).max().copied().unwrap_or(i64::MIN);
        match times.iter().skip(n).take(32).rposition(|t| *t < last) {
            Some(i) => n += i + 1,
            None => return n,
        }
    }
}

fn write(
    pieces: Vec<Piece>,
    video: (Parameters, Rational),
    audio: Option<(Parameters, Rational)>,
    out: &Path,
) -> Result<CutReport, MediaError> {
    let mut mp4 = Mp4::create(out)?;
    let (video_base, audio_base) = (video.1, audio.as_ref().map(|a| a.1));
    let video_track = mp4.track(video.0, video_base)?;
    let audio_track = match audio {
        Some((params, base)) => Some(mp4.track(params, base)?),
        None => None,
    };
    mp4.begin()?;
    let mut base_us = 0;
    let mut report = CutReport {
        frames: 0,
        duration_us: 0,
        start_us: pieces.first().map_or(0, |p| p.start_us),
        reencoded: None,
        damaged_frames: 0,
    };
    let mut last = [i64::MIN; 2];
    for piece in pieces {
        let Piece { video, audio, start_us, end_us } = piece;
        report.frames += video.len() as u64;
        let shift = base_us - start_us;
        let mut sound = audio.into_iter().enumerate().peekable();
        let mut put_sound = |until_us: i64, mp4: &mut Mp4, last: &mut [i64; 2]| {
            let (Some(track), Some(base)) = (audio_track, audio_base) else { return Ok(()) };
            while let Some((i, t)) = sound.next_if(|(_, t)| t.pts_us <= until_us) {
                // The first one starts together with the first picture when it lies within half a frame of it.
                let true_us = t.pts_us + shift;
                let near = i == 0 && (true_us - base_us).abs() <= t.duration_us / 2;
                let at_us = if near { base_us } else { true_us };
                let at = at_us.rescale(MICROS, base).max(last[1] + 1);
                last[1] = at;
                let mut packet = t.packet;
                packet.set_pts(Some(at));
                packet.set_dts(Some(at));
                mp4.add(packet, track, base)?;
            }
            Ok(())
        };
        for t in video {
            put_sound(t.dts_us, &mut mp4, &mut last)?;
            let pts = (t.pts_us + shift).rescale(MICROS, video_base);
            let dts = (t.dts_us + shift).rescale(MICROS, video_base).max(last[0] + 1);
            last[0] = dts;
            let mut packet = t.packet;
            packet.set_dts(Some(dts));
            packet.set_pts(Some(pts.max(dts)));
            mp4.add(packet, video_track, video_base)?;
        }
        put_sound(i64::MAX, &mut mp4, &mut last)?;
        base_us += end_us - start_us;
    }
    report.duration_us = base_us;
    mp4.finish()?;
    Ok(report)
}

#[cfg(test)]
mod tests {
    use super::whole_prefix;

    #[test]
    fn a_reordered_tail_is_closed_without_a_hole() {
        // Decoding order I P B B P B B, shown 0 3 1 2 6 4 5.
        let times = [0, 3, 1, 2, 6, 4, 5];
        assert_eq!(whole_prefix(&times, 3), 4);
        assert_eq!(whole_prefix(&times, 2), 4);
        assert_eq!(whole_prefix(&times, 4), 4);
        assert_eq!(whole_prefix(&times, 5), 7);
        assert_eq!(whole_prefix(&times, 99), 7);
        assert_eq!(whole_prefix(&times, -5), 1);
    }
}
