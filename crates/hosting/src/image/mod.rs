//! Images: what references and registries mean to every runtime, and the store in which the daemonless
//! runtime keeps what it has pulled.

mod credentials;
mod docker_config;
mod reference;
mod user;

#[cfg(target_os = "linux")]
mod catalog;
#[cfg(target_os = "linux")]
mod config;
#[cfg(target_os = "linux")]
mod digest;
#[cfg(target_os = "linux")]
mod download;
#[cfg(target_os = "linux")]
mod file;
#[cfg(target_os = "linux")]
mod manifest;
#[cfg(target_os = "linux")]
mod meter;
#[cfg(target_os = "linux")]
mod registry;
#[cfg(target_os = "linux")]
mod root_image;
#[cfg(target_os = "linux")]
mod settings;
#[cfg(target_os = "linux")]
mod store;
#[cfg(target_os = "linux")]
mod turns;
#[cfg(target_os = "linux")]
mod unpack;

pub use credentials::Credentials;
pub use docker_config::DockerConfig;
pub use reference::Reference;
pub use user::User;

#[cfg(target_os = "linux")]
pub use {
    config::ImageConfig,
    settings::{ImageLimits, Patience, StoreSettings},
    store::{Image, ImageStore},
};
