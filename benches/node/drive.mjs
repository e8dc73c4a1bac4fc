// Twilio's own SDK against the benchmarks' server: each line of input is a round of so many milliseconds, 32 calls at a
// time, and each line of output what it came to.

import { createInterface } from "node:readline";
import twilio from "twilio";

const { RequestClient } = twilio;
const [base, account, token] = process.argv.slice(2);

// The SDK builds its addresses from the vendor's host names; here each request goes to the server instead.
class LoopbackClient extends RequestClient {
  request(options) {
    return super.request({ ...options, uri: options.uri.replace(/^https:\/\/[^/]+/, base) });
  }
}

const client = twilio(account, token, { httpClient: new LoopbackClient({ keepAlive: true, maxSockets: 32 }) });

for await (const line of createInterface({ input: process.stdin })) {
  const start = performance.now();
  const end = start + Number(line);
  let calls = 0;
  const caller = async () => {
    while (performance.now() < end) {
      const body = `School is closed today (${calls}).`;
      await client.messages.create({ to: "+15551234567", from: "+15005550006", body });
      calls += 1;
    }
  };
  await Promise.all(Array.from({ length: 32 }, caller));
  console.log(calls / ((performance.now() - start) / 1000));
}
