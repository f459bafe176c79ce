/**
 * A request that is only sent, and not waited for, is answered once plugins
 * have decided. When that takes longer than a moment, it is said whom it waits
 * for, as it is of a request that is waited for.
 *
 * The answer is not asked for in another way than otherwise: the listener
 * comes beside it, only then, and what goes wrong with it is nobody's error.
 *
 * @module
 */
import { systemClock } from "../sys/clock.ts";
import { JoinedSignal } from "../sys/joined_signal.ts";
import type { Api } from "./api.ts";
import { follow } from "./follow.ts";
import type { PluginWait } from "./render/plugin_wait.ts";

/** An answer that is there before costs no second call; the controller says nothing for a second besides. */
const SILENT_MS = 200;

/** What `send` comes to; until then `waits` is told whom request `id` waits for. */
export async function sayingWhom<T>(
  api: Api,
  id: string,
  waits: PluginWait,
  signal: AbortSignal,
  send: () => Promise<T>,
): Promise<T> {
  const over = new AbortController();
  using either = new JoinedSignal(signal, over.signal);
  const saying = say(api, id, waits, either.signal);
  try {
    return await send();
  } finally {
    over.abort();
    await saying;
  }
}

async function say(
  api: Api,
  id: string,
  waits: PluginWait,
  signal: AbortSignal,
): Promise<void> {
  try {
    await systemClock.sleep(SILENT_MS, signal);
    const frames = follow(api, { id }, { ...systemClock, signal });
    for await (const frame of frames) {
      if (signal.aborted) return;
      if (frame.type === "waiting") waits.say(frame);
      else if (frame.type !== "lost") return;
    }
  } catch {
    // It is over, or the request has not come in: the answer tells.
  }
}
