//! Keeps proxies out of the way: they can't reach a server on this machine.

const PROXIES: [&str; 6] =
    ["HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"];

/// Some programs read the one, some the other.
const EXCEPTIONS: [&str; 2] = ["no_proxy", "NO_PROXY"];

/// The names of this machine.
const OWN: [&str; 3] = ["localhost", "127.0.0.1", "::1"];

/// The variables that except this machine from the proxies, where there are any.
pub(super) fn exceptions(variable: impl Fn(&str) -> Option<String>) -> Vec<(&'static str, String)> {
    let given = |name: &&str| variable(name).filter(|value| !value.trim().is_empty());
    if PROXIES.iter().find_map(given).is_none() {
        return Vec::new();
    }
    let existing: Vec<String> = EXCEPTIONS.iter().filter_map(given).collect();
    let mut hosts: Vec<&str> = Vec::new();
    for host in existing.iter().flat_map(|list| list.split(',')).map(str::trim).chain(OWN) {
        if !host.is_empty() && !hosts.contains(&host) {
            hosts.push(host);
        }
    }
    // "*" means every host only where it stands alone.
    let hosts = if hosts.contains(&"*") { "*".to_owned() } else { hosts.join(",") };
    EXCEPTIONS.map(|name| (name, hosts.clone())).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn exceptions_in(variables: &[(&str, &str)]) -> Vec<(&'static str, String)> {
        exceptions(|name| {
            variables.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned())
        })
    }

    fn both(value: &str) -> Vec<(&'static str, String)> {
        vec![("no_proxy", value.to_owned()), ("NO_PROXY", value.to_owned())]
    }

    #[test]
    fn without_a_proxy_there_is_nothing_to_except() {
        assert_eq!(exceptions_in(&[("NO_PROXY", "example.org"), ("https_proxy", " ")]), []);
    }

    #[test]
    fn any_proxy_is_kept_off_this_machine() {
        for name in PROXIES {
            assert_eq!(exceptions_in(&[(name, "http://proxy:3128")]), both("localhost,127.0.0.1,::1"));
        }
    }

    #[test]
    fn what_is_excepted_already_stays_so() {
        let variables = [
            ("HTTPS_PROXY", "http://proxy:3128"),
            ("NO_PROXY", "127.0.0.1, .example.org"),
            ("no_proxy", "intranet"),
        ];
        assert_eq!(exceptions_in(&variables), both("intranet,127.0.0.1,.example.org,localhost,::1"));
    }

    #[test]
    fn asking_again_changes_nothing() {
        let first = exceptions_in(&[("HTTPS_PROXY", "http://proxy:3128"), ("NO_PROXY", "intranet")]);
        let again = exceptions_in(&[("HTTPS_PROXY", "http://proxy:3128"), ("NO_PROXY", &first[1].1)]);
        assert_eq!(again, first);
    }

    #[test]
    fn a_star_stays_a_star() {
        assert_eq!(exceptions_in(&[("ALL_PROXY", "http://proxy:3128"), ("no_proxy", "*")]), both("*"));
    }
}
