//! Other formats into those that are loaded here.

mod ct2;
mod ggml;
mod npz;
mod pickle;
mod sentence;
mod silero;
mod torch;
mod whisper;
mod zh_words;

use camino::{Utf8Path, Utf8PathBuf};

pub(super) use ggml::MAGIC;

use super::{error::RegistryError, manifest::Converter};

/// Runs `converter` on the parts in the folder `work`; gives the path of what it made, in the same folder.
pub(super) fn run(converter: Converter, work: &Utf8Path) -> Result<Utf8PathBuf, RegistryError> {
    let read = |name: &str| {
        let path = work.join(name);
        std::fs::read(&path).map_err(|e| match e.kind() {
            std::io::ErrorKind::NotFound => bad(name, "the manifest's packages do not make it"),
            _ => RegistryError::io(&path, e),
        })
    };
    let to = work.join("converted");
    if converter == Converter::LibimeToZhWords {
        return zh_words::convert(&work.join("dict.tar.xz"), &work.join("lm.tar.xz"), &to).map(|()| to);
    }
    if converter == Converter::TorchToSafetensors {
        let made = torch::convert(&read("pretrained.pt")?)?;
        std::fs::write(&to, made).map_err(|e| RegistryError::io(&to, e))?;
        return Ok(to);
    }
    if converter == Converter::SentenceEncoderToSafetensors {
        let made = sentence::convert(&read("weights.npz")?, &read("sp.model")?)?;
        std::fs::write(&to, made).map_err(|e| RegistryError::io(&to, e))?;
        return Ok(to);
    }
    let file = std::fs::File::create(&to).map_err(|e| RegistryError::io(&to, e))?;
    let mut out = ggml::Writer::new(std::io::BufWriter::with_capacity(1 << 20, file), &to);
    match converter {
        Converter::Ct2WhisperToGgml => whisper::convert(
            &read("model.bin")?,
            &read("mel_filters.npz")?,
            &read("multilingual.tiktoken")?,
            &mut out,
        )?,
        Converter::SileroSafetensorsToGgml => {
            silero::convert(&read("silero_vad_16k.safetensors")?, &mut out)?
        }
        // Written above: they are no files of whisper.cpp's.
        Converter::TorchToSafetensors
        | Converter::SentenceEncoderToSafetensors
        | Converter::LibimeToZhWords => {}
    }
    out.finish()?;
    Ok(to)
}

fn bad(what: &str, why: impl Into<String>) -> RegistryError {
    RegistryError::Convert { what: what.to_owned(), why: why.into() }
}
