//! Frames in a row of the store: each with its length in front.

use bytes::Bytes;

/// Frames as one blob.
pub fn pack(frames: &[Bytes]) -> Vec<u8> {
    let size = frames.iter().map(|frame| frame.len() + 4).sum();
    let mut packed = Vec::with_capacity(size);
    for frame in frames {
        packed.extend_from_slice(&(frame.len() as u32).to_le_bytes());
        packed.extend_from_slice(frame);
    }
    packed
}

/// The frames of a blob, or `None` if it is damaged.
pub fn unpack(packed: Vec<u8>) -> Option<Vec<Bytes>> {
    let mut rest = Bytes::from(packed);
    let mut frames = Vec::new();
    while !rest.is_empty() {
        let length = u32::from_le_bytes(*rest.first_chunk::<4>()?) as usize;
        if rest.len() < 4 + length {
            return None;
        }
        let _ = rest.split_to(4);
        frames.push(rest.split_to(length));
    }
    Some(frames)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_come_back_as_they_were_and_damage_is_noticed() {
        let frames = vec![Bytes::from_static(b"event: a\n\n"), Bytes::new(), Bytes::from_static(b"x")];
        let packed = pack(&frames);
        assert_eq!(unpack(packed[..packed.len() - 1].to_vec()), None);
        assert_eq!(unpack(packed), Some(frames));
    }
}
