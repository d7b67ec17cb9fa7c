//! References to images, as people write them: `busybox`, `registry.example.com/team/agent:1`,
//! `localhost:5000/agent@sha256:…`.

use std::fmt;

use crate::{Code, Failure};

/// The registry that is meant where none is named.
const DEFAULT_REGISTRY: &str = "docker.io";

/// What a repository name may have in all.
const LONGEST_NAME: usize = 255;

/// What a tag may have.
const LONGEST_TAG: usize = 128;

/// Where an image is, with everything that people leave out filled in.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Reference {
    registry: String,
    repository: String,
    tag: Option<String>,
    digest: Option<String>,
}

impl Reference {
    /// Reads what somebody wrote. The failure says what is wrong with it.
    pub fn parse(text: &str) -> Result<Self, Failure> {
        read(text).map_err(|what| {
            let message = format!("'{}' is not the reference of an image: {what}", text.escape_debug());
            Failure::new(Code::InvalidContainerImage, message)
        })
    }

    /// The registry by its name: `docker.io`, `localhost:5000`.
    pub fn registry(&self) -> &str {
        &self.registry
    }

    /// The host, and port, at which the registry answers. That of `docker.io` has another name.
    pub fn host(&self) -> &str {
        if self.registry == DEFAULT_REGISTRY { "registry-1.docker.io" } else { &self.registry }
    }

    /// The repository: `library/busybox`.
    pub fn repository(&self) -> &str {
        &self.repository
    }

    /// The tag. There is one where there is no digest.
    pub fn tag(&self) -> Option<&str> {
        self.tag.as_deref()
    }

    /// The digest, `sha256:…`. It decides where there is a tag, too.
    pub fn digest(&self) -> Option<&str> {
        self.digest.as_deref()
    }

    /// What the registry is asked for: the digest or, without one, the tag.
    pub fn version(&self) -> &str {
        self.digest.as_deref().or(self.tag.as_deref()).unwrap_or("latest")
    }
}

impl fmt::Display for Reference {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}/{}", self.registry, self.repository)?;
        if let Some(tag) = &self.tag {
            write!(formatter, ":{tag}")?;
        }
        if let Some(digest) = &self.digest {
            write!(formatter, "@{digest}")?;
        }
        Ok(())
    }
}

fn read(text: &str) -> Result<Reference, String> {
    if text.is_empty() {
        return Err("it is empty".into());
    }
    if let Some(found) = text.chars().find(|c| c.is_whitespace() || c.is_control()) {
        return Err(format!("it has the character {found:?} in it"));
    }
    if let Some((scheme, _)) = text.split_once("://") {
        return Err(format!("leave out '{scheme}://'"));
    }
    let (named, digest) = match text.split_once('@') {
        Some((named, digest)) => (named, Some(checked_digest(digest)?)),
        None => (text, None),
    };
    let (name, tag) = split_tag(named);
    let tag = tag.map(checked_tag).transpose()?;
    let (registry, repository) = split_registry(name);
    let registry = checked_registry(registry)?;
    let repository = checked_repository(if registry == DEFAULT_REGISTRY && !repository.contains('/') {
        format!("library/{repository}")
    } else {
        repository.to_owned()
    })?;
    let tag = tag.or_else(|| digest.is_none().then(|| "latest".to_owned()));
    Ok(Reference { registry, repository, tag, digest })
}

/// A colon after the last slash begins a tag; an earlier one begins a port.
fn split_tag(named: &str) -> (&str, Option<&str>) {
    let last = named.rfind('/').map_or(0, |slash| slash + 1);
    match named[last..].find(':') {
        Some(colon) => (&named[..last + colon], Some(&named[last + colon + 1..])),
        None => (named, None),
    }
}

/// The first part names a registry if it can't be anything else.
fn split_registry(name: &str) -> (&str, &str) {
    let is_registry = |part: &str| part.contains(['.', ':']) || part == "localhost";
    match name.split_once('/') {
        Some((first, rest)) if is_registry(first) => (first, rest),
        _ => (DEFAULT_REGISTRY, name),
    }
}

fn checked_registry(registry: &str) -> Result<String, String> {
    let (host, port) = match registry.rfind(':') {
        Some(colon) if !registry.ends_with(']') => (&registry[..colon], Some(&registry[colon + 1..])),
        _ => (registry, None),
    };
    if let Some(port) = port
        && !(port.bytes().all(|b| b.is_ascii_digit()) && port.parse::<u16>().is_ok_and(|port| port > 0))
    {
        return Err(format!("'{port}' is not a port"));
    }
    let address = host.strip_prefix('[').and_then(|host| host.strip_suffix(']'));
    let plain = match address {
        Some(address) => address.parse::<std::net::Ipv6Addr>().is_ok(),
        None => host.split('.').all(is_host_label),
    };
    if !plain {
        return Err(format!("'{host}' is not the name of a registry's host"));
    }
    let registry = registry.to_ascii_lowercase();
    Ok(match registry.as_str() {
        "index.docker.io" | "registry-1.docker.io" => DEFAULT_REGISTRY.to_owned(),
        _ => registry,
    })
}

fn is_host_label(label: &str) -> bool {
    !label.is_empty()
        && label.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
        && !label.starts_with('-')
        && !label.ends_with('-')
}

fn checked_repository(name: String) -> Result<String, String> {
    if name.len() > LONGEST_NAME {
        return Err(format!("its name has more than {LONGEST_NAME} characters"));
    }
    if name.chars().any(|c| c.is_ascii_uppercase()) {
        return Err(format!("'{name}' has upper-case letters, and names are lower case"));
    }
    match name.split('/').find(|part| !is_name_part(part)) {
        Some("") => Err("a part of its name is empty".into()),
        Some(part) => {
            Err(format!("'{part}' is not a part of a name: those are a-z, 0-9, and . _ - in between"))
        }
        None => Ok(name),
    }
}

/// Runs of letters and digits with `.`, `_`, `__` or any number of `-` between two of them.
fn is_name_part(part: &str) -> bool {
    let is_plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit();
    let ends_plain = part.bytes().next().is_some_and(is_plain) && part.bytes().last().is_some_and(is_plain);
    let separators = part.split(|c: char| c.is_ascii_lowercase() || c.is_ascii_digit());
    ends_plain
        && separators
            .into_iter()
            .all(|run| matches!(run, "" | "." | "_" | "__") || run.bytes().all(|b| b == b'-'))
}

fn checked_tag(tag: &str) -> Result<String, String> {
    let is_word = |b: u8| b.is_ascii_alphanumeric() || b == b'_';
    if tag.len() > LONGEST_TAG {
        return Err(format!("its tag has more than {LONGEST_TAG} characters"));
    }
    let plain =
        tag.bytes().next().is_some_and(is_word) && tag.bytes().all(|b| is_word(b) || b == b'.' || b == b'-');
    if plain { Ok(tag.to_owned()) } else { Err(format!("'{tag}' is not a tag")) }
}

fn checked_digest(digest: &str) -> Result<String, String> {
    let Some(hex) = digest.strip_prefix("sha256:") else {
        return Err(format!("'{digest}' is not a digest that is known here: those begin with 'sha256:'"));
    };
    if hex.len() != 64 || !hex.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f')) {
        return Err("its digest does not have 64 of 0-9 and a-f after 'sha256:'".into());
    }
    Ok(digest.to_owned())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use proptest::prelude::*;

    use super::*;

    fn normal(text: &str) -> String {
        Reference::parse(text).unwrap().to_string()
    }

    fn digest() -> String {
        format!("sha256:{}", "0f".repeat(32))
    }

    #[test]
    fn what_people_leave_out_is_filled_in() {
        for (written, meant) in [
            ("busybox", "docker.io/library/busybox:latest"),
            ("busybox:1.36", "docker.io/library/busybox:1.36"),
            ("team/agent", "docker.io/team/agent:latest"),
            ("index.docker.io/busybox", "docker.io/library/busybox:latest"),
            ("localhost/agent", "localhost/agent:latest"),
            ("localhost:5000/agent", "localhost:5000/agent:latest"),
            ("127.0.0.1:5000/a/b/c:x", "127.0.0.1:5000/a/b/c:x"),
            ("[::1]:5000/agent", "[::1]:5000/agent:latest"),
            ("registry.example.com/my-app_x/a__b.c:V1.0-rc", "registry.example.com/my-app_x/a__b.c:V1.0-rc"),
            // Like Docker has it: without a slash, this is a tag and not a port.
            ("localhost:5000", "docker.io/library/localhost:5000"),
        ] {
            assert_eq!(normal(written), meant);
        }
    }

    #[test]
    fn a_digest_needs_no_tag_and_may_have_one() {
        let digest = digest();
        assert_eq!(normal(&format!("r.io/a@{digest}")), format!("r.io/a@{digest}"));
        let both = Reference::parse(&format!("r.io/a:1@{digest}")).unwrap();
        assert_eq!((both.tag(), both.version()), (Some("1"), digest.as_str()));
    }

    #[test]
    fn docker_hub_answers_under_another_name() {
        assert_eq!(Reference::parse("busybox").unwrap().host(), "registry-1.docker.io");
        assert_eq!(Reference::parse("localhost:5000/a").unwrap().host(), "localhost:5000");
    }

    #[test]
    fn what_is_wrong_is_said() {
        for (written, wrong) in [
            ("", "it is empty"),
            ("a b", "the character ' '"),
            ("https://r.io/a", "leave out 'https://'"),
            ("r.io/Team/agent", "upper-case"),
            ("Team/agent", "upper-case"),
            ("r.io//agent", "a part of its name is empty"),
            ("r.io/", "a part of its name is empty"),
            ("r.io/a:", "'' is not a tag"),
            ("r.io/a:-x", "'-x' is not a tag"),
            ("r.io:99999/a", "'99999' is not a port"),
            ("r.io:+80/a", "'+80' is not a port"),
            ("r..io/a", "not the name of a registry's host"),
            ("[::x]:5000/a", "not the name of a registry's host"),
            ("r.io/../a", "'..' is not a part of a name"),
            ("r.io/a___b", "'a___b' is not a part of a name"),
            ("r.io/a@sha256:1234", "64 of 0-9 and a-f"),
            ("r.io/a@md5:1234", "begin with 'sha256:'"),
        ] {
            let failure = Reference::parse(written).unwrap_err();
            assert_eq!(failure.code, Code::InvalidContainerImage);
            assert!(failure.message.contains(wrong), "{written}: {failure}");
        }
        assert!(Reference::parse(&"a".repeat(300)).is_err());
        assert!(Reference::parse(&format!("a:{}", "t".repeat(129))).is_err());
    }

    proptest! {
        #[test]
        fn the_normal_form_means_the_same(text in "[a-zA-Z0-9./:@_\\[\\]-]{0,40}") {
            if let Ok(reference) = Reference::parse(&text) {
                prop_assert_eq!(Reference::parse(&reference.to_string()), Ok(reference));
            }
        }
    }
}
