//! How fast a prompt is read: `prompt_speed MODEL.gguf LAYERS TIMES < TEXT` reads the text so often through so many
//! layers, on one thread, and prints a JSON object with tokens and CPU seconds. Called by `bench/prompt_speed.py`.

use std::io::Read as _;

use clipmill_inference::llm::{Qwen, QwenOptions, limit_threads};

/// User and system seconds of this process, from Linux's own account; its ticks are hundredths of a second.
fn cpu_s() -> anyhow::Result<f64> {
    let stat = std::fs::read_to_string("/proc/self/stat")?;
    let after = stat.rsplit(')').next().unwrap_or_default();
    let ticks = |i: usize| after.split_whitespace().nth(i).and_then(|n| n.parse::<f64>().ok()).unwrap_or(0.0);
    Ok((ticks(11) + ticks(12)) / 100.0)
}

fn main() -> anyhow::Result<()> {
    limit_threads(1);
    let args: Vec<String> = std::env::args().skip(1).collect();
    let [model, layers, times] = &args[..] else { anyhow::bail!("give a model, layers and times") };
    let (layers, times): (usize, usize) = (layers.parse()?, times.parse()?);
    let mut text = String::new();
    std::io::stdin().read_to_string(&mut text)?;
    let qwen = Qwen::open_with(model.as_str().into(), &QwenOptions { layers, ..QwenOptions::default() })?;
    let tokens = qwen.embed(&text)?.tokens;
    let begun = cpu_s()?;
    for _ in 0..times {
        qwen.embed(&text)?;
    }
    println!("{{\"layers\":{layers},\"tokens\":{},\"cpu_s\":{:.3}}}", tokens * times, cpu_s()? - begun);
    Ok(())
}
