//! Loudness of samples held in memory: measure, bring to a target, measure again.

use ffmpeg_next::{self as ff, ChannelLayout, filter, format::sample, frame};

use crate::{
    audio::{floats, fresh_frame},
    error::MediaError,
};

/// The rate and width of all sound on its way to an output file.
pub(crate) const OUT_RATE: u32 = 48_000;
/// Channels of the same.
pub(crate) const OUT_CHANNELS: u16 = 2;
/// Never amplified by more than this, in dB: past it the noise floor is what one hears.
const GAIN_DB_MAX: f64 = 24.0;
/// Below this integrated loudness, in LUFS, there is nothing to bring up.
const SILENCE_LUFS: f64 = -60.0;
/// The limiter's ceiling, as amplitude: -1.9 dB, so that the coded sound stays under -1 dBTP.
const CEILING: f64 = 0.80;

/// What EBU R 128 says of some sound.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Loudness {
    /// Integrated loudness.
    pub(crate) lufs: f64,
    /// Highest true peak of any channel, in dBTP.
    pub(crate) true_peak: f64,
}

pub(crate) fn measure(samples: &[f32]) -> Result<Loudness, MediaError> {
    let mut lufs = -70.0;
    let mut peak: f64 = 0.0;
    run("ebur128=peak=true:metadata=1", samples, |sound| {
        let notes = sound.metadata();
        let read = |key: &str| notes.get(key).and_then(|v| v.parse::<f64>().ok());
        lufs = read("lavfi.r128.I").unwrap_or(lufs);
        for key in ["lavfi.r128.true_peaks_ch0", "lavfi.r128.true_peaks_ch1"] {
            peak = peak.max(read(key).unwrap_or(0.0));
        }
    })?;
    Ok(Loudness { lufs, true_peak: 20.0 * peak.max(1e-9).log10() })
}

/// Brings the sound to `target` LUFS by a fixed gain and a limiter; measured, corrected once, and measured.
pub(crate) fn level(samples: Vec<f32>, target: f64) -> Result<(Vec<f32>, Loudness), MediaError> {
    let before = measure(&samples)?;
    if before.lufs <= SILENCE_LUFS {
        return Ok((samples, before));
    }
    let mut gain = (target - before.lufs).min(GAIN_DB_MAX);
    let mut best: Option<(Vec<f32>, Loudness)> = None;
    for _ in 0..3 {
        let done = apply(&samples, gain)?;
        let after = measure(&done)?;
        let off = target - after.lufs;
        let better = best.as_ref().is_none_or(|(_, b)| off.abs() < (target - b.lufs).abs());
        if better {
            best = Some((done, after));
        }
        if off.abs() <= 0.3 || gain >= GAIN_DB_MAX {
            break;
        }
        gain = (gain + off).min(GAIN_DB_MAX);
    }
    Ok(best.unwrap_or((samples, before)))
}

fn apply(samples: &[f32], gain_db: f64) -> Result<Vec<f32>, MediaError> {
    let spec = format!(
        "volume={gain_db:.3}dB,aresample=192000,alimiter=level=disabled:latency=1:limit={CEILING}:attack=5:release=60,\
         aresample={OUT_RATE},aformat=sample_fmts=flt:channel_layouts=stereo"
    );
    let mut out = Vec::with_capacity(samples.len());
    run(&spec, samples, |sound| out.extend(floats(sound, usize::from(OUT_CHANNELS))))?;
    out.resize(samples.len(), 0.0);
    Ok(out)
}

/// Sends the samples through a filter graph, 100 ms at a time.
fn run(spec: &str, samples: &[f32], mut each: impl FnMut(&frame::Audio)) -> Result<(), MediaError> {
    let doing = "process the sound";
    let width = usize::from(OUT_CHANNELS);
    let mut graph = build(spec).map_err(MediaError::av(doing))?;
    let drain = |graph: &mut filter::Graph, each: &mut dyn FnMut(&frame::Audio)| {
        let mut sound = frame::Audio::empty();
        while let Some(mut sink) = graph.get("out")
            && sink.sink().frame(&mut sound).is_ok()
        {
            each(&sound);
        }
    };
    let mut at = 0i64;
    for block in samples.chunks(OUT_RATE as usize / 10 * width) {
        let n = block.len() / width;
        let mut sound = fresh_frame(n, OUT_CHANNELS);
        sound.set_rate(OUT_RATE);
        sound.set_pts(Some(at));
        at += i64::try_from(n).unwrap_or(0);
        for (to, from) in sound.data_mut(0).as_chunks_mut::<4>().0.iter_mut().zip(block) {
            *to = from.to_le_bytes();
        }
        let mut source = graph.get("in").ok_or_else(|| MediaError::av(doing)(ff::Error::Bug))?;
        source.source().add(&sound).map_err(MediaError::av(doing))?;
        drain(&mut graph, &mut each);
    }
    let mut source = graph.get("in").ok_or_else(|| MediaError::av(doing)(ff::Error::Bug))?;
    source.source().close(at).map_err(MediaError::av(doing))?;
    drain(&mut graph, &mut each);
    Ok(())
}

fn build(spec: &str) -> Result<filter::Graph, ff::Error> {
    let mut graph = filter::Graph::new();
    let find = |name: &str| filter::find(name).ok_or(ff::Error::FilterNotFound);
    let layout = ChannelLayout::default(i32::from(OUT_CHANNELS)).bits();
    let format = sample::Sample::F32(sample::Type::Packed).name();
    let args = format!(
        "time_base=1/{OUT_RATE}:sample_rate={OUT_RATE}:sample_fmt={format}:channel_layout=0x{layout:x}"
    );
    graph.add(&find("abuffer")?, "in", &args)?;
    graph.add(&find("abuffersink")?, "out", "")?;
    graph.output("in", 0)?.input("out", 0)?.parse(spec)?;
    graph.validate()?;
    Ok(graph)
}
