//! A tiny CTranslate2 file made here, converted, and read back tensor by tensor with a reader of its own.

use std::{collections::BTreeMap, io::Write as _};

use camino::Utf8PathBuf;
use half::f16;

use super::*;

const STATE: u32 = 4;
const VOCABULARY: u32 = 6;

/// The value at `i` of the tensor called `name`: any function that tells them all apart will do. Exact in half precision.
fn value(name: &str, i: u32) -> f32 {
    let seed: u32 = name.bytes().fold(7, |a, b| a.wrapping_mul(31).wrapping_add(u32::from(b)));
    ((seed.wrapping_add(i.wrapping_mul(2_654_435_761))) >> 21) as f32 / 16.0
}

fn tensors() -> Vec<(String, Vec<u32>)> {
    let mut all: Vec<(String, Vec<u32>)> = vec![
        ("decoder/embeddings/weight".into(), vec![VOCABULARY, STATE]),
        ("decoder/position_encodings/encodings".into(), vec![5, STATE]),
        ("encoder/position_encodings/encodings".into(), vec![9, STATE]),
        ("encoder/conv1/weight".into(), vec![STATE, 2, 3]),
        ("encoder/conv2/weight".into(), vec![STATE, STATE, 3]),
    ];
    for conv in ["conv1", "conv2"] {
        all.push((format!("encoder/{conv}/bias"), vec![STATE]));
    }
    let linear = |all: &mut Vec<_>, name: String, out: u32, into: u32| {
        all.push((format!("{name}/weight"), vec![out, into]));
        all.push((format!("{name}/bias"), vec![out]));
    };
    let norm = |all: &mut Vec<_>, name: String| {
        all.push((format!("{name}/gamma"), vec![STATE]));
        all.push((format!("{name}/beta"), vec![STATE]));
    };
    for side in ["encoder", "decoder"] {
        norm(&mut all, format!("{side}/layer_norm"));
        let l = format!("{side}/layer_0");
        linear(&mut all, format!("{l}/ffn/linear_0"), 8, STATE);
        linear(&mut all, format!("{l}/ffn/linear_1"), STATE, 8);
        norm(&mut all, format!("{l}/ffn/layer_norm"));
        linear(&mut all, format!("{l}/self_attention/linear_0"), 3 * STATE, STATE);
        linear(&mut all, format!("{l}/self_attention/linear_1"), STATE, STATE);
        norm(&mut all, format!("{l}/self_attention/layer_norm"));
    }
    let l = "decoder/layer_0/attention";
    linear(&mut all, format!("{l}/linear_0"), STATE, STATE);
    linear(&mut all, format!("{l}/linear_1"), 2 * STATE, STATE);
    linear(&mut all, format!("{l}/linear_2"), STATE, STATE);
    norm(&mut all, format!("{l}/layer_norm"));
    all
}

/// Whether element `i` of a stacked bias is the key's, which is zero.
fn is_key_bias(name: &str, i: u32) -> bool {
    (name.ends_with("self_attention/linear_0/bias") && (STATE..2 * STATE).contains(&i))
        || (name.ends_with("layer_0/attention/linear_1/bias") && i < STATE)
}

fn ct2_file(key_bias: f32) -> Vec<u8> {
    let mut out = vec![];
    let string = |out: &mut Vec<u8>, s: &str| {
        out.extend((s.len() as u16 + 1).to_le_bytes());
        out.extend(s.as_bytes());
        out.push(0);
    };
    out.extend(6u32.to_le_bytes());
    string(&mut out, "WhisperSpec");
    out.extend(3u32.to_le_bytes());
    let all = tensors();
    out.extend((all.len() as u32 + 2).to_le_bytes());
    for (name, dims) in &all {
        string(&mut out, name);
        out.push(dims.len() as u8);
        dims.iter().for_each(|d| out.extend(d.to_le_bytes()));
        out.push(4);
        let count: u32 = dims.iter().product();
        out.extend((count * 2).to_le_bytes());
        for i in 0..count {
            let v = if is_key_bias(name, i) { key_bias } else { value(name, i) };
            out.extend(f16::from_f32(v).to_le_bytes());
        }
    }
    for side in ["encoder", "decoder"] {
        string(&mut out, &format!("{side}/num_heads"));
        out.push(0);
        out.push(2);
        out.extend(2u32.to_le_bytes());
        out.extend(2u16.to_le_bytes());
    }
    out.extend(0u32.to_le_bytes());
    out
}

fn npz() -> Vec<u8> {
    let mut npy = b"\x93NUMPY\x01\x00".to_vec();
    let header = format!("{:<69}\n", "{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }");
    npy.extend((header.len() as u16).to_le_bytes());
    npy.extend(header.as_bytes());
    (0u8..6).for_each(|i| npy.extend(f32::from(i).to_le_bytes()));
    let mut zip = zip::ZipWriter::new(std::io::Cursor::new(vec![]));
    zip.start_file("mel_2.npy", zip::write::SimpleFileOptions::default()).unwrap();
    zip.write_all(&npy).unwrap();
    zip.finish().unwrap().into_inner()
}

const TOKENS: &[u8] = b"IQ== 0\nIg== 1\n5Zy6 2\n= 3\n";

fn converted(model: &[u8], filters: &[u8], tokens: &[u8]) -> Result<Vec<u8>, RegistryError> {
    let dir = tempfile::tempdir().unwrap();
    let path = Utf8PathBuf::from_path_buf(dir.path().join("out")).unwrap();
    let file = std::io::BufWriter::new(std::fs::File::create(&path).unwrap());
    let mut out = Writer::new(file, &path);
    convert(model, filters, tokens, &mut out)?;
    out.finish()?;
    Ok(std::fs::read(&path).unwrap())
}

/// Shape, innermost dimension first, and elements.
type Found = (Vec<u32>, Vec<f32>);

/// An independent reader of what was written: the header, the token table, and each tensor as floats.
fn read_back(bytes: &[u8]) -> (Vec<u32>, Vec<Vec<u8>>, BTreeMap<String, Found>) {
    let mut at = 0;
    let u32_ = |at: &mut usize| {
        *at += 4;
        u32::from_le_bytes(bytes[*at - 4..*at].try_into().unwrap())
    };
    let header: Vec<u32> = (0..14).map(|_| u32_(&mut at)).collect();
    at += (header[12] * header[13] * 4) as usize;
    let mut tokens = vec![];
    for _ in 0..u32_(&mut at) {
        let n = u32_(&mut at) as usize;
        tokens.push(bytes[at..at + n].to_vec());
        at += n;
    }
    let mut found = BTreeMap::new();
    while at < bytes.len() {
        let (rank, length, kind) = (u32_(&mut at), u32_(&mut at) as usize, u32_(&mut at));
        let dims: Vec<u32> = (0..rank).map(|_| u32_(&mut at)).collect();
        let name = String::from_utf8(bytes[at..at + length].to_vec()).unwrap();
        at += length;
        let count: u32 = dims.iter().product();
        let size = if kind == 0 { 4 } else { 2 };
        let data = &bytes[at..at + (count * size) as usize];
        at += data.len();
        let floats = match kind {
            0 => data.chunks(4).map(|b| f32::from_le_bytes(b.try_into().unwrap())).collect(),
            _ => data.chunks(2).map(|b| f16::from_le_bytes(b.try_into().unwrap()).to_f32()).collect(),
        };
        assert!(found.insert(name, (dims, floats)).is_none());
    }
    (header, tokens, found)
}

#[test]
fn every_number_arrives_where_whisper_cpp_looks_for_it() {
    let (header, tokens, found) = read_back(&converted(&ct2_file(0.0), &npz(), TOKENS).unwrap());
    assert_eq!(header, [0x6767_6d6c, VOCABULARY, 9, STATE, 2, 1, 5, STATE, 2, 1, 2, 1, 2, 3]);
    assert_eq!(tokens, [b"!".to_vec(), b"\"".to_vec(), "场".as_bytes().to_vec(), vec![]]);
    let want =
        |name: &str, from: u32, count: u32| (from..from + count).map(|i| value(name, i)).collect::<Vec<_>>();
    let check = |to: &str, dims: &[u32], floats: Vec<f32>| {
        let (d, f) = found.get(to).unwrap_or_else(|| panic!("no {to}"));
        assert_eq!((d.as_slice(), f), (dims, &floats), "{to}");
    };
    let square = STATE * STATE;
    check(
        "decoder.token_embedding.weight",
        &[STATE, VOCABULARY],
        want("decoder/embeddings/weight", 0, VOCABULARY * STATE),
    );
    check("encoder.conv1.bias", &[1, STATE], want("encoder/conv1/bias", 0, STATE));
    check("encoder.conv1.weight", &[3, 2, STATE], want("encoder/conv1/weight", 0, STATE * 6));
    for (part, name) in (0..).zip(["query", "key", "value"]) {
        let from = "encoder/layer_0/self_attention/linear_0";
        let to = format!("encoder.blocks.0.attn.{name}");
        check(
            &format!("{to}.weight"),
            &[STATE, STATE],
            want(&format!("{from}/weight"), part * square, square),
        );
        if name != "key" {
            check(&format!("{to}.bias"), &[STATE], want(&format!("{from}/bias"), part * STATE, STATE));
        }
    }
    let cross = "decoder/layer_0/attention";
    check(
        "decoder.blocks.0.cross_attn.value.weight",
        &[STATE, STATE],
        want(&format!("{cross}/linear_1/weight"), square, square),
    );
    check(
        "decoder.blocks.0.cross_attn.out.bias",
        &[STATE],
        want(&format!("{cross}/linear_2/bias"), 0, STATE),
    );
    check(
        "decoder.blocks.0.mlp.0.weight",
        &[STATE, 8],
        want("decoder/layer_0/ffn/linear_0/weight", 0, 8 * STATE),
    );
    check("encoder.ln_post.weight", &[STATE], want("encoder/layer_norm/gamma", 0, STATE));
    // Per layer: 4 feed-forward, 7 per attention, 2 per norm; plus 3 tables, 4 convolution parts, 4 of the last norms.
    assert_eq!(found.len(), (4 + 7 + 4) + (4 + 14 + 6) + 3 + 4 + 4);
    assert!(!found.keys().any(|k| k.ends_with("key.bias")));
}

#[test]
fn what_whisper_has_no_place_for_is_refused() {
    let says = |r: Result<Vec<u8>, RegistryError>| r.unwrap_err().to_string();
    assert!(says(converted(&ct2_file(0.5), &npz(), TOKENS)).contains("gives the key a bias"));
    let whole = ct2_file(0.0);
    assert!(says(converted(&whole[..whole.len() / 2], &npz(), TOKENS)).contains("ends too early"));
    assert!(says(converted(&whole, &npz(), b"IQ== 0\nIg== 2\n")).contains("line 2"));
    assert!(says(converted(&whole, b"not a zip", TOKENS)).contains("mel_filters.npz"));
}

proptest::proptest! {
    /// A damaged part gives a file or an error that names it.
    #[test]
    fn damaged_parts_are_converted_or_refused(
        model in crate::mangled::damaged(ct2_file(0.0)),
        filters in crate::mangled::damaged(npz()),
        tokens in crate::mangled::damaged(TOKENS.to_vec()),
    ) {
        let (whole, table) = (ct2_file(0.0), npz());
        for (model, filters, tokens) in
            [(&model[..], &table[..], TOKENS), (&whole, &filters, TOKENS), (&whole, &table, &tokens)]
        {
            if let Err(e) = converted(model, filters, tokens) {
                proptest::prop_assert!(matches!(e, RegistryError::Convert { .. }), "{e}");
            }
        }
    }
}
