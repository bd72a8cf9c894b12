//! A live of beeps, each a word: what is to be heard in it is known exactly.

use std::process::Command;

use camino::Utf8Path;
use clipmill_inference::vad::{FRAME, SAMPLE_RATE, VadError, Voice};

/// Speech is what is loud.
#[derive(Default)]
pub struct Loudness(Vec<f32>);

impl Voice for Loudness {
    fn push(&mut self, samples: &[f32]) -> Result<Vec<f32>, VadError> {
        self.0.extend_from_slice(samples);
        let whole = self.0.len() / FRAME * FRAME;
        let loud = |f: &[f32]| if f.iter().any(|s| s.abs() > 0.02) { 0.95 } else { 0.02 };
        Ok(self.0.drain(..whole).collect::<Vec<_>>().chunks(FRAME).map(loud).collect())
    }

    fn finish(&mut self) -> Result<Vec<f32>, VadError> {
        let rest = FRAME - self.0.len() % FRAME;
        self.push(&vec![0.0; if rest == FRAME { 0 } else { rest }])
    }
}

/// A run of loud samples, named after how many hundreds of hertz it has.
pub struct Beep {
    pub name: String,
    pub start_s: f64,
    pub end_s: f64,
}

/// The beeps in 16 kHz samples, in order.
pub fn beeps_in(samples: &[f32]) -> Vec<Beep> {
    let rate = f64::from(SAMPLE_RATE);
    let loud: Vec<bool> = samples.chunks(160).map(|c| c.iter().any(|s| s.abs() > 0.02)).collect();
    let mut beeps = vec![];
    let mut at = 0;
    while let Some(start) = loud[at..].iter().position(|l| *l).map(|i| i + at) {
        let end = loud[start..].iter().position(|l| !*l).map_or(loud.len(), |i| i + start);
        let inside = &samples[start * 160 + 160..(end * 160).min(samples.len()).max(start * 160 + 161)];
        let crossings = inside.windows(2).filter(|w| w[0] < 0.0 && w[1] >= 0.0).count();
        #[expect(clippy::cast_precision_loss)]
        let hertz = crossings as f64 / (inside.len() as f64 / rate);
        #[expect(clippy::cast_precision_loss)]
        let (start_s, end_s) = (start as f64 / 100.0, (end as f64 / 100.0).min(samples.len() as f64 / rate));
        beeps.push(Beep { name: format!("b{:.0}", hertz / 100.0), start_s, end_s });
        at = end;
    }
    beeps
}

/// Makes a video with `count` beeps of 0.5 s at 300, 400, 500 … Hz, one every 1.5 s: each is a sentence of its own.
pub fn make_beeps(media: &Utf8Path, count: usize) {
    let seconds = 1.5 * f64::from(u32::try_from(count).unwrap());
    let beep = "if(lt(mod(t,1.5),0.5),0.5*sin(2*PI*(300+100*floor(t/1.5))*t),0)";
    let picture = format!("testsrc2=size=96x64:rate=25:duration={seconds}");
    let made = Command::new("ffmpeg")
        .args(["-nostdin", "-loglevel", "error", "-f", "lavfi", "-i", &picture])
        .args(["-f", "lavfi", "-i", &format!("aevalsrc={beep}:s=44100:d={seconds}").replace(',', "\\,")])
        .args(["-c:v", "libx264", "-preset", "ultrafast", "-g", "25", "-pix_fmt", "yuv420p", "-threads", "1"])
        .args(["-c:a", "aac", "-b:a", "96k", media.as_str()])
        .status()
        .unwrap();
    assert!(made.success());
}
