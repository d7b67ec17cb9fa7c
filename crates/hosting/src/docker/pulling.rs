//! How far a pull is, from what the daemon says of each layer.

use std::collections::HashMap;

use bollard::models::CreateImageInfo;

use crate::Progress;

/// The layers that are on their way.
#[derive(Debug, Default)]
pub(super) struct Layers {
    layers: HashMap<String, Layer>,
}

#[derive(Debug, Default)]
struct Layer {
    done: u64,
    total: Option<u64>,
    is_here: bool,
}

impl Layers {
    /// Takes in what the daemon says, and tells what that means in all.
    pub fn hear(&mut self, event: CreateImageInfo) -> Option<Progress> {
        let (id, status) = (event.id?, event.status?);
        let detail = event.progress_detail.unwrap_or_default();
        let number = |value: Option<i64>| value.and_then(|value| u64::try_from(value).ok());
        let layer = self.layers.entry(id);
        match status.as_str() {
            "Pulling fs layer" | "Waiting" => {
                layer.or_default();
            }
            "Downloading" => {
                let layer = layer.or_default();
                layer.done = number(detail.current).unwrap_or(layer.done);
                layer.total = number(detail.total).filter(|total| *total > 0).or(layer.total);
            }
            "Download complete" | "Extracting" | "Pull complete" => {
                let layer = layer.or_default();
                layer.done = layer.total.unwrap_or(layer.done);
                layer.total = Some(layer.done);
                layer.is_here = true;
            }
            _ => return None,
        }
        Some(self.progress())
    }

    fn progress(&self) -> Progress {
        if self.layers.values().all(|layer| layer.is_here) {
            return Progress::Unpacking;
        }
        let done = self.layers.values().map(|layer| layer.done).sum();
        // A layer that waits has not told its size, so the sum would be wrong.
        let total = self.layers.values().map(|layer| layer.total).sum();
        let layers_done = self.layers.values().filter(|layer| layer.is_here).count();
        Progress::Pulling { done, total, layers_done, layers: self.layers.len() }
    }
}

#[cfg(test)]
mod tests {
    use bollard::models::ProgressDetail;

    use super::*;

    fn event(id: &str, status: &str, current: i64, total: i64) -> CreateImageInfo {
        CreateImageInfo {
            id: Some(id.to_owned()),
            status: Some(status.to_owned()),
            progress_detail: Some(ProgressDetail { current: Some(current), total: Some(total) }),
            ..CreateImageInfo::default()
        }
    }

    fn pulling(done: u64, total: Option<u64>, layers_done: usize) -> Progress {
        Progress::Pulling { done, total, layers_done, layers: 2 }
    }

    #[test]
    fn layers_are_added_up_and_the_total_is_told_once_all_are_known() {
        let mut layers = Layers::default();
        layers.hear(event("a", "Pulling fs layer", 0, 0));
        layers.hear(event("b", "Pulling fs layer", 0, 0));
        let one = layers.hear(event("a", "Downloading", 10, 100));
        assert_eq!(one, Some(pulling(10, None, 0)));
        let both = layers.hear(event("b", "Downloading", 5, 50));
        assert_eq!(both, Some(pulling(15, Some(150), 0)));
        let first = layers.hear(event("a", "Download complete", 0, 0));
        assert_eq!(first, Some(pulling(105, Some(150), 1)));
        let all = layers.hear(event("b", "Extracting", 1, 50));
        assert_eq!(all, Some(Progress::Unpacking));
    }

    #[test]
    fn what_is_not_about_a_layer_is_no_progress() {
        assert_eq!(Layers::default().hear(event("1.0", "Pulling from team/agent", 0, 0)), None);
        assert_eq!(Layers::default().hear(CreateImageInfo::default()), None);
    }
}
