//! `nightshift generate`: assets that always match the binary.

use std::path::Path;

use clap_complete::Shell;

use crate::app::cli::answer::Answer;
use crate::app::cli::context::Context;
use crate::app::cli::description;
use crate::app::cli::failure::Failure;
use crate::app::render::json::text::GenerateDocument;
use crate::domain::job::schema::json_schema;
use crate::engine::jobs::load_project;

/// What a service manager wants to know.
mod systemd;

/// Print an asset: the schema of job files, shell completions, man pages, a systemd unit
#[derive(Debug, clap::Args)]
#[command(before_long_help = "Examples:
  nightshift generate schema > job.schema.json
  nightshift generate completions bash > /etc/bash_completion.d/nightshift
  nightshift generate man > nightshift.1
  nightshift generate systemd --project /srv/wine > /etc/systemd/system/nightshift.service
  nightshift generate man run > nightshift-run.1")]
pub(crate) struct GenerateArgs {
    #[command(subcommand)]
    asset: Asset,
}

/// What a daemon needs to stop beyond `daemon.drain_timeout`: to ask its processes to end, and to end them.
const STOP_MARGIN_SECS: u64 = 30;

#[derive(Debug, clap::Subcommand)]
enum Asset {
    /// The JSON Schema of a job file, for editors
    Schema,
    /// Completions for a shell
    Completions {
        /// The shell
        #[arg(value_enum)]
        shell: Shell,
    },
    /// A systemd unit that runs the daemon of this project with this very program
    Systemd,
    /// The man page of nightshift, or of one of its commands
    Man {
        /// The command
        command: Option<String>,
    },
}

/// Runs `nightshift generate`.
pub(crate) fn cmd_generate(context: &Context, args: &GenerateArgs) -> Result<Answer, Failure> {
    let (name, text) = match &args.asset {
        Asset::Schema => ("schema", format!("{:#}\n", json_schema())),
        Asset::Completions { shell } => ("completions", completions(*shell)?),
        Asset::Systemd => ("systemd", systemd(context)?),
        Asset::Man { command } => ("man", man(command.as_deref())?),
    };
    let document = GenerateDocument::new(name, &text);
    Ok(Answer::new(text.clone(), &document))
}

fn completions(shell: Shell) -> Result<String, Failure> {
    let mut out = Vec::new();
    clap_complete::generate(shell, &mut description(), "nightshift", &mut out);
    as_text(out)
}

/// The unit of the project, with full paths: a service has no current folder.
fn systemd(context: &Context) -> Result<String, Failure> {
    let failed = |what| move |error| Failure::internal(what, error);
    let program =
        std::env::current_exe().map_err(failed("failed to find the path of this program"))?;
    let project_dir = context.project_dir()?;
    let project_dir =
        project_dir.canonicalize().map_err(failed("failed to find the project's folder"))?;
    let project = load_project(&project_dir)?.project;
    let mut others: Vec<&Path> = project.data_roots.iter().map(AsRef::as_ref).collect();
    let metrics = project.daemon.metrics.as_deref().and_then(Path::parent);
    let places = [Some(project.state_dir.as_path()), metrics];
    others.extend(places.into_iter().flatten().filter(|path| path.is_absolute()));
    let stop_secs = project.daemon.drain_timeout.unsigned_abs().as_secs() + STOP_MARGIN_SECS;
    systemd::Unit { program: &program, project_dir: &project_dir, others, stop_secs }.text()
}

fn man(command: Option<&str>) -> Result<String, Failure> {
    let mut root = description();
    root.build();
    let page = match command {
        None => root,
        Some(name) => root.find_subcommand(name).cloned().ok_or_else(|| {
            Failure::usage(format!("there is no command `{name}`"))
                .hint("`nightshift --help` lists the commands")
        })?,
    };
    let mut out = Vec::new();
    clap_mangen::Man::new(page)
        .render(&mut out)
        .map_err(|error| Failure::internal("failed to write the man page", error))?;
    as_text(out)
}

fn as_text(bytes: Vec<u8>) -> Result<String, Failure> {
    String::from_utf8(bytes).map_err(|error| Failure::internal("failed to write the asset", error))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_shell_learns_every_command() {
        for shell in [Shell::Bash, Shell::Zsh, Shell::Fish, Shell::PowerShell, Shell::Elvish] {
            let text = completions(shell).unwrap();
            for command in description().get_subcommands() {
                assert!(text.contains(command.get_name()), "{shell} {}", command.get_name());
            }
        }
    }

    #[test]
    fn every_command_has_a_man_page() {
        let names: Vec<String> =
            description().get_subcommands().map(|c| c.get_name().to_owned()).collect();
        for name in names {
            let page = man(Some(&name)).unwrap();
            assert!(page.contains(".TH nightshift"), "{name}: {page}");
        }
        assert!(man(None).unwrap().contains("nightshift"));
        assert!(man(Some("nothing")).is_err());
    }
}
