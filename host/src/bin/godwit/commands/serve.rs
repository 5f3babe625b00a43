//! `godwit serve`

use std::fs::{File, OpenOptions};
use std::io::{ErrorKind, Read as _, Write as _};
use std::net::SocketAddr;
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use godwit::model::{Phase, Purpose, Run, RunId, RunState};
use godwit::plan::Goal;
use godwit::run::ChangedItems;
use godwit::server::{Connections, Settings, Tls, Tokens, listen, standalone};
use godwit::store::{OpenLock, OpenMode, ShadowState, Store};
use godwit::{DownGoal, Host, Work};
use serde::{Deserialize, Serialize};
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};
use ureq::http::uri::Authority;

use super::backup;
use crate::context::Context;
use crate::exit::{Code, Failure};
use crate::hooks::Hooks;
use crate::output;

/// Serve the store over HTTP: an API, events, metrics, and a page for operators.
///
/// It listens on this machine only, unless told. Everybody shows a token; both tokens, one to change things and one to look,
/// are made the first time and kept in a file that only you can read. A run that was interrupted when the server was killed
/// goes on.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  godwit serve --store lmdb:data --plugins migrations
  godwit serve --listen 127.0.0.1:0 --tokens tokens.json
  godwit serve --listen 0.0.0.0:7117 --host godwit.example --tls-cert cert.pem --tls-key key.pem")]
pub struct Args {
    /// The address and port; port 0: any that is free.
    #[arg(long, value_name = "ADDRESS:PORT", default_value = "127.0.0.1:7117")]
    listen: SocketAddr,
    /// The file of the tokens, which is made if it is not there. [default: beside the store]
    #[arg(long, value_name = "FILE")]
    tokens: Option<PathBuf>,
    /// A name that the server goes by, beside localhost and loopback addresses; may be repeated.
    #[arg(long = "host", value_name = "NAME")]
    hosts: Vec<String>,
    /// A page elsewhere that may call it, as in https://admin.example; may be repeated.
    #[arg(long = "origin", value_name = "ORIGIN")]
    origins: Vec<String>,
    /// Certificates in PEM, the server's own first.
    #[arg(long, value_name = "FILE", requires = "tls_key")]
    tls_cert: Option<PathBuf>,
    /// Their key in PEM.
    #[arg(long, value_name = "FILE", requires = "tls_cert")]
    tls_key: Option<PathBuf>,
    /// Listen on another address without TLS: tokens and items can be read on the way.
    #[arg(long, conflicts_with = "tls_cert")]
    insecure: bool,
    /// Migrate by GET /admin/migration/…, too, as Q's clients ask.
    #[arg(long)]
    q_get: bool,
    /// Serve no page.
    #[arg(long)]
    no_page: bool,
    /// Leave a run that was interrupted as it is.
    #[arg(long)]
    no_resume: bool,
}

pub fn run(args: &Args, context: &Context) -> Result<Code, Failure> {
    if !args.listen.ip().is_loopback() && args.tls_cert.is_none() && !args.insecure {
        let message = format!(
            "{} can be reached from elsewhere, and there is no TLS",
            args.listen
        );
        let hint = "name a certificate: --tls-cert and --tls-key; or say --insecure";
        return Err(Failure::input(message, hint));
    }
    let url = context.store_url()?;
    let tokens_file = match &args.tokens {
        Some(file) => file.clone(),
        None => beside_store(context)?,
    };
    let kept = KeptTokens::read_or_make(&tokens_file, context)?;
    let tls = match (&args.tls_cert, &args.tls_key) {
        (Some(cert), Some(key)) => Some(Tls::read(cert, key).map_err(|error| {
            let message = godwit::with_causes(&error);
            Failure::input(message, "check --tls-cert and --tls-key")
        })?),
        _ => None,
    };
    let settings = settings(args, context, &kept)?;
    // No store is made where nothing is served.
    let catalogue = context.catalogue()?;
    let open = || Ok(OpenLock::open(&url, OpenMode::Create)?);
    let (backend, _open) = context.saying_if_new(&url, open)?;
    let store = Store::new(backend)?.compressing(context.config.compression);
    let mut host = context.wire(store, catalogue);
    host.options = context.options()?;
    let host = Host::new(host, context.pacing()?);
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build();
    let runtime = runtime.map_err(|error| {
        let message = format!("no threads can be started: {error}");
        Failure::other(Code::Internal, message, "try again")
    })?;
    let served = runtime.block_on(serve(args, context, host, settings, tls, &tokens_file));
    served.map(|()| Code::Done)
}

async fn serve(
    args: &Args,
    context: &Context,
    host: Host,
    settings: Settings,
    tls: Option<Tls>,
    tokens_file: &Path,
) -> Result<(), Failure> {
    // Before anybody knows that it is there, who could end it.
    let watched = |kind| {
        signal(kind).map_err(|error| {
            let message = format!("signals cannot be watched: {error}");
            Failure::other(Code::Internal, message, "try again")
        })
    };
    let mut interrupted = watched(SignalKind::interrupt())?;
    let mut terminated = watched(SignalKind::terminate())?;
    let listener = TcpListener::bind(args.listen).await;
    let listener = listener.map_err(|error| {
        let message = format!("{} cannot be listened on: {error}", args.listen);
        Failure::input(message, "name another address: --listen ADDRESS:PORT")
    })?;
    let address = listener.local_addr().unwrap_or(args.listen);
    let scheme = if tls.is_some() { "https" } else { "http" };
    // Whoever waits for the server reads this line.
    output::line(format!("listening on {scheme}://{address}/"));
    context.remark(&format!("the tokens are in {}", tokens_file.display()));
    let watch = context.watch_over(&host)?;
    let hooks = hooks(context, &host);
    if !args.no_resume {
        go_on(&host).await?;
    }
    let routes = standalone(host.clone(), settings);
    let enough = async {
        tokio::select! {
            _ = interrupted.recv() => {}
            _ = terminated.recv() => {}
        }
        output::note("stopping after the batch in flight");
        host.shutdown().await;
    };
    listen(listener, tls, routes, Connections::default(), enough).await;
    drop(watch);
    if let Some(hooks) = hooks {
        hooks.finish()?;
    }
    Ok(())
}

/// Has hooks told what happens in all works, which wait for those that come before anything begins. One that fails and is to
/// stop runs stops what goes on.
fn hooks(context: &Context, host: &Host) -> Option<Arc<Hooks>> {
    let clock = context.surroundings.clock.clone();
    let stopped = host.clone();
    let hooks = Hooks::start(&context.config.hooks, clock, move || stopped.cancel());
    let hooks = Arc::new(hooks?);
    host.observe(hooks.clone());
    Some(hooks)
}

/// Goes on with a run whose process died, whatever it was.
async fn go_on(host: &Host) -> Result<(), Failure> {
    let status = host.status().await?;
    let interrupted = status
        .unfinished
        .filter(|run| matches!(run.state, RunState::Running | RunState::Undoing));
    if let Some(run) = interrupted {
        output::note(&format!("run {} was interrupted, and goes on", run.id));
        match (run.state, run.plan.stages.first()) {
            (RunState::Undoing, _) => watch(run.id, host.undo(run.id, ChangedItems::Refuse)),
            (_, Some(stage)) if run.purpose == Purpose::Down => {
                let (app, to) = (stage.app.clone(), stage.version.clone());
                watch(run.id, host.down(DownGoal { app, to }));
            }
            _ => watch(run.id, host.up(goal_of(&run))),
        }
    }
    let shadow = host.shadow().await?;
    let run = shadow.as_ref().and_then(|shadow| shadow.run);
    if let (Some(shadow), Some((run, RunState::Running))) = (&shadow, run) {
        output::note(&format!("shadow run {run} was interrupted, and goes on"));
        match shadow.state {
            ShadowState::Finalizing => watch(run, host.finalize()),
            _ => watch(run, host.up_shadow(Goal::default())),
        }
    }
    Ok(())
}

/// Says so where a run that goes on does not.
fn watch<T: Send + 'static>(run: RunId, work: Work<T>) {
    tokio::spawn(async move {
        if let Err(error) = work.await {
            let error = godwit::with_causes(&error);
            output::warning(&format!("run {run} does not go on: {error}"));
        }
    });
}

/// What a run is for, so that no more is done than it was begun for.
fn goal_of(run: &Run) -> Goal {
    let stages = &run.plan.stages;
    let is_one_app = stages.iter().all(|stage| stage.app == stages[0].app);
    let app = stages.first().filter(|_| is_one_app);
    let is_offline = stages.iter().all(|stage| stage.phase == Phase::Offline);
    Goal {
        app: app.map(|stage| stage.app.clone()),
        to: app.and(stages.iter().map(|stage| stage.version.clone()).max()),
        phase: is_offline.then_some(Phase::Offline),
    }
}

fn settings(args: &Args, context: &Context, kept: &KeptTokens) -> Result<Settings, Failure> {
    let mut settings = Settings::new(kept.tokens()?);
    let is_name = |name: &&String| {
        name.parse::<Authority>()
            .is_ok_and(|known| known.as_str() == known.host())
    };
    if let Some(bad) = args.hosts.iter().find(|name| !is_name(name)) {
        let message = format!("{bad} is no name of a server");
        return Err(Failure::input(
            message,
            "name it without a port, as in --host godwit.example",
        ));
    }
    let is_origin = |origin: &&String| {
        let name = origin.split_once("://").map(|(_, name)| name);
        name.is_some_and(|name| name.parse::<Authority>().is_ok())
    };
    if let Some(bad) = args.origins.iter().find(|origin| !is_origin(origin)) {
        let message = format!("{bad} is no origin");
        let hint = "name it as browsers do, without a path: --origin https://admin.example";
        return Err(Failure::input(message, hint));
    }
    settings.access.hosts.clone_from(&args.hosts);
    settings.access.origins.clone_from(&args.origins);
    settings.q_gets = args.q_get;
    settings.page = !args.no_page;
    settings.backups = backup::folder(context).ok();
    settings.body_bytes = context.config.limits().body_bytes;
    Ok(settings)
}

fn beside_store(context: &Context) -> Result<PathBuf, Failure> {
    let folder = context.store_folder()?;
    let mut file = folder.map(PathBuf::into_os_string).ok_or_else(|| {
        Failure::input(
            "the store has no folder, so that there is none for tokens",
            "use --tokens FILE",
        )
    })?;
    file.push(".tokens");
    Ok(file.into())
}

/// The tokens, as they are kept in a file.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct KeptTokens {
    admin: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    read: Option<String>,
}

impl KeptTokens {
    fn read_or_make(file: &Path, context: &Context) -> Result<Self, Failure> {
        let new = OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(file);
        match new {
            Ok(new) => Self::make(new, context).map_err(|error| {
                let message = format!("{} cannot be written: {error}", file.display());
                Failure::input(message, "name another file: --tokens FILE")
            }),
            Err(error) if error.kind() == ErrorKind::AlreadyExists => Self::read(file),
            Err(error) => {
                let message = format!("{} cannot be made: {error}", file.display());
                Err(Failure::input(message, "name another file: --tokens FILE"))
            }
        }
    }

    fn make(mut file: File, context: &Context) -> std::io::Result<Self> {
        let token = || {
            let words = (0..4).map(|_| (context.surroundings.random)());
            words.map(|word| format!("{word:016x}")).collect::<String>()
        };
        let tokens = Self {
            admin: token(),
            read: Some(token()),
        };
        serde_json::to_writer_pretty(&mut file, &tokens)?;
        file.write_all(b"\n")?;
        file.sync_all()?;
        Ok(tokens)
    }

    fn read(file: &Path) -> Result<Self, Failure> {
        let bad = |message: String| {
            let hint = "remove the file, and `godwit serve` makes new tokens";
            Failure::input(format!("{} {message}", file.display()), hint)
        };
        let mut text = String::new();
        let mut opened =
            File::open(file).map_err(|error| bad(format!("cannot be read: {error}")))?;
        let about = opened
            .metadata()
            .map_err(|error| bad(format!("cannot be read: {error}")))?;
        if about.permissions().mode() & 0o077 != 0 {
            let message = format!("{} can be read by others", file.display());
            return Err(Failure::input(
                message,
                "chmod 600 it, or remove it for new tokens",
            ));
        }
        opened
            .read_to_string(&mut text)
            .map_err(|error| bad(format!("cannot be read: {error}")))?;
        serde_json::from_str(&text).map_err(|error| bad(format!("has no tokens: {error}")))
    }

    fn tokens(&self) -> Result<Tokens, Failure> {
        Tokens::new(self.admin.clone(), self.read.clone()).map_err(|error| {
            Failure::input(
                error.to_string(),
                "remove the file of tokens, and new ones are made",
            )
        })
    }
}
