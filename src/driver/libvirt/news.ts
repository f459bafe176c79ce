/**
 * What libvirt tells by itself, as `virsh event` prints it: a process that lives
 * as long as the driver, and is started again when it ends, as it does when the
 * daemon is restarted.
 *
 * An event says that it is time to look; only how a run ended is taken from its
 * words. So one that is lost, or not understood, costs time and no truth, and
 * there is a look every now and then in any case.
 *
 * @module
 */
import { isUsherError } from "../../error/mod.ts";
import { environment } from "../../sys/environment.ts";
import { type OwnedChild, spawnOwned } from "../../sys/owned_child.ts";
import { sleep } from "../../sys/sleep.ts";
import type { VirshOptions } from "./virsh.ts";
import { prefixOf } from "./virsh.ts";

/** An event of a domain: `lifecycle`, `reboot` and so on, and its detail in words. */
export interface LibvirtEvent {
  readonly kind: string;
  /** libvirt's name of the domain. */
  readonly name: string;
  readonly detail: string;
}

/** Who hears. */
export interface Hearer {
  hear(event: LibvirtEvent): void;
  /** Events may have been missed until now. */
  listening(): void;
  /** The daemon is out of reach, in virsh's words. */
  deaf(said: string): void;
}

/** So long one virsh listens; one whose LNM was killed has ended by then. */
const LISTEN_S = 600;
/** After it has ended at once, so long until the next one. */
const AGAIN_MS = 1000;
const MAX_LINE = 4096;

/** Fixed words: no part of them is anybody's. */
const LISTEN =
  `echo ${"listening"}; event --all --loop --timestamp --timeout ${LISTEN_S}`;

/** Listens until `closing` aborts. */
export async function listen(
  { program, uri }: VirshOptions,
  hearer: Hearer,
  closing: AbortSignal,
): Promise<void> {
  while (!closing.aborted) {
    const complaints: string[] = [];
    const began = performance.now();
    try {
      const child = spawnOwned(program, [...prefixOf(uri), LISTEN], {
        env: { PATH: environment("PATH") ?? "/usr/bin:/bin", LC_ALL: "C" },
        input: "",
        maxLine: MAX_LINE,
        onLine(stream, line) {
          if (stream === "stderr") complaints.push(line);
          else if (line === "listening") hearer.listening();
          else tell(hearer, parseEvent(line));
        },
      });
      await untilEnded(child, closing);
    } catch (error) {
      if (!isUsherError(error, "unavailable")) throw error;
      complaints.push(error.message);
    }
    if (closing.aborted) return;
    hearer.deaf(complaints.join("; "));
    const rest = AGAIN_MS - (performance.now() - began);
    if (rest > 0) await sleep(rest, closing).catch(() => {});
  }
}

async function untilEnded(
  child: OwnedChild,
  closing: AbortSignal,
): Promise<void> {
  const kill = () => child.kill();
  if (closing.aborted) kill();
  closing.addEventListener("abort", kill, { once: true });
  await child.exited;
  closing.removeEventListener("abort", kill);
}

function tell(hearer: Hearer, event: LibvirtEvent | null): void {
  if (event !== null && !DULL.has(event.kind)) hearer.hear(event);
}

/** Events that change nothing that usher tells. */
const DULL: ReadonlySet<string> = new Set([
  "rtc-change",
  "balloon-change",
  "migration-iteration",
  "agent-lifecycle",
  "tunable",
  "block-threshold",
  "memory-device-size-change",
]);

/** Reads a line of `virsh event`; null when it is none. */
export function parseEvent(line: string): LibvirtEvent | null {
  const [, kind, name, detail = ""] =
    /event '([a-z-]+)' for domain '?(.*?)'?(?:: (.*))?$/.exec(line) ?? [];
  return kind === undefined || name === undefined
    ? null
    : { kind, name, detail };
}
