//! Dependencies of a Python program, installed in a sandbox: a package's setup is a program of strangers, too.

use std::{path::Path, sync::Arc, time::Duration};

use cupola_hosting::{Code, Exit, Failure, LogBook, Program, SandboxSpec, Source};

use super::{DEPENDENCIES, unavailable};
use crate::hosted::{build::unfollowed, hosting::Hosting};

/// How long an installation may take.
const WITHIN: Duration = Duration::from_secs(15 * 60);

/// Only the program itself knows where its home is: no shell is there to say it, and pip takes `~` for a name.
const PIP: &str = "import os, runpy, sys; \
    into = os.path.expanduser('~/site-packages'); \
    sys.argv = ['pip', 'install', '--no-input', '--no-cache-dir', '--disable-pip-version-check', \
        '--target', into, '-r', 'requirements.txt']; \
    runpy.run_module('pip', run_name='__main__')";

/// How many of the last lines a failure shows.
const LINES_SHOWN: usize = 8;

/// Installs what `requirements.txt` names, if there is one.
pub async fn dependencies(
    hosting: &Hosting,
    code: &Path,
    work: &Path,
    language: &str,
) -> Result<(), Failure> {
    if !code.join("requirements.txt").exists() {
        return Ok(());
    }
    let home = work.join("home");
    tokio::fs::create_dir(&home).await.map_err(unavailable)?;
    std::fs::set_permissions(&home, std::os::unix::fs::PermissionsExt::from_mode(0o777))
        .map_err(unavailable)?;
    let program = Program {
        folder: code.to_owned(),
        entry_point: ["python3", "-c", PIP].map(str::to_owned).into(),
        language: language.to_owned(),
    };
    let logs = Arc::new(LogBook::default());
    let exit = run(hosting, program, &home, &logs).await?;
    if exit.code != Some(0) {
        let lines: Vec<String> = logs.last(LINES_SHOWN).into_iter().map(|line| line.text).collect();
        let message = format!(
            "The dependencies in requirements.txt could not be installed: pip {exit}. Its last lines: {}",
            lines.join(" | ")
        );
        return Err(Failure::new(Code::CodeError, message));
    }
    let into = code.join(DEPENDENCIES);
    if let Some(parent) = into.parent() {
        tokio::fs::create_dir_all(parent).await.map_err(unavailable)?;
    }
    tokio::fs::rename(home.join("site-packages"), into).await.map_err(unavailable)
}

async fn run(hosting: &Hosting, program: Program, home: &Path, logs: &Arc<LogBook>) -> Result<Exit, Failure> {
    let runtime = hosting.fleet().runtime();
    let prepared = runtime.prepare(&Source::Code(program), &unfollowed).await?;
    let settings = hosting.settings();
    let mut environment = std::collections::BTreeMap::from([("HOME".to_owned(), "/home/session".to_owned())]);
    if let Some(index) = &settings.python_index {
        environment.insert("PIP_INDEX_URL".to_owned(), index.clone());
        if let Some(host) = host_without_tls(index) {
            environment.insert("PIP_TRUSTED_HOST".to_owned(), host.to_owned());
        }
    }
    let id: [u8; 16] = rand::random();
    let spec = SandboxSpec {
        id: hex::encode(id),
        environment,
        port: 8088,
        home: home.to_owned(),
        mounts: Vec::new(),
        limits: settings.limits_of_builds(),
        egress: settings.egress.clone(),
        service: hosting.service(),
        logs: Arc::clone(logs),
    };
    let sandbox = runtime.start(&prepared, spec).await?;
    let mut exit = sandbox.exit();
    let ended = tokio::time::timeout(WITHIN, exit.wait_for(Option::is_some)).await;
    let ended = ended.map(|exit| exit.ok().and_then(|exit| *exit).unwrap_or_default());
    sandbox.stop(Duration::ZERO).await;
    ended.map_err(|_| {
        let message =
            format!("The dependencies were not installed within {} minutes.", WITHIN.as_secs() / 60);
        Failure::new(Code::CodeError, message)
    })
}

/// The host of an index that is spoken to without TLS. Who configures such a one means it, and pip wants to
/// be told.
fn host_without_tls(index: &str) -> Option<&str> {
    let rest = index.strip_prefix("http://")?;
    let authority = rest.split(['/', '?', '#']).next()?;
    Some(authority.rsplit('@').next().unwrap_or(authority))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_index_without_tls_is_trusted_by_its_host() {
        assert_eq!(host_without_tls("http://me:secret@index.local:8080/simple"), Some("index.local:8080"));
        assert_eq!(host_without_tls("http://index.local"), Some("index.local"));
        assert_eq!(host_without_tls("https://index.example/simple"), None);
    }
}
