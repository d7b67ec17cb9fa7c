//! A page of a folder: names in order, of which only as many are held as are shown.

use std::{collections::BTreeSet, ffi::OsString};

/// Which part of a folder is asked for.
#[derive(Clone, Debug, Default)]
pub struct Window {
    /// How many names at most.
    pub limit: usize,
    /// Whether the last name comes first.
    pub descending: bool,
    /// Only what comes after this name.
    pub after: Option<OsString>,
    /// Only what comes before this name.
    pub before: Option<OsString>,
}

/// A part of a folder.
#[derive(Debug)]
pub struct Page<T> {
    /// What is shown.
    pub items: Vec<T>,
    /// Whether there is more.
    pub has_more: bool,
}

/// Names that are being collected. A program may make millions of them; these never become more than a page.
#[derive(Debug)]
pub struct Names<'w> {
    window: &'w Window,
    held: BTreeSet<OsString>,
}

impl Window {
    /// Begins to collect.
    pub fn collect(&self) -> Names<'_> {
        Names { window: self, held: BTreeSet::new() }
    }

    fn holds(&self, name: &OsString) -> bool {
        let (above, below) =
            if self.descending { (&self.before, &self.after) } else { (&self.after, &self.before) };
        above.as_ref().is_none_or(|above| name > above) && below.as_ref().is_none_or(|below| name < below)
    }

    /// Whether the page lies at the end of the names: the one before a name does, and the first one of a
    /// descending list.
    fn is_at_end(&self) -> bool {
        self.descending != (self.before.is_some() && self.after.is_none())
    }
}

impl Names<'_> {
    /// Takes a name in, if it may be on the page.
    pub fn offer(&mut self, name: OsString) {
        if self.window.holds(&name) {
            self.held.insert(name);
            // One more than is shown tells whether there is more.
            if self.held.len() > self.window.limit + 1 {
                self.drop_farthest();
            }
        }
    }

    /// The page.
    pub fn page(mut self) -> Page<OsString> {
        let has_more = self.held.len() > self.window.limit;
        if has_more {
            self.drop_farthest();
        }
        let mut items: Vec<OsString> = self.held.into_iter().collect();
        if self.window.descending {
            items.reverse();
        }
        Page { items, has_more }
    }

    fn drop_farthest(&mut self) {
        if self.window.is_at_end() {
            self.held.pop_first();
        } else {
            self.held.pop_last();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(window: &Window) -> (String, bool) {
        let mut names = window.collect();
        for name in ["c", "a", "e", "b", "d"] {
            names.offer(name.into());
        }
        let page = names.page();
        let items: Vec<_> = page.items.iter().map(|name| name.to_string_lossy().into_owned()).collect();
        (items.concat(), page.has_more)
    }

    #[test]
    fn pages_follow_each_other_in_both_orders() {
        let first = Window { limit: 2, ..Window::default() };
        assert_eq!(seen(&first), ("ab".to_owned(), true));
        assert_eq!(seen(&Window { after: Some("b".into()), ..first.clone() }), ("cd".to_owned(), true));
        assert_eq!(seen(&Window { after: Some("d".into()), ..first.clone() }), ("e".to_owned(), false));
        assert_eq!(seen(&Window { before: Some("d".into()), ..first.clone() }), ("bc".to_owned(), true));
        let last = Window { descending: true, ..first };
        assert_eq!(seen(&last), ("ed".to_owned(), true));
        assert_eq!(seen(&Window { after: Some("d".into()), ..last.clone() }), ("cb".to_owned(), true));
        assert_eq!(seen(&Window { before: Some("c".into()), ..last }), ("ed".to_owned(), false));
    }

    #[test]
    fn a_name_that_is_gone_still_says_where_the_list_goes_on() {
        let window = Window { limit: 9, after: Some("bb".into()), ..Window::default() };
        assert_eq!(seen(&window), ("cde".to_owned(), false));
    }
}
