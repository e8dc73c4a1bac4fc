//! What the Stripe look-alike says on the wire, against the vendor's own OpenAPI document.
//!
//! As in `contract.rs`: without `SIS_CONTRACTS` every test here is reported as ignored, by its name.

#[path = "stripe/school.rs"]
mod school;

use std::path::{Path, PathBuf};

use libtest_mimic::{Arguments, Failed, Trial};
use reqwest::Method;
use sandbox::Exchange;
use sandbox::contract::{Contract, FOLDER_VARIABLE};
use school::{School, id};

fn main() {
    let arguments = Arguments::from_args();
    let folder = std::env::var_os(FOLDER_VARIABLE).map(PathBuf::from);
    let trials = vec![
        trial("stripe_customers", &folder, customers),
        trial("stripe_payments", &folder, payments),
        trial("stripe_catalogue_and_checkout", &folder, checkout),
        trial("stripe_subscriptions", &folder, subscriptions),
        trial("stripe_invoices", &folder, invoices),
        trial("stripe_refusals", &folder, refusals),
    ];
    libtest_mimic::run(&arguments, trials).exit();
}

/// Runs a conversation with the look-alike, then checks every exchange that was recorded.
fn trial<F>(name: &str, folder: &Option<PathBuf>, conversation: F) -> Trial
where
    F: AsyncFnOnce(&School) + Send + 'static,
{
    match folder.clone() {
        Some(folder) => Trial::test(name, move || check(&folder, conversation)),
        None => Trial::test(name, || Err(format!("{FOLDER_VARIABLE} is not set").into()))
            .with_kind(format!("{FOLDER_VARIABLE} is not set"))
            .with_ignored_flag(true),
    }
}

fn check<F: AsyncFnOnce(&School)>(folder: &Path, conversation: F) -> Result<(), Failed> {
    let contract = Contract::load(folder, "stripe")?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let exchanges: Vec<Exchange> = runtime.block_on(async {
        let school = School::start().await;
        conversation(&school).await;
        school.sandbox.stripe().recorder().exchanges()
    });
    let violations: Vec<String> =
        exchanges.iter().filter_map(|exchange| contract.check_exchange(exchange).err()).flatten().collect();
    if exchanges.is_empty() || !violations.is_empty() {
        return Err(format!("{} exchanges: {}", exchanges.len(), violations.join("\n")).into());
    }
    Ok(())
}

async fn customers(school: &School) {
    let form = [
        ("email", "ann@school.example"),
        ("name", "Ann"),
        ("metadata[class]", "4b"),
        ("address[city]", "Oslo"),
        ("shipping[name]", "Ann"),
        ("shipping[address][line1]", "Street 1"),
        ("payment_method", "pm_card_visa"),
        ("invoice_settings[default_payment_method]", "pm_card_visa"),
        ("expand[]", "invoice_settings.default_payment_method"),
    ];
    let customer = id(&school.made("/v1/customers", &form).await);
    let path = format!("/v1/customers/{customer}");
    school.made(&path, &[("phone", "+15005550006")]).await;
    school.get(&path).await;
    school.get("/v1/customers?limit=5&email=ann@school.example").await;
    school.get("/v1/customers/search?query=email:'ann@school.example'").await;
    school.get(&format!("/v1/payment_methods?customer={customer}")).await;
    let method = school.made("/v1/payment_methods/pm_card_visa/attach", &[("customer", &customer)]).await;
    school.get(&format!("/v1/payment_methods/{}", id(&method))).await;
    school.send(Method::DELETE, &path, &[], &[]).await;
    school.get("/v1/events?limit=100").await;
}

async fn payments(school: &School) {
    let customer = school.payer().await;
    let base = [("amount", "1000"), ("currency", "usd"), ("customer", &*customer)];
    let intent = id(&school.made("/v1/payment_intents", &base).await);
    let path = format!("/v1/payment_intents/{intent}");
    school.made(&path, &[("description", "Trip"), ("receipt_email", "ann@school.example")]).await;
    let confirm = [("payment_method", "pm_card_visa"), ("expand[0]", "latest_charge"), ("expand[1]", "customer")];
    school.made(&format!("{path}/confirm"), &confirm).await;
    school.get(&format!("{path}?expand[]=payment_method")).await;
    school.get(&format!("/v1/payment_intents?customer={customer}")).await;
    school.get("/v1/charges?limit=3").await;
    let refund = id(&school.made("/v1/refunds", &[("payment_intent", &*intent), ("amount", "400")]).await);
    school.get(&format!("/v1/refunds/{refund}?expand[]=charge")).await;
    school.get(&format!("/v1/refunds?payment_intent={intent}")).await;
    let held = [&base[..], &[("capture_method", "manual"), ("confirm", "true"), ("payment_method", "pm_card_visa")]];
    let held = id(&school.made("/v1/payment_intents", &held.concat()).await);
    school.made(&format!("/v1/payment_intents/{held}/capture"), &[("amount_to_capture", "600")]).await;
    let asks = [&base[..], &[("confirm", "true"), ("payment_method", "pm_card_authenticationRequired")]].concat();
    let asks = id(&school.made("/v1/payment_intents", &asks).await);
    school.made(&format!("/v1/payment_intents/{asks}/cancel"), &[("cancellation_reason", "abandoned")]).await;
    school.get("/v1/balance").await;
    school.get("/v1/events?limit=100").await;
}

async fn checkout(school: &School) {
    let form = [
        ("name", "Lunch"),
        ("default_price_data[currency]", "usd"),
        ("default_price_data[unit_amount]", "500"),
        ("expand[]", "default_price"),
    ];
    let product = school.made("/v1/products", &form).await;
    let price = id(&product["default_price"]);
    let monthly = school.price(&[("recurring[interval]", "month")]).await;
    school.get("/v1/products?active=true").await;
    school.get(&format!("/v1/prices?product={}", id(&product))).await;
    let url = ("success_url", "https://school.example/thanks");
    let once = [
        ("mode", "payment"),
        ("line_items[0][price]", &*price),
        ("line_items[0][quantity]", "2"),
        ("line_items[1][price_data][currency]", "usd"),
        ("line_items[1][price_data][unit_amount]", "250"),
        ("line_items[1][price_data][product_data][name]", "Milk"),
        ("line_items[1][quantity]", "1"),
        url,
        ("expand[]", "line_items"),
    ];
    let one = id(&school.made("/v1/checkout/sessions", &once).await);
    school.sandbox.stripe().complete_checkout(&one, "pm_card_visa").expect("it is paid");
    school.get(&format!("/v1/checkout/sessions/{one}?expand[]=payment_intent")).await;
    let form = [("mode", "subscription"), ("line_items[0][price]", &monthly), ("line_items[0][quantity]", "1"), url];
    let other = id(&school.made("/v1/checkout/sessions", &form).await);
    school.made(&format!("/v1/checkout/sessions/{other}/expire"), &[]).await;
    school.made("/v1/checkout/sessions", &[("mode", "setup"), ("currency", "usd"), url]).await;
    school.get("/v1/checkout/sessions?status=open").await;
    school.get("/v1/events?limit=100").await;
}

async fn subscriptions(school: &School) {
    let monthly = school.price(&[("recurring[interval]", "month")]).await;
    let payer = school.payer().await;
    let base = [("customer", &*payer), ("items[0][price]", &monthly)];
    let expanded = [&base[..], &[("items[0][quantity]", "2"), ("expand[]", "latest_invoice.payments")]].concat();
    let one = school.made("/v1/subscriptions", &expanded).await;
    let path = format!("/v1/subscriptions/{}", id(&one));
    let item = id(&one["items"]["data"][0]);
    school.made(&path, &[("items[0][id]", &item), ("items[0][quantity]", "3"), ("cancel_at_period_end", "true")]).await;
    school.get(&format!("{path}?expand[]=customer")).await;
    school.get(&format!("/v1/subscriptions?customer={payer}&status=all")).await;
    school.send(Method::DELETE, &format!("{path}?invoice_now=false"), &[], &[]).await;
    school.made("/v1/subscriptions", &[&base[..], &[("payment_behavior", "default_incomplete")]].concat()).await;
    school.made("/v1/subscriptions", &[&base[..], &[("trial_period_days", "14")]].concat()).await;
    let sent = [("collection_method", "send_invoice"), ("days_until_due", "30")];
    school.made("/v1/subscriptions", &[&base[..], &sent].concat()).await;
    school.get(&format!("/v1/invoices?customer={payer}")).await;
    school.get("/v1/events?limit=100").await;
}

async fn invoices(school: &School) {
    let customer = school.customer().await;
    let price = school.price(&[]).await;
    let item = [("customer", &*customer), ("amount", "900"), ("currency", "usd"), ("description", "Fee")];
    school.made("/v1/invoiceitems", &item).await;
    school.made("/v1/invoiceitems", &[("customer", &*customer), ("pricing[price]", &price), ("quantity", "2")]).await;
    school.get(&format!("/v1/invoiceitems?customer={customer}")).await;
    let form = [
        ("customer", &*customer),
        ("collection_method", "send_invoice"),
        ("days_until_due", "30"),
        ("pending_invoice_items_behavior", "include"),
    ];
    for last in ["pay", "void"] {
        school.made("/v1/invoiceitems", &item).await;
        let invoice = id(&school.made("/v1/invoices", &form).await);
        let path = format!("/v1/invoices/{invoice}");
        school.made(&path, &[("description", "Term")]).await;
        school.made(&format!("{path}/finalize"), &[]).await;
        school.made(&format!("{path}/send"), &[]).await;
        let paid: &[_] =
            if last == "pay" { &[("payment_method", "pm_card_visa"), ("expand[]", "payments")] } else { &[] };
        school.made(&format!("{path}/{last}"), paid).await;
        school.get(&path).await;
    }
    school.get("/v1/invoices?status=paid").await;
    school.get("/v1/events?limit=100").await;
}

/// Refusals only: that the requests are well formed as well is not asked of them.
async fn refusals(school: &School) {
    let form =
        [("amount", "500"), ("currency", "usd"), ("confirm", "true"), ("payment_method", "pm_card_chargeDeclined")];
    school.refused("/v1/payment_intents", &form).await;
    school.refused("/v1/payment_intents", &[("amount", "1"), ("currency", "usd")]).await;
    school.refused("/v1/refunds", &[("payment_intent", "pi_none")]).await;
    school.refused("/v1/invoices/in_none/pay", &[]).await;
    school.get("/v1/customers/cus_none").await;
    let wrong = format!("Bearer {}none", "sk_test_");
    school.send(Method::GET, "/v1/balance", &[], &[("authorization", &wrong)]).await;
}
