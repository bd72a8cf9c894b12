//! Pictures that an FLV input promises before any has come: a server sends the first key frame when it is due, which
//! may be seconds after the sound.

use ffmpeg_next::{self as ff, format::context::Input, media::Type};

/// In the flags of the file header: there are pictures.
const HAS_VIDEO: i64 = 1;
/// What metadata says of pictures, and of sound.
const OF_PICTURES: [&str; 4] = ["videocodecid", "width", "height", "hasVideo"];
const OF_SOUND: [&str; 3] = ["audiocodecid", "audiosamplerate", "hasAudio"];

/// FFmpeg's option that makes the metadata readable which the demuxer otherwise keeps to itself.
pub(crate) const METADATA_OPTION: &str = "flv_full_metadata";

/// Whether pictures are still to come: none are there, and the input says that it has some.
pub(crate) fn awaits_pictures(context: &Input) -> bool {
    if has_pictures(context) || !context.format().name().contains("flv") {
        return false;
    }
    let metadata = context.metadata();
    let says = |names: &[&str]| names.iter().any(|name| metadata.get(name).is_some_and(means_yes));
    promised(says(&OF_PICTURES), says(&OF_SOUND), || header_flags_missing(context) & HAS_VIDEO != 0)
}

/// Whether there is a video track.
pub(crate) fn has_pictures(context: &Input) -> bool {
    context.streams().any(|s| s.parameters().medium() == Type::Video)
}

/// Metadata knows better than the file header, in which many servers always claim both.
fn promised(pictures: bool, sound: bool, header: impl FnOnce() -> bool) -> bool {
    pictures || !sound && header()
}

fn means_yes(value: &str) -> bool {
    let value = value.trim();
    !matches!(value, "" | "false") && value.parse::<f64>() != Ok(0.0)
}

/// The tracks that the file header claims and that have not come, as its flags.
fn header_flags_missing(context: &Input) -> i64 {
    let mut flags = 0;
    // SAFETY: the demuxer's private data begins with its class, as `av_opt_get_int` asks, and lives as long as the
    // context; an option it does not have is an error, which leaves `flags` as it is.
    unsafe {
        let demuxer = (*context.as_ptr()).priv_data;
        if !demuxer.is_null() {
            ff::ffi::av_opt_get_int(demuxer, c"missing_streams".as_ptr(), 0, &raw mut flags);
        }
    }
    flags
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn metadata_wins_over_the_file_header() {
        for (pictures, sound, header, want) in [
            (true, true, false, true),
            (false, true, true, false),
            (false, false, true, true),
            (false, false, false, false),
        ] {
            assert_eq!(promised(pictures, sound, || header), want);
        }
    }

    #[test]
    fn what_is_nought_or_no_is_no_promise() {
        assert!(["7", "avc1", "1280", "true"].into_iter().all(means_yes));
        assert!(!["0", "0.0", "", "false"].into_iter().any(means_yes));
    }
}
