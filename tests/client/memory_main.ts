/**
 * Uses one client over and over, for everything that it is for, and prints how
 * large the heap is after each round: a line of JSON. It is started with what
 * lets a program collect its garbage.
 *
 * @module
 */
import process from "node:process";
import { allDone } from "@usher/client";
import { client, type SuiteSite } from "./suite_site.ts";

const ROUNDS = 4;
const TIMES = 25;

const site: SuiteSite = JSON.parse(process.argv[2] ?? "{}");
const { gc } = globalThis as { gc?: () => void };
if (gc === undefined) throw new Error("Start this with --expose-gc");

await using usher = await client(site);
const name = `memory-${process.argv[3]}`;
allDone(await usher.start(name).result);

/** All that a client holds something for: a stream, a line, a callback, a wait. */
async function useAll(): Promise<void> {
  using live = usher.watch();
  await live.ready;
  const changes = live.changes();
  const told = usher.on("change", () => {});
  const line = await usher.console(name);
  const request = usher.pause(name);
  for await (const { type } of request) if (type === "result") break;
  allDone(await usher.resume(name).result);
  await changes.next();
  await usher.vm(name);
  await usher.vm("nobody").catch(() => {});
  const giving = new AbortController();
  const late = usher.whoami({ signal: giving.signal });
  giving.abort();
  await late.catch(() => {});
  told[Symbol.dispose]();
  line.close();
  live.close();
  await live.ended;
}

for (let round = 0; round < ROUNDS; round++) {
  for (let i = 0; i < TIMES; i++) await useAll();
  // What closes does so in turns of its own.
  await usher.nodes();
  gc();
  const { heapUsed } = process.memoryUsage();
  process.stdout.write(`${JSON.stringify({ round, heapUsed })}\n`);
}
await usher.destroy(name).result;
