// Vendors' own SDKs against a server of the benchmarks: `node drive.mjs VENDOR ADDRESS CREDENTIALS…`. Each line of input is
// a round of so many milliseconds, 32 calls at a time, and each line of output the calls a second that it came to.

import { createInterface } from "node:readline";

const [vendor, base, ...credentials] = process.argv.slice(2);

const vendors = {
  async twilio() {
    const { default: twilio } = await import("twilio");
    const { RequestClient } = twilio;
    // The SDK builds its addresses from the vendor's host names; here each request goes to the server instead.
    class LoopbackClient extends RequestClient {
      request(options) {
        return super.request({ ...options, uri: options.uri.replace(/^https:\/\/[^/]+/, base) });
      }
    }
    const httpClient = new LoopbackClient({ keepAlive: true, maxSockets: 32 });
    const client = twilio(credentials[0], credentials[1], { httpClient });
    return (number) =>
      client.messages.create({
        to: "+15551234567",
        from: "+15005550006",
        body: `School is closed today (${number}).`,
      });
  },

  async stripe() {
    const { default: Stripe } = await import("stripe");
    const { hostname, port } = new URL(base);
    const stripe = new Stripe(credentials[0], { host: hostname, port, protocol: "http", maxNetworkRetries: 2 });
    return (number) =>
      stripe.paymentIntents.create(
        { amount: 2500, currency: "usd", description: `Field trip (${number})` },
        { idempotencyKey: crypto.randomUUID() },
      );
  },

  async sendgrid() {
    const { default: mail } = await import("@sendgrid/mail");
    mail.setApiKey(credentials[0]);
    mail.client.setDefaultRequest("baseUrl", base);
    return (number) =>
      mail.send({
        to: "parent@example.com",
        from: credentials[1],
        subject: "School is closed today",
        text: `School is closed today (${number}).`,
      });
  },
};

const call = await vendors[vendor]();
for await (const line of createInterface({ input: process.stdin })) {
  const start = performance.now();
  const end = start + Number(line);
  let calls = 0;
  const caller = async () => {
    while (performance.now() < end) {
      await call(calls);
      calls += 1;
    }
  };
  await Promise.all(Array.from({ length: 32 }, caller));
  console.log(calls / ((performance.now() - start) / 1000));
}
