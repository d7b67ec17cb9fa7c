//! The file system of a sandbox: what it consists of, and how it is put together.
//!
//! It is built in a mount namespace of its own, below a place that only this process sees, and is gone with
//! the last process of the sandbox. Nothing of it has to be taken down.

use std::{
    collections::HashSet,
    ffi::CString,
    fs, io,
    os::fd::{AsFd, OwnedFd},
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
};

use rustix::mount::{
    FsMountFlags, FsOpenFlags, MountAttrFlags, MountFlags, MountPropagationFlags, UnmountFlags,
};

use super::{
    identity::{self, Mapping, RANGE, User},
    kernel::{self, MountChange},
    tree::{self, Tree},
};
use crate::{
    StartError,
    spec::{Bind, Root, Shared, Spec},
};

/// Where the parts are put together. In the new mount namespace, nobody else sees what is mounted here.
pub(crate) const STAGE: &str = "/tmp";

/// What programs find in `/dev`.
const DEVICES: &[&str] = &["null", "zero", "full", "random", "urandom", "tty"];

/// What says too much about the machine, as OCI runtimes hide it.
pub(crate) const HIDDEN: &[&str] = &[
    "/proc/acpi",
    "/proc/asound",
    "/proc/interrupts",
    "/proc/kcore",
    "/proc/keys",
    "/proc/latency_stats",
    "/proc/sched_debug",
    "/proc/scsi",
    "/proc/timer_list",
    "/proc/timer_stats",
];

/// What changes the machine when it is written.
pub(crate) const READ_ONLY: &[&str] =
    &["/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger"];

/// A file system that was built.
#[derive(Debug)]
pub(crate) struct Built {
    /// Where it stands.
    pub path: PathBuf,
    /// The same, to work in.
    pub tree: Tree,
    /// The user namespace that the program is to enter, where it is not in it already.
    pub users: Option<OwnedFd>,
    /// Who runs the program.
    pub user: User,
    /// The folder that is shared with the service.
    pub shared: Option<OwnedFd>,
}

/// What is taken from this machine, opened before the stage hides a part of it.
struct Parts {
    layers: Vec<OwnedFd>,
    host: Vec<(PathBuf, HostPart)>,
    binds: Vec<OwnedFd>,
}

enum HostPart {
    Mount(OwnedFd),
    Link(PathBuf),
}

/// Builds the file system. With `privileged`, owners are translated into the range of the sandbox.
pub(crate) fn build(
    spec: &Spec,
    privileged: bool,
    warn: &mut dyn FnMut(String),
) -> Result<Built, StartError> {
    let stage = Path::new(STAGE);
    let private = MountPropagationFlags::PRIVATE | MountPropagationFlags::REC;
    rustix::mount::mount_change("/", private)
        .map_err(|error| StartError::machine("Making mounts private", error))?;
    let parts = open_parts(spec)?;
    let stand = StageOwner { owner: if privileged { spec.first_id } else { 0 } };
    stand.set_up(stage, spec).map_err(|error| StartError::machine("Setting up the stage", error))?;
    let users = if privileged { Some(stand.users(stage, 0, RANGE)?) } else { None };
    let path = stage.join("root");
    match &spec.root {
        Root::Layers(_) => stand.overlay(stage, &parts.layers, users.as_ref())?,
        Root::Host(_) => {
            stand.skeleton(&path).map_err(|error| StartError::machine("Making the root", error))?
        }
    }
    let tree =
        Tree::open(&path, stand.owner).map_err(|error| StartError::machine("Opening the root", error))?;
    for (place, text) in &spec.files {
        tree.write(place, text).map_err(|error| at("Making", place, error))?;
    }
    let user = who(spec, &tree, privileged, warn)?;
    for (place, part) in parts.host {
        match part {
            HostPart::Link(target) => tree.link(&target, &place),
            HostPart::Mount(mount) => read_only(&mount, true).and_then(|()| tree.attach(mount, &place)),
        }
        .map_err(|error| at("Showing", &place, error))?;
    }
    stand.own_folders(stage, &tree)?;
    let owners = if privileged { Some(stand.users(stage, user.user, 1)?) } else { None };
    for (bind, mount) in spec.binds.iter().zip(parts.binds) {
        attach_bind(&tree, bind, &mount, owners.as_ref())?;
    }
    let shared = match &spec.shared {
        Some(shared) => Some(share(shared, &tree, (stand.owner + user.user, stand.owner + user.group))?),
        None => None,
    };
    tree.folder(&spec.folder).map_err(|error| at("Making", &spec.folder, error))?;
    Ok(Built { path, tree, users, user, shared })
}

/// Adds what the kernel offers to programs: `/dev` and `/proc`. Then nothing is added any more.
pub(crate) fn add_kernel_places(built: &Built, spec: &Spec) -> Result<(), StartError> {
    let tree = &built.tree;
    let owner = built.users.as_ref().map_or(0, |_| spec.first_id);
    devices(tree, owner).map_err(|error| StartError::machine("Making /dev", error))?;
    processes(tree).map_err(|error| StartError::machine("Making /proc", error))?;
    if matches!(spec.root, Root::Host(_)) {
        read_only(tree.root(), false).map_err(|error| StartError::machine("Closing the root", error))?;
    }
    Ok(())
}

/// Makes the file system the only one that this process and its children see.
pub(crate) fn enter(built: &Built) -> Result<(), StartError> {
    let entered = || -> io::Result<()> {
        rustix::process::chdir(&built.path)?;
        rustix::process::pivot_root(".", ".")?;
        rustix::mount::unmount(".", UnmountFlags::DETACH)?;
        Ok(rustix::process::chdir("/")?)
    };
    entered().map_err(|error| StartError::machine("Entering the file system of the sandbox", error))
}

/// What may be written: see [`Limits::disk_bytes`](crate::Limits::disk_bytes).
pub(crate) fn disk_bytes(spec: &Spec) -> u64 {
    spec.limits.disk_bytes.min(spec.limits.memory_bytes / 2).max(1024 * 1024)
}

fn open_parts(spec: &Spec) -> Result<Parts, StartError> {
    let mut parts = Parts { layers: Vec::new(), host: Vec::new(), binds: Vec::new() };
    match &spec.root {
        Root::Layers(layers) => {
            for layer in topmost_first(layers) {
                parts
                    .layers
                    .push(tree::copy_of(layer).map_err(|error| at("Opening the layer", layer, error))?);
            }
        }
        Root::Host(places) => {
            for place in places {
                let part = match fs::read_link(place) {
                    Ok(target) => HostPart::Link(target),
                    Err(_) => {
                        HostPart::Mount(tree::copy_of(place).map_err(|error| at("Opening", place, error))?)
                    }
                };
                parts.host.push((place.clone(), part));
            }
        }
    }
    for bind in &spec.binds {
        parts.binds.push(tree::copy_of(&bind.from).map_err(|error| at("Opening", &bind.from, error))?);
    }
    Ok(parts)
}

/// The order overlayfs wants. It refuses a folder that comes twice; what the lower one has, the upper one
/// has.
fn topmost_first(layers: &[PathBuf]) -> Vec<&PathBuf> {
    let mut seen = HashSet::new();
    layers.iter().rev().filter(|layer| seen.insert(*layer)).collect()
}

fn who(spec: &Spec, tree: &Tree, privileged: bool, warn: &mut dyn FnMut(String)) -> Result<User, StartError> {
    let user = User::find(&spec.user, tree.root())?;
    if privileged || user == User::default() {
        return Ok(user);
    }
    warn(format!(
        "The program runs as root inside, not as `{}`: without the rights of root, this service can offer \
         its sandboxes one user.",
        spec.user
    ));
    Ok(User::default())
}

/// Makes a folder that belongs to the program's user. The descriptor leads to it from anywhere.
fn share(shared: &Shared, tree: &Tree, owners: (u32, u32)) -> Result<OwnedFd, StartError> {
    let flags = MountAttrFlags::MOUNT_ATTR_NOSUID | MountAttrFlags::MOUNT_ATTR_NODEV;
    let [user, group] = [owners.0, owners.1].map(|owner| owner.to_string());
    let [size, files] = [shared.bytes, shared.files].map(|most| most.to_string());
    let options = [("mode", "755"), ("size", &size), ("nr_inodes", &files), ("uid", &user), ("gid", &group)];
    let made = new_mount("tmpfs", &options, flags);
    let placed = made.and_then(|mount| tree.attach(&mount, &shared.to).map(|()| mount));
    placed.map_err(|error| at("Making", &shared.to, error))
}

fn attach_bind(
    tree: &Tree,
    bind: &Bind,
    mount: &OwnedFd,
    owners: Option<&OwnedFd>,
) -> Result<(), StartError> {
    let set = libc::MOUNT_ATTR_NOSUID | libc::MOUNT_ATTR_NODEV;
    let set = if bind.writable { set } else { set | libc::MOUNT_ATTR_RDONLY };
    let plain = MountChange { set, owners: None, recursive: true };
    let change = MountChange { owners: owners.map(AsFd::as_fd), ..plain };
    let changed = match kernel::change_mount(mount, change) {
        Err(error) if bind.writable => Err(io::Error::other(format!(
            "{error} (its file system has to support id-mapped mounts, as ext4, xfs and btrfs do)"
        ))),
        Err(_) => kernel::change_mount(mount, plain),
        Ok(()) => Ok(()),
    };
    changed.and_then(|()| tree.attach(mount, &bind.to)).map_err(|error| at("Showing", &bind.from, error))
}

fn devices(tree: &Tree, owner: u32) -> io::Result<()> {
    let noexec = MountAttrFlags::MOUNT_ATTR_NOEXEC | MountAttrFlags::MOUNT_ATTR_NOSUID;
    let owner = owner.to_string();
    let options = [("mode", "755"), ("size", "64k"), ("uid", &owner), ("gid", &owner)];
    let dev = new_mount("tmpfs", &options, noexec)?;
    tree.attach(&dev, Path::new("/dev"))?;
    for name in DEVICES {
        let node = tree::copy_of(&Path::new("/dev").join(name))?;
        let set = libc::MOUNT_ATTR_NOSUID | libc::MOUNT_ATTR_NOEXEC;
        kernel::change_mount(&node, MountChange { set, ..MountChange::default() })?;
        tree.attach(node, &Path::new("/dev").join(name))?;
    }
    let terminals = new_mount("devpts", &[("ptmxmode", "0666"), ("mode", "0620")], noexec)?;
    tree.attach(terminals, Path::new("/dev/pts"))?;
    let shared = tree::copy_of(&Path::new(STAGE).join("scratch/shm"))?;
    let set = libc::MOUNT_ATTR_NOSUID | libc::MOUNT_ATTR_NODEV | libc::MOUNT_ATTR_NOEXEC;
    kernel::change_mount(&shared, MountChange { set, ..MountChange::default() })?;
    tree.attach(shared, Path::new("/dev/shm"))?;
    for (target, name) in [
        ("pts/ptmx", "ptmx"),
        ("/proc/self/fd", "fd"),
        ("/proc/self/fd/0", "stdin"),
        ("/proc/self/fd/1", "stdout"),
        ("/proc/self/fd/2", "stderr"),
    ] {
        tree.link(Path::new(target), &Path::new("/dev").join(name))?;
    }
    read_only(&dev, false)
}

fn processes(tree: &Tree) -> io::Result<()> {
    let flags = MountAttrFlags::MOUNT_ATTR_NOEXEC
        | MountAttrFlags::MOUNT_ATTR_NOSUID
        | MountAttrFlags::MOUNT_ATTR_NODEV;
    tree.attach(new_mount("proc", &[], flags)?, Path::new("/proc"))?;
    for place in READ_ONLY {
        if let Ok(place) = tree.find(Path::new(place)) {
            let copy = tree::copy_at(&place)?;
            read_only(&copy, false)?;
            tree::put(copy, place)?;
        }
    }
    let nothing = new_mount("tmpfs", &[("mode", "555"), ("size", "4k")], flags)?;
    for place in HIDDEN {
        let Ok(found) = tree.find(Path::new(place)) else { continue };
        let about = rustix::fs::fstat(&found)?;
        let cover = if rustix::fs::FileType::from_raw_mode(about.st_mode).is_dir() {
            tree::copy_at(&nothing)?
        } else {
            tree::copy_of(Path::new("/dev/null"))?
        };
        read_only(&cover, false)?;
        tree::put(cover, found)?;
    }
    Ok(())
}

/// The owner of what the stage holds.
struct StageOwner {
    owner: u32,
}

impl StageOwner {
    fn set_up(&self, stage: &Path, spec: &Spec) -> io::Result<()> {
        let flags = MountAttrFlags::MOUNT_ATTR_NOSUID | MountAttrFlags::MOUNT_ATTR_NODEV;
        let place = Tree::open(stage, self.owner)?;
        tree::put(new_mount("tmpfs", &[("mode", "755"), ("size", "4m")], flags)?, place.root())?;
        for name in ["root", "scratch", "proc", "layers"] {
            fs::create_dir(stage.join(name))?;
        }
        let place = Tree::open(stage, self.owner)?;
        place.attach(new_mount("proc", &[], flags)?, Path::new("proc"))?;
        let owner = self.owner.to_string();
        let most = disk_bytes(spec);
        // Files of less than a page and empty folders are not to go beyond what was meant either.
        let (size, files) = (most.to_string(), (most / 1024).to_string());
        let options =
            [("mode", "755"), ("size", &size), ("nr_inodes", &files), ("uid", &owner), ("gid", &owner)];
        place.attach(new_mount("tmpfs", &options, flags)?, Path::new("scratch"))?;
        for (name, mode) in [("upper", 0o755), ("work", 0o755), ("tmp", 0o1777), ("shm", 0o1777)] {
            let path = stage.join("scratch").join(name);
            fs::create_dir(&path)?;
            fs::set_permissions(&path, fs::Permissions::from_mode(mode))?;
            std::os::unix::fs::chown(&path, Some(self.owner), Some(self.owner))?;
        }
        Ok(())
    }

    fn users(&self, stage: &Path, first: u32, count: u32) -> Result<OwnedFd, StartError> {
        // On disk, one user is this process's own, and all are root's.
        let (user, group) = match count {
            1 => (rustix::process::geteuid().as_raw(), rustix::process::getegid().as_raw()),
            _ => (0, 0),
        };
        let to = |inside| Mapping { inside, outside: self.owner + first, count };
        identity::user_namespace(&stage.join("proc"), to(user), to(group))
            .map_err(|error| StartError::machine("Making a user namespace", error))
    }

    fn overlay(&self, stage: &Path, layers: &[OwnedFd], users: Option<&OwnedFd>) -> Result<(), StartError> {
        let mounted = || -> io::Result<()> {
            let place = Tree::open(&stage.join("layers"), self.owner)?;
            let mut lower = Vec::new();
            for (number, layer) in layers.iter().enumerate() {
                let number = number.to_string();
                kernel::change_mount(
                    layer,
                    MountChange {
                        set: libc::MOUNT_ATTR_RDONLY,
                        owners: users.map(AsFd::as_fd),
                        recursive: true,
                    },
                )?;
                place.attach(layer, Path::new(&number))?;
                lower.push(format!("layers/{number}"));
            }
            // A mount without privileges keeps its notes where such a mount can.
            let notes = if users.is_some() { "" } else { ",userxattr" };
            let options =
                format!("lowerdir={},upperdir=scratch/upper,workdir=scratch/work{notes}", lower.join(":"));
            rustix::process::chdir(stage)?;
            let flags = MountFlags::NOSUID | MountFlags::NODEV;
            Ok(rustix::mount::mount("overlay", "root", "overlay", flags, CString::new(options)?.as_c_str())?)
        };
        mounted().map_err(|error| {
            StartError::machine(
                "Laying the layers of the image on top of each other (their file system has to support \
                 id-mapped mounts, as ext4, xfs and btrfs do)",
                error,
            )
        })
    }

    fn skeleton(&self, path: &Path) -> io::Result<()> {
        let flags = MountAttrFlags::MOUNT_ATTR_NOSUID | MountAttrFlags::MOUNT_ATTR_NODEV;
        let owner = self.owner.to_string();
        let options = [("mode", "755"), ("size", "1m"), ("uid", &owner), ("gid", &owner)];
        let mount = new_mount("tmpfs", &options, flags)?;
        tree::put(mount, Tree::open(path, self.owner)?.root())
    }

    /// The places that every program may write.
    fn own_folders(&self, stage: &Path, tree: &Tree) -> Result<(), StartError> {
        let attached = || -> io::Result<()> {
            for place in ["/proc", "/dev"] {
                tree.folder(Path::new(place))?;
            }
            let scratch = tree::copy_of(&stage.join("scratch/tmp"))?;
            tree.attach(scratch, Path::new("/tmp"))
        };
        attached().map_err(|error| StartError::machine("Making /tmp", error))
    }
}

fn new_mount(kind: &str, options: &[(&str, &str)], flags: MountAttrFlags) -> io::Result<OwnedFd> {
    let system = rustix::mount::fsopen(kind, FsOpenFlags::FSOPEN_CLOEXEC)?;
    for (key, value) in options {
        rustix::mount::fsconfig_set_string(&system, *key, *value)?;
    }
    rustix::mount::fsconfig_create(&system)?;
    Ok(rustix::mount::fsmount(&system, FsMountFlags::FSMOUNT_CLOEXEC, flags)?)
}

/// Nothing is written through this mount any more, and no program gains anything through it.
fn read_only(mount: impl AsFd, recursive: bool) -> io::Result<()> {
    let set = libc::MOUNT_ATTR_RDONLY | libc::MOUNT_ATTR_NOSUID;
    kernel::change_mount(mount, MountChange { set, owners: None, recursive })
}

fn at(tried: &str, path: &Path, error: impl std::fmt::Display) -> StartError {
    StartError::machine(format_args!("{tried} {}", path.display()), error)
}
