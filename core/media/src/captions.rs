//! Captions as an ASS document: the text is data until the very last step, and can never become markup.

use std::fmt::Write;

use clipmill_domain::remix::Caption;

/// The font family captions are drawn in; it covers Chinese and English.
pub const FONT: &str = "Noto Sans CJK SC";
/// Share of the frame's width a line may take.
const WIDTH_SHARE: f32 = 0.84;
/// The em (the side of a Chinese character) as a share of the frame's shorter side.
const EM_SHARE: f32 = 0.072;
/// ASS sizes a font by its line height; this is [`FONT`]'s, in ems.
const LINE_EM: f32 = 1.448;
/// Distance of the lowest line from the bottom, as a share of the height: above what the apps draw there.
const BOTTOM_SHARE: f32 = 0.27;

/// The width of a line in ems of [`FONT`], estimated on the generous side: 1 for Chinese and full-width signs,
/// up to 0.9 for Latin letters.
pub fn width_em(line: &str) -> f32 {
    line.chars()
        .map(|c| match c {
            'i' | 'j' | 'l' | '.' | ',' | ':' | ';' | '\'' | '!' | '|' | '(' | ')' | ' ' => 0.34,
            'm' | 'w' | 'M' | 'W' | '@' | '%' => 0.95,
            'A'..='Z' | '&' | '#' => 0.72,
            '\u{20}'..='\u{2af}' => 0.6,
            _ => 1.0,
        })
        .sum()
}

/// How many ems fit on a line of a frame this size at the usual font size.
pub fn line_em_max(width: u32, height: u32) -> f32 {
    px(width) * WIDTH_SHARE / em(width, height)
}

/// The whole document for a frame of `width` × `height`; times in playing time.
///
/// Lines are never wrapped by the renderer; one that is too long for the frame is drawn smaller.
pub fn ass_document(captions: &[Caption], width: u32, height: u32) -> String {
    let size = em(width, height) * LINE_EM;
    let side = px(width) * (1.0 - WIDTH_SHARE) / 2.0;
    let mut doc = format!(
        "[Script Info]\nScriptType: v4.00+\nPlayResX: {width}\nPlayResY: {height}\nWrapStyle: 2\n\
         ScaledBorderAndShadow: yes\nYCbCr Matrix: TV.709\n\n[V4+ Styles]\nFormat: Name, Fontname, Fontsize, \
         PrimaryColour, SecondaryColour, OutlineColour, BackColour, Bold, Italic, Underline, StrikeOut, ScaleX, \
         ScaleY, Spacing, Angle, BorderStyle, Outline, Shadow, Alignment, MarginL, MarginR, MarginV, Encoding\n\
         Style: Caption,{FONT},{size:.0},&H00FFFFFF,&H00FFFFFF,&H00181818,&H80000000,-1,0,0,0,100,100,0,0,1,\
         {outline:.1},0,2,{side:.0},{side:.0},{bottom:.0},1\n\n[Events]\nFormat: Layer, Start, End, Style, Name, \
         MarginL, MarginR, MarginV, Effect, Text\n",
        outline = (size * 0.05).max(1.0),
        bottom = px(height) * BOTTOM_SHARE,
    );
    for caption in
        captions.iter().filter(|c| c.end_us > c.start_us && c.lines.iter().any(|l| !l.trim().is_empty()))
    {
        let widest = caption.lines.iter().map(|l| width_em(l)).fold(0.0, f32::max);
        let shrink = line_em_max(width, height) / widest.max(0.01);
        let smaller = if shrink < 1.0 {
            format!("{{\\fs{:.0}}}", (size * shrink).floor().max(8.0))
        } else {
            String::new()
        };
        let text = caption.lines.iter().map(|l| escape(l.trim())).collect::<Vec<_>>().join("\\N");
        let (from, to) = (clock(caption.start_us), clock(caption.end_us));
        // Writing to a string cannot fail.
        let _ = writeln!(doc, "Dialogue: 0,{from},{to},Caption,,0,0,0,,{smaller}{text}");
    }
    doc
}

/// The side of a Chinese character in pixels.
fn em(width: u32, height: u32) -> f32 {
    (px(width.min(height)) * EM_SHARE).round().max(6.0)
}

fn px(n: u32) -> f32 {
    #[expect(clippy::cast_precision_loss, reason = "pictures are smaller than 16 million pixels a side")]
    let n = n as f32;
    n
}

/// Text that the renderer shows as it is: no override block, no line break, no drawing can be begun.
fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '{' => out.push_str("\\{"),
            '}' => out.push_str("\\}"),
            // A backslash cannot be escaped: its full-width twin looks the same and means nothing.
            '\\' => out.push('＼'),
            c if c.is_control() => out.push(' '),
            c => out.push(c),
        }
    }
    out
}

/// `h:mm:ss.cc`, to the nearest hundredth.
fn clock(us: i64) -> String {
    let cs = (us.max(0) + 5_000) / 10_000;
    format!("{}:{:02}:{:02}.{:02}", cs / 360_000, cs / 6_000 % 60, cs / 100 % 60, cs % 100)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn caption(lines: &[&str]) -> Caption {
        Caption {
            start_us: 1_234_000,
            end_us: 3_599_999_999,
            lines: lines.iter().map(|l| (*l).into()).collect(),
        }
    }

    #[test]
    fn text_cannot_become_markup() {
        let doc = ass_document(&[caption(&["a{\\b1}b\\N;c\nDialogue: x"])], 720, 1280);
        let last = doc.lines().last().unwrap();
        assert!(last.ends_with("a\\{＼b1\\}b＼N;c Dialogue: x"), "{last}");
        assert!(last.contains("0:00:01.23,1:00:00.00"), "{last}");
    }

    #[test]
    fn a_line_too_long_is_drawn_smaller_and_a_fitting_one_is_not() {
        let long = "这是一行非常非常长而且没有任何空格的中文字幕它必须完整地留在画面里面";
        assert!(ass_document(&[caption(&[long])], 720, 1280).lines().last().unwrap().contains("\\fs"));
        assert!(
            !ass_document(&[caption(&["短短一行字幕"])], 720, 1280).lines().last().unwrap().contains("\\fs")
        );
        assert!(line_em_max(720, 1280) > 10.0);
    }

    #[test]
    fn empty_captions_are_left_out() {
        assert!(!ass_document(&[caption(&["", " "])], 720, 1280).contains("Dialogue"));
    }
}
