/**
 * Two QEMUs and QMP, with nobody around them: the floor of a live migration.
 *
 * What is measured is what a guest and its owner feel: from the wish to the
 * guest running at the target, the target's start included; and how long the
 * guest stood still, from QEMU's STOP at the source to its RESUME at the
 * target. It waits for QEMU's own events, as nothing is quicker, and asks
 * nothing meanwhile: a QEMU that is asked sends less.
 *
 * @module
 */
import { QmpClient } from "../../src/driver/qemu/qmp/client.ts";
import { peerHost, peerSubject } from "../../src/schema/peer.ts";
import { connectUnix } from "../../src/sys/unix_socket.ts";
import { GUEST } from "./bare_qemu.ts";

const DEADLINE_MS = 60_000;
/** A guest that writes faster than it is sent would never be over. */
const LONGEST_MS = 8000;
const UNLIMITED = 2 ** 50;
let lastPort = 49_600;

/** Memory of the guests that move, MiB. */
export const MEMORY_MIB = 256;

/** Milliseconds of one move. */
export interface Moved {
  readonly total: number;
  readonly pause: number;
  /** It was given up after `total`: the guest wrote faster than it was sent. */
  readonly isEndless: boolean;
}

/** How it is moved. */
export interface MoveWish {
  /** Bytes a second; none for as much as there is. */
  readonly bandwidth?: number | undefined;
  /** Folders with the certificates of source and target; null for plain text. */
  readonly keys: { readonly n1: string; readonly n2: string } | null;
  /** Whether QEMU slows down a guest that writes faster than it is sent. */
  readonly autoConverge?: boolean;
}

/** One QEMU, spoken to by QMP alone. */
class BareQemu {
  readonly qmp = new QmpClient();
  readonly #child: Deno.ChildProcess;
  readonly #socket: string;

  private constructor(socket: string, cmdline: string, more: string[]) {
    this.#socket = socket;
    this.#child = new Deno.Command("qemu-system-x86_64", {
      args: [
        ...["-machine", "pc", "-accel", "tcg", "-m", String(MEMORY_MIB)],
        ...["-display", "none", "-nodefaults"],
        ...["-serial", `file:${socket}.serial`],
        ...["-kernel", GUEST.kernel, "-initrd", GUEST.initrd],
        ...["-append", cmdline],
        ...["-qmp", `unix:${socket},server=on,wait=off`, ...more],
      ],
      stdin: "null",
      stdout: "null",
      stderr: "null",
    }).spawn();
  }

  static async start(
    socket: string,
    cmdline: string,
    more: string[] = [],
  ): Promise<BareQemu> {
    const qemu = new BareQemu(socket, cmdline, more);
    const until = performance.now() + DEADLINE_MS;
    for (;;) {
      try {
        await connectUnix(socket).then((connection) => connection.close());
        break;
      } catch (error) {
        if (performance.now() > until) throw error;
        await pause(1);
      }
    }
    await qemu.qmp.open(
      () => connectUnix(socket),
      AbortSignal.timeout(DEADLINE_MS),
    );
    return qemu;
  }

  run(command: string, args: Record<string, unknown> = {}): Promise<unknown> {
    return this.qmp.execute(command, args, { deadlineMs: DEADLINE_MS });
  }

  /** Waits until the serial line has said `text`. */
  async untilPrinted(text: string): Promise<void> {
    const until = performance.now() + 120_000;
    for (;;) {
      const said = await Deno.readTextFile(`${this.#socket}.serial`);
      if (said.includes(text)) return;
      if (performance.now() > until) throw new Error(`it said ${said}`);
      await pause(50);
    }
  }

  async end(): Promise<void> {
    this.qmp.close();
    this.#child.kill("SIGKILL");
    await this.#child.status;
  }
}

/**
 * One guest that is moved again and again, each time to a new QEMU. It runs
 * only while it is moved, since others are measured in between.
 */
export class BareMigration implements AsyncDisposable {
  #at: BareQemu;
  readonly #dir: string;
  readonly #cmdline: string;
  #count = 0;

  private constructor(dir: string, cmdline: string, first: BareQemu) {
    this.#dir = dir;
    this.#cmdline = cmdline;
    this.#at = first;
  }

  static async start(cmdline: string): Promise<BareMigration> {
    const dir = await Deno.makeTempDir({ prefix: "uqb" });
    const first = await BareQemu.start(`${dir}/0`, cmdline);
    try {
      await first.untilPrinted("usher-guest ready");
      await first.run("stop");
    } catch (error) {
      await first.end();
      throw error;
    }
    return new BareMigration(dir, cmdline, first);
  }

  async move(wish: MoveWish): Promise<Moved> {
    const source = this.#at;
    await source.run("cont");
    const began = performance.now();
    const target = await BareQemu.start(
      `${this.#dir}/${++this.#count}`,
      this.#cmdline,
      ["-S", "-incoming", "defer"],
    );
    let useless = target;
    try {
      const sent = await send(source, target, wish);
      const total = performance.now() - began;
      if (sent === null) return { total, pause: NaN, isEndless: true };
      this.#at = target;
      useless = source;
      if (wish.keys !== null) await forget(target, ["server", "peer"]);
      return { total, pause: await sent.pause, isEndless: false };
    } finally {
      await this.#at.run("stop");
      await useless.end();
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#at.end();
    await Deno.remove(this.#dir, { recursive: true });
  }
}

/** From the first command to the guest going on; null when it wrote faster than it was sent. */
async function send(
  source: BareQemu,
  target: BareQemu,
  wish: MoveWish,
): Promise<{ readonly pause: Promise<number> } | null> {
  const watch = watchPause(source.qmp);
  watch.expect(target.qmp);
  const uri = `tcp:127.0.0.1:${++lastPort}`;
  await prepare(target, source, wish);
  const sent = migrated(source);
  const taken = migrated(target);
  for (const its of [sent, taken]) its.catch(() => {}); // whoever fails first says why
  await target.run("migrate-incoming", { uri });
  await source.run("migrate", { uri });
  if (!await isOverWithin(LONGEST_MS, sent)) {
    await source.run("migrate_cancel");
    await sent;
    await source.run("cont"); // it may have been over just then
    if (wish.keys !== null) await forget(source, ["client"]);
    return null;
  }
  await taken;
  await target.run("cont");
  return watch;
}

async function prepare(
  target: BareQemu,
  source: BareQemu,
  { keys, bandwidth, autoConverge }: MoveWish,
): Promise<void> {
  const capabilities = [{ capability: "events", state: true }];
  await target.run("migrate-set-capabilities", { capabilities });
  capabilities.push({
    capability: "auto-converge",
    state: autoConverge === true,
  });
  await source.run("migrate-set-capabilities", { capabilities });
  await source.run("migrate-set-parameters", {
    "max-bandwidth": bandwidth ?? UNLIMITED,
  });
  if (keys === null) return;
  await addKeys(target, "server", keys.n2);
  await target.run("object-add", {
    "qom-type": "authz-simple",
    id: "peer",
    identity: peerSubject("n1"),
  });
  await target.run("migrate-set-parameters", {
    "tls-creds": "server",
    "tls-authz": "peer",
  });
  await addKeys(source, "client", keys.n1);
  await source.run("migrate-set-parameters", {
    "tls-creds": "client",
    "tls-hostname": peerHost("n2"),
  });
}

async function addKeys(
  qemu: BareQemu,
  endpoint: string,
  dir: string,
): Promise<void> {
  await qemu.run("object-add", {
    "qom-type": "tls-creds-x509",
    id: endpoint,
    endpoint,
    dir,
    "verify-peer": true,
  });
}

async function forget(
  qemu: BareQemu,
  ids: readonly string[],
): Promise<void> {
  const nothing = { "tls-creds": "", "tls-authz": "", "tls-hostname": "" };
  await qemu.run("migrate-set-parameters", nothing);
  for (const id of ids) await qemu.run("object-del", { id });
}

/** Resolves once a migration is complete at `qemu`; throws when it fails. */
async function migrated({ qmp }: BareQemu): Promise<void> {
  const queue = qmp.listen(["MIGRATION"]);
  for await (const { data: { status } } of queue) {
    if (status === "failed") throw new Error("a bare migration failed");
    if (status !== "completed" && status !== "cancelled") continue;
    qmp.mute(queue);
    return;
  }
  throw new Error("QEMU ended in a bare migration");
}

/** Waits for a guest to stop at one QEMU and to go on at the one that is expected. */
export function watchPause(source: QmpClient): {
  expect(target: QmpClient): void;
  readonly pause: Promise<number>;
} {
  const stopped = first(source, "STOP");
  const { promise, resolve, reject } = Promise.withResolvers<number>();
  const pause = Promise.all([stopped, promise]).then(([from, to]) => to - from);
  // A move that fails says why itself, and is never asked for its pause.
  for (const its of [stopped, pause]) its.catch(() => {});
  return {
    expect: (target) => void first(target, "RESUME").then(resolve, reject),
    pause,
  };
}

async function first(qmp: QmpClient, event: string): Promise<number> {
  const queue = qmp.listen([event]);
  for await (const _ of queue) {
    const at = performance.now();
    qmp.mute(queue);
    return at;
  }
  throw new Error(`QEMU ended before ${event}`);
}

async function isOverWithin(
  ms: number,
  work: Promise<void>,
): Promise<boolean> {
  const { promise, resolve } = Promise.withResolvers<boolean>();
  const timer = setTimeout(() => resolve(false), ms);
  try {
    return await Promise.race([work.then(() => true), promise]);
  } finally {
    clearTimeout(timer);
  }
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
