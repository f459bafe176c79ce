/**
 * Consoles: the node's end, a stream of its own to the controller.
 *
 * @module
 */
import { messageOf } from "../error/mod.ts";
import type { Driver } from "../driver/driver.ts";
import type { DownFrame } from "../schema/frame.ts";
import type { Log } from "../sys/log.ts";
import type { Uplink } from "./uplink.ts";
import { JoinedSignal } from "../sys/joined_signal.ts";

type ConsoleFrame = Extract<DownFrame, { type: "console" }>;

/** Opens the console that the controller asked for and joins it to the domain, until either ends. */
export async function serveConsole(
  driver: Driver,
  frame: ConsoleFrame,
  uplink: Uplink,
  log: Log,
  signal: AbortSignal,
): Promise<void> {
  const ended = new AbortController();
  using joined = new JoinedSignal(signal, ended.signal);
  const until = joined.signal;
  try {
    if (driver.console === undefined) {
      throw new Error(`Driver "${driver.name}" has no console`);
    }
    await using stream = await driver.console.attach(frame.uid, until);
    const history = frame.historyBytes === 0
      ? new Uint8Array()
      : await driver.console.history(frame.uid, frame.historyBytes);
    const typed = await uplink.console(
      frame.id,
      startingWith(history, stream.readable, ended),
      until,
    );
    await typed.pipeTo(stream.writable, { signal: until });
  } catch (error) {
    if (!until.aborted) {
      log.debug("a console ended", { uid: frame.uid, error: messageOf(error) });
    }
  } finally {
    ended.abort();
  }
}

function startingWith(
  history: Uint8Array,
  stream: ReadableStream<Uint8Array>,
  ended: AbortController,
): ReadableStream<Uint8Array> {
  const reader = stream.getReader();
  return new ReadableStream<Uint8Array>({
    start(controller) {
      if (history.length > 0) controller.enqueue(history);
    },
    async pull(controller) {
      const { done, value } = await reader.read();
      if (!done) return controller.enqueue(value);
      controller.close();
      ended.abort();
    },
    async cancel() {
      await reader.cancel().catch(() => {});
      ended.abort();
    },
  });
}
