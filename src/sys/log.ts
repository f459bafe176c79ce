/**
 * The log: human lines on a terminal, one JSON object a line elsewhere.
 *
 * Lines go to standard error, since standard output belongs to what a command
 * prints for its caller. Nothing secret may be passed in: fields are written
 * as they are.
 *
 * @module
 */

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
  /** `auto` is human on a terminal and JSON elsewhere. */
  readonly format?: "auto" | "human" | "json";
  /** Where lines go; standard error when absent. */
  readonly write?: (line: string) => void;
}

/** A log for one process. */
export function createLog(options: LogOptions = {}): Log {
  const { level = "info", format = "auto" } = options;
  const human = format === "human" ||
    (format === "auto" && Deno.stderr.isTerminal());
  return makeLog(RANK[level], human, options.write ?? writeStderr, {});
}

function makeLog(
  least: number,
  human: boolean,
  write: (line: string) => void,
  base: Record<string, unknown>,
): Log {
  function say(
    level: LogLevel,
    message: string,
    fields?: Record<string, unknown>,
  ): void {
    if (RANK[level] < least) return;
    const all = { ...base, ...fields };
    write(
      human ? humanLine(level, message, all) : jsonLine(level, message, all),
    );
  }
  return {
    debug: (message, fields) => say("debug", message, fields),
    info: (message, fields) => say("info", message, fields),
    warn: (message, fields) => say("warn", message, fields),
    error: (message, fields) => say("error", message, fields),
    with: (fields) => makeLog(least, human, write, { ...base, ...fields }),
  };
}

function jsonLine(
  level: LogLevel,
  message: string,
  fields: Record<string, unknown>,
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
  fields: Record<string, unknown>,
): string {
  const time = new Date().toISOString().slice(11, 23);
  const rest = Object.entries(fields)
    .filter(([, value]) => value !== undefined)
    .map(([key, value]) => ` ${key}=${humanValue(value)}`)
    .join("");
  return `${time} ${level.padEnd(5)} ${message}${rest}`;
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
export const silentLog: Log = makeLog(99, true, () => {}, {});
