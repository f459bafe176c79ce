/**
 * `usher plugin test --shadow`: another version beside the one that runs, for
 * a while, and what it would have decided otherwise.
 *
 * The controller ends it by itself a little after its time, since whoever
 * waits for its report may be gone by then.
 *
 * @module
 */
import type { Api } from "../client/api.ts";
import type { Context } from "../client/command.ts";
import { EXIT } from "../client/exit.ts";
import { isFailure } from "../client/failure.ts";
import { isCut } from "../client/live_stream.ts";
import type { Format } from "../client/render/format_name.ts";
import { printOne } from "../client/render/output.ts";
import { printable } from "../client/render/table.ts";
import { startWait } from "../client/wait.ts";
import type { ShadowView } from "../schema/plugin.ts";
import { systemClock } from "../sys/clock.ts";
import { absolutePath } from "../sys/file.ts";

/** How often it is looked at what has differed. */
const LOOK_MS = 1000;

/** For so long after its time the controller keeps it for whoever comes for the report. */
const GRACE_MS = 60_000;

/** What is run beside what, and for how long. */
export interface ShadowTest {
  readonly name: string;
  readonly path: string;
  /** Until plugins are read anew when absent: then nobody waits. */
  readonly forMs: number | undefined;
  readonly strict: boolean;
  readonly output: Format | undefined;
}

/** Begins it, and waits for its end if it has one; answers the exit code. */
export async function runShadow(
  context: Context,
  api: Api,
  { name, path, forMs, strict, output }: ShadowTest,
): Promise<number> {
  const { stdout, stderr } = context.io;
  const its = absolutePath(path);
  await api.call("shadowPlugin", {
    params: { name },
    body: {
      path: its,
      ...(forMs === undefined ? {} : { forMs: forMs + GRACE_MS }),
    },
  });
  if (forMs === undefined) {
    stdout.write(`${its} runs beside ${name}\n`);
    stderr.write(
      `See what differs with: usher plugin show ${name}\n` +
        "It ends when a plugin is enabled, disabled or reloaded; --for DURATION ends it by itself\n",
    );
    return EXIT.done;
  }
  stderr.write(`${its} runs beside ${name}; Ctrl-C ends it\n`);
  using wait = startWait(context);
  wait.limit(forMs);
  const say = (text: string) => void stderr.write(`${printable(text)}\n`);
  const seen = await watchShadow(api, name, say, wait.signal);
  const report = await endOf(api, name) ?? seen;
  if (report === null) {
    stderr.write(`Nothing runs beside ${name} any more\n`);
    return EXIT.failed;
  }
  await printOne(context, report, output, {
    name,
    describe: (report) => describeShadow(name, report),
  });
  return strict && report.different > 0 ? EXIT.failed : EXIT.done;
}

/** Says each difference as it comes until `signal` aborts, or there is no shadow any more; answers what was seen last. */
async function watchShadow(
  api: Api,
  name: string,
  say: (text: string) => void,
  signal: AbortSignal,
): Promise<ShadowView | null> {
  let seen: ShadowView | null = null;
  let isLost = false;
  while (!signal.aborted) {
    try {
      const { shadow } = await api.call("plugin", { params: { name }, signal });
      isLost = false;
      if (shadow === null) {
        say(`it has ended before its time: plugins were read anew`);
        return seen;
      }
      newest(seen, shadow).forEach(say);
      seen = shadow;
    } catch (error) {
      if (signal.aborted) break;
      if (!isCut(error)) throw error;
      if (!isLost) say("connection lost, coming back…");
      isLost = true;
      api.reconnect();
    }
    await systemClock.sleep(LOOK_MS, signal).catch(() => {});
  }
  return seen;
}

/** The differences since it was looked at last; of many, those that are kept. */
function newest(before: ShadowView | null, { different, last }: ShadowView) {
  const fresh = different - (before?.different ?? 0);
  return fresh <= 0 ? [] : last.slice(-fresh);
}

/** Ends it; null when it has ended already. */
async function endOf(api: Api, name: string): Promise<ShadowView | null> {
  try {
    return await api.call("endShadow", { params: { name } });
  } catch (error) {
    if (isFailure(error, "wrong_state")) return null;
    throw error;
  }
}

/** How it has answered, for people. */
function describeShadow(
  name: string,
  { path, compared, different, skipped, last }: ShadowView,
): string {
  const lines = last.map((text) => `${printable(text)}\n`);
  const kept = different > last.length
    ? `the newest ${last.length} of ${different}:\n`
    : "";
  const left = skipped === 0 ? "" : `; ${skipped} were left out`;
  return `${kept}${
    lines.join("")
  }${path}: ${compared} call(s) compared with ${name}, ${different} were answered otherwise${left}\n`;
}
