/**
 * Guarding guests that libvirt runs on this machine. Those of a daemon elsewhere
 * are in nobody's hand: when that cannot be reached, nor can its guests.
 *
 * @module
 */
import type { GuardReport } from "../driver.ts";
import { ProcessGuarding, type Told } from "../guard/guarding.ts";
import { maySignal } from "../../sys/process_table.ts";
import type { Book } from "./book.ts";
import type { Domain } from "./domain.ts";
import type { LibvirtEnvironment } from "./environment.ts";
import type { LibvirtTarget } from "./guard/hands.ts";
import type { Handle } from "./handle.ts";
import { isCopy } from "../carried/record.ts";
import { QemuProcesses } from "./qemu_process.ts";

/** The guard of one node's domains. */
export class LibvirtGuarding extends ProcessGuarding<LibvirtTarget> {
  readonly #env: LibvirtEnvironment;
  readonly #book: Book;
  readonly #processes = new QemuProcesses();
  /** Runs of which it was said that they cannot be guarded. */
  readonly #complained = new Set<string>();

  constructor(env: LibvirtEnvironment, book: Book) {
    super({
      driver: "libvirt",
      runDir: env.layout.runDir,
      silent: "libvirt or its QEMU",
      targets: () => this.#targets(),
      log: (message, fields) => env.log("info", message, fields),
    });
    this.#env = env;
    this.#book = book;
  }

  /** See `Guarding.renew`. */
  override async renew(
    until: number,
    signal: AbortSignal,
  ): Promise<GuardReport> {
    const report = await super.renew(until, signal);
    this.#tell();
    return report;
  }

  /** See `Guarding.release`. */
  override async release(
    uids: readonly string[],
    until: number,
    signal: AbortSignal,
  ): Promise<void> {
    // A guest that was sent meanwhile may run elsewhere; its move decides.
    const here = uids.filter((uid) => {
      const domain = this.#book.domains.get(uid);
      return domain !== undefined && !isCopy(domain.handle.move);
    });
    await super.release(here, until, signal);
    this.#tell();
  }

  /** A domain's state as it is told. */
  toldOf(handle: Handle, seen: Told): Told {
    return isGuarded(handle) ? this.told(handle, seen) : seen;
  }

  /** Of a process that a signal has stopped, libvirt tells nothing. */
  #tell(): void {
    for (const domain of this.#book.domains.values()) {
      // Of one that was never seen, nothing is known to be told.
      if (isGuarded(domain.handle) && domain.sighting !== null) {
        domain.publish();
      }
    }
  }

  #targets(): LibvirtTarget[] {
    const domains = [...this.#book.domains.values()].filter(mayRun);
    const found = this.#processes.find(domains.map(({ uuid }) => uuid));
    const { virsh: { options: { program, uri } } } = this.#env;
    return domains.flatMap(({ uuid, handle: { uid, incarnation } }) => {
      const process = found.get(uuid);
      if (process === undefined) return [];
      // A daemon that does not answer would leave it running.
      if (!maySignal(process)) return this.#complain(incarnation, uid);
      return [{ uid, incarnation, process, uuid, virsh: program, uri }];
    });
  }

  #complain(incarnation: string, uid: string): [] {
    if (this.#complained.has(incarnation)) return [];
    this.#complained.add(incarnation);
    this.#env.log(
      "warn",
      "a VM cannot be guarded: its QEMU is another user's",
      {
        uid,
        hint: "Run the LNM as root, or use qemu:///session.",
      },
    );
    return [];
  }
}

/** Whether its owner wants it started elsewhere; one whose handle was lost waits for proof. */
function isGuarded({ spec }: Handle): boolean {
  return spec?.onNodeLoss === "restart";
}

/** Whether it is to be guarded, as far as its handle knows: libvirt may be away. */
function mayRun({ handle, phase }: Domain): boolean {
  // Before it runs, what there is may be what is left of the run before.
  const isUnderWay = phase !== "starting" && handle.ending === null;
  // A copy stands still anyway, and is not this node's to let go on.
  return isGuarded(handle) && isUnderWay && !isCopy(handle.move);
}
