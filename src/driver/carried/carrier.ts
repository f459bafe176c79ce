/**
 * What a process that carries a domain is made of, whatever it carries: it reads
 * its task, tells how far it is, hands bytes on and waits for the word to go.
 *
 * It belongs to no LNM and lives on when one dies. So all that is said to it, and
 * all that it says, stands in the files of its folder (`folder.ts`).
 *
 * @module
 */
import { messageOf } from "../../error/mod.ts";
import { systemClock } from "../../sys/clock.ts";
import { readTextOrNull, statOrNull } from "../../sys/file.ts";
import { processId } from "../../sys/machine.ts";
import type { PeerIdentity } from "../../sys/peer_link.ts";
import { readProcess } from "../../sys/process_table.ts";
import type { ByteConnection } from "../../sys/byte_connection.ts";
import { type CarrierState, moveFiles, writeState } from "./folder.ts";
import type { Credentials } from "./task.ts";

const BUFFER_BYTES = 256 * 1024;
const TELL_EVERY_MS = 500;
const LOOK_MS = 50;

/** A target whose source never comes ends after so long. */
export const LONELY_MS = 30 * 60_000;
/** What it says then. */
export const LONELY = "The source never came";

/** This process as its folder tells of it. */
export class OwnState<S extends CarrierState = CarrierState> {
  readonly folder: string;
  #state: S;
  #toldAt = 0;
  #telling: Promise<void> = Promise.resolve();

  /** Begins; nothing is told yet. `first` has who it is, by `ownFirst`. */
  constructor(folder: string, first: S) {
    this.folder = folder;
    this.#state = first;
  }

  /** How far it is. */
  get phase(): S["phase"] {
    return this.#state.phase;
  }

  /** Tells `news`: one after another, so that what is told last is what stays. */
  tell(news: Partial<S>): Promise<void> {
    this.#state = { ...this.#state, ...news };
    this.#toldAt = systemClock.monotonic();
    const state = this.#state;
    this.#telling = this.#telling.then(() => writeState(this.folder, state));
    return this.#telling;
  }

  /** Counts what was carried, and tells it now and then. */
  async count(bytes: number): Promise<void> {
    this.#state = { ...this.#state, bytes: this.#state.bytes + bytes };
    if (systemClock.monotonic() - this.#toldAt > TELL_EVERY_MS) {
      await this.tell({});
    }
  }
}

/** The state that such a process begins with. */
export function ownFirst(): CarrierState {
  const { startTicks = 0 } = readProcess(processId()) ?? {};
  return {
    pid: processId(),
    startTicks,
    phase: "waiting",
    port: null,
    bytes: 0,
    reason: "",
  };
}

/** Does what the task in the folder says, as `schema` reads it; the exit code. What fails is told there. */
export async function carryOut<T>(
  own: OwnState,
  schema: { parse(data: unknown): T },
  work: (task: T) => Promise<void>,
): Promise<number> {
  try {
    const text = await readTextOrNull(moveFiles(own.folder).task);
    await work(schema.parse(JSON.parse(text ?? "")));
    return 0;
  } catch (error) {
    await own.tell({ phase: "failed", reason: messageOf(error) });
    return 1;
  }
}

/** Resolves once the driver here was told that the domain is its own. */
export async function awaitGo(folder: string): Promise<void> {
  while (await statOrNull(moveFiles(folder).go) === null) {
    await systemClock.sleep(LOOK_MS);
  }
}

/** Hands on all that `from` says until it ends. Waits for what `onBytes` does with the count. */
export async function pump(
  from: ByteConnection,
  to: ByteConnection,
  onBytes: (count: number) => Promise<void> | void,
): Promise<void> {
  const buffer = new Uint8Array(BUFFER_BYTES);
  for (;;) {
    const count = await from.read(buffer);
    if (count === null) return;
    await to.writeAll(buffer.subarray(0, count));
    await onBytes(count);
  }
}

/** What this node shows the other, read from its files. */
export async function identityOf(
  { ca, certificate, key }: Credentials,
): Promise<PeerIdentity> {
  const [caPem, certificatePem, keyPem] = await Promise.all(
    [ca, certificate, key].map((path) => readTextOrNull(path)),
  );
  return {
    ca: caPem ?? "",
    certificate: certificatePem ?? "",
    key: keyPem ?? "",
  };
}
