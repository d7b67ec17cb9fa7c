//! References to images as people write them, and the same with a digest.

/// The reference without its tag and digest, and its digest.
pub(super) fn split(reference: &str) -> (&str, Option<&str>) {
    let (name, digest) = match reference.split_once('@') {
        Some((name, digest)) => (name, Some(digest)),
        None => (reference, None),
    };
    let last = name.rfind('/').map_or(0, |slash| slash + 1);
    let end = name[last..].find(':').map_or(name.len(), |colon| last + colon);
    (&name[..end], digest)
}

/// The name that means these bytes and no others.
pub(super) fn pinned(reference: &str, digest: &str) -> String {
    format!("{}@{digest}", split(reference).0)
}

/// The registry in the reference, as credentials name it.
pub(super) fn registry(reference: &str) -> &str {
    match reference.split_once('/') {
        Some((host, _)) if host.contains(['.', ':']) || host == "localhost" => host,
        _ => "docker.io",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_and_digests_are_told_from_ports() {
        for (reference, name, digest) in [
            ("busybox", "busybox", None),
            ("localhost:5000/team/agent", "localhost:5000/team/agent", None),
            ("localhost:5000/team/agent:1", "localhost:5000/team/agent", None),
            ("r.example/agent:1@sha256:ab", "r.example/agent", Some("sha256:ab")),
        ] {
            assert_eq!(split(reference), (name, digest), "{reference}");
        }
        assert_eq!(pinned("r.example/agent:1", "sha256:cd"), "r.example/agent@sha256:cd");
    }

    #[test]
    fn the_first_part_is_a_registry_when_it_looks_like_a_host() {
        for (reference, expected) in [
            ("busybox", "docker.io"),
            ("team/agent:1", "docker.io"),
            ("localhost/agent", "localhost"),
            ("localhost:5000/agent", "localhost:5000"),
            ("r.example/team/agent", "r.example"),
        ] {
            assert_eq!(registry(reference), expected, "{reference}");
        }
    }
}
