//! Models that run in this process: sentence transformers that embed, cross-encoders that judge.
//!
//! Both are BERT encoders, read from the directory in which they are published (safetensors and tokenizer).

mod architecture;
mod attention;
mod broken;
mod checkpoint;
mod cross;
mod directory;
mod encoder;
mod head;
mod layers;
mod loaded;
mod pooling;
mod sentence;
mod tokens;
mod workers;

pub use broken::BrokenModel;
pub use cross::CrossEncoder;
pub use sentence::SentenceModel;
