//! `cupola sessions files`: what lies in the home of a session.

use std::{
    io::Read as _,
    path::{Path, PathBuf},
};

use cupola_client::{SessionFiles, types::FileEntry};
use futures_util::TryStreamExt as _;
use serde_json::json;

use super::{SessionName, list_of, shown};
use crate::{
    download::{Target, Trouble},
    failure::Failure,
    progress,
    server::Server,
    table::{Cell, Table, number, whole},
    terminal::{self, BOLD, DIM},
    when,
};

#[derive(Debug, clap::Subcommand)]
pub enum FilesCommand {
    /// List what lies in a folder
    #[command(after_help = "Example:\n  cupola sessions files ls echo mine\n  \
        cupola sessions files ls echo mine out")]
    Ls {
        #[command(flatten)]
        session: SessionName,
        /// The folder [default: the home]
        #[arg(default_value = "", hide_default_value = true)]
        path: String,
    },
    /// Copy a file of the session to here
    #[command(after_help = "Example:\n  \
        cupola sessions files get echo mine out/report.csv\n  \
        cupola sessions files get echo mine out/report.csv - | head")]
    Get {
        #[command(flatten)]
        session: SessionName,
        /// The file in the session
        path: String,
        /// Where it goes; '-' is standard output [default: here, under its own name]
        to: Option<PathBuf>,
    },
    /// Copy a file from here to the session; folders that are missing are made
    #[command(after_help = "Example:\n  \
        cupola sessions files put echo mine report.csv\n  \
        cupola sessions files put echo mine report.csv in/\n  \
        date | cupola sessions files put echo mine - in/now.txt")]
    Put {
        #[command(flatten)]
        session: SessionName,
        /// The file here; '-' is standard input
        file: PathBuf,
        /// The file in the session; a folder, where it ends with '/' [default: the home]
        path: Option<String>,
    },
    /// Delete files and folders of the session
    #[command(after_help = "Example:\n  cupola sessions files rm echo mine in/now.txt\n  \
        cupola sessions files rm echo mine in --recursive")]
    Rm {
        #[command(flatten)]
        session: SessionName,
        /// The files and folders
        #[arg(value_name = "PATH", required = true)]
        paths: Vec<String>,
        /// Folders with all that lies in them
        #[arg(long, short)]
        recursive: bool,
    },
}

/// Does what was asked.
pub async fn run(server: &Server, command: &FilesCommand, json: bool) -> Result<(), Failure> {
    let session = command.session();
    let files = server.client.sessions(&session.agent).files(&session.id);
    let done = match command {
        FilesCommand::Ls { path, .. } => list(&files, path, json).await,
        FilesCommand::Get { path, to, .. } => get(&files, path, to.as_deref(), json).await,
        FilesCommand::Put { file, path, .. } => put(&files, file, path.as_deref(), json).await,
        FilesCommand::Rm { paths, recursive, .. } => remove(&files, paths, *recursive, json).await,
    };
    match done {
        Ok(()) => Ok(()),
        Err(Trouble::Here(failure)) => Err(failure),
        Err(Trouble::There(error)) => Err(explained(server, session, error).await),
    }
}

/// A session that is missing is told from a file that is.
async fn explained(server: &Server, name: &SessionName, error: cupola_client::Error) -> Failure {
    if !error.is_not_found() {
        return error.into();
    }
    match server.client.sessions(&name.agent).get(&name.id).await {
        Ok(session) if !shown::is_gone(&session) => {
            server.unknown(error, &format!("sessions files ls {} {}", name.agent, name.id))
        }
        _ => server.unknown(error, &list_of(&name.agent)),
    }
}

async fn list(files: &SessionFiles, path: &str, json: bool) -> Result<(), Trouble> {
    let listing = files.list(path).try_collect::<Vec<FileEntry>>();
    let entries = progress::during("Reading the folder", listing).await?;
    if json {
        return Ok(terminal::print_json(&entries)?);
    }
    if entries.is_empty() {
        anstream::eprintln!("{DIM}(nothing){DIM:#}");
        return Ok(());
    }
    let mut table = Table::new([number("SIZE"), whole("CHANGED"), whole("NAME")]);
    for entry in &entries {
        let (size, name) = match entry.is_directory {
            true => ("-".to_owned(), Cell::styled(format!("{}/", terminal::clean(&entry.name)), BOLD)),
            false => (entry.size.to_string(), entry.name.as_str().into()),
        };
        table.push([size.into(), when::ago(entry.modified_time).into(), name]);
    }
    Ok(terminal::print(&table.render(terminal::width()))?)
}

async fn get(files: &SessionFiles, path: &str, to: Option<&Path>, json: bool) -> Result<(), Trouble> {
    let name = path.trim_end_matches('/').rsplit('/').next().unwrap_or_default();
    let target = Target::of(to, name);
    let bytes = progress::during("Reading the file", files.download(path)).await?;
    let size = target.write(bytes).await?;
    let Target::File(to) = target else { return Ok(()) };
    match json {
        true => Ok(terminal::print_json(&json!({"path": path, "to": to, "bytes": size}))?),
        false => {
            anstream::eprintln!("{} ({size} bytes)", to.display());
            Ok(())
        }
    }
}

async fn put(files: &SessionFiles, file: &Path, path: Option<&str>, json: bool) -> Result<(), Trouble> {
    let is_input = file == Path::new("-");
    let name = file.file_name().filter(|_| !is_input).map(|name| name.to_string_lossy().into_owned());
    let path = match (path, name) {
        (Some(path), Some(name)) if path.ends_with('/') => format!("{path}{name}"),
        (Some(path), _) => path.to_owned(),
        (None, Some(name)) => name,
        (None, None) => {
            let message = "Standard input has no name: say what it is called in the session.";
            return Err(Failure::plain(message).into());
        }
    };
    let bytes = match is_input {
        true => {
            let mut bytes = Vec::new();
            std::io::stdin().read_to_end(&mut bytes).map(|_| bytes)
        }
        false => std::fs::read(file),
    };
    let bytes = bytes
        .map_err(|error| Failure::plain(format!("The file {} can't be read: {error}", file.display())))?;
    let written = progress::during("Sending the file", files.upload(&path, bytes)).await?;
    match json {
        true => Ok(terminal::print_json(&written)?),
        false => {
            anstream::eprintln!("{} ({} bytes)", terminal::clean(&written.path), written.bytes_written);
            Ok(())
        }
    }
}

async fn remove(files: &SessionFiles, paths: &[String], recursive: bool, json: bool) -> Result<(), Trouble> {
    for path in paths {
        let removing = async {
            match recursive {
                true => files.delete_all(path).await,
                false => files.delete(path).await,
            }
        };
        progress::during("Deleting", removing).await?;
        if !json {
            terminal::print(&format!("{} is deleted.\n", terminal::clean(path)))?;
        }
    }
    let deleted: Vec<_> = paths.iter().map(|path| json!({"path": path, "deleted": true})).collect();
    if json { Ok(terminal::print_json(&deleted)?) } else { Ok(()) }
}

impl FilesCommand {
    fn session(&self) -> &SessionName {
        match self {
            Self::Ls { session, .. }
            | Self::Get { session, .. }
            | Self::Put { session, .. }
            | Self::Rm { session, .. } => session,
        }
    }
}
