//! A hosted agent in one static program: it says again what it was told.
//!
//! It shows what the platform asks of a container: listen on `$PORT`, answer `GET /readiness`, answer
//! requests of the protocols that it speaks, and end at SIGTERM.

mod answer;
mod http;

use std::{env, io, net::TcpListener, process, thread};

use signal_hook::{consts::SIGTERM, iterator::Signals};

use crate::http::{Request, Response};

fn main() -> io::Result<()> {
    let mut signals = Signals::new([SIGTERM])?;
    thread::spawn(move || {
        // The first process of a container is not ended by a signal unless it says so itself.
        if signals.forever().next().is_some() {
            process::exit(0);
        }
    });
    let port = env::var("PORT").ok().and_then(|port| port.parse().ok()).unwrap_or(8088);
    let listener = TcpListener::bind(("0.0.0.0", port))?;
    println!("listening on port {port}");
    for connection in listener.incoming().flatten() {
        thread::spawn(move || {
            if let Err(error) = http::serve(connection, handle) {
                eprintln!("a connection broke off: {error}");
            }
        });
    }
    Ok(())
}

fn handle(request: &Request) -> Response {
    match (request.method.as_str(), request.path()) {
        ("GET", "/readiness") => Response::json(r#"{"status":"healthy"}"#),
        ("POST", "/responses") => answer::respond(request),
        ("POST", "/invocations") => Response::of("application/octet-stream", request.body.clone()),
        _ => Response::not_found(),
    }
}
