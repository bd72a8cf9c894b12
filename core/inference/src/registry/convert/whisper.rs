//! Whisper: CTranslate2's weights, with mel filters and token table, into whisper.cpp's file.
//!
//! The two formats name and group the same tensors differently: CTranslate2 stacks query, key and value in one matrix,
//! and gives the key a bias of zeros that Whisper does not have.

use super::{
    super::error::RegistryError,
    bad,
    ct2::{Model, Tensor},
    ggml::{Element, MAGIC, Writer, widen},
    npz::Npz,
};

const WHAT: &str = "model.bin (CTranslate2)";
const FILTERS: &str = "mel_filters.npz";

/// Writes the whole model to `out`. Matrices stay in half precision; vectors and position tables widen to single.
pub(super) fn convert(
    model: &[u8],
    filters: &[u8],
    tokens: &[u8],
    out: &mut Writer,
) -> Result<(), RegistryError> {
    let ct2 = Model::read(model)?;
    let state = header(&ct2, out)?;
    let mels = ct2.tensor("encoder/conv1/weight")?.dims[1];
    let bank = Npz::open(filters, FILTERS)?.floats(&format!("mel_{mels}"))?;
    let [rows, columns] = bank.shape[..] else { return Err(bad(FILTERS, "it is no table")) };
    for n in [rows, columns] {
        out.u32(u32::try_from(n).map_err(|e| bad(FILTERS, e.to_string()))?)?;
    }
    out.bytes(&bank.data)?;
    token_table(tokens, out)?;
    tensors(&ct2, state, out)
}

/// The numbers that describe the network; gives its width.
fn header(ct2: &Model<'_>, out: &mut Writer) -> Result<u32, RegistryError> {
    let shape = |name: &str, rank: usize| {
        ct2.tensor(name).and_then(|t| {
            if t.dims.len() == rank {
                Ok(t.dims)
            } else {
                Err(bad(WHAT, format!("{name} has {} dimensions", t.dims.len())))
            }
        })
    };
    let audio = shape("encoder/position_encodings/encodings", 2)?;
    let text = shape("decoder/position_encodings/encodings", 2)?;
    let vocabulary = shape("decoder/embeddings/weight", 2)?[0];
    let mels = shape("encoder/conv1/weight", 3)?[1];
    let (encoder_heads, decoder_heads) =
        (ct2.integer("encoder/num_heads")?, ct2.integer("decoder/num_heads")?);
    let half_precision = 1;
    let numbers = [
        MAGIC,
        vocabulary,
        audio[0],
        audio[1],
        encoder_heads,
        ct2.layers("encoder"),
        text[0],
        text[1],
        decoder_heads,
        ct2.layers("decoder"),
        mels,
        half_precision,
    ];
    numbers.into_iter().try_for_each(|n| out.u32(n))?;
    Ok(audio[1])
}

/// `base64 rank` a line, ranks 0, 1, 2 …; the last token of the multilingual table is empty.
fn token_table(table: &[u8], out: &mut Writer) -> Result<(), RegistryError> {
    use base64::{Engine as _, prelude::BASE64_STANDARD};
    let what = "multilingual.tiktoken";
    let text = std::str::from_utf8(table).map_err(|_| bad(what, "it is not text"))?;
    let lines: Vec<_> = text.lines().filter(|l| !l.trim().is_empty()).collect();
    out.u32(u32::try_from(lines.len()).unwrap_or(u32::MAX))?;
    for (number, line) in lines.into_iter().enumerate() {
        let entry = line.split_once(' ').filter(|(_, rank)| rank.trim().parse() == Ok(number));
        let token = match entry {
            Some(("=", _)) => vec![],
            Some((token, _)) => {
                BASE64_STANDARD.decode(token).map_err(|e| bad(what, format!("line {}: {e}", number + 1)))?
            }
            None => return Err(bad(what, format!("line {} is not the token of rank {number}", number + 1))),
        };
        out.counted(&token)?;
    }
    Ok(())
}

fn tensors(ct2: &Model<'_>, state: u32, out: &mut Writer) -> Result<(), RegistryError> {
    let mut put = Put { ct2, state, out };
    put.wide("decoder.positional_embedding", &ct2.tensor("decoder/position_encodings/encodings")?)?;
    put.wide("encoder.positional_embedding", &ct2.tensor("encoder/position_encodings/encodings")?)?;
    put.one("decoder.token_embedding.weight", &ct2.tensor("decoder/embeddings/weight")?)?;
    for i in 0..ct2.layers("decoder") {
        let (to, from) = (format!("decoder.blocks.{i}"), format!("decoder/layer_{i}"));
        put.feed_forward(&to, &from)?;
        put.norm(&format!("{to}.attn_ln"), &format!("{from}/self_attention/layer_norm"))?;
        put.self_attention(&format!("{to}.attn"), &format!("{from}/self_attention"))?;
        put.norm(&format!("{to}.cross_attn_ln"), &format!("{from}/attention/layer_norm"))?;
        put.cross_attention(&format!("{to}.cross_attn"), &format!("{from}/attention"))?;
    }
    put.norm("decoder.ln", "decoder/layer_norm")?;
    for conv in ["conv1", "conv2"] {
        put.one(&format!("encoder.{conv}.weight"), &ct2.tensor(&format!("encoder/{conv}/weight"))?)?;
        // A column: it is added to every frame.
        let mut bias = ct2.tensor(&format!("encoder/{conv}/bias"))?;
        bias.dims.push(1);
        put.wide(&format!("encoder.{conv}.bias"), &bias)?;
    }
    for i in 0..ct2.layers("encoder") {
        let (to, from) = (format!("encoder.blocks.{i}"), format!("encoder/layer_{i}"));
        put.feed_forward(&to, &from)?;
        put.norm(&format!("{to}.attn_ln"), &format!("{from}/self_attention/layer_norm"))?;
        put.self_attention(&format!("{to}.attn"), &format!("{from}/self_attention"))?;
    }
    put.norm("encoder.ln_post", "encoder/layer_norm")
}

struct Put<'a, 'o> {
    ct2: &'a Model<'a>,
    state: u32,
    out: &'o mut Writer,
}

impl Put<'_, '_> {
    /// Vectors in single precision, the rest as it is.
    fn one(&mut self, name: &str, t: &Tensor<'_>) -> Result<(), RegistryError> {
        if t.dims.len() < 2 {
            self.wide(name, t)
        } else {
            self.out.tensor(name, &t.dims, Element::F16, t.bytes)
        }
    }

    fn wide(&mut self, name: &str, t: &Tensor<'_>) -> Result<(), RegistryError> {
        self.out.tensor(name, &t.dims, Element::F32, &widen(t.bytes))
    }

    fn norm(&mut self, to: &str, from: &str) -> Result<(), RegistryError> {
        self.one(&format!("{to}.weight"), &self.ct2.tensor(&format!("{from}/gamma"))?)?;
        self.one(&format!("{to}.bias"), &self.ct2.tensor(&format!("{from}/beta"))?)
    }

    fn linear(&mut self, to: &str, from: &str) -> Result<(), RegistryError> {
        self.one(&format!("{to}.weight"), &self.ct2.tensor(&format!("{from}/weight"))?)?;
        self.one(&format!("{to}.bias"), &self.ct2.tensor(&format!("{from}/bias"))?)
    }

    fn feed_forward(&mut self, to: &str, from: &str) -> Result<(), RegistryError> {
        self.norm(&format!("{to}.mlp_ln"), &format!("{from}/ffn/layer_norm"))?;
        self.linear(&format!("{to}.mlp.0"), &format!("{from}/ffn/linear_0"))?;
        self.linear(&format!("{to}.mlp.2"), &format!("{from}/ffn/linear_1"))
    }

    /// The `part`-th of `parts` equal row blocks of a stacked linear layer. A key's bias must be zeros and is left out.
    fn stacked(&mut self, to: &str, from: &str, part: u32, parts: u32) -> Result<(), RegistryError> {
        let weight = self.ct2.tensor(&format!("{from}/weight"))?;
        let bias = self.ct2.tensor(&format!("{from}/bias"))?;
        let rows = parts.saturating_mul(self.state);
        if weight.dims != [rows, self.state] || bias.dims != [rows] {
            return Err(bad(WHAT, format!("{from} has the shape {:?}", weight.dims)));
        }
        let (a, b) = (part * self.state, (part + 1) * self.state);
        self.one(&format!("{to}.weight"), &weight.rows(a, b))?;
        let bias = bias.rows(a, b);
        if !to.ends_with(".key") {
            self.one(&format!("{to}.bias"), &bias)
        } else if bias.bytes.chunks_exact(2).all(|h| matches!(h, [0, 0 | 0x80])) {
            Ok(())
        } else {
            Err(bad(WHAT, format!("{from} gives the key a bias, which Whisper has no place for")))
        }
    }

    fn self_attention(&mut self, to: &str, from: &str) -> Result<(), RegistryError> {
        for (part, name) in (0..).zip(["query", "key", "value"]) {
            self.stacked(&format!("{to}.{name}"), &format!("{from}/linear_0"), part, 3)?;
        }
        self.linear(&format!("{to}.out"), &format!("{from}/linear_1"))
    }

    fn cross_attention(&mut self, to: &str, from: &str) -> Result<(), RegistryError> {
        self.linear(&format!("{to}.query"), &format!("{from}/linear_0"))?;
        for (part, name) in (0..).zip(["key", "value"]) {
            self.stacked(&format!("{to}.{name}"), &format!("{from}/linear_1"), part, 2)?;
        }
        self.linear(&format!("{to}.out"), &format!("{from}/linear_2"))
    }
}

#[cfg(test)]
mod tests;
