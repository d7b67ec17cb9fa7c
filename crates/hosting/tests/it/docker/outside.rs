//! A host that is not this machine: a network namespace at the other end of a cable.

use std::{
    net::SocketAddr,
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use tempfile::TempDir;

/// A host that answers on the ports 80 and 81 with the page `outside`.
pub struct Outside {
    name: String,
    subnet: u32,
    servers: Vec<Child>,
    pages: TempDir,
}

impl Outside {
    pub fn new() -> Self {
        let id = std::process::id();
        let pages = tempfile::tempdir().unwrap();
        std::fs::write(pages.path().join("index.html"), "outside\n").unwrap();
        // These addresses are for measurements and belong to nobody.
        let mut outside = Self { name: format!("cup{id}"), subnet: id % 250, servers: Vec::new(), pages };
        let (name, subnet) = (outside.name.clone(), outside.subnet);
        run(&format!("ip netns add {name}"));
        run(&format!("ip link add {name} type veth peer name eth0 netns {name}"));
        run(&format!("ip addr add 198.18.{subnet}.1/24 dev {name}"));
        run(&format!("ip link set {name} up"));
        run(&format!("ip -n {name} addr add 198.18.{subnet}.2/24 dev eth0"));
        run(&format!("ip -n {name} link set eth0 up"));
        run(&format!("ip -n {name} route add default via 198.18.{subnet}.1"));
        for port in [80, 81] {
            outside.serve(port);
        }
        outside
    }

    fn serve(&mut self, port: u16) {
        let mut server = Command::new("ip");
        server.args(["netns", "exec", &self.name, "busybox", "httpd", "-f", "-p", &port.to_string(), "-h"]);
        server.arg(self.pages.path()).stdin(Stdio::null());
        self.servers.push(server.spawn().unwrap());
        let (address, begun) = (self.address(port).parse::<SocketAddr>().unwrap(), Instant::now());
        while std::net::TcpStream::connect(address).is_err() {
            assert!(begun.elapsed() < Duration::from_secs(20), "{address} does not listen");
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    /// This machine's address at its own end of the cable.
    pub fn gateway(&self) -> String {
        format!("198.18.{}.1", self.subnet)
    }

    /// Where it is.
    pub fn address(&self, port: u16) -> String {
        format!("198.18.{}.2:{port}", self.subnet)
    }
}

impl Drop for Outside {
    fn drop(&mut self) {
        for server in &mut self.servers {
            let _ = server.kill();
            let _ = server.wait();
        }
        let _ = Command::new("ip").args(["netns", "del", &self.name]).status();
    }
}

fn run(command: &str) {
    let (program, arguments) = command.split_once(' ').unwrap();
    assert!(Command::new(program).args(arguments.split(' ')).status().unwrap().success(), "{command}");
}
