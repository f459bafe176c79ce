/**
 * Consoles: the node's end, a stream of its own to the controller.
 *
 * Who asked for one waits for its stream or for why there is none, however long
 * that takes: a driver that fails is always told of.
 *
 * @module
 */
import { messageOf, toProblem, UsherError } from "../error/mod.ts";
import type { Driver } from "../driver/driver.ts";
import type { DownFrame, UpFrame } from "../schema/frame.ts";
import type { Log } from "../sys/log.ts";
import type { Uplink } from "./uplink.ts";
import { JoinedSignal } from "../sys/joined_signal.ts";

type ConsoleFrame = Extract<DownFrame, { type: "console" }>;
type Result = Extract<UpFrame, { type: "result" }>;

/** What a console is opened with. */
export interface ConsoleParts {
  readonly driver: Driver;
  readonly uplink: Uplink;
  readonly log: Log;
  /** Tells the controller why there will be no stream. */
  readonly fails: (result: Omit<Result, "type">) => void;
}

/** Opens the console that the controller asked for and joins it to the domain, until either ends. */
export async function serveConsole(
  { driver, uplink, log, fails }: ConsoleParts,
  frame: ConsoleFrame,
  signal: AbortSignal,
): Promise<void> {
  const ended = new AbortController();
  using joined = new JoinedSignal(signal, ended.signal);
  const until = joined.signal;
  let isOpen = false;
  try {
    if (driver.console === undefined) {
      throw new UsherError(
        "unsupported",
        `Driver "${driver.name}" has no console`,
      );
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
    isOpen = true;
    await typed.pipeTo(stream.writable, { signal: until });
  } catch (error) {
    if (until.aborted) return;
    log.debug("a console ended", { uid: frame.uid, error: messageOf(error) });
    if (!isOpen) {
      fails({ id: frame.id, domain: null, problem: toProblem(error) });
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
