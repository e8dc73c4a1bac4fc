//! The REST API as a server of its own, configured by its environment:
//!
//! ```text
//! export INTEGRATION_ENCRYPTION_KEY=$(openssl rand -base64 32) SIS_BOOTSTRAP_ADMIN_KEY=$(openssl rand -hex 32)
//! SIS_SANDBOX=1 cargo run --example server --features http
//! ```
//!
//! | variable | meaning |
//! |---|---|
//! | `INTEGRATION_ENCRYPTION_KEY` | the master key; required |
//! | `SIS_LISTEN` | address and port; `127.0.0.1:8080` unless set; port 0 takes a free one |
//! | `SIS_DATABASE_URL` | `sqlite:` and a path, or `memory`; `sqlite:sis.db` unless set |
//! | `SIS_BOOTSTRAP_ADMIN_KEY` | an API key, of at least 24 characters, that acts as platform administrator |
//! | `SIS_SANDBOX` | `1` starts local look-alikes of the vendors, and points schools without settings at them |
//! | `SIS_TRUSTED_PROXIES` | how many reverse proxies of yours to believe `X-Forwarded-For`; 0 unless set |
//! | `TWILIO_ACCOUNT_SID` … | settings for schools without their own, by the names that each provider's page in docs/ lists; not beside `SIS_SANDBOX` |
//! | `RUST_LOG` | what to log; `info` unless set |
//!
//! `SIS_REDIS_URL` and `SIS_JWKS` are refused: they are not built in yet.

use std::{env, error::Error, future::IntoFuture, net::SocketAddr, process::ExitCode, time::Duration};

use serde_json::{Value, json};
use sis_integrations::{
    IntegrationManager, MasterKey, Secret,
    http::{Api, ApiKeys},
    manager::edge,
    providers,
};
use tokio::{net::TcpListener, sync::watch};
use tracing_subscriber::EnvFilter;

type Result<T, E = Box<dyn Error>> = std::result::Result<T, E>;

/// How long requests under way may still take once the server was told to stop.
const DRAIN: Duration = Duration::from_secs(30);

#[tokio::main]
async fn main() -> ExitCode {
    // Set to nothing it counts as not set, like the others; read by the filter itself it would log next to nothing.
    let level = env::var(LOG).ok().filter(|level| !level.is_empty());
    let filter = match EnvFilter::try_new(level.as_deref().unwrap_or("info")) {
        Ok(filter) => filter,
        Err(error) => {
            eprintln!("error: {LOG}: {error}");
            return ExitCode::FAILURE;
        }
    };
    tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).init();
    match serve().await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn serve() -> Result<()> {
    let environment = Environment::read()?;
    // Lives as long as the server: dropped, it closes its ports.
    let sandbox = if environment.sandbox { Some(sandbox::Sandbox::start().await?) } else { None };

    let mut builder = IntegrationManager::builder().master_key(MasterKey::from_env()?).providers(providers::all());
    if sandbox.is_none() {
        builder = builder.config_defaults_from_env();
    }
    if let Some(sandbox) = &sandbox {
        builder = builder.allow_private_addresses(true);
        for (vendor, settings) in sandbox_settings(sandbox) {
            let Value::Object(settings) = settings else { continue };
            builder = builder.config_defaults(vendor, settings);
        }
    }
    let builder = edge::storage(builder, &environment.database)
        .await
        .map_err(|error| if error.field() == Some("storage") { error.with_field(DATABASE) } else { error })?;
    let manager = builder.build().await?;

    let mut keys = ApiKeys::new(manager.clone());
    match environment.bootstrap {
        Some(key) => keys = keys.with_bootstrap(key).map_err(|error| error.with_field(BOOTSTRAP))?,
        None => tracing::warn!("{BOOTSTRAP} is not set: only API keys that schools have already made are accepted"),
    }
    let app = Api::new(manager.clone(), keys).trusted_proxies(environment.trusted_proxies).router();

    let listener = TcpListener::bind(&environment.listen)
        .await
        .map_err(|error| format!("cannot listen on {} ({LISTEN}): {error}", environment.listen))?;
    println!("listening on http://{}", listener.local_addr()?);
    for (vendor, url) in sandbox.iter().flat_map(|sandbox| sandbox.urls()) {
        println!("sandbox of {vendor} on {url}");
    }

    let (stop, stopped) = watch::channel(false);
    manager.runtime().spawn(async move {
        asked_to_stop().await;
        eprintln!("stopping; requests under way have {DRAIN:?}");
        let _ = stop.send(true);
        // Whoever asks twice means it.
        asked_to_stop().await;
        std::process::exit(130);
    });
    let told = |mut stopped: watch::Receiver<bool>| async move {
        let _ = stopped.wait_for(|stop| *stop).await;
    };
    let server = axum::serve(listener, app.into_make_service_with_connect_info::<SocketAddr>())
        .with_graceful_shutdown(told(stopped.clone()));
    let too_late = async {
        told(stopped).await;
        manager.runtime().sleep(DRAIN).await;
    };
    tokio::select! {
        ended = server.into_future() => ended?,
        () = too_late => tracing::warn!("some connections were still open after {DRAIN:?}"),
    }
    // Calls whose clients are gone end, and are recorded, here.
    manager.close(DRAIN).await?;
    Ok(())
}

const LISTEN: &str = "SIS_LISTEN";
const DATABASE: &str = "SIS_DATABASE_URL";
const BOOTSTRAP: &str = "SIS_BOOTSTRAP_ADMIN_KEY";
const SANDBOX: &str = "SIS_SANDBOX";
const PROXIES: &str = "SIS_TRUSTED_PROXIES";
const LOG: &str = "RUST_LOG";

struct Environment {
    listen: String,
    database: String,
    bootstrap: Option<Secret<String>>,
    sandbox: bool,
    trusted_proxies: usize,
}

impl Environment {
    fn read() -> Result<Self> {
        // A setting that is not obeyed must not be taken for one that is.
        for (name, what) in [("SIS_REDIS_URL", "sharing limits through Redis"), ("SIS_JWKS", "authentication by JWT")] {
            if variable(name)?.is_some() {
                return Err(format!("{name} is set, but {what} is not built in yet; unset it").into());
            }
        }
        let database = variable(DATABASE)?.unwrap_or_else(|| "sqlite:sis.db".into());
        for (scheme, name) in [("postgres", "PostgreSQL"), ("mysql", "MySQL")] {
            if database.starts_with(scheme) {
                return Err(format!("{DATABASE}: {name} is not built in yet; use sqlite: and a path").into());
            }
        }
        let sandbox = match variable(SANDBOX)?.as_deref() {
            None | Some("0") => false,
            Some("1") => true,
            Some(_) => return Err(format!("{SANDBOX} must be 1 or 0").into()),
        };
        let trusted_proxies = match variable(PROXIES)? {
            None => 0,
            Some(count) => count.parse().map_err(|_| format!("{PROXIES} must be a whole number"))?,
        };
        Ok(Self {
            listen: variable(LISTEN)?.unwrap_or_else(|| "127.0.0.1:8080".into()),
            database,
            bootstrap: variable(BOOTSTRAP)?.map(Secret::new),
            sandbox,
            trusted_proxies,
        })
    }
}

/// A variable's value; one that is set to nothing counts as not set.
fn variable(name: &str) -> Result<Option<String>> {
    match env::var(name) {
        Ok(value) => Ok(Some(value).filter(|value| !value.is_empty())),
        Err(env::VarError::NotPresent) => Ok(None),
        Err(env::VarError::NotUnicode(_)) => Err(format!("{name} is not UTF-8").into()),
    }
}

/// What a school would have to enter for each look-alike.
fn sandbox_settings(running: &sandbox::Sandbox) -> [(&'static str, Value); 7] {
    let at = |vendor: &'static str, mut settings: Value| {
        settings["base_url"] = running.url(vendor).into();
        (vendor, settings)
    };
    use sandbox::{google_workspace, khan_academy, microsoft365, sendgrid, stripe, twilio, weather};
    [
        at(
            "google_workspace",
            json!({
                "client_id": google_workspace::CLIENT_ID,
                "client_secret": google_workspace::CLIENT_SECRET,
                "refresh_token": google_workspace::REFRESH_TOKEN,
            }),
        ),
        at(
            "khan_academy",
            json!({
                "consumer_key": khan_academy::CONSUMER_KEY,
                "consumer_secret": khan_academy::CONSUMER_SECRET,
                "oauth_token": khan_academy::OAUTH_TOKEN,
                "oauth_token_secret": khan_academy::OAUTH_TOKEN_SECRET,
            }),
        ),
        at(
            "microsoft365",
            json!({
                "tenant_id": microsoft365::TENANT_ID,
                "client_id": microsoft365::CLIENT_ID,
                "client_secret": microsoft365::CLIENT_SECRET,
                "refresh_token": microsoft365::REFRESH_TOKEN,
                "user": microsoft365::TEACHER_ID,
            }),
        ),
        at(
            "sendgrid",
            json!({
                "api_key": sendgrid::API_KEY,
                "from_email": sendgrid::FROM_EMAIL,
                "webhook_public_key": sendgrid::WEBHOOK_PUBLIC_KEY,
            }),
        ),
        at(
            "stripe",
            json!({ "secret_key": stripe::SECRET_KEY, "webhook_secret": stripe::WEBHOOK_SECRET, "mode": "test" }),
        ),
        at(
            "twilio",
            json!({
                "account_sid": twilio::ACCOUNT_SID,
                "auth_token": twilio::AUTH_TOKEN,
                "from_number": twilio::NUMBERS[0],
                "whatsapp_from": twilio::WHATSAPP_NUMBER,
            }),
        ),
        at("weather", json!({ "api_key": weather::ONE_CALL_API_KEY, "one_call": true })),
    ]
}

/// Completes on ctrl-c and, where there is such a thing, SIGTERM.
async fn asked_to_stop() {
    let interrupted = tokio::signal::ctrl_c();
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        let Ok(mut terminated) = signal(SignalKind::terminate()) else {
            let _ = interrupted.await;
            return;
        };
        tokio::select! { _ = interrupted => {}, _ = terminated.recv() => {} }
    }
    #[cfg(not(unix))]
    let _ = interrupted.await;
}
