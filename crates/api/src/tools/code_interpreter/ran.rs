//! What came of code: as it stands in the journal, and as the model is told it.

use cupola_interpreter::Ended;
use serde::{Deserialize, Serialize};

use crate::containers::{CodeRan, FileRecord};

/// The most files that a model is told of, and that it can cite.
const MOST_FILES: usize = 50;

/// What came of code.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Ran {
    /// The place of the call among those of its turn.
    pub call: u64,
    /// Where it ran.
    pub container_id: String,
    /// What it wrote, and what is to be said about it.
    pub logs: String,
    /// The figures that it has drawn.
    pub figures: Vec<Written>,
    /// Files that can be cited: those that it has written, and then others.
    pub files: Vec<Written>,
}

/// A file in a container.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Written {
    /// Its id in the container.
    pub file_id: String,
    /// Its path there.
    pub path: String,
    /// The file of the project that it has become.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub published: Option<String>,
}

impl From<&FileRecord> for Written {
    fn from(file: &FileRecord) -> Self {
        Self { file_id: file.id.clone(), path: file.place(), published: None }
    }
}

impl Written {
    /// Its name.
    pub fn name(&self) -> &str {
        self.path.rsplit('/').next().unwrap_or(&self.path)
    }

    /// The id by which clients know it.
    pub fn id(&self) -> &str {
        self.published.as_deref().unwrap_or(&self.file_id)
    }

    /// How a model names it in a link.
    pub fn link(&self) -> String {
        format!("sandbox:{}", self.path)
    }
}

impl Ran {
    /// What came of code, and what the model is told of it. `seconds` is how long it may have taken.
    pub fn told(call: u64, container: &str, ran: &CodeRan, seconds: u64) -> (Self, String) {
        let mut logs = ran.logs.clone();
        if let Some(end) = sentence(ran.ended, seconds) {
            add_line(&mut logs, &end);
        }
        let is_figure = |file: &&FileRecord| ran.figures.contains(&file.path);
        let figures: Vec<Written> = ran.written.iter().filter(is_figure).map(Written::from).collect();
        let is_other = |file: &&FileRecord| !ran.written.iter().any(|written| written.id == file.id);
        let files = ran.written.iter().chain(ran.files.iter().filter(is_other)).take(MOST_FILES);
        let files: Vec<Written> = files.map(Written::from).collect();
        let mut told = String::new();
        if ran.began_anew {
            add_line(&mut told, ANEW);
        }
        add_line(&mut told, if logs.is_empty() { "The code ran and wrote nothing." } else { &logs });
        let links = |list: &[Written]| list.iter().map(Written::link).collect::<Vec<_>>().join(", ");
        if !figures.is_empty() {
            add_line(&mut told, &format!("[Figures that the user is shown: {}]", links(&figures)));
        }
        let others: Vec<Written> =
            ran.written.iter().filter(|file| !is_figure(file)).take(MOST_FILES).map(Written::from).collect();
        if !others.is_empty() {
            add_line(&mut told, &format!("[Files written: {}]", links(&others)));
        }
        let container_id = container.to_owned();
        (Self { call, container_id, logs, figures, files }, told)
    }
}

const ANEW: &str = "[The interpreter was started anew: variables and imports of earlier calls are gone. Files in \
                    /mnt/data are still there.]";

/// What there is to say about an end that the code did not choose.
fn sentence(ended: Ended, seconds: u64) -> Option<String> {
    const GONE: &str = "The interpreter is gone, and with it all variables; the next call gets a new one. Files in \
                        /mnt/data are still there.";
    Some(match ended {
        Ended::Completed | Ended::Raised => return None,
        Ended::Interrupted => {
            format!(
                "[The code was stopped because it took longer than {seconds} s. Variables are as it left them.]"
            )
        }
        Ended::Stuck => {
            format!("[The code was ended because it took longer than {seconds} s and would not stop. {GONE}]")
        }
        Ended::OutOfMemory => {
            format!("[The code was ended because it wanted more memory than it may have. {GONE}]")
        }
        Ended::Died => format!("[The interpreter ended while the code ran. {GONE}]"),
    })
}

fn add_line(text: &mut String, line: &str) {
    if !text.is_empty() && !text.ends_with('\n') {
        text.push('\n');
    }
    text.push_str(line);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(path: &str) -> FileRecord {
        FileRecord {
            id: format!("cfile_{}", path.replace(['/', '.'], "_")),
            created_at: 0,
            bytes: 3,
            container_id: "cntr_1".to_owned(),
            path: path.to_owned(),
            source: "assistant".to_owned(),
            blob: "b".to_owned(),
            copy_of: None,
        }
    }

    fn ran(ended: Ended, logs: &str, written: &[&str], figures: &[&str]) -> CodeRan {
        CodeRan {
            ended,
            logs: logs.to_owned(),
            began_anew: false,
            written: written.iter().map(|path| file(path)).collect(),
            figures: figures.iter().map(|path| (*path).to_owned()).collect(),
            files: [&["data.csv"], written].concat().iter().map(|path| file(path)).collect(),
        }
    }

    fn told(ran: &CodeRan) -> String {
        Ran::told(0, "cntr_1", ran, 60).1
    }

    #[test]
    fn the_model_is_told_what_was_written_and_how_to_link_to_it() {
        let ran = ran(Ended::Completed, "42\n", &["figure-1.png", "out/a.csv"], &["figure-1.png"]);
        let expected = "42\n[Figures that the user is shown: sandbox:/mnt/data/figure-1.png]\n\
                        [Files written: sandbox:/mnt/data/out/a.csv]";
        assert_eq!(told(&ran), expected);
        let (kept, _) = Ran::told(3, "cntr_1", &ran, 60);
        assert_eq!((kept.call, kept.logs.as_str(), kept.figures.len()), (3, "42\n", 1));
        let names: Vec<&str> = kept.files.iter().map(Written::name).collect();
        assert_eq!(names, ["figure-1.png", "a.csv", "data.csv"]);
    }

    #[test]
    fn the_model_is_told_the_truth_about_every_end() {
        assert_eq!(told(&ran(Ended::Completed, "", &[], &[])), "The code ran and wrote nothing.");
        assert_eq!(told(&ran(Ended::Raised, "Error\n", &[], &[])), "Error\n");
        for (ended, words) in [
            (Ended::Interrupted, "longer than 60 s. Variables are as it left them"),
            (Ended::Stuck, "would not stop. The interpreter is gone"),
            (Ended::OutOfMemory, "more memory than it may have. The interpreter is gone"),
            (Ended::Died, "The interpreter ended while the code ran"),
        ] {
            let told = told(&ran(ended, "begun", &[], &[]));
            assert!(told.starts_with("begun\n[") && told.contains(words), "{told}");
        }
        let anew = CodeRan { began_anew: true, ..ran(Ended::Completed, "1\n", &[], &[]) };
        assert!(told(&anew).starts_with("[The interpreter was started anew"), "{}", told(&anew));
    }
}
