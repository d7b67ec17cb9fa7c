//! What is started, and what it sees: the words of an image or a code package, and of a session.

use std::{collections::BTreeMap, path::PathBuf};

use cupola_sandbox::{Bind, Root, Runner, Spec};

use super::{RootImage, WAY_BACK, WAY_OUT, host, host::Interpreter};
use crate::{Program, SandboxSpec};

/// Where a sandbox sees its home, and where the same can also be found.
const HOME: [&str; 2] = ["/home/session", "/files"];

/// Where it sees a code package.
const APP: &str = "/app";

/// Where programs are looked for if nobody says where.
const PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// What an image or a code package says about itself.
#[derive(Debug)]
pub(super) struct Plan {
    root: Root,
    binds: Vec<Bind>,
    files: BTreeMap<PathBuf, String>,
    command: Vec<String>,
    environment: BTreeMap<String, String>,
    folder: PathBuf,
    user: String,
}

impl Plan {
    /// An image, as it was built.
    pub fn of_image(image: RootImage, spec: &SandboxSpec) -> Self {
        Self {
            root: Root::Layers(image.layers),
            binds: Vec::new(),
            files: names(&spec.id),
            command: image.command,
            environment: image.environment,
            folder: if image.folder.is_empty() { "/".into() } else { image.folder.into() },
            user: image.user,
        }
    }

    /// A code package, on the system of this machine.
    pub fn of_code(program: &Program, interpreter: Interpreter, spec: &SandboxSpec) -> Self {
        let mut files = names(&spec.id);
        files.extend(host::people());
        let mut command = program.entry_point.clone();
        if let (Some(first), Some(path)) = (command.first_mut(), interpreter.program) {
            *first = path;
        }
        Self {
            root: Root::Host(host::visible(interpreter.folders)),
            binds: vec![Bind { from: program.folder.clone(), to: APP.into(), writable: false }],
            files,
            command,
            environment: BTreeMap::new(),
            folder: APP.into(),
            user: host::USER.into(),
        }
    }

    /// The same in a session.
    pub fn spec(self, session: &SandboxSpec, first_id: u32, runner: Runner, has_way_out: bool) -> Spec {
        let Self { root, mut binds, files, command, mut environment, folder, user } = self;
        environment.entry("PATH".into()).or_insert_with(|| PATH.into());
        environment.extend(session.environment.clone());
        environment.entry("HOME".into()).or_insert_with(|| HOME[0].into());
        let mut listen = vec![WAY_BACK];
        if has_way_out {
            listen.push(WAY_OUT);
            environment.extend(proxies());
        }
        binds.extend(HOME.map(|to| Bind { from: session.home.clone(), to: to.into(), writable: true }));
        binds.extend(session.mounts.iter().map(|mount| Bind {
            from: mount.from.clone(),
            to: mount.to.clone(),
            writable: mount.writable,
        }));
        let limits = session.limits;
        Spec {
            name: session.id.clone(),
            root,
            binds,
            shared: None,
            files,
            command,
            environment,
            folder,
            user,
            listen,
            limits: cupola_sandbox::Limits {
                cpu_millis: limits.cpu_millis,
                memory_bytes: limits.memory_bytes,
                processes: limits.processes,
                disk_bytes: limits.disk_bytes,
            },
            first_id,
            runner,
        }
    }
}

/// The proxy is told in both spellings: programs disagree about which counts.
fn proxies() -> impl Iterator<Item = (String, String)> {
    let proxy = format!("http://127.0.0.1:{WAY_OUT}");
    let direct = "localhost,127.0.0.1,::1".to_owned();
    [("HTTP_PROXY", proxy.clone()), ("HTTPS_PROXY", proxy), ("NO_PROXY", direct)]
        .into_iter()
        .flat_map(|(name, value)| [(name.to_owned(), value.clone()), (name.to_ascii_lowercase(), value)])
}

/// The names that a sandbox knows: its own. Others are the proxy's to know.
fn names(id: &str) -> BTreeMap<PathBuf, String> {
    let hosts = format!("127.0.0.1\tlocalhost {id}\n::1\tlocalhost ip6-localhost ip6-loopback\n");
    [("/etc/hosts", hosts), ("/etc/hostname", format!("{id}\n")), ("/etc/resolv.conf", String::new())]
        .map(|(path, text)| (path.into(), text))
        .into()
}
