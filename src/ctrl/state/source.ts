/**
 * Where a backup and a check read the state from: the controller that runs on
 * it, or a copy of its file when none does.
 *
 * Either way it is the state of one moment, and nothing of it is changed.
 *
 * @module
 */
import { messageOf, UsherError } from "../../error/mod.ts";
import { decodeLines } from "../../link/ndjson.ts";
import type { CtrlConfig } from "../../schema/config.ts";
import { StateLine } from "../../schema/stored.ts";
import { openKvCopy } from "../../store/kv_copy.ts";
import type { Mutation, Store } from "../../store/store.ts";
import { hostname, processId } from "../../sys/machine.ts";
import { type CtrlContext, isoNow } from "../context.ts";
import { LocalController } from "../local.ts";

/** The longest line: a value of 64 KiB, with every character escaped. */
const MAX_LINE = 1024 * 1024;

/** What is known of the state before its first record. */
export interface Head {
  /** The usher that reads it out. */
  readonly version: string;
  /** Of the newest controller that has written it. */
  readonly epoch: number;
  readonly at: string;
}

/** A state to read, once. */
export interface StateSource extends AsyncDisposable {
  readonly head: Head;
  /** Whether a controller runs on it. */
  readonly isLive: boolean;
  /** Taken in order they make the state. Throws `interrupted` when they are not all there. */
  mutations(): AsyncIterable<Mutation>;
}

/** What is read, and who reads. */
export interface SourceOptions {
  readonly config: CtrlConfig;
  readonly context: CtrlContext;
  readonly version: string;
  readonly signal: AbortSignal;
}

/** Opens the state of `config`. Throws `not_found` when there is none. */
export async function openSource(options: SourceOptions): Promise<StateSource> {
  const { config, context: { clock, log } } = options;
  if (config.kv_url !== undefined) return await liveSource(options);
  const copy = await openKvCopy(`${config.state_dir}/state.kv`, {
    host: hostname(),
    pid: processId(),
    now: () => clock.now(),
    log,
  });
  return copy === null ? await liveSource(options) : copySource(copy, options);
}

function copySource(store: Store, { version, context, signal }: SourceOptions) {
  const at = isoNow(context);
  // Opening the copy counted as taking it over.
  const head = { version, epoch: store.holder.epoch - 1, at };
  return {
    head,
    isLive: false,
    async *mutations(): AsyncIterable<Mutation> {
      for await (const { key, value } of store.list([])) {
        signal.throwIfAborted();
        yield { type: "set", key, value };
      }
    },
    [Symbol.asyncDispose]: () => store.close(),
  } satisfies StateSource;
}

async function liveSource(
  { config, signal }: SourceOptions,
): Promise<StateSource> {
  const controller = await LocalController.of(config.state_dir);
  try {
    const { body } = await controller.get("/v1/state", signal);
    const lines = stateLines(body ?? new ReadableStream());
    const first = await lines.next();
    if (first.done === true || first.value.type !== "head") throw cutOff();
    return {
      head: first.value,
      isLive: true,
      mutations: () => untilEnd(lines),
      [Symbol.asyncDispose]: () => {
        controller[Symbol.dispose]();
        return Promise.resolve();
      },
    };
  } catch (error) {
    controller[Symbol.dispose]();
    throw error;
  }
}

async function* stateLines(
  body: ReadableStream<Uint8Array>,
): AsyncGenerator<StateLine> {
  try {
    for await (const line of decodeLines(body, MAX_LINE)) {
      yield StateLine.parse(line);
    }
  } catch (error) {
    throw cutOff(messageOf(error));
  }
}

async function* untilEnd(
  lines: AsyncIterable<StateLine>,
): AsyncGenerator<Mutation> {
  let count = 0;
  for await (const line of lines) {
    if (line.type === "end") {
      if (line.lines !== count) break;
      return;
    }
    if (line.type === "head") break;
    count++;
    yield line;
  }
  throw cutOff();
}

function cutOff(why = "it ended before its last line"): UsherError {
  return new UsherError(
    "interrupted",
    `The controller's state was not read to its end: ${why}`,
    { hint: "try again" },
  );
}
