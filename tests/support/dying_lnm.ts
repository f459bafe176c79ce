/**
 * An LNM that starts one domain and is killed at once, with no chance to say
 * goodbye: `startInDyingLnm` runs this file in a process of its own.
 *
 * @module
 */
import { spawn } from "node:child_process";
import process from "node:process";
import type { DomainPlan } from "../../src/driver/driver.ts";
import { createDriver } from "../../src/driver/registry.ts";

/** What the process needs to know. */
export interface DyingLnm {
  readonly driver: string;
  readonly config?: unknown;
  readonly stateDir: string;
  readonly runDir: string;
  readonly plan: DomainPlan;
}

/** Starts a domain from a process that is then killed, with its process group. */
export async function startInDyingLnm(lnm: DyingLnm): Promise<void> {
  const program = import.meta.filename!;
  const child = spawn(
    Deno.execPath(),
    ["run", "--allow-all", "--no-check", program, JSON.stringify(lnm)],
    { detached: true, stdio: ["ignore", "ignore", "pipe"] },
  );
  let said = "";
  child.stderr.on("data", (chunk) => said += String(chunk));
  const ended = Promise.withResolvers<string | null>();
  child.once("close", (_code, signal) => ended.resolve(signal));
  if (await ended.promise !== "SIGKILL") {
    throw new Error(`The dying LNM failed: ${said}`);
  }
}

if (import.meta.main) {
  const lnm: DyingLnm = JSON.parse(Deno.args[0]!);
  const driver = await createDriver(
    lnm.driver,
    { ...lnm, node: "n1", log() {} },
    lnm.config,
  );
  await driver.start(lnm.plan, new AbortController().signal);
  // All of its group, as the kernel does when it is short of memory.
  process.kill(-Deno.pid, "SIGKILL");
}
