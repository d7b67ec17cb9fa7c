//! Which sandbox a token was made for: its subject says so.

/// The sandbox of a session, as the token of the container in it names it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sandbox {
    /// The agent.
    pub agent: String,
    /// The version of the agent.
    pub version: String,
    /// The session.
    pub session: String,
}

const PREFIX: &str = "sandbox";

impl Sandbox {
    /// The subject of its tokens. None of the three parts may hold a `/`, and none of them can.
    pub fn subject(&self) -> String {
        format!("{PREFIX}/{}/{}/{}", self.agent, self.version, self.session)
    }

    /// The sandbox that this subject names; nothing if it is somebody else's.
    pub fn of_subject(subject: &str) -> Option<Self> {
        let mut parts = subject.split('/').map(str::to_owned);
        let is_sandbox = parts.next()? == PREFIX;
        let sandbox = Self { agent: parts.next()?, version: parts.next()?, session: parts.next()? };
        (is_sandbox && parts.next().is_none()).then_some(sandbox)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_subject_gives_its_sandbox_back() {
        let sandbox = Sandbox { agent: "echo".into(), version: "3".into(), session: "s-1".into() };
        assert_eq!(sandbox.subject(), "sandbox/echo/3/s-1");
        assert_eq!(Sandbox::of_subject(&sandbox.subject()), Some(sandbox));
    }

    #[test]
    fn other_subjects_are_no_sandboxes() {
        for subject in ["ann", "sandbox/echo/3", "sandbox/echo/3/s/x", "other/echo/3/s"] {
            assert_eq!(Sandbox::of_subject(subject), None, "{subject}");
        }
    }
}
