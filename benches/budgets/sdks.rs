//! Stripe, SendGrid, Google and Microsoft: calls a second through the whole road, strict, against the vendors' own SDKs for Node on the same
//! look-alike in the same run.

use std::{future::Future, path::Path, sync::Arc, time::Duration, time::Instant};

use sandbox::Sandbox;
use serde_json::json;
use sis_integrations::{
    Actor, IntegrationManager, Role, Tenant,
    providers::{
        Quota, google_workspace, microsoft365,
        sendgrid::{self, SendEmail, SendgridConfig},
        stripe::{self, CreatePaymentIntent, StripeConfig},
    },
    storage::SqliteStorage,
};

use crate::{
    Outcome,
    host::master_key,
    node::Node,
    report::{Rounds, budget, ratio},
};

const ROUND: Duration = Duration::from_secs(3);
const ROUNDS: usize = 3;
const AT_ONCE: usize = 32;
const FROM: &str = sandbox::sendgrid::FROM_EMAIL;

pub(crate) async fn measure(folder: &Path) -> Outcome {
    let sandbox = Sandbox::start().await?;
    sandbox.stripe().recorder().keep(0);
    sandbox.sendgrid().recorder().keep(0);
    sandbox.google_workspace().recorder().keep(0);
    sandbox.microsoft365().recorder().keep(0);
    let unlimited = Quota { per_second: 1e6, burst: 1_000_000 };
    let manager = IntegrationManager::builder()
        .storage(SqliteStorage::open(folder.join("sdks.db")).await?)
        .master_key(master_key()?)
        .provider(stripe::Stripe)
        .provider(sendgrid::Sendgrid)
        .provider(google_workspace::GoogleWorkspace)
        .provider(microsoft365::Microsoft365)
        .allow_private_addresses(true)
        .quota("stripe", unlimited)
        .actor_quota(unlimited)
        .quota("sendgrid", unlimited)
        .quota("google_workspace", unlimited)
        .quota("microsoft365", unlimited)
        .build()
        .await?;
    let school = manager.tenant("north-high")?;
    let admin = Arc::new(Actor::new("principal", Role::Admin));
    let (stripe_key, sendgrid_key) = (sandbox::stripe::SECRET_KEY, sandbox::sendgrid::API_KEY);
    school.configure(&admin, StripeConfig::new(stripe_key).base_url(sandbox.url("stripe").parse()?)).await?;
    let config = SendgridConfig::new(sendgrid_key, FROM).base_url(sandbox.url("sendgrid").parse()?);
    school.configure(&admin, config).await?;

    let pay = |school: Tenant, admin: Arc<Actor>, number: u64| async move {
        let call = CreatePaymentIntent::new(2500, "usd").description(format!("Field trip ({number})"));
        school.call(&admin, call).await.map(drop)
    };
    let mut node = Node::start("stripe", &sandbox.url("stripe"), &[stripe_key]);
    compare("stripe", 5.0, &mut node, &school, &admin, pay).await?;
    drop(node);
    let mail = |school: Tenant, admin: Arc<Actor>, number: u64| async move {
        let text = format!("School is closed today ({number}).");
        school.call(&admin, SendEmail::new("parent@example.com", "School is closed today").text(text)).await.map(drop)
    };
    let mut node = Node::start("sendgrid", &sandbox.url("sendgrid"), &[sendgrid_key, FROM]);
    compare("@sendgrid/mail", 10.0, &mut node, &school, &admin, mail).await?;
    drop(node);
    suites(&sandbox, &school, &admin).await?;
    manager.close(Duration::from_secs(10)).await?;
    Ok(())
}

/// Reads, for what is made would fill the look-alikes: a file of Drive's, and a user of Graph's.
async fn suites(sandbox: &Sandbox, school: &Tenant, admin: &Arc<Actor>) -> Outcome {
    use sandbox::{google_workspace as google, microsoft365 as microsoft};
    let url = sandbox.url("google_workspace");
    let config = google_workspace::GoogleWorkspaceConfig::consented(
        google::CLIENT_ID,
        google::CLIENT_SECRET,
        google::REFRESH_TOKEN,
    );
    school.configure(admin, config.base_url(url.parse()?)).await?;
    let folder = school.execute(admin, "google_workspace", "createFolder", json!({ "name": "Reports" })).await?;
    let file = folder.output["id"].as_str().ok_or("the look-alike made no folder")?.to_owned();
    let read = |school: Tenant, admin: Arc<Actor>, _: u64| {
        let arguments = json!({ "fileId": file });
        async move { school.execute(&admin, "google_workspace", "getFile", arguments).await.map(drop) }
    };
    let credentials = [google::CLIENT_ID, google::CLIENT_SECRET, google::REFRESH_TOKEN, &file];
    let mut node = Node::start("google", &url, &credentials);
    compare("@googleapis/drive", 5.0, &mut node, school, admin, read).await?;
    drop(node);

    let url = sandbox.url("microsoft365");
    let config = microsoft365::Microsoft365Config::new(microsoft::TENANT_ID, microsoft::CLIENT_ID);
    school.configure(admin, config.client_secret(microsoft::CLIENT_SECRET).base_url(url.parse()?)).await?;
    let read = |school: Tenant, admin: Arc<Actor>, _: u64| async move {
        let arguments = json!({ "userId": microsoft::TEACHER_ID });
        school.execute(&admin, "microsoft365", "getUser", arguments).await.map(drop)
    };
    let credentials = [microsoft::TENANT_ID, microsoft::CLIENT_ID, microsoft::CLIENT_SECRET, microsoft::TEACHER_ID];
    let mut node = Node::start("graph", &url, &credentials);
    compare("@microsoft/microsoft-graph-client", 5.0, &mut node, school, admin, read).await
}

async fn compare<R>(
    name: &str,
    wanted: f64,
    node: &mut Result<Node, String>,
    school: &Tenant,
    admin: &Arc<Actor>,
    call: impl Fn(Tenant, Arc<Actor>, u64) -> R,
) -> Outcome
where
    R: Future<Output = sis_integrations::Result<()>>,
{
    let title = format!("calls a second, 32 at a time, strict, over {name} for Node");
    let budgeted = format!("at least {wanted} ×");
    let node = match node {
        Ok(node) => node,
        Err(why) => {
            budget(&title, why, &budgeted, false);
            return Ok(());
        }
    };
    let mut ratios = Vec::new();
    for _ in 0..ROUNDS {
        let ours = rate(school, admin, &call).await?;
        let theirs = node.round(ROUND)?;
        println!("  {name}: road {ours:.0}/s, SDK {theirs:.0}/s");
        ratios.push(ours / theirs);
    }
    let ratios = Rounds::new(ratios);
    budget(&title, &ratio(&ratios), &budgeted, ratios.median() >= wanted);
    Ok(())
}

async fn rate<R>(school: &Tenant, admin: &Arc<Actor>, call: impl Fn(Tenant, Arc<Actor>, u64) -> R) -> Outcome<f64>
where
    R: Future<Output = sis_integrations::Result<()>>,
{
    let started = Instant::now();
    let number = std::sync::atomic::AtomicU64::new(0);
    let caller = || async {
        while started.elapsed() < ROUND {
            let number = number.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
            call(school.clone(), admin.clone(), number).await?;
        }
        Ok::<(), sis_integrations::Error>(())
    };
    futures::future::try_join_all((0..AT_ONCE).map(|_| caller())).await?;
    let made = number.load(std::sync::atomic::Ordering::Relaxed);
    Ok(made as f64 / started.elapsed().as_secs_f64())
}
