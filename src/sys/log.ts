/**
 * The log: human lines on a terminal, entries in its own form where the journal
 * of the system reads, one JSON object a line elsewhere.
 *
 * Lines go to standard error, since standard output belongs to what a command
 * prints for its caller. Nothing secret may be passed in: fields are written
 * as they are.
 *
 * @module
 */
import { isJournal, journalWriter, withPriority } from "./journal.ts";

/** How grave a line is. */
export type LogLevel = "debug" | "info" | "warn" | "error";

/** Says something; `fields` are for machines to search. */
export interface Log {
  debug(message: string, fields?: Record<string, unknown>): void;
  info(message: string, fields?: Record<string, unknown>): void;
  warn(message: string, fields?: Record<string, unknown>): void;
  error(message: string, fields?: Record<string, unknown>): void;
  /** The same log with these fields on every line. */
  with(fields: Record<string, unknown>): Log;
}

const RANK: Readonly<Record<LogLevel, number>> = {
  debug: 0,
  info: 1,
  warn: 2,
  error: 3,
};

/** From which level on, how, and where to lines are written. */
export interface LogOptions {
  readonly level?: LogLevel;
  /** `auto` is human on a terminal, the journal's form for the journal, and JSON elsewhere. */
  readonly format?: "auto" | "human" | "json";
  /** Where lines go; standard error when absent. */
  readonly write?: (line: string) => void;
}

/** A log that can be told to say more or less. */
export interface ProcessLog extends Log {
  /** From which level on lines are written from now on, also by logs made of it. */
  setLevel(level: LogLevel): void;
}

/** A log for one process. */
export function createLog(options: LogOptions = {}): ProcessLog {
  const { level = "info", format = "auto" } = options;
  const bar = { least: RANK[level] };
  return {
    ...makeLog(bar, writerFor(format, options.write), {}),
    setLevel: (level) => void (bar.least = RANK[level]),
  };
}

/** Writes one line of a log, in whatever form. */
type Write = (
  level: LogLevel,
  message: string,
  fields: Readonly<Record<string, unknown>>,
) => void;

function writerFor(
  format: "auto" | "human" | "json",
  given: ((line: string) => void) | undefined,
): Write {
  const write = given ?? writeStderr;
  const forJournal = given === undefined && isJournal();
  if (forJournal && format === "auto") {
    const toJournal = journalWriter(writeStderr);
    return (level, message, fields) =>
      toJournal({ level, message, fields, text: sentence(message, fields) });
  }
  const human = format === "human" ||
    (format === "auto" && Deno.stderr.isTerminal());
  const lineOf = human ? humanLine : jsonLine;
  // How grave a line is, is told to the journal in whatever form it comes.
  return (level, message, fields) => {
    const line = lineOf(level, message, fields);
    write(forJournal ? withPriority(level, line) : line);
  };
}

function makeLog(
  bar: { readonly least: number },
  write: Write,
  base: Readonly<Record<string, unknown>>,
): Log {
  function say(
    level: LogLevel,
    message: string,
    fields?: Record<string, unknown>,
  ): void {
    if (RANK[level] >= bar.least) write(level, message, { ...base, ...fields });
  }
  return {
    debug: (message, fields) => say("debug", message, fields),
    info: (message, fields) => say("info", message, fields),
    warn: (message, fields) => say("warn", message, fields),
    error: (message, fields) => say("error", message, fields),
    with: (fields) => makeLog(bar, write, { ...base, ...fields }),
  };
}

function jsonLine(
  level: LogLevel,
  message: string,
  fields: Readonly<Record<string, unknown>>,
): string {
  return JSON.stringify({
    time: new Date().toISOString(),
    level,
    message,
    ...fields,
  }, replaceError);
}

function replaceError(_key: string, value: unknown): unknown {
  return value instanceof Error ? value.message : value;
}

function humanLine(
  level: LogLevel,
  message: string,
  fields: Readonly<Record<string, unknown>>,
): string {
  const time = new Date().toISOString().slice(11, 23);
  return `${time} ${level.padEnd(5)} ${sentence(message, fields)}`;
}

/** What is said, with what belongs to it. */
function sentence(
  message: string,
  fields: Readonly<Record<string, unknown>>,
): string {
  const rest = Object.entries(fields)
    .filter(([, value]) => value !== undefined)
    .map(([key, value]) => ` ${key}=${humanValue(value)}`)
    .join("");
  return message + rest;
}

function humanValue(value: unknown): string {
  if (typeof value === "string") {
    return /[\s"=]/.test(value) ? JSON.stringify(value) : value;
  }
  if (value instanceof Error) return JSON.stringify(value.message);
  return JSON.stringify(value) ?? "undefined";
}

const encoder = new TextEncoder();

function writeStderr(line: string): void {
  try {
    Deno.stderr.writeSync(encoder.encode(`${line}\n`));
  } catch {
    // A closed standard error must not end a daemon.
  }
}

/** A log that says nothing, for tests. */
export const silentLog: Log = makeLog({ least: 99 }, () => {}, {});
