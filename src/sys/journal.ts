/**
 * The system's journal, told in its own words: what a line says and how grave
 * it is, and each of its fields to be searched by
 * (`journalctl -p err USHER_VM=web1.lab.ann`).
 *
 * The form is that of https://systemd.io/JOURNAL_NATIVE_PROTOCOL. A journal that
 * does not take a line gets it over standard error, which waits for it.
 *
 * @module
 */
import { type Datagrams, openDatagrams } from "./datagram.ts";

const SOCKET = "/run/systemd/journal/socket";

/** How grave a line is, as syslog(3) counts. */
export const PRIORITY = { error: 3, warn: 4, info: 6, debug: 7 } as const;
/** The levels of a log. */
export type Level = keyof typeof PRIORITY;

/** One line for the journal. */
export interface Entry {
  readonly level: Level;
  /** What people read, with what belongs to it. */
  readonly text: string;
  /** The same words for all lines of a kind. */
  readonly message: string;
  readonly fields: Readonly<Record<string, unknown>>;
}

/** Whether standard error leads into the journal (systemd.exec(5), JOURNAL_STREAM). */
export function isJournal(): boolean {
  const stream = Deno.env.get("JOURNAL_STREAM");
  if (stream === undefined) return false;
  try {
    const { dev, ino } = Deno.statSync("/proc/self/fd/2");
    return stream === `${dev}:${ino}`;
  } catch {
    return false;
  }
}

/** Writes entries to the journal; `instead` takes what it does not. */
export function journalWriter(
  instead: (line: string) => void,
  socket: string = SOCKET,
): (entry: Entry) => void {
  let journal: Datagrams | null | undefined;
  return (entry) => {
    journal ??= openDatagrams(socket);
    if (journal?.send(journalForm(entry)) !== true) {
      instead(withPriority(entry.level, entry.text));
    }
  };
}

/** A line of a stream that the journal reads, with how grave it is (sd-daemon(3)). */
export function withPriority(level: Level, line: string): string {
  const prefix = `<${PRIORITY[level]}>`;
  return line.split("\n").map((part) => prefix + part).join("\n");
}

/** Longer values are cut: a datagram takes some 200 KiB, and nobody searches by that. */
const MAX_VALUE = 16 * 1024;
const MAX_FIELDS = 32;

/** An entry in the journal's native form. */
export function journalForm(
  { level, text, message, fields }: Entry,
): Uint8Array<ArrayBuffer> {
  const parts = [
    field("MESSAGE", text),
    field("PRIORITY", String(PRIORITY[level])),
    field("SYSLOG_IDENTIFIER", "usher"),
    field("USHER_MESSAGE", message),
  ];
  for (const [name, value] of Object.entries(fields).slice(0, MAX_FIELDS)) {
    if (value === undefined || name === "message") continue;
    parts.push(field(fieldName(name), valueOf(value)));
  }
  const all = new Uint8Array(
    parts.reduce((sum, { length }) => sum + length, 0),
  );
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}

/** `requestId` is searched for as `USHER_REQUEST_ID`; the journal takes no other letters, and 64 of them. */
function fieldName(name: string): string {
  const upper = name.replace(/([a-z0-9])([A-Z])/g, "$1_$2").toUpperCase();
  return `USHER_${upper.replace(/[^A-Z0-9_]/g, "_")}`.slice(0, 64);
}

function valueOf(value: unknown): string {
  if (typeof value === "string") return value;
  if (value instanceof Error) return value.message;
  return JSON.stringify(value) ?? "undefined";
}

const encoder = new TextEncoder();

function field(name: string, value: string): Uint8Array<ArrayBuffer> {
  const cut = value.length > MAX_VALUE
    ? `${value.slice(0, MAX_VALUE)}…`
    : value;
  if (!cut.includes("\n")) return encoder.encode(`${name}=${cut}\n`);
  // Its length as 64 bits, since a value of many lines has no other end.
  const head = encoder.encode(`${name}\n`);
  const body = encoder.encode(`${cut}\n`);
  const all = new Uint8Array(head.length + 8 + body.length);
  all.set(head);
  const length = BigInt(body.length - 1);
  new DataView(all.buffer).setBigUint64(head.length, length, true);
  all.set(body, head.length + 8);
  return all;
}
