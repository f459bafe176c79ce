/**
 * An LNM that starts one domain and is killed at once, with no chance to say
 * goodbye: `startInDyingLnm` runs this file in a process of its own.
 *
 * @module
 */
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
  const { signal, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "--allow-all", import.meta.filename!, JSON.stringify(lnm)],
    stdout: "null",
    stderr: "piped",
  }).output();
  if (signal !== "SIGKILL") {
    throw new Error(
      `The dying LNM failed: ${new TextDecoder().decode(stderr)}`,
    );
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
  Deno.kill(Deno.pid, "SIGKILL");
}
