//! A file of weights: its header is read at once, its tensors one by one when they are wanted.

use std::{
    fs::File,
    io::{Read, Seek, SeekFrom},
    path::{Path, PathBuf},
};

use half::{bf16, f16};
use safetensors::{Dtype, tensor::Metadata};
use sha2::{Digest, Sha256};

use super::broken::BrokenModel;

/// The most bytes of a header. Those of large models have some hundred kilobytes.
const LONGEST_HEADER: u64 = 16 << 20;

/// Where an encoder's tensors may be in a file that holds more than an encoder.
const PREFIXES: [&str; 3] = ["", "bert.", "roberta."];

/// An open `model.safetensors`.
#[derive(Debug)]
pub(super) struct Checkpoint {
    path: PathBuf,
    file: File,
    header: Metadata,
    data_at: u64,
    prefix: &'static str,
}

impl Checkpoint {
    pub(super) fn open(path: &Path) -> Result<Self, BrokenModel> {
        let file = File::open(path).map_err(|error| not_opened(path, &error))?;
        let length = file.metadata().map_err(|error| BrokenModel::unreadable(path, &error))?.len();
        let (header, data_at) =
            read_header(&file, length).map_err(|reason| BrokenModel::new(path, reason))?;
        let has =
            |prefix: &&str| header.info(&format!("{prefix}embeddings.word_embeddings.weight")).is_some();
        let Some(prefix) = PREFIXES.into_iter().find(|prefix| has(prefix)) else {
            return Err(BrokenModel::new(
                path,
                "it holds no encoder: no `embeddings.word_embeddings.weight`",
            ));
        };
        Ok(Self { path: path.to_owned(), file, header, data_at, prefix })
    }

    /// The name in this file of a tensor of the encoder.
    pub(super) fn name_of(&self, name: &str) -> String {
        format!("{}{name}", self.prefix)
    }

    /// Says what is wrong with a tensor, without reading it.
    pub(super) fn check(&self, name: &str, shape: &[usize]) -> Result<(), BrokenModel> {
        self.find(name, shape).map(|_| ())
    }

    /// Reads a tensor as 32-bit floats.
    pub(super) fn read(&self, name: &str, shape: &[usize]) -> Result<Vec<f32>, BrokenModel> {
        let (dtype, start, length) = self.find(name, shape)?;
        let mut bytes = vec![0; length];
        let mut file = &self.file;
        file.seek(SeekFrom::Start(self.data_at + start as u64))
            .and_then(|_| file.read_exact(&mut bytes))
            .map_err(|error| BrokenModel::unreadable(&self.path, &error))?;
        let values = floats(dtype, &bytes);
        match values.iter().all(|value| value.is_finite()) {
            true => Ok(values),
            false => Err(BrokenModel::new(&self.path, format!("`{name}` holds values that are no numbers"))),
        }
    }

    /// Its type, where it begins and how long it is.
    fn find(&self, name: &str, shape: &[usize]) -> Result<(Dtype, usize, usize), BrokenModel> {
        let broken = |reason: String| BrokenModel::new(&self.path, reason);
        // Files that were made from the first release of BERT call weight and bias of a norm like this.
        let old =
            name.replace("LayerNorm.weight", "LayerNorm.gamma").replace("LayerNorm.bias", "LayerNorm.beta");
        let Some(info) = self.header.info(name).or_else(|| self.header.info(&old)) else {
            return Err(broken(format!("the tensor `{name}` is missing")));
        };
        if info.shape != shape {
            let found = &info.shape;
            return Err(broken(format!(
                "`{name}` has the shape {found:?}, but config.json asks for {shape:?}"
            )));
        }
        match info.dtype {
            Dtype::F32 | Dtype::F16 | Dtype::BF16 => {
                let (start, end) = info.data_offsets;
                Ok((info.dtype, start, end - start))
            }
            other => {
                Err(broken(format!("`{name}` is of the type {other:?}; F32, F16 and BF16 are supported")))
            }
        }
    }

    /// A name for the model in `directory`: the directory's own, and what tells this model from another one
    /// of that name. That is made of the settings, of the header and of samples of the weights.
    pub(super) fn model_name(&self, directory: &Path, settings: &str) -> Result<String, BrokenModel> {
        const SAMPLES: u64 = 32;
        const SAMPLE: u64 = 16 << 10;
        let length = self.data_at + self.header.data_len() as u64;
        let step = length.div_ceil(SAMPLES).max(SAMPLE);
        let mut digest = Sha256::new_with_prefix(settings);
        let mut file = &self.file;
        for sample in 0..length.div_ceil(step) {
            let mut bytes = Vec::new();
            file.seek(SeekFrom::Start(sample * step))
                .and_then(|_| file.take(SAMPLE).read_to_end(&mut bytes))
                .map_err(|error| BrokenModel::unreadable(&self.path, &error))?;
            digest.update(&bytes);
        }
        let name = directory.file_name().map_or_else(|| "model".into(), |name| name.to_string_lossy());
        Ok(format!("{name}@{}", hex::encode(&digest.finalize()[..4])))
    }
}

fn not_opened(path: &Path, error: &std::io::Error) -> BrokenModel {
    let only_pytorch = path.with_file_name("pytorch_model.bin").exists();
    match error.kind() {
        std::io::ErrorKind::NotFound if only_pytorch => BrokenModel::new(
            path,
            "this file is missing. There is a pytorch_model.bin, which is not read: \
             save the model again with `save_pretrained(…, safe_serialization=True)`",
        ),
        _ => BrokenModel::unreadable(path, error),
    }
}

fn read_header(mut file: &File, length: u64) -> Result<(Metadata, u64), String> {
    let mut size = [0; 8];
    file.read_exact(&mut size).map_err(|_| "it is too short to be a safetensors file")?;
    let size = u64::from_le_bytes(size);
    if size > LONGEST_HEADER || size + 8 > length {
        return Err("it is no safetensors file, or it is cut off".into());
    }
    let mut header = Vec::new();
    file.take(size).read_to_end(&mut header).map_err(|error| format!("it can't be read: {error}"))?;
    let header: Metadata = serde_json::from_slice(&header)
        .map_err(|error| format!("its header can't be understood: {error}"))?;
    let expected = 8 + size + header.data_len() as u64;
    match expected == length {
        true => Ok((header, 8 + size)),
        false => {
            Err(format!("it has {length} bytes where its header announces {expected}; was it copied whole?"))
        }
    }
}

fn floats(dtype: Dtype, bytes: &[u8]) -> Vec<f32> {
    let halves = bytes.as_chunks::<2>().0.iter();
    match dtype {
        Dtype::F16 => halves.map(|pair| f16::from_le_bytes(*pair).to_f32()).collect(),
        Dtype::BF16 => halves.map(|pair| bf16::from_le_bytes(*pair).to_f32()).collect(),
        _ => bytes.as_chunks::<4>().0.iter().map(|four| f32::from_le_bytes(*four)).collect(),
    }
}
