//! The scores that candle's own models give for the next token, for the tests of the program's: see fixtures/reference.
//!
//! `stock-logits FOLDER` reads FOLDER/{qwen2,qwen3,llama}.gguf; `stock-logits MODEL.gguf ID ID …` reads one Qwen2 model.

use candle_core::{quantized::gguf_file::Content, Device, Tensor};
use candle_transformers::models::{quantized_llama, quantized_qwen2, quantized_qwen3};

fn main() {
    let mut args = std::env::args().skip(1);
    let path = args.next().expect("a folder, or a model and token ids");
    let ids: Vec<u32> = args.map(|a| a.parse().expect("a token id")).collect();
    let out = if ids.is_empty() {
        let ids: Vec<u32> = (0..40u32).map(|i| (i * 37 + 11) % 256).collect();
        let one = |family: &str| answer(family, &format!("{path}/{family}.gguf"), &ids, 1);
        serde_json::json!([one("qwen2"), one("qwen3"), one("llama")])
    } else {
        answer("qwen2", &path, &ids, 97)
    };
    println!("{out}");
}

fn answer(family: &str, path: &str, ids: &[u32], every: usize) -> serde_json::Value {
    let cpu = Device::Cpu;
    let mut file = std::fs::File::open(path).unwrap();
    let content = Content::read(&mut file).unwrap();
    let input = Tensor::new(ids, &cpu).unwrap().unsqueeze(0).unwrap();
    let scores = match family {
        "qwen2" => quantized_qwen2::ModelWeights::from_gguf(content, &mut file, &cpu).unwrap().forward(&input, 0),
        "qwen3" => quantized_qwen3::ModelWeights::from_gguf(content, &mut file, &cpu).unwrap().forward(&input, 0),
        _ => quantized_llama::ModelWeights::from_gguf(content, &mut file, &cpu).unwrap().forward(&input, 0),
    };
    let scores: Vec<f32> = scores.unwrap().flatten_all().unwrap().to_vec1().unwrap();
    let some: Vec<f64> = scores.iter().step_by(every).map(|s| (f64::from(*s) * 1e5).round() / 1e5).collect();
    let best = scores.iter().enumerate().max_by(|a, b| a.1.total_cmp(b.1)).unwrap().0;
    let sha = std::process::Command::new("sha256sum").arg(path).output().unwrap().stdout;
    let sha = String::from_utf8(sha).unwrap()[..64].to_owned();
    serde_json::json!({"family": family, "model_sha256": sha, "ids": ids, "every": every, "best": best, "scores": some})
}
