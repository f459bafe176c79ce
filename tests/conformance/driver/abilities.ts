/**
 * The optional abilities and what every driver tells besides: probe, counters,
 * pausing, console.
 *
 * @module
 */
import {
  deepStrictEqual,
  match,
  notDeepStrictEqual,
  ok,
} from "node:assert/strict";
import type {
  Console,
  ConsoleStream,
  DomainCounters,
  Pausing,
} from "../../../src/driver/driver.ts";
import { until, within } from "../../support/wait.ts";
import {
  checkListed,
  type ConformanceTest,
  type DriverHarness,
  noAbort,
  powerOff,
  rejectsWith,
  startAndStop,
  startNew,
  stateOf,
  untilState,
  Watching,
} from "./harness.ts";

function pausingOf({ driver }: DriverHarness): Pausing {
  ok(
    driver.pausing !== undefined,
    "the driver has no `pausing`, and the suite was not told",
  );
  return driver.pausing;
}

function consoleOf({ driver }: DriverHarness): Console {
  ok(
    driver.console !== undefined,
    "the driver has no `console`, and the suite was not told",
  );
  return driver.console;
}

const probe: readonly ConformanceTest[] = [
  {
    promises: [],
    name: "probe: a node where domains run is healthy, and says its version",
    async run(node) {
      const probed = await within(
        "the probe",
        node.deadlineMs,
        node.driver.probe(noAbort()),
      );

      ok(probed.health === "healthy", JSON.stringify(probed));
      notDeepStrictEqual(probed.version, "");
    },
  },
];

const counting: readonly ConformanceTest[] = [
  {
    promises: [],
    name:
      "counters: of every running domain of ours and of no other, never going back",
    needs: ["counters"],
    async run(node) {
      const running = await startNew(node);
      const stopped = await startAndStop(node);
      const first = await node.driver.counters(noAbort());
      deepStrictEqual([...first.keys()], [running.uid]);

      await until("some counter moved", async () => {
        const next = await node.driver.counters(noAbort());
        checkNotBack(first.get(running.uid)!, next.get(running.uid)!);
        return (next.get(running.uid)?.cpuSeconds ?? 0) >
          (first.get(running.uid)?.cpuSeconds ?? 0);
      }, node);
      ok(!(await node.driver.counters(noAbort())).has(stopped.uid));
    },
  },
];

function checkNotBack(before: DomainCounters, after: DomainCounters): void {
  for (
    const key of [
      "cpuSeconds",
      "diskReadBytes",
      "diskWriteBytes",
      "netRxBytes",
      "netTxBytes",
    ] as const
  ) {
    ok(
      (after[key] ?? 0) >= (before[key] ?? 0),
      `${key} went back from ${before[key]} to ${after[key]}`,
    );
  }
}

const pausing: readonly ConformanceTest[] = [
  {
    promises: [1],
    name:
      "pausing: a domain is paused and goes on, and doing it twice changes nothing",
    needs: ["pausing"],
    async run(node) {
      await using watching = new Watching(node);
      const { uid, incarnation } = await startNew(node);
      const { pause, resume } = pausingOf(node);

      for (const _ of ["once", "twice"]) {
        deepStrictEqual((await pause(uid, noAbort())).state, "paused");
        await checkListed(node, uid, "paused");
      }
      await watching.until(uid, "paused");
      for (const _ of ["once", "twice"]) {
        const report = await resume(uid, noAbort());
        deepStrictEqual([report.state, report.incarnation], [
          "running",
          incarnation,
        ]);
        await checkListed(node, uid, "running");
      }
      await watching.until(uid, "running");
      deepStrictEqual(await node.occupants(), [uid]);
    },
  },
  {
    promises: [1, 3, 8],
    name:
      "pausing: a paused domain stays so when it is started or the LNM restarts, and falls to a power cut",
    needs: ["pausing"],
    async run(node) {
      const plan = await startNew(node);
      await pausingOf(node).pause(plan.uid, noAbort());
      await node.driver.start(plan, noAbort());
      await checkListed(node, plan.uid, "paused");

      await node.reopen();

      await checkListed(node, plan.uid, "paused");
      await pausingOf(node).resume(plan.uid, noAbort());
      await checkListed(node, plan.uid, "running");
      await pausingOf(node).pause(plan.uid, noAbort());
      await powerOff(node, plan.uid);
      deepStrictEqual(await node.occupants(), []);
    },
  },
  {
    promises: [],
    name: "pausing: a domain that does not run is refused",
    needs: ["pausing"],
    async run(node) {
      const stopped = await startAndStop(node);
      const absent = await node.plan();

      await rejectsWith(
        pausingOf(node).pause(stopped.uid, noAbort()),
        "wrong_state",
      );
      await rejectsWith(
        pausingOf(node).resume(stopped.uid, noAbort()),
        "wrong_state",
      );
      await rejectsWith(
        pausingOf(node).pause(absent.uid, noAbort()),
        "not_found",
        "wrong_state",
      );
    },
  },
];

const consoles: readonly ConformanceTest[] = [
  {
    promises: [],
    name:
      "console: what is typed comes back on every open stream, and stands in the history",
    needs: ["console"],
    async run(node) {
      const { uid } = await startNew(node);
      await node.guestUp(uid);
      const console = consoleOf(node);
      await using one = await console.attach(uid, noAbort());
      await using two = await console.attach(uid, noAbort());
      await using heardByOne = new Heard(one, node);
      await using heardByTwo = new Heard(two, node);

      await type(one, "echo-of-one\r");

      await heardByOne.until("echo-of-one");
      await heardByTwo.until("echo-of-one");
      await until("the history has it", async () => {
        return new TextDecoder().decode(await console.history(uid, 100_000))
          .includes("echo-of-one");
      }, node);
      deepStrictEqual((await console.history(uid, 4)).length, 4);
    },
  },
  {
    promises: [3],
    name:
      "console: works on a domain that an earlier LNM started, with what was printed before",
    needs: ["console"],
    async run(node) {
      const { uid } = await startNew(node);
      await node.guestUp(uid);

      await node.reopen();

      const console = consoleOf(node);
      match(
        new TextDecoder().decode(await console.history(uid, 100_000)),
        /\S/,
      );
      await using stream = await console.attach(uid, noAbort());
      await using heard = new Heard(stream, node);
      await type(stream, "still-here\r");
      await heard.until("still-here");
    },
  },
  {
    promises: [4],
    name: "console: closing and aborting a stream end it, and no domain",
    needs: ["console"],
    async run(node) {
      const { uid } = await startNew(node);
      await node.guestUp(uid);
      const abort = new AbortController();
      const aborted = await consoleOf(node).attach(uid, abort.signal);
      const closed = await consoleOf(node).attach(uid, noAbort());
      const heard = [new Heard(aborted, node), new Heard(closed, node)];

      abort.abort();
      await closed[Symbol.asyncDispose]();

      for (const its of heard) {
        await within("the stream ends", node.deadlineMs, its.ended);
      }
      deepStrictEqual(await stateOf(node, uid), "running");
      await using again = await consoleOf(node).attach(uid, noAbort());
      await using heardAgain = new Heard(again, node);
      await type(again, "once-more\r");
      await heardAgain.until("once-more");
      await aborted[Symbol.asyncDispose]();
    },
  },
  {
    promises: [],
    name:
      "console: a stream ends with its domain, and a stopped domain has none",
    needs: ["console"],
    async run(node) {
      const { uid } = await startNew(node);
      await node.guestUp(uid);
      await using stream = await consoleOf(node).attach(uid, noAbort());
      const heard = new Heard(stream, node);

      await powerOff(node, uid);

      await within("the stream ends", node.deadlineMs, heard.ended);
      await untilState(node, uid, "stopped");
      await rejectsWith(
        consoleOf(node).attach(uid, noAbort()),
        "wrong_state",
        "not_found",
      );
    },
  },
];

async function type(stream: ConsoleStream, text: string): Promise<void> {
  const writer = stream.writable.getWriter();
  await writer.write(new TextEncoder().encode(text));
  writer.releaseLock();
}

/** What a console stream says, read from the moment this is made. */
class Heard implements AsyncDisposable {
  /** Resolves once the stream has ended, by whatever. */
  readonly ended: Promise<void>;
  readonly #reader: ReadableStreamDefaultReader<Uint8Array>;
  readonly #node: DriverHarness;
  #text = "";

  constructor(stream: ConsoleStream, node: DriverHarness) {
    this.#node = node;
    this.#reader = stream.readable.getReader();
    this.ended = this.#read();
  }

  async until(text: string): Promise<void> {
    await until(`the console says "${text}"`, () => {
      if (!this.#text.includes(text)) {
        throw new Error(`heard ${JSON.stringify(this.#text)}`);
      }
      return true;
    }, this.#node);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#reader.cancel().catch(() => {});
    await this.ended;
  }

  async #read(): Promise<void> {
    const decoder = new TextDecoder();
    try {
      for (;;) {
        const { value, done } = await this.#reader.read();
        if (done) return;
        this.#text += decoder.decode(value, { stream: true });
      }
    } catch {
      // A stream that broke has ended too.
    }
  }
}

/** The tests of this file. */
export const abilityTests: readonly ConformanceTest[] = [
  ...probe,
  ...counting,
  ...pausing,
  ...consoles,
];
