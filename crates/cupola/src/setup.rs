//! `cupola setup`: what is made once and takes its time.

use std::path::PathBuf;

use cupola_interpreter::environment::{Setup, Step};

use crate::{
    code_interpreter,
    config::{Config, Flags},
    failure::Failure,
    progress::Steps,
    terminal,
};

/// Make what takes a while and is needed once
#[derive(Debug, clap::Args)]
pub struct SetupArgs {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, clap::Subcommand)]
enum What {
    /// Make the Python environment in which agents run code
    #[command(
        name = "code-interpreter",
        after_help = "Python 3.11 or newer has to be installed. What is there already stays, so the command may be \
                      repeated, also after it was broken off.\n\n\
                      Example:\n  cupola setup code-interpreter\n  \
                      cupola setup code-interpreter --python /usr/bin/python3.12 --package polars"
    )]
    CodeInterpreter(CodeInterpreterArgs),
}

#[derive(Debug, clap::Args)]
struct CodeInterpreterArgs {
    #[command(flatten)]
    flags: Flags,
    /// The Python to make it from [default: python3 on PATH]
    #[arg(long, value_name = "PATH")]
    python: Option<PathBuf>,
    /// A package beside the usual ones, as pip names it; may be repeated
    #[arg(long = "package", value_name = "NAME")]
    packages: Vec<String>,
}

/// Makes it.
pub async fn run(args: &SetupArgs) -> Result<(), Failure> {
    match &args.what {
        What::CodeInterpreter(args) => code_interpreter(args).await,
    }
}

async fn code_interpreter(args: &CodeInterpreterArgs) -> Result<(), Failure> {
    let config = Config::load(&args.flags)?;
    let folder = code_interpreter::folder(&config);
    let setup = Setup { python: args.python.clone(), packages: args.packages.clone() };
    let mut steps = Steps::new();
    let mut was_there = false;
    let made = setup.run(&folder, |step| match step {
        Step::Found => was_there = true,
        Step::Making => steps.reach("Making a Python environment", ""),
        Step::Installing(package) => steps.reach("Installing packages", &format!(": {package}")),
        Step::Trying => steps.reach("Trying everything once", ""),
    });
    let made = made.await.map_err(|fault| Failure::plain(fault.to_string()))?;
    drop(steps);
    let said = if was_there { "is there already" } else { "is ready" };
    terminal::print(&format!(
        "The code interpreter {said}: Python {} in {}\n",
        made.version(),
        made.folder().display()
    ))?;
    Ok(())
}
