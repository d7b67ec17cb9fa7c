//! Where the numbers come from: the machine, the programs and the day.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result};

use crate::process;
use crate::workspace::Workspace;

/// All that somebody needs to know in order to compare.
pub fn describe(binary: &Path, scratch: &Path) -> Result<BTreeMap<&'static str, String>> {
    let mut facts = BTreeMap::new();
    facts.insert("processor", processor()?);
    facts.insert("memory", memory()?);
    facts.insert("disk", file_system(scratch)?);
    facts.insert("kernel", fs::read_to_string("/proc/sys/kernel/osrelease")?.trim().to_owned());
    facts.insert("rustc", one_line(Command::new("rustc").arg("--version"))?);
    facts.insert("cupola", one_line(Command::new(binary).arg("--version"))?);
    facts.insert("date", one_line(Command::new("date").args(["-u", "+%Y-%m-%d"]))?);
    Ok(facts)
}

/// The commit of the checkout. An unpacked archive has no history; then there is nothing to say.
pub fn commit(workspace: &Workspace) -> Option<String> {
    let mut git = Command::new("git");
    git.current_dir(&workspace.root).args(["describe", "--always", "--dirty"]);
    one_line(&mut git).ok()
}

fn one_line(command: &mut Command) -> Result<String> {
    process::output(command).map(|text| text.trim().to_owned())
}

fn processor() -> Result<String> {
    let text = fs::read_to_string("/proc/cpuinfo").context("/proc/cpuinfo cannot be read")?;
    let name = text.lines().find_map(|line| line.strip_prefix("model name")?.split_once(": "));
    let name = name.map_or("unknown processor", |(_, name)| name.trim());
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    Ok(format!("{cores} cores of {name}"))
}

fn memory() -> Result<String> {
    let text = fs::read_to_string("/proc/meminfo").context("/proc/meminfo cannot be read")?;
    let total = text.lines().find_map(|line| line.strip_prefix("MemTotal:")).context("no MemTotal")?;
    let kib: f64 = total.trim().trim_end_matches(" kB").parse().context("MemTotal is no number")?;
    Ok(format!("{:.0} GiB", kib / (1024.0 * 1024.0)))
}

/// The kind of file system that a directory lies on.
fn file_system(directory: &Path) -> Result<String> {
    let directory = fs::canonicalize(directory).context("the scratch directory is gone")?;
    let mounts = fs::read_to_string("/proc/mounts").context("/proc/mounts cannot be read")?;
    let kind = kind_of(&mounts, &directory).context("the scratch directory lies on no file system")?;
    Ok(kind.to_owned())
}

/// The deepest mount that holds it; of two at the same place, the later one.
fn kind_of<'m>(mounts: &'m str, directory: &Path) -> Option<&'m str> {
    let fields = mounts.lines().map(|line| line.split(' ').collect::<Vec<_>>());
    let holding = fields.filter(|fields| fields.len() > 2 && directory.starts_with(fields[1]));
    holding.max_by_key(|fields| fields[1].len()).map(|fields| fields[2])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_deepest_mount_tells_the_file_system() {
        let mounts = "/dev/vda / ext4 rw 0 0\ntmpfs /tmp tmpfs rw 0 0\nproc /proc proc rw 0 0\n";
        assert_eq!(kind_of(mounts, Path::new("/tmp/bench")), Some("tmpfs"));
        assert_eq!(kind_of(mounts, Path::new("/home/somebody")), Some("ext4"));
    }
}
