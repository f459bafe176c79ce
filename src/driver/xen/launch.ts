/**
 * Starting a domain: look, write the handle, let xl create it, and take all of
 * it back when that fails.
 *
 * The handle and a marker in the xenstore are there before there is a domain,
 * and `created` is written after xl has come to its end. So a crash at any
 * point leaves a domain that is known, and that is known to be whole or not.
 *
 * `xl create` is never killed because somebody gave up: it ends by itself, or
 * with its domain.
 *
 * @module
 */
import { type Exit, spawnDetached } from "../../sys/child.ts";
import { Deadline, systemClock } from "../../sys/clock.ts";
import { removeIfThere, writeDurably } from "../../sys/file.ts";
import { JoinedSignal } from "../../sys/joined_signal.ts";
import { readLogTail } from "../../sys/log_file.ts";
import type { DomainPlan, DomainReport } from "../driver.ts";
import {
  CUT_SHORT,
  cutShort,
  leftAlone,
  startFailed,
} from "../start_failures.ts";
import { untilAborted } from "../turns.ts";
import { checkPlan } from "./check_plan.ts";
import type { Domain } from "./domain.ts";
import { domainConfig } from "./domain_config.ts";
import type { XenEnvironment } from "./environment.ts";
import { type Handle, newHandle } from "./handle.ts";
import type { Row } from "./listing.ts";
import { DOMAIN_VARIABLE } from "./processes.ts";
import { startError } from "./start_error.ts";
import { destroyAll, removeTraces } from "./undo.ts";

const MISSING = "Is Xen's xl installed on its node?";
const LOG_TAIL_BYTES = 8 * 1024;

/** How a domain is launched. */
export interface LaunchOptions {
  /** What was known of it before; null when nothing was. */
  readonly before: Handle | null;
  /** What Xen had a moment ago. */
  readonly rows: readonly Row[];
  /** Aborts when its power is cut meanwhile. */
  readonly cancel: AbortSignal;
}

/** Starts `domain`, which must not run. */
export async function launch(
  env: XenEnvironment,
  domain: Domain,
  plan: DomainPlan,
  { before, rows, cancel }: LaunchOptions,
): Promise<DomainReport> {
  try {
    checkPlan(env, plan, rows);
    domain.handle = newHandle(plan, env.bootId);
    domain.phase = "starting";
    await prepare(env, domain, plan);
    await create(env, domain, cancel);
  } catch (error) {
    if (env.closing.aborted && !cancel.aborted) throw leftAlone(plan.name);
    await destroyAll(env, plan.uid, plan.name);
    if (cancel.aborted) {
      // What there is stays, and counts as stopped.
      domain.restore(domain.handle);
      await domain.keepEnding(CUT_SHORT);
      throw cutShort(plan.name);
    }
    await takeBack(env, domain, before);
    throw startFailed(error, plan.name, MISSING);
  }
  await domain.keep({ created: true });
  await env.looks.fresh();
  domain.phase = "idle";
  return domain.report();
}

/** All that comes before there is a domain. */
async function prepare(
  env: XenEnvironment,
  domain: Domain,
  plan: DomainPlan,
): Promise<void> {
  const { uid, name, generation, incarnation } = plan;
  const { stateDir } = env.layout;
  await removeIfThere(domain.files.xlLog);
  await Promise.all([
    domain.keep({}),
    writeDurably(domain.files.config, domainConfig(plan)),
    env.store.mark({ uid, name, generation, incarnation, stateDir }),
  ]);
}

/** Lets xl create the domain that its configuration describes. Throws what xl said. */
export async function create(
  env: XenEnvironment,
  { handle, files }: Domain,
  cancel: AbortSignal,
): Promise<void> {
  using either = new JoinedSignal(cancel, env.closing);
  either.signal.throwIfAborted();
  const { exited } = await spawnDetached(
    env.xl.program,
    ["create", "-q", files.config],
    {
      env: { ...env.programs, [DOMAIN_VARIABLE]: handle.uid },
      outputPath: files.xlLog,
    },
  );
  using deadline = new Deadline(
    systemClock,
    env.config.start_timeout,
    "end of xl create",
    either.signal,
  );
  const exit: Exit = await untilAborted(exited, deadline.signal);
  if (exit.code === 0) return;
  const said = new TextDecoder().decode(
    await readLogTail(files.xlLog, LOG_TAIL_BYTES),
  );
  throw startError(handle.name, exit, said);
}

/** Leaves things as they were before the start. */
async function takeBack(
  env: XenEnvironment,
  domain: Domain,
  before: Handle | null,
): Promise<void> {
  domain.restore(before ?? domain.handle);
  if (before === null) {
    return await removeTraces(env, domain.handle.uid, domain);
  }
  await domain.keep({});
  domain.publish();
}
