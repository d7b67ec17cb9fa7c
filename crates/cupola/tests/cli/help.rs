//! `cupola help`: every command can be found, with an example, in its help and in docs/cli.md.

use crate::home::Home;

/// The names below "Commands:" in a help text.
fn commands(help: &str) -> Vec<String> {
    let listed = help.lines().skip_while(|line| *line != "Commands:").skip(1);
    let names = listed.take_while(|line| line.starts_with("  ")).filter_map(|line| {
        // Further lines of a description stand deeper.
        line.strip_prefix("  ").filter(|line| !line.starts_with(' '))?.split_whitespace().next()
    });
    names.filter(|name| *name != "help").map(str::to_owned).collect()
}

/// The paths of all commands that do something, and their help.
fn leaves(home: &Home, path: &[String]) -> Vec<(String, String)> {
    let arguments: Vec<&str> = path.iter().map(String::as_str).chain(["--help"]).collect();
    let help = home.output_of(&arguments);
    let below = commands(&help);
    if below.is_empty() {
        return vec![(format!("cupola {}", path.join(" ")), help)];
    }
    below.into_iter().flat_map(|name| leaves(home, &[path, &[name]].concat())).collect()
}

#[test]
fn every_command_shows_an_example() {
    let leaves = leaves(&Home::new(), &[]);
    assert!(leaves.len() > 20, "{leaves:?}");
    for (command, help) in leaves {
        assert!(help.contains("Example:\n  "), "{command}: {help}");
    }
}

#[test]
fn the_page_about_the_command_line_names_every_command() {
    let page = include_str!("../../../../docs/cli.md");
    for (command, _) in leaves(&Home::new(), &[]) {
        // The older API's commands stand there by their groups.
        let words: Vec<&str> = command.split(' ').collect();
        let shown = if words[1] == "classic" { words[..3].join(" ") } else { command.clone() };
        assert!(page.contains(&format!("`{shown}`")), "docs/cli.md does not name `{shown}`");
    }
}
