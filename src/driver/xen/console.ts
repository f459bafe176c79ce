/**
 * The console of one domain.
 *
 * What a guest prints is read from the log that Xen's console daemon keeps, and
 * what is typed is written to the console's terminal. So any number may be
 * attached, somebody's `xl console` among them, and nobody takes a byte from
 * another. Where the daemon keeps no log, and for hvm guests, whose serial line
 * it does not know, `xl console` is the line; it serves one, and is refused
 * while somebody has it. Without a terminal of its own it takes nothing that is
 * typed, and ends neither when it is asked to nor when nobody reads it any more: so
 * it is read alone, and killed.
 *
 * @module
 */
import { UsherError } from "../../error/mod.ts";
import { connectPiped } from "../../sys/piped_child.ts";
import { systemClock } from "../../sys/clock.ts";
import {
  listPids,
  readArguments,
  readProcess,
  readVariable,
  signalProcess,
} from "../../sys/process_table.ts";
import { tailFile } from "../../sys/tail_file.ts";
import type { ByteConnection } from "../../sys/byte_connection.ts";
import { findConsoleLog } from "./console_log.ts";
import type { XenEnvironment } from "./environment.ts";
import type { Handle } from "./handle.ts";
import type { Row } from "./listing.ts";

/** In the environment of an `xl console` of ours, with its domain's uid. */
const CONSOLE_VARIABLE = "USHER_CONSOLE";

const LOOK_MS = 50;
/** How long one that was ended may take to be gone. */
const FREE_MS = 5000;

/** Opens the line of a domain that runs. Throws `unavailable` when there is none, `busy` when somebody has it. */
export async function openConsole(
  env: XenEnvironment,
  { handle, row }: { readonly handle: Handle; readonly row: Row | null },
): Promise<ByteConnection> {
  if (row === null) throw noConsole(handle.name, "its domain is gone");
  const isHvm = handle.spec?.xen.type === "hvm";
  const log = await findConsoleLog(env.layout, handle.name);
  if (!isHvm && log !== null) {
    const keys = await keysOf(env, handle.name, `${row.domid}/console/tty`);
    return joined(await tailFile(log), keys);
  }
  await freeLine(handle, row);
  const place = isHvm ? "serial/0/tty" : "console/tty";
  const keys = await keysOf(env, handle.name, `${row.domid}/${place}`);
  const line = connectPiped(
    env.xl.program,
    ["console", ...(isHvm ? ["-t", "serial"] : []), String(row.domid)],
    { ...env.programs, [CONSOLE_VARIABLE]: handle.uid },
    // It hears SIGTERM, and stays.
    { endBy: "SIGKILL" },
  );
  return joined(line, keys);
}

/** What is typed, to the terminal that the xenstore names. */
async function keysOf(
  env: XenEnvironment,
  name: string,
  place: string,
): Promise<ByteConnection> {
  const tty = await env.store.read(`/local/domain/${place}`);
  if (tty === null || !/^\/dev\/pts\/\d+$/.test(tty)) {
    throw noConsole(name, "Xen has given it no terminal yet");
  }
  // A child, since this process would take the terminal for its own and be hung up on with it.
  return connectPiped(
    "dd",
    ["bs=4096", `of=${tty}`, "conv=notrunc", "status=none"],
    env.programs,
  );
}

function joined(
  printed: Pick<ByteConnection, "read" | "close">,
  keys: ByteConnection,
): ByteConnection {
  return {
    read: (buffer) => printed.read(buffer),
    writeAll: (bytes) => keys.writeAll(bytes),
    close() {
      keys.close();
      printed.close();
    },
  };
}

/** Throws `busy` while somebody has the line. What an LNM that died has left there is ended. */
async function freeLine(
  { uid, name }: Handle,
  { domid }: Row,
): Promise<void> {
  const late = systemClock.monotonic() + FREE_MS;
  for (;;) {
    const taker = listPids().find((pid) => holdsLine(pid, domid));
    if (taker === undefined) return;
    const process = readProcess(taker);
    const isOurs = readVariable(taker, CONSOLE_VARIABLE) === uid;
    if (!isOurs || systemClock.monotonic() > late) throw taken(name, taker);
    if (process !== null) signalProcess(process, "SIGKILL");
    await systemClock.sleep(LOOK_MS);
  }
}

function holdsLine(pid: number, domid: number): boolean {
  const [program = "", ...args] = readArguments(pid);
  return program.endsWith("/xenconsole") && args.includes(String(domid));
}

function taken(name: string, pid: number): UsherError {
  return new UsherError(
    "busy",
    `Cannot open the console of VM "${name}": process ${pid} of its node has it`,
    {
      hint:
        "With XENCONSOLED_ARGS=--log=guest on the node any number may share a console.",
    },
  );
}

function noConsole(name: string, why: string): UsherError {
  return new UsherError(
    "unavailable",
    `Cannot open the console of VM "${name}": ${why}`,
  );
}
