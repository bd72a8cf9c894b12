//! What a scrub picture costs: records a file and makes a JPEG of each key frame, over and over.
//!
//! `cargo run --example key_pictures -- live.mp4`, under `time`.

use std::{path::Path, sync::Arc, time::Instant};

use clipmill_domain::{MediaTime, Span};
use clipmill_media::{
    Input, InputFrom, MediaPart, OpenOptions, PartEvent, PartPlan, PartWriter, key_picture,
};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let source = std::env::args().nth(1).ok_or("which file?")?;
    let dir = std::env::temp_dir().join("key-pictures");
    std::fs::create_dir_all(&dir)?;
    let mut input = Input::open(InputFrom::Url(source), &OpenOptions::default(), Arc::default())?;
    let init_name = "init-0.mp4".to_owned();
    let plan = PartPlan { dir: dir.clone(), init_name, first_seq: 0, part_us: 2_000_000, sound_before_us: 0 };
    let mut writer = PartWriter::new(plan, input.streams())?;
    let mut events = vec![];
    while let Some(packet) = input.read_packet()? {
        events.extend(writer.push(&packet)?);
    }
    events.extend(writer.finish()?);
    let begun = Instant::now();
    let mut pictures = 0u32;
    for _ in 0..5 {
        for event in &events {
            let PartEvent::Part { path, key_frames, .. } = event else { continue };
            for (_, offset) in key_frames {
                key_picture(&part(path, &dir)?, *offset, 180)?;
                pictures += 1;
            }
        }
    }
    println!("{pictures} pictures, {:?} each", begun.elapsed() / pictures.max(1));
    Ok(())
}

fn part(path: &Path, dir: &Path) -> Result<MediaPart, Box<dyn std::error::Error>> {
    let span = Span::new(MediaTime::ZERO, MediaTime::from_micros(1))?;
    Ok(MediaPart { path: path.to_owned(), init_path: dir.join("init-0.mp4"), offset_us: 0, span })
}
