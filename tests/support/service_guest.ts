/**
 * usher as services of a Debian guest, as tests of them put it there: scripts
 * for `DebianGuest`, and what is to be seen afterwards.
 *
 * @module
 */
import { match, ok, strictEqual } from "node:assert/strict";
import type { DebianGuest } from "./debian_guest.ts";

/** Accounts, in a guest that has no processor of its own. */
export const USERS = {
  events: [
    { event: "client_authenticate", deadline: "5m" },
    { event: "lnm_authenticate", deadline: "5m" },
  ],
  grants: { ctx: ["accounts", "state"] },
  limits: { start: "10m", cpu: 4 },
};

/** The controller's configuration, with these plugins besides. */
export function ctrlYaml(more: Readonly<Record<string, unknown>> = {}): string {
  const { plugins = {}, ...rest } = more as { readonly plugins?: object };
  return JSON.stringify({
    listen: { clients: "127.0.0.1:8440", nodes: "127.0.0.1:8441" },
    plugins: { users: USERS, ...plugins },
    ...rest,
  });
}

/** The node's configuration. */
export function lnmYaml(more: Readonly<Record<string, unknown>> = {}): string {
  return JSON.stringify({
    drivers: { qemu: { accel: "tcg", start_timeout: "10m" } },
    ...more,
  });
}

/** A script that writes a file of the guest. */
export function writes(path: string, text: string): string {
  return `mkdir -p ${path.slice(0, path.lastIndexOf("/"))}
cat >${path} <<'END-OF-FILE'
${text}
END-OF-FILE
`;
}

/** Logs in as the first account, by what the journal has of it. */
export const LOGIN = `
said=$(journalctl --unit usher-ctrl --output cat)
password=$(sed -n 's/.*its password is //p' <<<"$said")
ca=$(sed -n 's/.*CA SHA-256 //p' <<<"$said" | head -n 1)
usher login https://127.0.0.1:8440 --user admin --password-stdin --ca-fingerprint "$ca" <<<"$password"
`;

/** Starts a VM that boots from the guest's own disk; resolves once it runs. */
export async function startVm(guest: DebianGuest): Promise<void> {
  await guest.prints(
    /^connected to the controller$/m,
    "systemctl show -P StatusText usher-lnm",
  );
  await guest.must(
    "usher vm start web --memory 32MiB --disk path=/srv/guest/boot.raw,format=raw",
  );
}

const QEMUS = `for one in /proc/[0-9]*; do
  case $(readlink $one/exe || true) in */qemu-system-x86_64) echo \${one#/proc/} ;; esac
done`;

/** The node's process, and that of its guest: what must stay the same, and what may not. */
export class NodeProcesses {
  readonly #guest: DebianGuest;
  #lnm: string;
  readonly qemu: string;

  private constructor(guest: DebianGuest, lnm: string, qemu: string) {
    this.#guest = guest;
    this.#lnm = lnm;
    this.qemu = qemu;
  }

  /** As they are now; there is one guest. */
  static async of(guest: DebianGuest): Promise<NodeProcesses> {
    const [lnm = "", qemu = ""] = await pidsOf(guest);
    match(qemu, /^\d+$/);
    return new NodeProcesses(guest, lnm, qemu);
  }

  /** The guest is in the process it was in, and the node in another, or not. */
  async guestRunsOn(node: "in a new process" | "in the same"): Promise<void> {
    const [lnm = "", ...qemus] = await pidsOf(this.#guest);
    strictEqual(qemus.join(" "), this.qemu);
    const isNew = lnm !== this.#lnm;
    ok(isNew === (node === "in a new process"), `${this.#lnm}, now ${lnm}`);
    this.#lnm = lnm;
  }
}

async function pidsOf(guest: DebianGuest): Promise<string[]> {
  const text = await guest.must(
    `echo $(systemctl show -P MainPID usher-lnm) $(${QEMUS})`,
  );
  return text.split(" ");
}

/**
 * Steps of one test that build on each other: after one that failed the others
 * are not tried, since each could only wait for its deadline. Answers how many
 * seconds each took.
 */
export async function stepsOf(
  t: Deno.TestContext,
  steps: Readonly<Record<string, () => Promise<void>>>,
): Promise<Map<string, number>> {
  const seconds = new Map<string, number>();
  for (const [name, run] of Object.entries(steps)) {
    const began = performance.now();
    if (!await t.step(name, run)) throw new Error(`Failed in "${name}"`);
    seconds.set(name, Math.round((performance.now() - began) / 1000));
  }
  return seconds;
}
