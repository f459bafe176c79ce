/**
 * A simulated watcher: it holds live copies of everything by the change
 * stream, and comes back where it was after each cut.
 *
 * @module
 */
import { decodeLines } from "../link/ndjson.ts";
import type { WatchFrame } from "../schema/change.ts";
import type { Client } from "./client.ts";

/** Silence after which a stream counts as dead; the controller beats every 5 s. */
const DEAD_MS = 16_000;

const AGAIN_MS = 1000;

const MAX_LINE_BYTES = 16 * 1024 * 1024;

/** Copies of VMs, nodes, clusters and open operations. */
export class Watcher {
  readonly name: string;
  readonly #client: Client;
  #copies = new Map<string, number>();
  /** What a snapshot has brought so far. */
  #arriving: Map<string, number> | null = null;
  #revision: number | null = null;
  #heard = 0;

  constructor(client: Client) {
    this.name = client.name;
    this.#client = client;
  }

  /** Revisions of all that it has, by `kind id`. */
  get copies(): ReadonlyMap<string, number> {
    return this.#copies;
  }

  /** Watches for ever. */
  async run(): Promise<void> {
    for (;;) {
      const cut = new AbortController();
      this.#heard = this.#client.process.monotonic();
      this.#lookAfter(cut);
      await this.#watch(cut.signal).catch(() => {});
      cut.abort();
      await this.#client.process.sleep(AGAIN_MS);
    }
  }

  #lookAfter(cut: AbortController): void {
    const { process } = this.#client;
    process.after(DEAD_MS / 2, () => {
      if (cut.signal.aborted) return;
      if (process.monotonic() - this.#heard > DEAD_MS) cut.abort();
      else this.#lookAfter(cut);
    });
  }

  async #watch(signal: AbortSignal): Promise<void> {
    const since = this.#revision === null ? "" : `?since=${this.#revision}`;
    const response = await this.#client.open(
      "GET",
      `/v1/watch${since}`,
      undefined,
      signal,
    );
    for await (const line of decodeLines(response.body!, MAX_LINE_BYTES)) {
      this.#heard = this.#client.process.monotonic();
      this.#take(line as WatchFrame);
    }
  }

  #take(frame: WatchFrame): void {
    switch (frame.type) {
      case "hello":
        if (this.#revision === null || frame.reset) this.#arriving = new Map();
        return;
      case "snapshot":
        this.#arriving?.set(
          keyOf(frame.kind, frame.value),
          frame.value.revision,
        );
        return;
      case "synced":
        if (this.#arriving !== null) this.#copies = this.#arriving;
        this.#arriving = null;
        this.#revision = frame.revision;
        return;
      case "put":
        this.#copies.set(keyOf(frame.kind, frame.value), frame.value.revision);
        this.#revision = frame.revision;
        return;
      case "delete":
        this.#copies.delete(`${frame.kind} ${frame.id}`);
        this.#revision = frame.revision;
        return;
    }
  }
}

function keyOf(
  kind: string,
  value: { uid?: string; id?: string; name?: string },
): string {
  const id = kind === "vm"
    ? value.uid
    : kind === "node" || kind === "cluster"
    ? value.name
    : value.id;
  return `${kind} ${id}`;
}
