//! Stripe and SendGrid: calls a second through the whole road, strict, against the vendors' own SDKs for Node on the same
//! look-alike in the same run.

use std::{future::Future, path::Path, sync::Arc, time::Duration, time::Instant};

use sandbox::Sandbox;
use sis_integrations::{
    Actor, IntegrationManager, Role, Tenant,
    providers::{
        Quota,
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
const FROM: &str = "office@school.example";

pub(crate) async fn measure(folder: &Path) -> Outcome {
    let sandbox = Sandbox::start().await?;
    sandbox.stripe().recorder().keep(0);
    sandbox.sendgrid().recorder().keep(0);
    let unlimited = Quota { per_second: 1e6, burst: 1_000_000 };
    let manager = IntegrationManager::builder()
        .storage(SqliteStorage::open(folder.join("sdks.db")).await?)
        .master_key(master_key()?)
        .provider(stripe::Stripe)
        .provider(sendgrid::Sendgrid)
        .allow_private_addresses(true)
        .quota("stripe", unlimited)
        .quota("sendgrid", unlimited)
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
    manager.close(Duration::from_secs(10)).await?;
    Ok(())
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
