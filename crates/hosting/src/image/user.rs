//! Who an image's program runs as: what its `USER` means, by its own `/etc/passwd` and `/etc/group`.

use crate::{Code, Failure};

/// Who a program runs as.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct User {
    /// The user's number.
    pub uid: u32,
    /// The group's number.
    pub gid: u32,
    /// The further groups of the user, sorted.
    pub groups: Vec<u32>,
    /// The user's home, where `/etc/passwd` knows the user.
    pub home: Option<String>,
}

impl User {
    /// Reads `user`, `uid`, `user:group`, `uid:gid` and so on. Names are looked up in the text of the image's
    /// `/etc/passwd` and `/etc/group`; a number needs no entry there. Empty means `0`.
    pub fn resolve(user: &str, passwd: &str, group: &str) -> Result<Self, Failure> {
        let (name, group_name) = match user.split_once(':') {
            Some((name, group_name)) => (name, Some(group_name).filter(|name| !name.is_empty())),
            None => (user, None),
        };
        let name = if name.is_empty() { "0" } else { name };
        let accounts = || passwd.lines().filter_map(Account::read);
        let by_number = || accounts().find(|account| number(name) == Some(account.uid));
        // A name goes before a number that looks like it.
        let known = accounts().find(|account| account.name == name).or_else(by_number);
        let uid = match (&known, number(name)) {
            (Some(account), _) => account.uid,
            (None, Some(uid)) => uid,
            (None, None) => return Err(unknown(user, "user", name, "/etc/passwd")),
        };
        let gid = match group_name {
            Some(wanted) => find_group(group, wanted)
                .or_else(|| number(wanted))
                .ok_or_else(|| unknown(user, "group", wanted, "/etc/group"))?,
            None => known.as_ref().map_or(0, |account| account.gid),
        };
        let groups = match &known {
            Some(account) if group_name.is_none() => groups_of(group, account.name),
            _ => Vec::new(),
        };
        let home = known.map(|account| account.home.to_owned()).filter(|home| !home.is_empty());
        Ok(Self { uid, gid, groups, home })
    }
}

/// A line of `/etc/passwd`.
struct Account<'a> {
    name: &'a str,
    uid: u32,
    gid: u32,
    home: &'a str,
}

impl<'a> Account<'a> {
    fn read(line: &'a str) -> Option<Self> {
        let fields: Vec<&str> = line.trim_end().split(':').collect();
        let [name, _, uid, gid, _, home, ..] = fields[..] else { return None };
        Some(Self { name, uid: number(uid)?, gid: number(gid)?, home })
    }
}

/// Lines of `/etc/group`: the name, the number, and the members.
fn groups(text: &str) -> impl Iterator<Item = (&str, u32, &str)> {
    text.lines().filter_map(|line| {
        let mut fields = line.trim_end().split(':');
        let (name, number) = (fields.next()?, number(fields.nth(1)?)?);
        Some((name, number, fields.next().unwrap_or_default()))
    })
}

fn find_group(text: &str, wanted: &str) -> Option<u32> {
    groups(text).find(|(name, ..)| *name == wanted).map(|(_, gid, _)| gid)
}

fn groups_of(text: &str, user: &str) -> Vec<u32> {
    let is_member = |members: &str| members.split(',').any(|member| member == user);
    let mut found: Vec<u32> =
        groups(text).filter(|(.., members)| is_member(members)).map(|(_, gid, _)| gid).collect();
    found.sort_unstable();
    found.dedup();
    found
}

/// A number of a user or group. The largest means "nobody was named" to the kernel.
fn number(text: &str) -> Option<u32> {
    let digits = !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    text.parse().ok().filter(|number| digits && *number != u32::MAX)
}

fn unknown(user: &str, what: &str, name: &str, file: &str) -> Failure {
    Failure::new(
        Code::InvalidContainerImage,
        format!(
            "The image says that it runs as '{}', and its {file} has no {what} '{}'.",
            user.escape_debug(),
            name.escape_debug()
        ),
    )
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    const PASSWD: &str = "root:x:0:0:root:/root:/bin/sh\n# a remark\napp:x:1000:100::/home/app:/bin/sh\n\
        other:x:42:42::/:/bin/sh\n42:x:7:7::/odd:/bin/sh\nbroken:x:none:0::/:\n";
    const GROUP: &str = "root:x:0:\nusers:x:100:\naudio:x:29:app,root\nvideo:x:44:root,app\nbroken:x\n";

    fn resolve(user: &str) -> User {
        User::resolve(user, PASSWD, GROUP).unwrap()
    }

    fn numbers(user: &str) -> (u32, u32) {
        let user = resolve(user);
        (user.uid, user.gid)
    }

    #[test]
    fn names_are_looked_up_in_the_image() {
        let home = Some("/home/app".to_owned());
        assert_eq!(resolve("app"), User { uid: 1000, gid: 100, groups: vec![29, 44], home });
        assert_eq!(numbers("app:audio"), (1000, 29));
        assert_eq!(numbers("app:"), (1000, 100));
    }

    #[test]
    fn numbers_need_no_entry() {
        assert_eq!(numbers("5000"), (5000, 0));
        assert_eq!(numbers("5000:6000"), (5000, 6000));
        assert_eq!(numbers("1000"), (1000, 100));
        assert_eq!(resolve("5000").home, None);
        assert_eq!(User::resolve("12:13", "", "").unwrap().gid, 13);
    }

    #[test]
    fn nobody_named_is_root() {
        assert_eq!(resolve(""), User { uid: 0, gid: 0, groups: vec![29, 44], home: Some("/root".into()) });
        assert_eq!(User::resolve("", "", "").unwrap(), User::default());
        assert_eq!(numbers(":audio"), (0, 29));
    }

    #[test]
    fn a_group_that_is_named_is_the_only_one() {
        assert!(resolve("app:users").groups.is_empty());
    }

    #[test]
    fn a_name_that_looks_like_a_number_is_a_name() {
        assert_eq!(numbers("42"), (7, 7));
    }

    #[test]
    fn who_is_not_there_is_named() {
        for (user, what) in [
            ("ghost", "its /etc/passwd has no user 'ghost'"),
            ("broken", "no user 'broken'"),
            ("app:ghosts", "its /etc/group has no group 'ghosts'"),
            ("-1", "no user '-1'"),
            ("4294967295", "no user '4294967295'"),
            ("4294967296", "no user '4294967296'"),
        ] {
            let failure = User::resolve(user, PASSWD, GROUP).unwrap_err();
            assert_eq!(failure.code, Code::InvalidContainerImage);
            assert!(failure.message.contains(what), "{failure}");
        }
    }
}
