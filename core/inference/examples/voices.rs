//! Tells the voices of raw sound (16 kHz mono, 32-bit float, little endian) apart, given where its sentences are, and
//! prints what it takes: `cargo run -p clipmill-inference --example voices -- MODEL SOUND TRUTH.jsonl`.

use std::collections::BTreeMap;

use clipmill_inference::voiceprint::{Printer as _, Voiceprints, Voices};

fn cpu_seconds() -> f64 {
    let all = std::fs::read_dir("/proc/self/task").into_iter().flatten().flatten();
    let nanos = all.filter_map(|t| std::fs::read_to_string(t.path().join("schedstat")).ok());
    nanos.filter_map(|s| s.split(' ').next()?.parse::<f64>().ok()).sum::<f64>() / 1e9
}

fn main() -> anyhow::Result<()> {
    let args: Vec<_> = std::env::args().skip(1).collect();
    let [model, sound, truth] = args.as_slice() else { anyhow::bail!("give MODEL SOUND TRUTH.jsonl") };
    let network = Voiceprints::load(model.as_str().into())?;
    let samples: Vec<f32> =
        std::fs::read(sound)?.as_chunks::<4>().0.iter().map(|b| f32::from_le_bytes(*b)).collect();
    let mut voices = Voices::default();
    let mut told: BTreeMap<(String, Option<u32>), u32> = BTreeMap::new();
    let before = cpu_seconds();
    for line in std::fs::read_to_string(truth)?.lines() {
        let s: serde_json::Value = serde_json::from_str(line)?;
        let at = |key: &str| s[key].as_f64().unwrap_or(0.0);
        let index = |key: &str| ((at(key) * 16_000.0) as usize).min(samples.len());
        let speech = &samples[index("start")..index("end")];
        let seconds = at("end") - at("start");
        let print = network.prints(&[speech])?.into_iter().next().flatten();
        let voice = print.as_ref().and_then(|p| voices.tell(p, seconds));
        let speaker = s["speaker"].as_str().unwrap_or("?").to_owned();
        let shown = print.map(|p| p.values()[..4].to_vec());
        println!("{} {seconds:.2} s {speaker} {voice:?} {shown:?}", s["id"]);
        *told.entry((speaker, voice)).or_default() += 1;
    }
    let audio = samples.len() as f64 / 16_000.0;
    println!("{told:?}; {:.4} CPU seconds a second of sound", (cpu_seconds() - before) / audio);
    Ok(())
}
