/**
 * Waiting for a change of the controller's plugins: for as long as the
 * controller tells that it goes on, since each plugin that is new is read and
 * started, and may take as long as its limits let it.
 *
 * Whoever stops waiting stops nothing: the controller takes all of it or
 * nothing, also with nobody there.
 *
 * @module
 */
import { JoinedSignal } from "../sys/joined_signal.ts";
import { systemClock } from "../sys/clock.ts";
import type { PluginChangeUnderWay } from "../schema/plugin_life.ts";
import type { Api } from "./api.ts";
import { failure } from "./failure.ts";
import type { Io } from "./io.ts";
import { printable } from "./render/table.ts";

/** What is over sooner is not told of. */
const LOOK_MS = 2000;
/** How long an answer may take that nothing under way explains. */
const UNEXPLAINED_MS = 60_000;
/** The answer comes when it comes; looks tell whether it still may. */
const ANSWER_MS = 2 ** 31 - 1;

/** How a change is waited for. */
export interface ChangeWait {
  /** Whoever waits has enough. */
  readonly signal: AbortSignal;
  /** Told a line whenever it waits for something else. */
  readonly say: (line: string) => void;
  readonly clock?: Pick<typeof systemClock, "monotonic" | "sleep">;
}

/** What a call that changes plugins is made with. */
export interface PatientCall {
  readonly signal: AbortSignal;
  readonly answerMs: number;
}

/**
 * Makes a call that changes plugins, and tells what it waits for. Null when
 * `signal` ended the wait. Rejects as the call does, and with `interrupted`
 * when nothing explains why there is no answer.
 */
export async function awaitChange<T>(
  api: Pick<Api, "call">,
  { signal, say, clock = systemClock }: ChangeWait,
  change: (call: PatientCall) => Promise<T>,
): Promise<T | null> {
  const over = new AbortController();
  using either = new JoinedSignal(signal, over.signal);
  const looks = look(api, { signal: either.signal, say, clock });
  try {
    const answer = change({ signal: either.signal, answerMs: ANSWER_MS });
    return await Promise.race([answer, looks]);
  } catch (error) {
    if (!signal.aborted) throw error;
    say(
      "not waited for any longer: the controller goes on with it; usher plugin list tells what it waits for and what runs",
    );
    return null;
  } finally {
    over.abort();
    looks.catch(() => {});
  }
}

/** Looks again and again; rejects once the controller tells of nothing that could be waited for. */
async function look(
  api: Pick<Api, "call">,
  { signal, say, clock }: Required<ChangeWait>,
): Promise<never> {
  let told = "";
  let explainedAt = clock.monotonic();
  for (;;) {
    await clock.sleep(LOOK_MS, signal);
    const { change } = await api.call("plugins", { signal });
    const now = clock.monotonic();
    // An older controller does not tell.
    if (change) explainedAt = now;
    else if (now - explainedAt > UNEXPLAINED_MS) {
      throw await failure(
        "interrupted",
        `The controller has not answered for ${UNEXPLAINED_MS / 1000} s`,
        { hint: "its log tells what became of it" },
      );
    }
    const line = change ? changeText(change) : "";
    if (line !== "" && line !== told) say(line);
    told = line;
  }
}

/** Says each line on standard error, for what is printed is not to be in the way. */
export function sayTo({ stderr }: Pick<Io, "stderr">): (line: string) => void {
  return (line) => stderr.write(`${printable(line)}\n`);
}

/** The change that is under way, in a line. */
export function changeText(
  { doing, by, since, waitsFor }: PluginChangeUnderWay,
): string {
  const what = {
    reload: "plugins are reloaded",
    check: "plugins are checked",
    enable: "a plugin is enabled",
    disable: "a plugin is disabled",
  }[doing];
  const whom = waitsFor.length === 0
    ? ""
    : `; waiting for ${waitsFor.join(", ")} to be read or started`;
  return `${what} by ${by} since ${since}${whom}`;
}
