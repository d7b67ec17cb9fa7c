//! What this service allows hosted agents.

use std::time::Duration;

use cupola_hosting::{Egress, Limits};

const GIB: u64 = 1 << 30;

/// What this service allows hosted agents.
#[derive(Clone, Debug)]
pub struct HostingSettings {
    /// The most sandboxes that run at once.
    pub max_sandboxes: usize,
    /// How many sandboxes wait for the next session of each version.
    pub warm_per_version: usize,
    /// The least processor time that an agent may ask for, in thousandths of a core.
    pub least_cpu_millis: u32,
    /// The most.
    pub most_cpu_millis: u32,
    /// The least memory that an agent may ask for.
    pub least_memory_bytes: u64,
    /// The most.
    pub most_memory_bytes: u64,
    /// Processes and threads of one sandbox.
    pub processes: u32,
    /// What one sandbox may write outside of its home.
    pub disk_bytes: u64,
    /// What one home may hold.
    pub home_bytes: u64,
    /// Where sandboxes may reach.
    pub egress: Egress,
    /// Where the dependencies of Python programs come from; the usual index where it is left out.
    pub python_index: Option<String>,
    /// How long a program may take until it is ready.
    pub ready_within: Duration,
    /// How long a program may take until it begins to answer a request.
    pub answer_within: Duration,
    /// How long a session may be unused, where its agent does not say.
    pub idle_after: Duration,
    /// The least that an agent may say.
    pub least_idle: Duration,
    /// The most.
    pub most_idle: Duration,
}

impl Default for HostingSettings {
    fn default() -> Self {
        Self {
            max_sandboxes: 50,
            warm_per_version: 0,
            least_cpu_millis: 500,
            most_cpu_millis: 4000,
            least_memory_bytes: GIB,
            most_memory_bytes: 8 * GIB,
            processes: 512,
            disk_bytes: 2 * GIB,
            home_bytes: 10 * GIB,
            egress: Egress::Open,
            python_index: None,
            ready_within: Duration::from_secs(60),
            answer_within: Duration::from_secs(600),
            idle_after: Duration::from_secs(900),
            least_idle: Duration::from_secs(120),
            most_idle: Duration::from_secs(14_400),
        }
    }
}

impl HostingSettings {
    /// What the installation of dependencies may use: as much as the largest agent.
    pub fn limits_of_builds(&self) -> Limits {
        Limits {
            cpu_millis: self.most_cpu_millis,
            memory_bytes: self.most_memory_bytes,
            processes: self.processes,
            disk_bytes: self.disk_bytes,
            home_bytes: self.home_bytes,
        }
    }
}
