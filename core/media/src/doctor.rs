//! Is this machine's FFmpeg able to do the work?

use std::{ffi::CStr, fs};

use clipmill_domain::remix::Caption;
use ffmpeg_next::{self as ff, decoder, encoder, filter, format::Pixel, frame};

use crate::{
    captions::{FONT, ass_document},
    log::missing_glyphs,
    scale::{pass, picture_graph},
    srt::srt_version,
};

/// One thing that was looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DoctorLine {
    /// What.
    pub name: String,
    /// Whether it is as needed.
    pub ok: bool,
    /// What was found, or what to do.
    pub detail: String,
}

/// Looks at versions, codecs, filters, protocols and fonts. Takes a fraction of a second.
pub fn doctor() -> Vec<DoctorLine> {
    crate::init();
    let mut lines = vec![versions()];
    let mut line = |name: &str, ok: bool, missing: &str| {
        let detail = if ok { "found" } else { missing };
        lines.push(DoctorLine { name: name.to_owned(), ok, detail: detail.to_owned() });
    };
    for name in ["libx264", "aac", "mjpeg"] {
        let advice = "missing: install an FFmpeg built with it (Debian's has it)";
        line(&format!("encoder {name}"), encoder::find_by_name(name).is_some(), advice);
    }
    for name in ["h264", "hevc", "aac"] {
        line(
            &format!("decoder {name}"),
            decoder::find_by_name(name).is_some(),
            "missing: streams with it fail",
        );
    }
    for name in ["ass", "scale", "crop", "ebur128", "alimiter", "volume", "aresample"] {
        let advice = "missing: install an FFmpeg built with it (ass needs libass)";
        line(&format!("filter {name}"), filter::find(name).is_some(), advice);
    }
    let can = protocols();
    for name in ["rtmp", "http", "https", "hls", "srt"] {
        let ok = can.iter().any(|p| p == name);
        line(&format!("protocol {name}"), ok, "missing: sources with such an address fail");
    }
    lines.push(srt());
    lines.push(fonts());
    lines
}

/// FFmpeg's own version, for example `5.1.9`.
pub(crate) fn ffmpeg_version() -> String {
    // SAFETY: libav answers with a static string.
    unsafe { CStr::from_ptr(ff::ffi::av_version_info()) }.to_string_lossy().into_owned()
}

fn versions() -> DoctorLine {
    let show = |v: u32| format!("{}.{}.{}", v >> 16, (v >> 8) & 0xff, v & 0xff);
    let (format, codec, filter) = (ff::format::version(), ff::codec::version(), ff::filter::version());
    let name = ffmpeg_version();
    DoctorLine {
        name: "ffmpeg".into(),
        ok: (59..).contains(&(format >> 16)),
        detail: format!(
            "{name} (libavformat {}, libavcodec {}, libavfilter {})",
            show(format),
            show(codec),
            show(filter)
        ),
    }
}

fn protocols() -> Vec<String> {
    let mut found = vec![];
    let mut cursor = std::ptr::null_mut();
    loop {
        // SAFETY: the cursor is libav's own and starts null; the names are static strings.
        let name = unsafe {
            let name = ff::ffi::avio_enum_protocols(&raw mut cursor, 0);
            if name.is_null() {
                return found;
            }
            CStr::from_ptr(name)
        };
        found.push(name.to_string_lossy().into_owned());
    }
}

/// The library that encoders push SRT to.
fn srt() -> DoctorLine {
    let (major, minor, patch) = srt_version();
    let ok = (major, minor) >= (1, 5);
    let advice = if ok { "" } else { ": 1.5 or newer is needed to receive SRT" };
    DoctorLine { name: "library libsrt".into(), ok, detail: format!("{major}.{minor}.{patch}{advice}") }
}

/// Draws a Chinese character and sees whether a font had it.
fn fonts() -> DoctorLine {
    let name = format!("font for captions ({FONT})");
    let before = missing_glyphs();
    match draw("中文字幕 abc") {
        Ok(true) if missing_glyphs() == before => {
            DoctorLine { name, ok: true, detail: "Chinese is drawn".into() }
        }
        Ok(_) => DoctorLine {
            name,
            ok: false,
            detail: "Chinese cannot be drawn: install fonts-noto-cjk, or set the fonts directory".into(),
        },
        Err(detail) => DoctorLine { name, ok: false, detail: format!("captions cannot be drawn: {detail}") },
    }
}

fn draw(text: &str) -> Result<bool, String> {
    let path = std::env::temp_dir().join(format!("clipmill-doctor-{}.ass", std::process::id()));
    let caption = Caption { start_us: 0, end_us: 5_000_000, lines: vec![text.to_owned()] };
    fs::write(&path, ass_document(&[caption], 320, 320)).map_err(|e| e.to_string())?;
    let draw = || -> Result<bool, ff::Error> {
        let mut graph = picture_graph((320, 320), Pixel::YUV420P, (1, 1), (1, 25))?;
        let spec = format!("ass=filename={}", path.display());
        graph.output("in", 0)?.input("out", 0)?.parse(&spec)?;
        graph.validate()?;
        let mut black = frame::Video::new(Pixel::YUV420P, 320, 320);
        for (plane, value) in [(0, 16), (1, 128), (2, 128)] {
            black.data_mut(plane).fill(value);
        }
        black.set_pts(Some(1));
        let drawn = pass(&mut graph, &black)?;
        Ok(drawn.data(0).iter().any(|v| *v > 100))
    };
    let done = draw().map_err(|e| e.to_string());
    let _ = fs::remove_file(&path);
    done
}
