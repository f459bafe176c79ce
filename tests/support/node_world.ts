/**
 * A node at work with one domain, and the controller's end of its sessions, held
 * by the test.
 *
 * @module
 */
import { until } from "./wait.ts";
import type { DomainReport, Driver } from "../../src/driver/driver.ts";
import { NewestReports } from "../../src/driver/newest.ts";
import { UsherError } from "../../src/error/mod.ts";
import { decodeLines } from "../../src/link/ndjson.ts";
import type { Capacity } from "../../src/schema/node.ts";
import type { DownFrame, UpFrame } from "../../src/schema/frame.ts";
import type { DomainState } from "../../src/schema/vm.ts";
import { type Clock, systemClock } from "../../src/sys/clock.ts";
import { silentLog } from "../../src/sys/log.ts";
import { DriverSet } from "../../src/lnm/driver_set.ts";
import { runNode } from "../../src/lnm/node.ts";

/** The uid of its domain. */
export const UID = "01hzzzzzzzzzzzzzzzzzzzzzz5";

/** A driver with one domain, whose state a test sets. */
export class OneDomain {
  state: DomainState = "running";
  /** What it was asked; shutdowns wait until they are aborted. */
  readonly asked: string[] = [];
  /** How many of its reports were taken up. */
  taken = 0;
  /** Why it cannot tell what it runs; null while it can. */
  deaf: string | null = null;
  /** What it says that guests have; nothing, while absent. */
  machine: Capacity | undefined;
  #watcher: NewestReports | null = null;

  get report(): DomainReport {
    return {
      ...{ uid: UID, domain: UID, name: "web.default.ann" },
      ...{ state: this.state, reason: "", incarnation: "01a", generation: 1 },
    };
  }

  become(state: DomainState): void {
    this.state = state;
    this.#watcher?.push(this.report);
  }

  async *#watch(signal: AbortSignal): AsyncGenerator<DomainReport> {
    this.#watcher = new NewestReports(signal, () => {});
    for await (const report of this.#watcher) {
      yield report;
      this.taken++;
    }
  }

  readonly driver = {
    name: "sim",
    probe: () =>
      Promise.resolve(
        this.deaf === null
          ? { health: "healthy", version: "1", machine: this.machine }
          : { health: "unhealthy", reason: this.deaf },
      ),
    list: () =>
      this.deaf === null
        ? Promise.resolve([this.report])
        : Promise.reject(new Error(this.deaf)),
    inspect: () => Promise.resolve(this.report),
    watch: (signal: AbortSignal) => this.#watch(signal),
    counters: () => Promise.resolve(new Map()),
    stop: (_uid: string, { signal }: { signal: AbortSignal }) => {
      this.asked.push("stop");
      return new Promise((_, reject) =>
        signal.addEventListener("abort", () => reject(signal.reason))
      );
    },
    pausing: {
      pause: () => {
        this.asked.push("pause");
        if (this.deaf !== null) {
          return Promise.reject(new UsherError("unavailable", this.deaf));
        }
        this.state = "paused";
        return Promise.resolve(this.report);
      },
    },
    [Symbol.asyncDispose]: () => Promise.resolve(),
  } as unknown as Driver;
}

/** One session, from the controller's end. */
export class Peer {
  readonly heard: UpFrame[] = [];
  readonly #down = new TransformStream<Uint8Array, Uint8Array>();
  readonly #writer = this.#down.writable.getWriter();
  readonly incoming = this.#down.readable;

  constructor(body: ReadableStream<Uint8Array>) {
    void this.#read(body);
  }

  async #read(body: ReadableStream<Uint8Array>): Promise<void> {
    for await (const frame of decodeLines(body, 1e6)) {
      this.heard.push(frame as UpFrame);
    }
  }

  say(frame: DownFrame): void {
    const line = `${JSON.stringify(frame)}\n`;
    void this.#writer.write(new TextEncoder().encode(line)).catch(() => {});
  }

  welcome(resumed: boolean): void {
    this.say({
      ...{ type: "welcome", session: "s", resumed, seen: 0 },
      ...{ beatMs: 60_000, leaseMs: 60_000 },
    });
  }

  cut(): void {
    void this.#writer.close().catch(() => {});
  }

  async hears(type: UpFrame["type"]): Promise<void> {
    await until(
      `the node says ${type}`,
      () => this.heard.some((frame) => frame.type === type),
    );
  }

  /** What the node said that it has. */
  get capacity(): Capacity | null {
    const hello = this.heard.find(({ type }) => type === "hello");
    return hello?.type === "hello" ? hello.capacity : null;
  }

  /** The states that were told of the domain, in order. */
  get states(): DomainState[] {
    return this.heard.flatMap((frame) => {
      if (frame.type === "domains" || frame.type === "report") {
        return frame.domains.map(({ state }) => state);
      }
      return frame.type === "result" && frame.domain !== null
        ? [frame.domain.state]
        : [];
    });
  }
}

/** A node whose sessions end at `Peer`s. */
export class World implements AsyncDisposable {
  readonly domain = new OneDomain();
  readonly peers: Peer[] = [];
  readonly #stop = new AbortController();
  readonly #node: Promise<void>;
  readonly #drivers = new DriverSet(
    new Map([["sim", this.domain.driver]]),
    [],
    systemClock,
    silentLog,
  );

  constructor(deaf: string | null = null, clock: Clock = systemClock) {
    this.domain.deaf = deaf;
    const session = (body: ReadableStream<Uint8Array>) => {
      const peer = new Peer(body);
      this.peers.push(peer);
      return Promise.resolve(peer.incoming);
    };
    this.#node = runNode({
      identity: { name: "n1", secret: "s" },
      uplink: { url: "none", session, console: () => Promise.reject() },
      clock,
      drivers: this.#drivers,
      capacity: { cpus: 1, memoryMiB: 1 },
      given: { cpus: 3 },
      labels: {},
      version: "0",
      bootId: "b",
      log: silentLog,
      usageMs: 60_000,
      machineCounters: () => Promise.reject(new Error("none")),
      random: () => 0,
      onReady: () => {},
    }, this.#stop.signal);
  }

  /** The session number `index`, once it has said hello. */
  async session(index: number): Promise<Peer> {
    const peer = await until("a session begins", () => this.peers[index]);
    await peer.hears("hello");
    return peer;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort("over");
    for (const peer of this.peers) peer.cut();
    await this.#node;
    // What an act that just ended has put off to its next turn comes before.
    await new Promise((resolve) => systemClock.after(0, () => resolve(null)));
  }
}

/** An act that the controller asks for. */
export const act = (id: string, verb: "stop" | "pause"): DownFrame => ({
  ...{ type: "act", id, verb, driver: "sim", uid: UID, plan: null },
  graceMs: 600_000,
  seq: 1,
});
