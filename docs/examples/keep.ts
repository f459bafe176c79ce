/**
 * Keeps VMs running: makes as many as are asked for, looks at them as they
 * change, and starts again what stops or crashes, until it is interrupted.
 *
 *   keep.ts CONTROLLER CA_FILE USER PASSWORD_FILE NAME COUNT
 *
 * It runs under Deno and under Node as it stands.
 */
import { readFileSync } from "node:fs";
import process from "node:process";
import {
  type Client,
  connect,
  failuresOf,
  isUsherError,
  type VmView,
} from "@usher/client";

const [controller = "", caFile = "", user = "", passwordFile = "", name = "", count = "1"] =
  process.argv.slice(2);

const DOWN = new Set(["stopped", "crashed"]);

/** Starts `names`, and says what came of each. A node may be full: that is no end. */
async function start(client: Client, names: string[], signal: AbortSignal) {
  const { result } = client.start(names, {
    signal,
    onProgress: (progress) => {
      if (progress.type === "lost") console.log("connection lost, coming back");
    },
  });
  const done = await result;
  for (const { vm, error } of failuresOf(done)) {
    console.log(`${vm} failed: ${error.message} (${error.code}, retry: ${error.retry})`);
  }
  for (const { vm, state, node } of done.outcomes) {
    if (state === "succeeded") console.log(`${vm} runs on ${node}`);
  }
}

async function keep(client: Client, signal: AbortSignal) {
  const wanted = Number(count);
  await start(client, Array.from({ length: wanted }, (_, i) => `${name}-${i + 1}`), signal);
  const live = client.watch({ kinds: ["vm"], signal });
  await live.ready;
  const mine = (vm: VmView) => vm.name.startsWith(`${name}-`);
  live.on("lost", () => console.log("the controller is out of reach"));
  live.on("back", () => console.log(`back, with ${live.vms.size} VMs`));
  live.on("unregister", (vm) => mine(vm) && console.log(`${vm.name} is gone`));
  console.log(`keeping ${[...live.vms.values()].filter(mine).length} of ${wanted}`);
  // A change that comes while one is handled waits, and only the newest of each VM.
  for await (const { kind, now } of live.changes()) {
    if (kind !== "vm" || now === null || !mine(now)) continue;
    // Whatever is at work on it comes first: a start waits its turn.
    if (!DOWN.has(now.status.state)) continue;
    console.log(`${now.name} is ${now.status.state}: starting it again`);
    await start(client, [now.name], signal);
  }
}

const interrupted = new AbortController();
process.once("SIGINT", () => interrupted.abort());
process.once("SIGTERM", () => interrupted.abort());

try {
  const client = await connect({
    controller,
    caPem: readFileSync(caFile, "utf8"),
    user,
    // Read anew at each login, so a password may change while this runs.
    password: () => readFileSync(passwordFile, "utf8").trim(),
    signal: interrupted.signal,
  });
  try {
    await keep(client, interrupted.signal);
  } finally {
    await client.close();
  }
} catch (error) {
  if (!interrupted.signal.aborted) {
    if (!isUsherError(error)) throw error;
    console.error(`${error.message}\n${error.hint ?? ""}`);
    process.exitCode = 1;
  }
}
console.log("left");
