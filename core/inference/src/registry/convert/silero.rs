//! Silero's voice activity network: safetensors into whisper.cpp's file.

use safetensors::{Dtype, SafeTensors};

use super::{
    super::error::RegistryError,
    bad,
    ggml::{Element, MAGIC, Writer, narrow},
};

const WHAT: &str = "silero_vad_16k.safetensors";

/// Name here, name in whisper.cpp, stored in half precision there.
const TENSORS: [(&str, &str, bool); 15] = [
    ("stft_conv.weight", "_model.stft.forward_basis_buffer", true),
    ("conv1.weight", "_model.encoder.0.reparam_conv.weight", true),
    ("conv1.bias", "_model.encoder.0.reparam_conv.bias", false),
    ("conv2.weight", "_model.encoder.1.reparam_conv.weight", true),
    ("conv2.bias", "_model.encoder.1.reparam_conv.bias", false),
    ("conv3.weight", "_model.encoder.2.reparam_conv.weight", true),
    ("conv3.bias", "_model.encoder.2.reparam_conv.bias", false),
    ("conv4.weight", "_model.encoder.3.reparam_conv.weight", true),
    ("conv4.bias", "_model.encoder.3.reparam_conv.bias", false),
    ("lstm_cell.weight_ih", "_model.decoder.rnn.weight_ih", false),
    ("lstm_cell.weight_hh", "_model.decoder.rnn.weight_hh", false),
    ("lstm_cell.bias_ih", "_model.decoder.rnn.bias_ih", false),
    ("lstm_cell.bias_hh", "_model.decoder.rnn.bias_hh", false),
    ("final_conv.weight", "_model.decoder.decoder.2.weight", true),
    ("final_conv.bias", "_model.decoder.decoder.2.bias", false),
];

/// Samples a probability is for, and samples of context the network was trained with, at 16 kHz.
const WINDOW: u32 = 512;
const CONTEXT: u32 = 64;
const VERSION: [u32; 3] = [6, 2, 0];

/// Writes the whole model to `out`.
pub(super) fn convert(model: &[u8], out: &mut Writer) -> Result<(), RegistryError> {
    let tensors = SafeTensors::deserialize(model).map_err(|e| bad(WHAT, e.to_string()))?;
    let shape = |name: &str| {
        let t = tensors.tensor(name).map_err(|e| bad(WHAT, e.to_string()))?;
        if t.dtype() != Dtype::F32 {
            return Err(bad(WHAT, format!("{name} is not in single precision")));
        }
        t.shape()
            .iter()
            .map(|d| u32::try_from(*d).map_err(|_| bad(WHAT, format!("{name} is too large"))))
            .collect::<Result<Vec<_>, _>>()
    };
    out.u32(MAGIC)?;
    out.counted(b"silero-16k")?;
    VERSION.into_iter().try_for_each(|n| out.u32(n))?;
    out.u32(WINDOW)?;
    out.u32(CONTEXT)?;
    let convolutions = ["conv1.weight", "conv2.weight", "conv3.weight", "conv4.weight"];
    out.u32(convolutions.len() as u32)?;
    for name in convolutions {
        let [outputs, inputs, kernel] = shape(name)?[..] else {
            return Err(bad(WHAT, format!("{name} is not a convolution")));
        };
        [inputs, outputs, kernel].into_iter().try_for_each(|n| out.u32(n))?;
    }
    let [_, hidden] = shape("lstm_cell.weight_hh")?[..] else { return Err(bad(WHAT, "it has no LSTM")) };
    let [_, input] = shape("lstm_cell.weight_ih")?[..] else { return Err(bad(WHAT, "it has no LSTM")) };
    let [last_out, last_in, 1] = shape("final_conv.weight")?[..] else {
        return Err(bad(WHAT, "its last convolution is wider than one"));
    };
    [input, hidden, last_in, last_out].into_iter().try_for_each(|n| out.u32(n))?;
    for (name, to, half) in TENSORS {
        // The last convolution is a plain vector there.
        let dims = if name == "final_conv.weight" { vec![last_in] } else { shape(name)? };
        let view = tensors.tensor(name).map_err(|e| bad(WHAT, e.to_string()))?;
        if half {
            out.tensor(to, &dims, Element::F16, &narrow(view.data()))?;
        } else {
            out.tensor(to, &dims, Element::F32, view.data())?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use camino::Utf8PathBuf;
    use safetensors::tensor::TensorView;

    use super::*;

    /// The names of the network, with shapes that are small.
    fn small() -> Vec<u8> {
        let numbers = [0x11u8; 4 * 24];
        let shape = |name: &str| match name {
            "final_conv.weight" => vec![2, 3, 1],
            n if n.starts_with("conv") && n.ends_with("weight") => vec![2, 3, 2],
            n if n.starts_with("lstm_cell.weight") => vec![4, 3],
            _ => vec![6],
        };
        let view = |name: &'static str| {
            let shape = shape(name);
            let bytes = shape.iter().product::<usize>() * 4;
            (name, TensorView::new(Dtype::F32, shape, &numbers[..bytes]).unwrap())
        };
        safetensors::serialize(TENSORS.map(|(name, ..)| view(name)), None).unwrap()
    }

    fn converted(model: &[u8]) -> Result<Vec<u8>, RegistryError> {
        let dir = tempfile::tempdir().unwrap();
        let path = Utf8PathBuf::from_path_buf(dir.path().join("out")).unwrap();
        let mut out = Writer::new(std::io::BufWriter::new(std::fs::File::create(&path).unwrap()), &path);
        convert(model, &mut out)?;
        out.finish()?;
        Ok(std::fs::read(&path).unwrap())
    }

    #[test]
    fn a_small_network_is_converted() {
        let made = converted(&small()).unwrap();
        assert_eq!(made[..4], MAGIC.to_le_bytes());
        assert!(made.windows(29).any(|w| w == b"_model.decoder.decoder.2.bias"));
    }

    proptest::proptest! {
        #[test]
        fn a_damaged_network_is_converted_or_refused(model in crate::mangled::damaged(small())) {
            if let Err(e) = converted(&model) {
                proptest::prop_assert!(e.to_string().contains(WHAT), "{e}");
            }
        }
    }
}
