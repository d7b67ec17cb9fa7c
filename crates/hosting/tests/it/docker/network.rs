//! Where a sandbox may reach.

use std::{sync::Arc, time::Duration};

use cupola_hosting::{Code, DockerRuntime, Egress, Runtime as _};
use tokio::{net::TcpListener, process::Command};

use super::{host::Host, outside::Outside};

#[tokio::test]
async fn every_sandbox_reaches_the_service() {
    let host = Host::new("back").await;
    let shell = host.shell().await;
    let address = host.runtime.address_of_service(host.service);
    assert!(address.starts_with("cupola.internal:"), "{address}");
    for egress in [Egress::Open, Egress::None, Egress::Only(Vec::new())] {
        let script = format!("wget -q -O - http://{address}/");
        let spec = cupola_hosting::SandboxSpec { egress, ..host.spec("one", &script) };
        assert_eq!(host.print_with(&shell, spec).await, "this is Cupola.");
    }
    host.close().await;
}

#[tokio::test]
async fn only_an_open_sandbox_reaches_out() {
    let host = Host::new("out").await;
    let shell = host.shell().await;
    let outside = Outside::new();
    let script =
        format!("timeout 5 wget -q -O - http://{}/ 2>/dev/null || echo no way out", outside.address(80));
    for (egress, expected) in [(Egress::Open, "outside"), (Egress::None, "no way out")] {
        let spec = cupola_hosting::SandboxSpec { egress, ..host.spec("one", &script) };
        assert_eq!(host.print_with(&shell, spec).await, expected);
    }
    host.close().await;
}

#[tokio::test]
async fn a_sandbox_with_a_list_reaches_what_is_in_it() {
    let host = Host::new("list").await;
    let shell = host.shell().await;
    let outside = Outside::new();
    let (listed, unlisted) = (outside.address(80), outside.address(81));
    let script = format!(
        "wget -q -O - http://{listed}/; wget -q -O - http://{unlisted}/ 2>/dev/null || echo not listed; \
         unset http_proxy; timeout 5 wget -q -O - http://{listed}/ 2>/dev/null || echo no other way"
    );
    let spec = host.spec("one", &script);
    let logs = Arc::clone(&spec.logs);
    let spec = cupola_hosting::SandboxSpec { egress: Egress::Only(vec![listed]), ..spec };
    assert_eq!(host.print_with(&shell, spec).await, "outside\nnot listed\nno other way");
    let said = logs.since(0).into_iter().map(|line| line.text).collect::<Vec<_>>().join("\n");
    assert!(said.contains(&format!("may not reach {unlisted}")), "{said}");
    host.close().await;
}

/// Somebody who listens on every address that this machine has, and has nothing to say.
async fn somebody() -> u16 {
    let listener = TcpListener::bind("0.0.0.0:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move { while listener.accept().await.is_ok() {} });
    port
}

#[tokio::test]
async fn who_may_not_go_out_reaches_nothing_else_of_this_machine() {
    let host = Host::new("machine").await;
    let shell = host.shell().await;
    let outside = Outside::new();
    let port = somebody().await;
    let own = outside.gateway();
    let script = format!(
        "for to in cupola.internal {own}; do \
           nc -w 2 $to {port} </dev/null >/dev/null 2>&1 && echo reached || echo not reached; \
         done; ip -6 addr show eth0 | grep -c inet6"
    );
    let list = Egress::Only(vec![outside.address(80)]);
    for (egress, expected) in [
        (Egress::None, "not reached\nnot reached\n0"),
        (list, "not reached\nnot reached\n0"),
        (Egress::Open, "reached\nreached\n0"),
    ] {
        let spec = cupola_hosting::SandboxSpec { egress: egress.clone(), ..host.spec("one", &script) };
        let running = host.start(&shell, spec).await;
        running.ended().await;
        running.sandbox.stop(Duration::ZERO).await;
        assert_eq!(running.text(None), expected, "{egress:?}");
    }
    assert_eq!(host.runtime.lacks().iter().filter(|lack| lack.contains("iptables")).count(), 0);
    host.close().await;
}

#[tokio::test]
async fn rules_that_somebody_took_away_are_there_for_the_next_sandbox() {
    let host = Host::new("rules").await;
    let shell = host.shell().await;
    let port = somebody().await;
    let saved = Command::new("iptables").args(["-w", "-S", "INPUT"]).output().await.unwrap();
    let rules = String::from_utf8(saved.stdout).unwrap();
    let subnet = host.subnet("closed").await;
    let own = rules.lines().find(|rule| rule.contains(&subnet)).unwrap();
    let words = own.split(' ').skip(1);
    assert!(Command::new("iptables").args(["-w", "-D"]).args(words).status().await.unwrap().success());
    let script = format!("nc -w 2 cupola.internal {port} </dev/null >/dev/null 2>&1 || echo not reached");
    assert_eq!(host.print(&shell, &script).await, "not reached");
    host.close().await;
}

async fn iptables(words: &str) -> bool {
    let words = words.split(' ');
    Command::new("iptables").arg("-w").args(words).status().await.unwrap().success()
}

#[tokio::test]
async fn what_a_killed_service_left_of_its_network_is_not_in_the_way_of_the_next_one() {
    let host = Host::new("stale").await;
    let shell = host.shell().await;
    // The daemon has given its addresses to another network meanwhile.
    let subnet = host.subnet("open").await;
    let chain = format!("CUPOLA-stale-{}", std::process::id());
    for words in
        [format!("-N {chain}"), format!("-A {chain} -j REJECT"), format!("-I INPUT -s {subnet} -j {chain}")]
    {
        assert!(iptables(&words).await, "{words}");
    }
    let next = DockerRuntime::connect(host.settings.clone()).await.unwrap();
    assert!(!iptables(&format!("-S {chain}")).await, "it is gone");
    let script = format!("wget -q -O - http://{}/", host.runtime.address_of_service(host.service));
    let spec = cupola_hosting::SandboxSpec { egress: Egress::Open, ..host.spec("one", &script) };
    assert_eq!(host.print_with(&shell, spec).await, "this is Cupola.");
    drop(next);
    host.close().await;
}

#[tokio::test]
async fn a_list_that_cannot_be_read_is_told() {
    let host = Host::new("badlist").await;
    let shell = host.shell().await;
    let egress = Egress::Only(vec!["https://example.com".to_owned()]);
    let spec = cupola_hosting::SandboxSpec { egress, ..host.spec("one", "") };
    let failure = host.runtime.start(&shell, spec).await.err().unwrap();
    assert_eq!(failure.code, Code::SandboxUnavailable);
    assert!(failure.message.contains("https://example.com"), "{failure}");
    host.close().await;
}

#[tokio::test]
async fn sandboxes_do_not_reach_each_other() {
    let host = Host::new("neighbours").await;
    let shell = host.shell().await;
    for egress in [Egress::Open, Egress::None] {
        let serves = "ip -4 -o addr show eth0; exec httpd -f -p 8088 -h /www";
        let spec = cupola_hosting::SandboxSpec { egress: egress.clone(), ..host.spec("neighbour", serves) };
        let neighbour = host.start(&shell, spec).await;
        neighbour.says("inet ").await;
        let line = neighbour.text(None);
        let address = line.split_whitespace().find_map(|word| word.split_once('/')).unwrap().0;
        assert!(!neighbour.get("/").await.is_empty());
        let script = format!("timeout 2 wget -q -O - http://{address}:8088/ 2>/dev/null || echo no way in");
        let spec = cupola_hosting::SandboxSpec { egress, ..host.spec("one", &script) };
        assert_eq!(host.print_with(&shell, spec).await, "no way in");
        neighbour.sandbox.stop(Duration::ZERO).await;
    }
    host.close().await;
}

#[tokio::test]
async fn names_are_not_resolved_for_who_may_not_go_out() {
    let host = Host::new("names").await;
    let shell = host.shell().await;
    let script =
        "grep -c cupola.internal /etc/hosts; timeout 2 nslookup example.com >/dev/null 2>&1 || echo unknown";
    assert_eq!(host.print(&shell, script).await, "1\nunknown");
    host.close().await;
}

#[tokio::test]
async fn a_network_that_somebody_removed_is_made_again() {
    let host = Host::new("network").await;
    let shell = host.shell().await;
    let address = host.runtime.address_of_service(host.service);
    let name = format!("cupola-{}-closed", host.settings.owner);
    host.docker.remove_network(&name).await.unwrap();
    let script = format!("wget -q -O - http://{address}/");
    assert_eq!(host.print(&shell, &script).await, "this is Cupola.");
    host.close().await;
}
