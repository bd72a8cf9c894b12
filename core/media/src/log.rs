//! FFmpeg's log lines, brought into `tracing` without the secrets they may carry.

use std::sync::{
    Once,
    atomic::{AtomicU64, Ordering},
};

static INIT: Once = Once::new();
static MISSING_GLYPHS: AtomicU64 = AtomicU64::new(0);

/// Starts FFmpeg and sends its log to `tracing` (target `libav`). Safe to call often; every entry point does.
pub fn init() {
    INIT.call_once(|| {
        if let Err(e) = ffmpeg_next::init() {
            tracing::error!(error = %e, "ffmpeg could not start");
        }
        bridge::install();
    });
}

/// How many times, since the process began, the caption renderer found no font for a character.
pub fn missing_glyphs() -> u64 {
    MISSING_GLYPHS.load(Ordering::Relaxed)
}

/// The line with every `scheme://…` replaced: stream keys live in URLs.
fn scrub(line: &str) -> String {
    let mut out = String::with_capacity(line.len());
    let mut rest = line;
    while let Some(at) = rest.find("://") {
        let (before, after) = rest.split_at(at + 3);
        out.push_str(before);
        out.push_str("(hidden)");
        let end = after.find(|c: char| c.is_whitespace() || c == '\'' || c == '"').unwrap_or(after.len());
        rest = after.get(end..).unwrap_or_default();
    }
    out.push_str(rest);
    out
}

fn receive(level: i32, line: &str) {
    let line = line.trim_end();
    if line.is_empty() {
        return;
    }
    if line.contains("failed to find any fallback with glyph") {
        MISSING_GLYPHS.fetch_add(1, Ordering::Relaxed);
    }
    let line = scrub(line);
    match level {
        ..=8 => tracing::warn!(target: "libav", "{line}"),
        9..=16 => tracing::debug!(target: "libav", "{line}"),
        _ => tracing::trace!(target: "libav", "{line}"),
    }
}

#[cfg(target_arch = "x86_64")]
mod bridge {
    use std::ffi::{CStr, c_char, c_int, c_void};

    use ffmpeg_next::ffi;

    pub(super) fn install() {
        // SAFETY: the level is a plain global; the callback is a static function that is thread safe.
        unsafe {
            ffi::av_log_set_level(ffi::AV_LOG_WARNING);
            ffi::av_log_set_callback(Some(line));
        }
    }

    unsafe extern "C" fn line(
        class: *mut c_void,
        level: c_int,
        format: *const c_char,
        args: *mut ffi::__va_list_tag,
    ) {
        if level > ffi::AV_LOG_WARNING {
            return;
        }
        let mut buffer: [c_char; 1024] = [0; 1024];
        let mut prefix: c_int = 1;
        // SAFETY: libav passes a matching format and argument list; the buffer's true size goes with it, and
        // libav ends the text with a NUL inside it.
        let text = unsafe {
            ffi::av_log_format_line2(class, level, format, args, buffer.as_mut_ptr(), 1024, &raw mut prefix);
            CStr::from_ptr(buffer.as_ptr()).to_string_lossy()
        };
        super::receive(level, &text);
    }
}

#[cfg(not(target_arch = "x86_64"))]
mod bridge {
    /// The argument list's C type is not known here: keep FFmpeg's own printing, errors only.
    pub(super) fn install() {
        ffmpeg_next::log::set_level(ffmpeg_next::log::Level::Error);
    }
}

#[cfg(test)]
mod tests {
    use super::scrub;

    #[test]
    fn urls_lose_everything_after_the_scheme() {
        let said = scrub("[rtmp] cannot open 'rtmp://host/app/secret-key' or https://a/b?t=1 now");
        assert_eq!(said, "[rtmp] cannot open 'rtmp://(hidden)' or https://(hidden) now");
        assert_eq!(scrub("plain: text"), "plain: text");
    }
}
