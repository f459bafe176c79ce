/**
 * What each verb of an act asks of a driver.
 *
 * @module
 */
import { UsherError } from "../error/mod.ts";
import type { DomainReport, Driver, Migration } from "../driver/driver.ts";
import type { DownFrame, Transfer } from "../schema/frame.ts";
import type { PeerMessage, Progress } from "../schema/operation.ts";

/** What the controller asks of one domain. */
export type Act = Extract<DownFrame, { type: "act" }>;

/** What came of an act. */
export interface Done {
  readonly report: DomainReport;
  /** What the driver has for its peer on another node. */
  readonly message?: PeerMessage;
}

/** Asks `driver` for what `act` says. Throws what the driver throws. */
export async function carryOut(
  driver: Driver,
  act: Act,
  onProgress: (progress: Progress) => void,
  signal: AbortSignal,
): Promise<Done> {
  const { uid } = act;
  switch (act.verb) {
    case "start":
      return { report: await driver.start(planOf(act), signal) };
    case "stop":
      return {
        report: await driver.stop(uid, { graceMs: act.graceMs, signal }),
      };
    case "pause":
      return { report: await pausing(driver).pause(uid, signal) };
    case "resume":
      return { report: await pausing(driver).resume(uid, signal) };
    case "forget":
      await driver.forget(uid, signal);
      return { report: await driver.inspect(uid, signal) };
    case "inspect":
      return { report: await driver.inspect(uid, signal) };
    default:
      return await move(driver, act, onProgress, signal);
  }
}

/** The acts of a migration. */
async function move(
  driver: Driver,
  act: Act,
  onProgress: (progress: Progress) => void,
  signal: AbortSignal,
): Promise<Done> {
  const migration = migrating(driver);
  const transfer = transferOf(act);
  const { uid } = act;
  switch (act.verb) {
    case "offer": {
      const message = await migration.offer(uid, transfer, signal);
      return { report: await driver.inspect(uid, signal), message };
    }
    case "receive": {
      const message = await migration.receive(planOf(act), transfer, signal);
      return { report: await driver.inspect(uid, signal), message };
    }
    case "send":
      return {
        report: await migration.send(uid, transfer, onProgress, signal),
      };
    case "activate":
    case "abort":
    case "release":
      return { report: await migration[act.verb](uid, transfer, signal) };
    default:
      throw new UsherError("unsupported", `Cannot carry out "${act.verb}"`);
  }
}

function planOf({ uid, verb, plan }: Act) {
  if (plan !== null) return { uid, ...plan };
  throw new UsherError("invalid_input", `Act "${verb}" needs a plan`);
}

function transferOf({ verb, transfer }: Act): Transfer {
  if (transfer !== undefined) return transfer;
  throw new UsherError("invalid_input", `Act "${verb}" needs a transfer`);
}

function pausing(driver: Driver): NonNullable<Driver["pausing"]> {
  if (driver.pausing !== undefined) return driver.pausing;
  throw new UsherError(
    "unsupported",
    `Driver "${driver.name}" cannot pause a domain`,
  );
}

function migrating(driver: Driver): Migration {
  if (driver.migration !== undefined) return driver.migration;
  throw new UsherError(
    "unsupported",
    `Driver "${driver.name}" cannot migrate a domain`,
  );
}
