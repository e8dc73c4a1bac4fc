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

  async google() {
    const { auth, drive } = await import("@googleapis/drive");
    const [clientId, clientSecret, refresh_token, fileId] = credentials;
    const oauth = new auth.OAuth2({ clientId, clientSecret, endpoints: { oauth2TokenUrl: `${base}/token` } });
    oauth.setCredentials({ refresh_token });
    const client = drive({ version: "v3", auth: oauth, rootUrl: `${base}/` });
    return () => client.files.get({ fileId, fields: "id,name,mimeType,parents", supportsAllDrives: true });
  },

  async graph() {
    const { default: graph } = await import("@microsoft/microsoft-graph-client");
    const [tenant, client_id, client_secret, user] = credentials;
    let token;
    const getAccessToken = async () => {
      if (!token) {
        const form = { client_id, client_secret, grant_type: "client_credentials", scope: "https://graph.microsoft.com/.default" };
        const body = new URLSearchParams(form);
        const answer = await fetch(`${base}/${tenant}/oauth2/v2.0/token`, { method: "POST", body });
        token = (await answer.json()).access_token;
      }
      return token;
    };
    // The SDK speaks with HTTPS addresses alone; here each request goes to the server instead.
    class LoopbackTransport {
      async execute(context) {
        const { pathname, search } = new URL(context.request);
        context.response = await fetch(`${base}${pathname}${search}`, context.options);
      }
    }
    const authentication = new graph.AuthenticationHandler({ getAccessToken });
    const retry = new graph.RetryHandler(new graph.RetryHandlerOptions(1, 3));
    authentication.setNext(retry);
    retry.setNext(new LoopbackTransport());
    const client = graph.Client.initWithMiddleware({ middleware: authentication });
    return () => client.api(`/users/${user}`).get();
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
