//! Keeps sandboxes without a way out from what else listens on this machine: a chain of its packet filter, in
//! which nothing passes but what they are to reach.
//!
//! The daemon lets a closed network reach no other network, but it does reach the gateway, which is this
//! machine.

use std::{
    collections::BTreeSet,
    fmt::Write as _,
    io,
    net::Ipv4Addr,
    process::Stdio,
    sync::{Arc, Mutex, PoisonError},
};

use sha2::{Digest as _, Sha256};
use tokio::{io::AsyncWriteExt as _, process::Command, sync::Mutex as AsyncMutex};

/// The names of chains begin with this.
const PREFIX: &str = "CUPOLA-";

/// A network, as the packet filter knows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Fenced {
    /// Its addresses, as in `10.0.0.0/26`.
    pub subnet: String,
    /// This machine's address in it.
    pub gateway: Ipv4Addr,
}

/// The chain of an owner.
#[derive(Debug)]
pub(super) struct Wall {
    chain: String,
    state: AsyncMutex<State>,
    doors: Arc<Doors>,
}

#[derive(Debug, Default)]
struct State {
    /// The network that is fenced in, once one is.
    fenced: Option<Fenced>,
    /// What stands in the chain.
    written: Option<BTreeSet<u16>>,
}

/// Ports of the gateway that may be reached, with how many sandboxes need each.
#[derive(Debug, Default)]
struct Doors(Mutex<Vec<u16>>);

/// A port that may be reached, for as long as this lives and until the chain is written the next time.
#[derive(Debug)]
pub(super) struct Door {
    port: u16,
    doors: Arc<Doors>,
}

impl Wall {
    /// The wall of this owner. Nothing stands yet.
    pub fn of(owner: &str) -> Self {
        let digest = hex::encode(&Sha256::digest(owner)[..8]);
        Self { chain: format!("{PREFIX}{digest}"), state: AsyncMutex::default(), doors: Arc::default() }
    }

    /// Takes away what others of this kind have left in the way of these networks. A daemon gives the addresses of a
    /// network that is gone to another one, and a process that was killed takes no rules with it.
    pub async fn clear_site(&self, networks: &[Fenced]) -> Result<(), String> {
        let rules = listed("INPUT").await?;
        for rule in rules.lines() {
            for network in networks {
                if let Some(chain) = chain_for(rule, network).filter(|chain| *chain != self.chain) {
                    tracing::info!(chain, subnet = network.subnet, "a rule of an earlier network is removed");
                    run(&jump("-D", chain, network)).await?;
                    // Nothing leads into it any more: there is one network for each.
                    for action in ["-F", "-X"] {
                        run(&[action.to_owned(), chain.to_owned()]).await?;
                    }
                }
            }
        }
        Ok(())
    }

    /// Fences a network in, with doors for these ports. What stands already is left alone.
    pub async fn open(&self, fenced: &Fenced, ports: &[u16]) -> Result<Vec<Door>, String> {
        let doors = ports.iter().map(|port| Door::open(*port, &self.doors)).collect();
        let mut state = self.state.lock().await;
        let wanted = self.doors.all();
        if state.fenced.as_ref() != Some(fenced) {
            self.tear_down(&mut state).await;
        }
        // Whoever reloads the rules of this machine takes these away.
        let stands = state.written.is_some() && run(&jump("-C", &self.chain, fenced)).await.is_ok();
        if !stands || state.written.as_ref() != Some(&wanted) {
            restore(&rules(&self.chain, fenced, &wanted)).await?;
            state.written = Some(wanted);
        }
        if !stands {
            state.fenced = Some(fenced.clone());
            // Also one of an earlier process.
            if run(&jump("-C", &self.chain, fenced)).await.is_err() {
                run(&jump("-I", &self.chain, fenced)).await?;
            }
        }
        Ok(doors)
    }

    /// Closes the doors that nobody needs any more.
    pub async fn close_unused(&self) {
        let mut state = self.state.lock().await;
        let wanted = self.doors.all();
        let Some(fenced) = state.fenced.clone().filter(|_| state.written.as_ref() != Some(&wanted)) else {
            return;
        };
        match restore(&rules(&self.chain, &fenced, &wanted)).await {
            Ok(()) => state.written = Some(wanted),
            Err(reason) => tracing::warn!(reason, "a way of a sandbox that has ended is still open"),
        }
    }

    async fn tear_down(&self, state: &mut State) {
        if let Some(former) = state.fenced.take() {
            // A network that is gone needs no rule; that there is none any more is fine.
            let _ = run(&jump("-D", &self.chain, &former)).await;
        }
        state.written = None;
    }
}

impl Drop for Wall {
    fn drop(&mut self) {
        let Some(fenced) = self.state.get_mut().fenced.take() else { return };
        // Where this can't be done, the next process of this owner finds the rules and takes them over.
        for words in [
            jump("-D", &self.chain, &fenced),
            vec!["-F".to_owned(), self.chain.clone()],
            vec!["-X".to_owned(), self.chain.clone()],
        ] {
            let mut command = std::process::Command::new("iptables");
            _ = command.arg("--wait").args(words).stdout(Stdio::null()).stderr(Stdio::null()).status();
        }
    }
}

impl Doors {
    fn all(&self) -> BTreeSet<u16> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).iter().copied().collect()
    }
}

impl Door {
    fn open(port: u16, doors: &Arc<Doors>) -> Self {
        doors.0.lock().unwrap_or_else(PoisonError::into_inner).push(port);
        Self { port, doors: Arc::clone(doors) }
    }
}

impl Drop for Door {
    fn drop(&mut self) {
        let mut doors = self.doors.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(place) = doors.iter().position(|port| *port == self.port) {
            doors.swap_remove(place);
        }
    }
}

/// What it means that there is no wall.
pub(super) fn lack(reason: &str) -> String {
    format!(
        "A sandbox without a way out still reaches what listens on all addresses of this machine, because \
         the packet filter can't be used ({reason}). Closing that needs root and iptables."
    )
}

/// The rule that leads into the chain, to be added, removed or looked for.
fn jump(action: &str, chain: &str, fenced: &Fenced) -> Vec<String> {
    [action, "INPUT", "-s", &fenced.subnet, "-j", chain].map(str::to_owned).into()
}

/// The chain of one of us into which a rule leads what comes from this network.
fn chain_for<'a>(rule: &'a str, network: &Fenced) -> Option<&'a str> {
    let (source, chain) = rule.strip_prefix("-A INPUT -s ")?.split_once(" -j ")?;
    (source == network.subnet && chain.starts_with(PREFIX)).then_some(chain)
}

/// The whole chain. It takes the place of the one there is in one step.
fn rules(chain: &str, fenced: &Fenced, ports: &BTreeSet<u16>) -> String {
    let mut rules = format!("*filter\n:{chain} - [0:0]\n");
    // Answers to what this machine itself has asked a sandbox.
    _ = writeln!(rules, "-A {chain} -m conntrack --ctstate ESTABLISHED,RELATED -j ACCEPT");
    for port in ports {
        _ = writeln!(rules, "-A {chain} -d {}/32 -p tcp --dport {port} -j ACCEPT", fenced.gateway);
    }
    _ = writeln!(rules, "-A {chain} -j REJECT\nCOMMIT");
    rules
}

async fn restore(rules: &str) -> Result<(), String> {
    let mut command = Command::new("iptables-restore");
    command.args(["--noflush", "--wait"]).stdin(Stdio::piped());
    let fed = async {
        let mut child = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn()?;
        if let Some(mut input) = child.stdin.take() {
            input.write_all(rules.as_bytes()).await?;
        }
        child.wait_with_output().await
    };
    judged("iptables-restore", fed.await).map(drop)
}

async fn run(words: &[String]) -> Result<(), String> {
    let mut command = Command::new("iptables");
    judged("iptables", command.arg("--wait").args(words).stdin(Stdio::null()).output().await).map(drop)
}

/// The rules of a chain, one in each line.
async fn listed(chain: &str) -> Result<String, String> {
    let mut command = Command::new("iptables");
    let output = command.args(["--wait", "-S", chain]).stdin(Stdio::null()).output().await;
    judged("iptables", output)
}

/// What a program says that was successful.
fn judged(program: &str, output: io::Result<std::process::Output>) -> Result<String, String> {
    match output {
        Ok(output) if output.status.success() => Ok(String::from_utf8_lossy(&output.stdout).into_owned()),
        Ok(output) => {
            let said = String::from_utf8_lossy(&output.stderr);
            let said = said.lines().find(|line| !line.trim().is_empty()).unwrap_or("it does not say why");
            Err(format!("{program} failed: {}", said.trim().trim_end_matches('.')))
        }
        Err(error) => Err(format!("{program} can't be started: {error}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fenced() -> Fenced {
        Fenced { subnet: "10.9.8.0/26".to_owned(), gateway: Ipv4Addr::new(10, 9, 8, 1) }
    }

    #[test]
    fn nothing_passes_but_answers_and_open_ports() {
        let expected = "*filter\n:C - [0:0]\n\
            -A C -m conntrack --ctstate ESTABLISHED,RELATED -j ACCEPT\n\
            -A C -d 10.9.8.1/32 -p tcp --dport 7 -j ACCEPT\n\
            -A C -d 10.9.8.1/32 -p tcp --dport 9 -j ACCEPT\n\
            -A C -j REJECT\nCOMMIT\n";
        assert_eq!(rules("C", &fenced(), &BTreeSet::from([9, 7])), expected);
        assert_eq!(jump("-C", "C", &fenced()).join(" "), "-C INPUT -s 10.9.8.0/26 -j C");
    }

    #[test]
    fn only_the_rules_of_our_kind_for_the_same_network_are_in_the_way() {
        for (rule, chain) in [
            ("-A INPUT -s 10.9.8.0/26 -j CUPOLA-1", Some("CUPOLA-1")),
            ("-A INPUT -s 10.9.8.0/24 -j CUPOLA-1", None),
            ("-A INPUT -s 10.9.8.0/26 -j DROP", None),
            ("-A INPUT -s 10.9.8.0/26 -i eth0 -j CUPOLA-1", None),
            ("-P INPUT ACCEPT", None),
        ] {
            assert_eq!(chain_for(rule, &fenced()), chain, "{rule}");
        }
    }

    #[test]
    fn a_port_is_open_until_the_last_who_needs_it_has_gone() {
        let doors = Arc::<Doors>::default();
        let (first, second) = (Door::open(7, &doors), Door::open(7, &doors));
        drop(first);
        assert_eq!(doors.all(), BTreeSet::from([7]));
        drop(second);
        assert_eq!(doors.all(), BTreeSet::new());
    }

    #[test]
    fn the_name_of_a_chain_is_short_enough_for_any_owner() {
        let wall = Wall::of(&"owner-".repeat(20));
        assert!(wall.chain.len() <= 28, "{}", wall.chain);
        assert_ne!(wall.chain, Wall::of("other").chain);
    }
}
