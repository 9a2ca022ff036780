//! The command line: from arguments to one answer, and from the answer to output and an exit code.
//!
//! A command is a function from arguments to an [`Answer`] or a [`Failure`]; none of them prints. Only
//! [`main`] writes, so that text, JSON, colour, a closed pipe and exit codes are dealt with once.

/// What a command answers.
mod answer;
/// Plans that somebody has to agree to.
mod confirm;
/// Where the project is, and what every command shares.
mod context;
/// Problems of files, with carets.
mod diagnostic;
/// Why a command has no answer.
mod failure;
/// Instants as users write them.
mod instant;
/// What the environment pretends.
mod pretence;
/// Progress on a terminal.
mod progress;
/// Standard output and standard error.
mod terminal;
/// What verdicts mean for the exit code.
mod verdict;

mod backfill;
mod backup;
mod cancel;
mod daemon;
mod diff;
mod doctor;
mod drift;
mod evaluate;
mod execute;
mod explain;
mod generate;
mod history;
mod import;
mod init;
mod logs;
mod models;
mod next;
mod pause;
mod plan;
mod promote;
mod prune;
mod reload;
mod restore;
mod rollback;
mod run;
mod runs;
mod score;
mod show;
mod status;
mod ticks;
mod train;
mod validate;
mod verify;

use std::ffi::OsString;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{CommandFactory as _, Parser as _, ValueEnum as _};

use crate::adapters::clock::Clock;
use crate::adapters::env::Environment;
use crate::adapters::telemetry::Reader;
use crate::app::cli::answer::Answer;
use crate::app::cli::context::{Context, Format};
use crate::app::cli::failure::{Failure, Kind};
use crate::app::cli::pretence::Pretences;
use crate::app::cli::terminal::{ColorChoice, Talk, Terminal};
use crate::app::exit::Exit;

/// Nightly batch scoring that watches itself
///
/// Scheduled jobs load data, score it with a model, check what they see, and keep every run, model
/// version and output on record.
#[derive(Debug, clap::Parser)]
#[command(
    name = "nightshift",
    version,
    max_term_width = 100,
    disable_help_subcommand = true,
    before_long_help = "Examples:
  nightshift init demo        make a project that works
  nightshift run wine         train a first model if there is none, then score
  nightshift status           every job at a glance
  nightshift show 01k8        what one run did"
)]
struct Arguments {
    #[command(flatten)]
    global: GlobalArgs,
    #[command(subcommand)]
    command: Command,
}

/// What every command takes.
#[derive(Debug, clap::Args)]
struct GlobalArgs {
    /// The root of the project [default: the nearest folder above with a `nightshift.toml`]
    #[arg(
        long,
        global = true,
        value_name = "DIR",
        env = "NIGHTSHIFT_PROJECT",
        hide_env_values = true,
        help_heading = "Global options"
    )]
    project: Option<PathBuf>,
    /// What standard output is for: people or machines
    #[arg(
        long,
        global = true,
        value_name = "FORMAT",
        value_enum,
        default_value = "text",
        env = "NIGHTSHIFT_OUTPUT",
        hide_env_values = true,
        help_heading = "Global options"
    )]
    output: Format,
    /// When to use colour
    #[arg(
        long,
        global = true,
        value_name = "WHEN",
        value_enum,
        default_value = "auto",
        env = "NIGHTSHIFT_COLOR",
        hide_env_values = true,
        help_heading = "Global options"
    )]
    color: ColorChoice,
    /// Say nothing on standard error but errors
    #[arg(short, long, global = true, conflicts_with = "verbose", help_heading = "Global options")]
    quiet: bool,
    /// Show the log on standard error; twice for more of it
    #[arg(
        short,
        long,
        global = true,
        action = clap::ArgAction::Count,
        help_heading = "Global options"
    )]
    verbose: u8,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    Init(init::InitArgs),
    Validate(validate::ValidateArgs),
    Plan(plan::PlanArgs),
    Run(run::RunArgs),
    Score(score::ScoreArgs),
    Train(train::TrainArgs),
    Backfill(backfill::BackfillArgs),
    Daemon(daemon::DaemonArgs),
    Status(status::StatusArgs),
    Next(next::NextArgs),
    Ticks(ticks::TicksArgs),
    Runs(runs::RunsArgs),
    Show(show::ShowArgs),
    Logs(logs::LogsArgs),
    Models(models::ModelsArgs),
    Diff(diff::DiffArgs),
    Drift(drift::DriftArgs),
    Evaluate(evaluate::EvaluateArgs),
    History(history::HistoryArgs),
    Promote(promote::PromoteArgs),
    Rollback(rollback::RollbackArgs),
    Import(import::ImportArgs),
    Cancel(cancel::CancelArgs),
    Pause(pause::PauseArgs),
    Resume(pause::ResumeArgs),
    Reload(reload::ReloadArgs),
    Explain(explain::ExplainArgs),
    Verify(verify::VerifyArgs),
    Prune(prune::PruneArgs),
    Backup(backup::BackupArgs),
    Restore(restore::RestoreArgs),
    Doctor(doctor::DoctorArgs),
    Generate(generate::GenerateArgs),
    Execute(execute::ExecuteArgs),
}

/// Runs the command that the arguments of the process name.
pub fn main() -> ExitCode {
    let arguments: Vec<OsString> = std::env::args_os().collect();
    main_with(&arguments).into()
}

/// The whole command line as a description, for help, completions and man pages.
pub fn description() -> clap::Command {
    Arguments::command()
}

fn main_with(arguments: &[OsString]) -> Exit {
    let plain = Terminal::new(&Environment::default(), ColorChoice::Never, Talk::Normal);
    let environment = match Environment::read() {
        Ok(environment) => environment,
        Err(error) => {
            return report(plain, format_of(arguments), &Failure::new(Kind::Usage, error));
        }
    };
    let parsed = match Arguments::try_parse_from(arguments) {
        Ok(parsed) => parsed,
        Err(error) => return explain_usage(&environment, &error, arguments),
    };
    let GlobalArgs { project, output, color, quiet, verbose } = parsed.global;
    let talk = match (quiet, verbose) {
        (true, _) => Talk::Quiet,
        (false, 0) => Talk::Normal,
        (false, 1) => Talk::Verbose,
        (false, _) => Talk::Debug,
    };
    let terminal = Terminal::new(&environment, color, talk);
    let reader = match parsed.command {
        Command::Daemon(_) | Command::Execute(_) => Reader::Elsewhere,
        _ => Reader::Present,
    };
    let answered = Clock::from_environment()
        .map_err(|error| Failure::new(Kind::Usage, error))
        .map(|clock| {
            let pretences = Pretences::new(clock, &environment);
            // A daemon tells its log, and speaks for the runs that it starts.
            if reader == Reader::Present {
                pretences.told().for_each(|told| terminal.say(&format!("warning: {told}")));
            }
            Context::new(project, output, terminal, clock, reader).with_pretences(pretences)
        })
        .and_then(|context| run_to_end(&context, parsed.command));
    finish(terminal, (output, reader), answered)
}

/// Runs a command until it ends or a signal does.
fn run_to_end(context: &Context, command: Command) -> Result<Answer, Failure> {
    // Commands wait for files and SQLite; what computes does so on threads of its own.
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| Failure::internal("failed to start", error))?;
    // The daemon takes signals as orders.
    let is_daemon = matches!(command, Command::Daemon(_));
    let is_of_daemon = matches!(command, Command::Execute(_));
    let answered = runtime.block_on(async {
        let answered = tokio::select! {
            answered = dispatch(context, command) => answered,
            failure = signalled(), if !is_daemon => Err(failure),
        };
        if answered.is_ok() && !is_of_daemon {
            context.close().await;
        }
        answered
    });
    // After a signal, threads may still compute; their results are not wanted any more.
    runtime.shutdown_background();
    answered
}

async fn dispatch(context: &Context, command: Command) -> Result<Answer, Failure> {
    match command {
        Command::Init(args) => Box::pin(init::cmd_init(context, &args)).await,
        Command::Validate(args) => validate::cmd_validate(context, &args),
        Command::Plan(args) => plan::cmd_plan(context, &args).await,
        Command::Run(args) => Box::pin(run::cmd_run(context, &args)).await,
        Command::Score(args) => Box::pin(score::cmd_score(context, &args)).await,
        Command::Train(args) => train::cmd_train(context, &args).await,
        Command::Backfill(args) => Box::pin(backfill::cmd_backfill(context, &args)).await,
        Command::Daemon(args) => daemon::cmd_daemon(context, &args).await,
        Command::Status(args) => status::cmd_status(context, &args).await,
        Command::Next(args) => next::cmd_next(context, &args).await,
        Command::Ticks(args) => ticks::cmd_ticks(context, &args).await,
        Command::Runs(args) => runs::cmd_runs(context, &args).await,
        Command::Show(args) => show::cmd_show(context, &args).await,
        Command::Logs(args) => logs::cmd_logs(context, &args).await,
        Command::Models(args) => models::cmd_models(context, &args).await,
        Command::Diff(args) => diff::cmd_diff(context, &args).await,
        Command::Drift(args) => drift::cmd_drift(context, &args).await,
        Command::Evaluate(args) => evaluate::cmd_evaluate(context, &args).await,
        Command::History(args) => history::cmd_history(context, &args).await,
        Command::Promote(args) => promote::cmd_promote(context, &args).await,
        Command::Rollback(args) => Box::pin(rollback::cmd_rollback(context, &args)).await,
        Command::Import(args) => import::cmd_import(context, &args).await,
        Command::Cancel(args) => cancel::cmd_cancel(context, &args).await,
        Command::Pause(args) => pause::cmd_pause(context, &args).await,
        Command::Resume(args) => pause::cmd_resume(context, &args).await,
        Command::Reload(args) => reload::cmd_reload(context, &args).await,
        Command::Explain(args) => explain::cmd_explain(context, &args).await,
        Command::Verify(args) => verify::cmd_verify(context, &args).await,
        Command::Prune(args) => prune::cmd_prune(context, &args).await,
        Command::Backup(args) => backup::cmd_backup(context, &args).await,
        Command::Restore(args) => restore::cmd_restore(context, &args).await,
        Command::Doctor(args) => doctor::cmd_doctor(context, &args).await,
        Command::Generate(args) => generate::cmd_generate(context, &args),
        Command::Execute(args) => execute::cmd_execute(context, &args).await,
    }
}

/// Waits for an interrupt or a request to terminate.
async fn signalled() -> Failure {
    use tokio::signal::unix::{SignalKind, signal};
    let (interrupt, terminate) = (signal(SignalKind::interrupt()), signal(SignalKind::terminate()));
    let (Ok(mut interrupt), Ok(mut terminate)) = (interrupt, terminate) else {
        // Without handlers the signals end the process by themselves.
        return std::future::pending().await;
    };
    tokio::select! {
        _ = interrupt.recv() => Failure::ended_by(Exit::Interrupted),
        _ = terminate.recv() => Failure::ended_by(Exit::Terminated),
    }
}

/// Writes the answer, or why there is none.
fn finish(
    terminal: Terminal,
    (format, reader): (Format, Reader),
    answered: Result<Answer, Failure>,
) -> Exit {
    let answer = match answered {
        Ok(answer) => answer,
        Err(failure) if format == Format::Text && reader == Reader::Elsewhere => {
            terminal::complain_briefly(&failure.to_text(terminal));
            return failure.exit();
        }
        Err(failure) => return report(terminal, format, &failure),
    };
    let shown = match format {
        Format::Text => &answer.text,
        Format::Json => &answer.json,
    };
    if let Err(error) = terminal::print(shown) {
        let failure = Failure::internal("failed to write to standard output", error);
        terminal::complain(&failure.to_text(terminal));
        return failure.exit();
    }
    for remark in &answer.remarks {
        terminal.say(remark);
    }
    answer.exit
}

/// Tells why there is no answer: people on standard error, machines on standard output.
fn report(terminal: Terminal, format: Format, failure: &Failure) -> Exit {
    let printed = match format {
        Format::Json => terminal::print(&failure.to_json()),
        Format::Text => {
            terminal::complain(&failure.to_text(terminal));
            Ok(())
        }
    };
    printed.map_or(Exit::Failed, |()| failure.exit())
}

/// Shows help or the version, or why the arguments make no sense.
fn explain_usage(environment: &Environment, error: &clap::Error, arguments: &[OsString]) -> Exit {
    let terminal = Terminal::new(environment, ColorChoice::Auto, Talk::Normal);
    let shown = |color: bool| {
        let styled = error.render();
        if color { styled.ansi().to_string() } else { styled.to_string() }
    };
    if !error.use_stderr() {
        return terminal::print(&shown(terminal.color_out)).map_or(Exit::Failed, |()| Exit::Done);
    }
    if format_of(arguments) == Format::Text {
        terminal::complain(&shown(terminal.color_err));
        return Exit::Usage;
    }
    let text = shown(false);
    let failure = Failure::usage(complaint(&text)).hint("`nightshift --help` lists the commands");
    report(terminal, Format::Json, &failure)
}

/// What clap complains of, on one line: the first paragraph of its text.
fn complaint(text: &str) -> String {
    let first = text.trim().trim_start_matches("error: ").split("\n\n").next().unwrap_or_default();
    first.split_whitespace().collect::<Vec<&str>>().join(" ")
}

/// What standard output is for, by arguments that could not be read as a whole.
fn format_of(arguments: &[OsString]) -> Format {
    let asked = arguments.iter().enumerate().rev().find_map(|(place, argument)| {
        let argument = argument.to_str()?;
        match argument.strip_prefix("--output=") {
            Some(value) => Some(value.to_owned()),
            None if argument == "--output" => arguments.get(place + 1)?.to_str().map(str::to_owned),
            None => None,
        }
    });
    let asked = asked.and_then(|name| Format::from_str(&name, false).ok());
    // Without any arguments, clap says what the environment wants.
    let otherwise = || {
        let matches = description().ignore_errors(true).try_get_matches_from(["nightshift"]);
        matches.ok()?.try_get_one::<Format>("output").ok()?.copied()
    };
    asked.or_else(otherwise).unwrap_or(Format::Text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_description_holds_together() {
        description().debug_assert();
    }

    #[test]
    fn every_command_has_examples_and_no_final_stop() {
        for command in description().get_subcommands().filter(|command| !command.is_hide_set()) {
            let name = command.get_name();
            let about = command.get_about().map(ToString::to_string).unwrap_or_default();
            assert!(!about.is_empty() && !about.ends_with('.'), "{name}: {about}");
            let examples = command.get_before_long_help().map(ToString::to_string);
            let wanted = format!("nightshift {name}");
            assert!(examples.is_some_and(|text| text.contains(&wanted)), "{name}");
        }
    }

    #[test]
    fn every_argument_says_what_it_is() {
        for command in description().get_subcommands() {
            for argument in command.get_arguments() {
                let name = (command.get_name(), argument.get_id());
                assert!(argument.get_help().is_some(), "{name:?}");
            }
        }
    }

    #[test]
    fn the_format_is_found_in_arguments_that_make_no_sense() {
        let check = |line: &str, wanted: Format| {
            let arguments: Vec<OsString> = line.split(' ').map(OsString::from).collect();
            assert_eq!(format_of(&arguments), wanted, "{line}");
        };
        check("nightshift nothing --output json", Format::Json);
        check("nightshift --output=json nothing", Format::Json);
        check("nightshift --output", Format::Text);
        check("nightshift --output json --output text nothing", Format::Text);
        check("nightshift nothing", Format::Text);
    }
}
