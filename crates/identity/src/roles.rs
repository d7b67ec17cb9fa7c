//! What the predefined roles allow. They carry Azure's names.

/// What the program of a hosted agent may do: call models and agents, and keep what it has to keep.
pub const HOSTED_AGENT_ROLE: &str = "Hosted Agent";

/// The roles there are, and the actions that each allows; `*` stands for any part.
const ROLES: &[(&str, &[&str])] = &[
    ("Reader", &["*/read"]),
    ("Azure AI Developer", &["*"]),
    ("Foundry User", &["*"]),
    ("Foundry Owner", &["*"]),
    ("Owner", &["*"]),
    (HOSTED_AGENT_ROLE, &["agents/*/read", "agents/*/action", "deployments/read", "storage/*", "tasks/*"]),
];

/// Whether there is such a role.
pub fn is_role(name: &str) -> bool {
    ROLES.iter().any(|(role, _)| *role == name)
}

/// The names of all roles.
pub fn names() -> impl Iterator<Item = &'static str> {
    ROLES.iter().map(|(role, _)| *role)
}

/// Whether a role allows an action, for example `agents/*/read`.
pub fn allows(role: &str, action: &str) -> bool {
    let allowed = ROLES.iter().find(|(name, _)| *name == role).map_or(&[][..], |(_, allowed)| allowed);
    allowed.iter().any(|pattern| match (pattern.strip_prefix('*'), pattern.strip_suffix('*')) {
        (Some(end), _) => action.ends_with(end),
        (None, Some(beginning)) => action.starts_with(beginning),
        (None, None) => action == *pattern,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reader_reads_and_does_nothing_else() {
        assert!(allows("Reader", "agents/*/read"));
        for action in ["agents/*/write", "agents/*/action", "agents/*/delete"] {
            assert!(!allows("Reader", action), "{action}");
        }
    }

    #[test]
    fn a_developer_does_everything_and_an_unknown_role_nothing() {
        assert!(allows("Azure AI Developer", "agents/*/delete"));
        assert!(!allows("Superman", "agents/*/read"));
    }
}
