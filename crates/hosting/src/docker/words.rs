//! What the daemon or a registry said, as failures in the words of this crate.

use std::error::Error as _;

use bollard::errors::Error;

use crate::{Code, Failure};

/// What went wrong, without the layers in between: the daemon's own words, or the system's.
pub(super) fn said(error: &Error) -> String {
    let text = match error {
        Error::DockerResponseServerError { message, .. } => message.clone(),
        Error::DockerStreamError { error } => error.clone(),
        Error::SocketNotFoundError(_) => "it is not there".to_owned(),
        Error::RequestTimeoutError => "it does not answer in time".to_owned(),
        other => innermost(other),
    };
    text.trim().trim_end_matches('.').to_owned()
}

fn innermost(error: &Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(error) = source {
        text = error.to_string();
        source = error.source();
    }
    text
}

/// The status of the daemon's answer, where it answered.
pub(super) fn status(error: &Error) -> Option<u16> {
    match error {
        Error::DockerResponseServerError { status_code, .. } => Some(*status_code),
        _ => None,
    }
}

/// An image could not be fetched.
pub(super) fn of_pull(reference: &str, error: &Error) -> Failure {
    let said = said(error);
    let (code, sentence) = if !is_answer(error) {
        return no_answer(error);
    } else if has(&said, &["no matching manifest"]) {
        (Code::InvalidContainerImage, "has no variant for this machine. Build it for this machine's platform")
    } else if has(&said, &["no space left"]) {
        (Code::SandboxUnavailable, "does not fit on the daemon's disk")
    } else if has(&said, &["verification failed", "failed to register layer", "unsupported media type"]) {
        (Code::InvalidContainerImage, "is damaged")
    } else if has(&said, &["unauthorized", "denied", "no basic auth", "authentication required"]) {
        (Code::ImagePullBackOff, "is refused by its registry, or does not exist. Check name and credentials")
    } else if status(error) == Some(404) || has(&said, &["manifest unknown", "not found"]) {
        (Code::ImagePullBackOff, "does not exist in its registry")
    } else {
        (Code::ImagePullBackOff, "could not be fetched")
    };
    Failure::new(code, format!("The image {reference} {sentence}. The Docker daemon says: {said}."))
}

/// A container could not be made or started.
pub(super) fn of_start(error: &Error) -> Failure {
    let said = said(error);
    if !is_answer(error) {
        return no_answer(error);
    }
    if has(&said, &["no such image"]) {
        return Failure::new(
            Code::ImagePullBackOff,
            format!("The image is gone from the Docker daemon ({said}). Create the version again."),
        );
    }
    let is_about_the_program =
        ["executable file not found", "exec format error", "starting container process caused"];
    let (code, what) = if has(&said, &is_about_the_program) {
        (Code::InvalidContainerImage, "What the image is to run can't be started")
    } else {
        (Code::SandboxUnavailable, "The Docker daemon could not start a sandbox")
    };
    Failure::new(code, format!("{what}. The Docker daemon says: {said}."))
}

/// The daemon could not do what it was asked for.
pub(super) fn of_daemon(what: &str, error: &Error) -> Failure {
    if !is_answer(error) {
        return no_answer(error);
    }
    let message = format!("The Docker daemon could not {what}. It says: {}.", said(error));
    Failure::new(Code::SandboxUnavailable, message)
}

/// Whether the daemon's words ended in the middle of a line.
pub(super) fn is_cut_off(error: &Error) -> bool {
    matches!(error, Error::IOError { .. }) && said(error).contains("bytes remaining on stream")
}

/// Whether the daemon itself said so; otherwise the way to it is broken.
fn is_answer(error: &Error) -> bool {
    matches!(error, Error::DockerResponseServerError { .. } | Error::DockerStreamError { .. })
}

fn no_answer(error: &Error) -> Failure {
    Failure::new(
        Code::SandboxUnavailable,
        format!("The Docker daemon does not answer ({}). Check that it runs.", said(error)),
    )
}

fn has(text: &str, parts: &[&str]) -> bool {
    let text = text.to_ascii_lowercase();
    parts.iter().any(|part| text.contains(part))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(status_code: u16, message: &str) -> Error {
        Error::DockerResponseServerError { status_code, message: message.to_owned() }
    }

    #[test]
    fn what_hinders_a_pull_has_its_code_and_the_daemons_words() {
        for (error, code) in [
            (answer(404, "manifest for a:1 not found: manifest unknown"), Code::ImagePullBackOff),
            (answer(500, "Get http://r/v2/: connect: connection refused"), Code::ImagePullBackOff),
            (answer(500, "no basic auth credentials"), Code::ImagePullBackOff),
            (answer(404, "no matching manifest for linux/amd64"), Code::InvalidContainerImage),
            (
                Error::DockerStreamError { error: "filesystem layer verification failed".to_owned() },
                Code::InvalidContainerImage,
            ),
            (
                Error::DockerStreamError { error: "write /x: no space left on device".to_owned() },
                Code::SandboxUnavailable,
            ),
            (Error::RequestTimeoutError, Code::SandboxUnavailable),
        ] {
            let failure = of_pull("a:1", &error);
            assert_eq!(failure.code, code, "{failure}");
            assert!(failure.message.contains(&said(&error)), "{failure}");
        }
    }

    #[test]
    fn what_hinders_a_start_is_the_images_fault_or_the_machines() {
        for (message, code) in [
            ("exec: \"nope\": executable file not found in $PATH", Code::InvalidContainerImage),
            ("No such image: a@sha256:0", Code::ImagePullBackOff),
            ("could not find an available IPv4 address pool", Code::SandboxUnavailable),
        ] {
            assert_eq!(of_start(&answer(400, message)).code, code, "{message}");
        }
    }
}
