//! Which version answers: the one that the traffic's shares choose.

use cupola_wire::agents::{AgentEndpoint, AgentObject, FixedRatio, VersionSelectionRule};

/// The version that the selector chooses with this random number; nothing if it says nothing.
pub fn choose(agent: &AgentObject, random: u64) -> Option<&str> {
    let rules = || agent.agent_endpoint.as_ref().into_iter().flat_map(fixed_ratios);
    let total: u64 = rules().map(|rule| u64::from(rule.traffic_percentage)).sum();
    let mut place = random.checked_rem(total)?;
    for rule in rules() {
        let share = u64::from(rule.traffic_percentage);
        if place < share {
            return Some(&rule.agent_version);
        }
        place -= share;
    }
    None
}

/// The versions that the selector names.
pub fn named(endpoint: &AgentEndpoint) -> impl Iterator<Item = &str> {
    fixed_ratios(endpoint).map(|rule| rule.agent_version.as_str())
}

/// Takes the traffic away from a version that is deleted. The others share it; without others, the latest
/// version has it.
pub fn forget(agent: &mut AgentObject, version: &str) {
    let Some(endpoint) = &mut agent.agent_endpoint else { return };
    let Some(selector) = &mut endpoint.version_selector else { return };
    selector.version_selection_rules.retain(
        |rule| !matches!(rule, VersionSelectionRule::FixedRatio(rule) if rule.agent_version == version),
    );
    if selector.version_selection_rules.is_empty() {
        endpoint.version_selector = None;
    }
}

fn fixed_ratios(endpoint: &AgentEndpoint) -> impl Iterator<Item = &FixedRatio> {
    let rules = endpoint.version_selector.iter().flat_map(|selector| &selector.version_selection_rules);
    rules.filter_map(|rule| match rule {
        VersionSelectionRule::FixedRatio(rule) => Some(rule),
        VersionSelectionRule::Other(_) => None,
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{super::record::Record, *};

    fn agent(shares: &[(&str, u32)]) -> AgentObject {
        let rules: Vec<_> = shares
            .iter()
            .map(|(version, share)| {
                json!({"type": "FixedRatio", "agent_version": version, "traffic_percentage": share})
            })
            .collect();
        let mut agent = Record::new("a").agent;
        let endpoint = json!({"version_selector": {"version_selection_rules": rules}});
        agent.agent_endpoint = serde_json::from_value(endpoint).expect("is an endpoint");
        agent
    }

    #[test]
    fn traffic_is_shared_as_the_rules_say() {
        let agent = agent(&[("1", 90), ("3", 10)]);
        let chosen = |version: &str| (0..100).filter(|n| choose(&agent, *n) == Some(version)).count();
        assert_eq!((chosen("1"), chosen("3")), (90, 10));
    }

    #[test]
    fn without_rules_nothing_is_chosen() {
        assert_eq!(choose(&Record::new("a").agent, 7), None);
        assert_eq!(choose(&agent(&[]), 7), None);
    }

    #[test]
    fn a_deleted_version_leaves_its_traffic_to_the_others() {
        let mut agent = agent(&[("1", 90), ("3", 10)]);
        forget(&mut agent, "1");
        assert_eq!(choose(&agent, 99), Some("3"));
        forget(&mut agent, "3");
        assert_eq!(agent.agent_endpoint, Some(AgentEndpoint::default()));
    }
}
