//! An authenticated caller and what it holds in each project.

use std::collections::BTreeMap;

use crate::roles;

/// Role names by project; the project `*` stands for all of them.
pub type ProjectRoles = BTreeMap<String, Vec<String>>;

/// The project name that stands for every project.
pub const ALL_PROJECTS: &str = "*";

/// The role that a caller gets where none is named.
pub const DEFAULT_ROLE: &str = "Azure AI Developer";

/// The default role in every project.
pub fn default_roles_everywhere() -> ProjectRoles {
    project_roles(&[ALL_PROJECTS], &[DEFAULT_ROLE.to_owned()])
}

/// Somebody whose credentials were found good.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Caller {
    /// Who it is: the token's subject or the API key's name.
    pub subject: String,
    /// Its roles.
    pub roles: ProjectRoles,
}

impl Caller {
    /// Whether the caller holds any role in the project.
    pub fn allows_project(&self, project: &str) -> bool {
        self.roles_in(project).next().is_some()
    }

    /// Whether a role of the caller in the project allows the action.
    pub fn may(&self, project: &str, action: &str) -> bool {
        self.roles_in(project).any(|role| roles::allows(role, action))
    }

    /// The roles in one project, those for all projects among them.
    pub fn roles_in<'a>(&'a self, project: &str) -> impl Iterator<Item = &'a str> {
        let everywhere = self.roles.get(ALL_PROJECTS);
        let here = self.roles.get(project).filter(|_| project != ALL_PROJECTS);
        everywhere.into_iter().chain(here).flatten().map(String::as_str)
    }
}

/// The given roles in the given projects.
pub(crate) fn project_roles<P: AsRef<str>>(projects: &[P], roles: &[String]) -> ProjectRoles {
    projects.iter().map(|project| (project.as_ref().to_owned(), roles.to_vec())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn caller(projects: &[&str], roles: &[&str]) -> Caller {
        let roles: Vec<String> = roles.iter().map(ToString::to_string).collect();
        Caller { subject: "alice".into(), roles: project_roles(projects, &roles) }
    }

    #[test]
    fn a_caller_sees_only_its_projects() {
        let alice = caller(&["demo", "shop"], &["Azure AI Developer"]);
        assert!(alice.allows_project("demo"));
        assert!(alice.allows_project("shop"));
        assert!(!alice.allows_project("payroll"));
    }

    #[test]
    fn the_star_opens_every_project() {
        assert!(caller(&["*"], &["Azure AI Developer"]).allows_project("anything"));
    }

    #[test]
    fn a_project_without_a_role_stays_closed() {
        assert!(!caller(&["demo"], &[]).allows_project("demo"));
        assert!(!caller(&["*"], &[]).allows_project("demo"));
    }

    #[test]
    fn a_caller_of_one_project_is_not_let_into_a_project_named_star() {
        assert!(!caller(&["demo"], &["Azure AI Developer"]).allows_project("*"));
    }
}
