/**
 * The serial line of simulated domains: boot messages, then an echo.
 *
 * What is typed comes back on every open stream and stays in the history, as
 * it would with a terminal in echo mode. Two lines do something: `poweroff`
 * shuts the guest down and `crash` kills it. Boot messages follow from the
 * domain's record; what was typed is forgotten with the process.
 *
 * @module
 */
import { UsherError } from "../../error/mod.ts";
import type { Console, ConsoleStream } from "../driver.ts";
import { isUp } from "./domain.ts";
import type { SimDomain } from "./domain_record.ts";
import type { SimHypervisor } from "./hypervisor.ts";

/** How much of what was typed is kept, and how far a reader may lag. */
const MAX_BYTES = 64 * 1024;

/** One run of one domain. */
interface Line {
  readonly startedAt: number;
  typed: Uint8Array;
  readonly readers: Set<ReadableStreamDefaultController<Uint8Array>>;
}

/** The consoles of one hypervisor's domains. */
export class SimConsole implements Console, Disposable {
  readonly #hypervisor: SimHypervisor;
  readonly #lines = new Map<string, Line>();
  readonly #listening: Disposable;

  constructor(hypervisor: SimHypervisor) {
    this.#hypervisor = hypervisor;
    this.#listening = hypervisor.listen((domain, before) => {
      const key = before?.domain;
      if (key !== undefined && (domain === null || !isUp(domain))) {
        this.#hangUp(key, domain === null);
      }
    });
  }

  /** See `Console.history`. */
  history(uid: string, maxBytes: number): Promise<Uint8Array> {
    const domain = this.#hypervisor.get(this.#hypervisor.keyOf(uid));
    if (domain === null) return Promise.reject(noDomain(uid));
    const boot = new TextEncoder().encode(bootMessages(domain));
    const typed = this.#lineOf(domain)?.typed ?? new Uint8Array();
    const all = joinBytes(boot, typed);
    return Promise.resolve(all.slice(Math.max(0, all.length - maxBytes)));
  }

  /** See `Console.attach`. */
  attach(uid: string, signal: AbortSignal): Promise<ConsoleStream> {
    const domain = this.#hypervisor.get(this.#hypervisor.keyOf(uid));
    if (domain === null) return Promise.reject(noDomain(uid));
    if (!isUp(domain)) {
      return Promise.reject(
        new UsherError(
          "wrong_state",
          `Cannot open the console of "${domain.name}": it is ${domain.phase}`,
        ),
      );
    }
    if (signal.aborted) return Promise.reject(signal.reason);
    return Promise.resolve(this.#open(domain, signal));
  }

  [Symbol.dispose](): void {
    this.#listening[Symbol.dispose]();
    for (const key of [...this.#lines.keys()]) this.#hangUp(key, true);
  }

  #open(domain: SimDomain, signal: AbortSignal): ConsoleStream {
    const { readers } = this.#lineFor(domain);
    let controller!: ReadableStreamDefaultController<Uint8Array>;
    const readable = new ReadableStream<Uint8Array>({
      start: (its) => void readers.add(controller = its),
      cancel: () => void readers.delete(controller),
    }, new ByteLengthQueuingStrategy({ highWaterMark: MAX_BYTES }));
    let typing = "";
    const writable = new WritableStream<Uint8Array>({
      write: (bytes) => {
        typing = this.#type(domain, bytes, typing);
      },
    });
    const close = () => {
      signal.removeEventListener("abort", close);
      if (readers.delete(controller)) controller.close();
    };
    signal.addEventListener("abort", close, { once: true });
    return {
      readable,
      writable,
      [Symbol.asyncDispose]: () => Promise.resolve(close()),
    };
  }

  /** Echoes `bytes` and obeys whole lines; answers the line begun. */
  #type(domain: SimDomain, bytes: Uint8Array, begun: string): string {
    const line = this.#lineOf(domain);
    if (line === null) return "";
    const echo = withLineFeeds(bytes);
    line.typed = joinBytes(line.typed, echo).slice(-MAX_BYTES);
    for (const reader of line.readers) {
      // A reader that lags too far loses what was printed; the guest never waits.
      if ((reader.desiredSize ?? 0) > 0) reader.enqueue(echo);
    }
    const lines = (begun + new TextDecoder().decode(bytes)).split(/[\r\n]+/);
    const rest = lines.pop() ?? "";
    for (const text of lines) this.#obey(domain.domain, text.trim());
    return rest.slice(-MAX_BYTES);
  }

  #obey(key: string, text: string): void {
    if (text === "poweroff") this.#hypervisor.shutDownFromInside(key);
    if (text === "crash") {
      this.#hypervisor.crash(key, "simulated crash: asked for on the console");
    }
  }

  #lineOf({ domain, startedAt }: SimDomain): Line | null {
    const line = this.#lines.get(domain);
    return line?.startedAt === startedAt ? line : null;
  }

  #lineFor(domain: SimDomain): Line {
    const line = this.#lineOf(domain) ??
      {
        startedAt: domain.startedAt,
        typed: new Uint8Array(),
        readers: new Set(),
      };
    this.#lines.set(domain.domain, line);
    return line;
  }

  #hangUp(key: string, forget: boolean): void {
    const line = this.#lines.get(key);
    for (const reader of line?.readers ?? []) reader.close();
    line?.readers.clear();
    if (forget) this.#lines.delete(key);
  }
}

function noDomain(uid: string): UsherError {
  return new UsherError(
    "not_found",
    `Cannot open the console of VM ${uid}: sim has no domain of it`,
  );
}

function bootMessages({ name, vcpus, memoryMiB, phase }: SimDomain): string {
  return [
    `[    0.000000] sim: ${vcpus ?? 1} vcpus, ${memoryMiB ?? 0} MiB`,
    `[    0.001000] sim: ${name} is booting`,
    ...(phase === "starting"
      ? []
      : [`[    0.002000] sim: ready, type and it comes back`]),
    "",
  ].join("\r\n");
}

/** A terminal sends a carriage return for Enter; its echo needs both. */
function withLineFeeds(bytes: Uint8Array): Uint8Array {
  if (!bytes.includes(13)) return bytes;
  return Uint8Array.from(
    [...bytes].flatMap((byte) => byte === 13 ? [13, 10] : [byte]),
  );
}

function joinBytes(a: Uint8Array, b: Uint8Array): Uint8Array {
  const joined = new Uint8Array(a.length + b.length);
  joined.set(a);
  joined.set(b, a.length);
  return joined;
}
