/**
 * The serial line of one domain, by `virsh console` on a terminal of its own.
 *
 * libvirt gives a line to one at a time and refuses a second; that keeps usher
 * and a person with a virsh from taking each other's words. What several of
 * usher's own hear is shared by `console_line.ts`.
 *
 * @module
 */
import { UsherError } from "../../error/mod.ts";
import {
  openTerminalChild,
  type TerminalChild,
  type Word,
} from "../../sys/terminal_child.ts";
import type { ByteConnection } from "../../sys/byte_connection.ts";
import type { Domain } from "./domain.ts";
import { prefixOf, saidIn, type VirshOptions } from "./virsh.ts";

/** Ends a session of `virsh console`; never part of text in UTF-8, and kept from it otherwise. */
const ESCAPE = 0xff;
/** The last thing that virsh says before it opens the line. */
const GREETING = /Escape character is [^\n]*\n/;
/** How long virsh may take until it greets. */
const GREETING_MS = 20_000;
/** So long after its greeting it has said whether the line is another's. */
const REFUSAL_MS = 300;
/** So long after a refusal it has ended. */
const END_MS = 1000;
const READ_BYTES = 16 * 1024;

/** Opens the line of `domain`. Throws `busy` when somebody else has it. */
export async function openLine(
  { program, uri }: VirshOptions,
  { uuid, handle }: Pick<Domain, "uuid" | "handle">,
): Promise<ByteConnection> {
  const words: readonly Word[] = [
    ...prefixOf(uri).filter((word) => word !== "--quiet"),
    ...["--escape", { byte: ESCAPE }, "console", uuid, "--safe"],
  ];
  const child = openTerminalChild(program, words);
  const pieces = read(child);
  const over = setTimeout(() => child.close(), GREETING_MS);
  try {
    const first = await afterGreeting(pieces);
    const next = pieces.next();
    // A refusal may come with the greeting; virsh ends then, and a guest does not.
    const ms = startsAsError(first) ? END_MS : REFUSAL_MS;
    const soon = await within(ms, next);
    const said = joined(first, soon?.value ?? new Uint8Array());
    if (soon?.done || (first.length === 0 && startsAsError(said))) {
      throw new Refused(said);
    }
    return connectionOf(child, resumed(first, next, pieces));
  } catch (error) {
    child.close();
    // Until then it holds the line that somebody may ask for next.
    await child.ended;
    throw error instanceof Refused ? refusal(handle.name, error.text) : error;
  } finally {
    clearTimeout(over);
  }
}

/** What `work` comes to, if it does within `ms`. */
async function within<T>(ms: number, work: Promise<T>): Promise<T | undefined> {
  const late = Promise.withResolvers<undefined>();
  const timer = setTimeout(() => late.resolve(undefined), ms);
  try {
    return await Promise.race([work, late.promise]);
  } finally {
    clearTimeout(timer);
  }
}

/** What virsh said in place of opening the line. */
class Refused extends Error {
  readonly text: string;

  constructor(said: Uint8Array | string | void) {
    super();
    this.text = typeof said === "string" ? said : textOf(said ?? undefined);
  }
}

type Pieces = AsyncGenerator<Uint8Array, void>;

async function* read(child: TerminalChild): Pieces {
  for (;;) {
    const buffer = new Uint8Array(READ_BYTES);
    const count = await child.read(buffer).catch(() => null);
    if (count === null) return;
    yield buffer.subarray(0, count);
  }
}

/** Reads until virsh has greeted; answers what the guest has said behind that. */
async function afterGreeting(pieces: Pieces): Promise<Uint8Array> {
  let bytes = new Uint8Array();
  for (;;) {
    const { value, done } = await pieces.next();
    if (done) throw new Refused(bytes);
    bytes = joined(bytes, value);
    const found = GREETING.exec(textOf(bytes));
    if (found !== null) return bytes.subarray(found.index + found[0].length);
  }
}

/** `first`, then what `next` brings, then all the rest. */
async function* resumed(
  first: Uint8Array,
  next: Promise<IteratorResult<Uint8Array, void>>,
  rest: Pieces,
): Pieces {
  if (first.length > 0) yield first;
  const { value, done } = await next;
  if (done) return;
  yield value;
  yield* rest;
}

function connectionOf(child: TerminalChild, pieces: Pieces): ByteConnection {
  let left = new Uint8Array();
  return {
    async read(buffer) {
      if (left.length === 0) {
        const { value, done } = await pieces.next();
        if (done) return null;
        left = new Uint8Array(value);
      }
      const part = left.subarray(0, buffer.length);
      left = left.subarray(part.length);
      buffer.set(part);
      return part.length;
    },
    writeAll: (bytes) =>
      child.writeAll(bytes.filter((byte) => byte !== ESCAPE)),
    close: () => child.close(),
  };
}

function startsAsError(said: Uint8Array | string): boolean {
  return /^\s*error: /.test(typeof said === "string" ? said : textOf(said));
}

/** One character a byte, so that places in it are places among the bytes. */
function textOf(bytes: Uint8Array = new Uint8Array()): string {
  return String.fromCharCode(...bytes);
}

function joined(one: Uint8Array, other: Uint8Array): Uint8Array<ArrayBuffer> {
  const both = new Uint8Array(one.length + other.length);
  both.set(one);
  both.set(other, one.length);
  return both;
}

function refusal(name: string, text: string): UsherError {
  const complaints = text.replaceAll("\r", "").split("\n")
    .filter((line) => startsAsError(line)).join("\n");
  const said = saidIn(complaints);
  const what = `Cannot open the console of VM "${name}"`;
  if (/Active console session/.test(said)) {
    return new UsherError("busy", `${what}: somebody else has it open`, {
      hint: "Somebody looks at it with virsh console on its node.",
      cause: new Error(said),
    });
  }
  const isOff = /is not running/.test(said);
  return new UsherError(
    isOff ? "wrong_state" : "driver_failed",
    `${what}: ${said === "" ? "virsh ended without a word" : said}`,
  );
}
