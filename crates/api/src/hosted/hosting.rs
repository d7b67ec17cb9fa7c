//! What hosted agents run on: the fleet, where things are on this machine, and who sandboxes are.

use std::{
    collections::HashMap,
    fmt, io,
    net::SocketAddr,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
};

use cupola_hosting::{Ended, Fleet, LogBook, Prepared, Runtime};
use tokio::sync::mpsc;

use super::{
    containers::Lines,
    files,
    logs::Shelf,
    making::Making,
    settings::HostingSettings,
    sources::Sources,
    tenants::{Tenant, Tenants},
    warm::Warm,
    work::Work,
};

/// The parts that hosting is made of.
#[derive(Debug)]
pub struct HostingParts {
    /// What runs sandboxes.
    pub runtime: Arc<dyn Runtime>,
    /// Where homes, packages and the like are kept.
    pub folder: PathBuf,
    /// Where this service listens.
    pub service: SocketAddr,
    /// Roots of certificates, those of this service among them.
    pub bundle: PathBuf,
    /// The root of this service's certificate alone.
    pub ca: PathBuf,
    /// What is allowed.
    pub settings: HostingSettings,
}

/// What hosted agents run on.
pub struct Hosting {
    parts: HostingParts,
    fleet: Fleet,
    endings: Mutex<Option<mpsc::UnboundedReceiver<Ended>>>,
    tenants: Tenants,
    warm: Warm,
    work: Work,
    making: Making,
    sources: Sources,
    /// What versions run, as far as it was asked for.
    prepared: Mutex<HashMap<String, Prepared>>,
    /// Who works on the containers of the older control plane.
    lines: Lines,
    /// What sandboxes have said, by session; it outlives the sandbox.
    shelf: Arc<Shelf>,
}

impl fmt::Debug for Hosting {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Hosting").field("parts", &self.parts).finish_non_exhaustive()
    }
}

impl Hosting {
    /// Hosting on these parts.
    pub fn new(parts: HostingParts) -> Self {
        let (fleet, endings) = Fleet::new(Arc::clone(&parts.runtime), parts.settings.max_sandboxes);
        let shelf = Arc::new(Shelf::new(parts.folder.join("sessions")));
        Self {
            parts,
            fleet,
            endings: Mutex::new(Some(endings)),
            tenants: Tenants::default(),
            warm: Warm::default(),
            work: Work::default(),
            making: Making::default(),
            sources: Sources::default(),
            prepared: Mutex::default(),
            lines: Lines::default(),
            shelf,
        }
    }

    /// The sandboxes that live.
    pub fn fleet(&self) -> &Fleet {
        &self.fleet
    }

    /// What is allowed.
    pub fn settings(&self) -> &HostingSettings {
        &self.parts.settings
    }

    /// Where this service listens.
    pub fn service(&self) -> SocketAddr {
        self.parts.service
    }

    /// Roots of certificates, those of this service among them.
    pub fn bundle(&self) -> &Path {
        &self.parts.bundle
    }

    /// The root of this service's certificate alone.
    pub fn ca(&self) -> &Path {
        &self.parts.ca
    }

    /// Who lives in which sandbox.
    pub fn tenants(&self) -> &Tenants {
        &self.tenants
    }

    /// The sandboxes that wait for somebody.
    pub fn warm(&self) -> &Warm {
        &self.warm
    }

    /// What goes on while nobody is connected.
    pub fn work(&self) -> &Work {
        &self.work
    }

    /// Who works on containers.
    pub fn lines(&self) -> &Lines {
        &self.lines
    }

    /// How far the making of versions is.
    pub fn making(&self) -> &Making {
        &self.making
    }

    /// Who fetches what versions run, and who removes it.
    pub fn sources(&self) -> &Sources {
        &self.sources
    }

    /// What a version runs, if that is known.
    pub fn recall(&self, version: &str) -> Option<Prepared> {
        self.prepared.lock().unwrap_or_else(PoisonError::into_inner).get(version).cloned()
    }

    /// Remembers what a version runs.
    pub fn remember(&self, version: &str, prepared: Prepared) {
        self.prepared.lock().unwrap_or_else(PoisonError::into_inner).insert(version.to_owned(), prepared);
    }

    /// Forgets what versions run that is no longer on this machine.
    pub fn forget_prepared(&self, is_gone: impl Fn(&Prepared) -> bool) {
        let mut prepared = self.prepared.lock().unwrap_or_else(PoisonError::into_inner);
        prepared.retain(|_, prepared| !is_gone(prepared));
    }

    /// Whether somebody lives in a sandbox made of this.
    pub fn is_inhabited(&self, is_this: impl Fn(&Prepared) -> bool) -> bool {
        let versions = self.tenants.everybody().into_iter().map(|tenant| {
            let Tenant { project, agent, version, .. } = tenant;
            version_id(&project, &agent, &version)
        });
        versions.filter_map(|version| self.recall(&version)).any(|prepared| is_this(&prepared))
    }

    /// The home of a session.
    pub fn home(&self, guid: &str) -> PathBuf {
        self.sessions().join(guid).join("home")
    }

    /// Where what is kept of sessions lies.
    fn sessions(&self) -> PathBuf {
        self.parts.folder.join("sessions")
    }

    /// Where code packages are kept.
    pub fn packages(&self) -> PathBuf {
        self.parts.folder.join("packages")
    }

    /// What a session has said, and will say.
    pub fn logs(&self, guid: &str) -> Arc<LogBook> {
        self.shelf.book(guid)
    }

    /// Keeps what a session has said on disk. Called when its sandbox has ended.
    pub async fn keep_logs(&self, guid: &str) {
        let (shelf, guid) = (Arc::clone(&self.shelf), guid.to_owned());
        off_the_runtime("a log was not kept", move || shelf.keep(&guid)).await;
    }

    /// Ends what follows logs. The first thing to do when the service stops: nobody else ends it.
    pub fn end_log_streams(&self) {
        self.shelf.end_all();
    }

    /// Stops all sandboxes and keeps what they have said. The last thing to do when the service stops.
    pub async fn close(&self) {
        self.fleet.stop_all().await;
        for session in self.warm.clear_all() {
            self.forget(&session.guid).await;
        }
        let shelf = Arc::clone(&self.shelf);
        off_the_runtime("a log was not kept", move || shelf.keep_all()).await;
    }

    /// Finishes what an earlier process began to delete, and deletes what was nobody's.
    pub async fn sweep(&self) {
        let sessions = self.sessions();
        off_the_runtime("deleted sessions are still on the disk", move || files::sweep(&sessions)).await;
    }

    /// Notes that a session is nobody's yet: what is kept of it on this machine does not outlive this process.
    pub async fn reserve(&self, guid: &str) -> io::Result<()> {
        let folder = self.sessions().join(guid);
        tokio::fs::create_dir_all(&folder).await?;
        tokio::fs::write(folder.join(files::UNCLAIMED), "").await
    }

    /// Notes that a session which was nobody's is somebody's from now on.
    pub async fn claim(&self, guid: &str) -> io::Result<()> {
        tokio::fs::remove_file(self.sessions().join(guid).join(files::UNCLAIMED)).await
    }

    /// Forgets what is kept of a session on this machine.
    pub async fn forget(&self, guid: &str) {
        self.shelf.forget(guid);
        let folder = self.sessions().join(guid);
        off_the_runtime("the files of a session could not be deleted", move || files::remove_folder(&folder))
            .await;
    }

    /// What becomes of sandboxes, for the one who keeps the sessions.
    pub fn take_endings(&self) -> Option<mpsc::UnboundedReceiver<Ended>> {
        self.endings.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

/// The name of a version among those of all projects.
pub fn version_id(project: &str, agent: &str, version: &str) -> String {
    format!("{project}/{agent}:{version}")
}

/// Does something that blocks. Where it fails, only the log is told: there is nobody who could do better.
async fn off_the_runtime(trouble: &'static str, work: impl FnOnce() -> io::Result<()> + Send + 'static) {
    let done = tokio::task::spawn_blocking(work).await.unwrap_or_else(|error| Err(io::Error::other(error)));
    if let Err(error) = done {
        tracing::warn!(%error, "{trouble}");
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use cupola_hosting::{ProcessRuntime, Program, Source};

    use super::*;

    fn prepared(digest: &str) -> Prepared {
        let program = Program { folder: "/app".into(), entry_point: Vec::new(), language: String::new() };
        Prepared { source: Source::Code(program), digest: digest.to_owned() }
    }

    #[tokio::test]
    async fn what_a_living_sandbox_shows_is_inhabited() {
        let home = tempfile::tempdir().unwrap();
        let hosting = Hosting::new(HostingParts {
            runtime: Arc::new(ProcessRuntime::open(home.path().join("processes")).unwrap()),
            folder: home.path().to_owned(),
            service: ([127, 0, 0, 1], 9).into(),
            bundle: PathBuf::new(),
            ca: PathBuf::new(),
            settings: HostingSettings::default(),
        });
        for version in ["1", "2"] {
            hosting.remember(&version_id("demo", "a", version), prepared(version));
        }
        let (project, session) = (Arc::from("demo"), "s".to_owned());
        let tenant = Tenant { project, agent: "a".to_owned(), version: "1".to_owned(), session };
        hosting.tenants().enter("sandbox", tenant);
        assert!(hosting.is_inhabited(|prepared| prepared.digest == "1"));
        assert!(!hosting.is_inhabited(|prepared| prepared.digest == "2"));
        hosting.tenants().leave("sandbox");
        assert!(!hosting.is_inhabited(|prepared| prepared.digest == "1"));
    }
}
