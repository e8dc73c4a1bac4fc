// One call over and over: what it takes from JavaScript in Node. Arguments and output as those of caller.c.
import { Manager } from "../../bindings/wasm/js/node.js";

const ROUNDS = 9;
const CALLS = 2000;

const [options, grant, request] = process.argv.slice(2).map((argument) => JSON.parse(argument));
const manager = await Manager.open(options);
await manager.call("setPermissions", grant);
for (let round = 0; round < ROUNDS; round++) {
  const start = performance.now();
  for (let call = 0; call < CALLS; call++) await manager.call("permissions", request);
  console.log(((performance.now() - start) * 1e3) / CALLS);
}
await manager.close();
