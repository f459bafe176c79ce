/**
 * A Debian of its own kernel and its own systemd, with all control groups, as
 * `scripts/guest/debian.sh` builds it. Root runs scripts in there, one after
 * another; nothing of it is left when it is disposed of.
 *
 * It has no processor of its own: what takes a second on a machine takes ten
 * in there, and more where many tests run.
 *
 * @module
 */
import { type Ended, GuestDoor } from "./guest_door.ts";
import { GUEST, QEMU, whyNoQemu } from "./qemu_node.ts";
import { REPOSITORY } from "./repository.ts";

const DEBIAN = `${REPOSITORY}.cache/debian`;

/** However slow the machine. */
export const DEBIAN_MS = 900_000;

/** Why none can be booted here; undefined when it can. Builds it, which takes half a minute. */
export function whyNoDebian(): string | undefined {
  const missing = whyNoQemu();
  if (missing !== undefined) return missing;
  const script = `${REPOSITORY}scripts/guest/debian.sh`;
  const isRoot = Deno.uid() === 0;
  const built = new Deno.Command(isRoot ? script : "sudo", {
    args: isRoot ? [] : ["-n", script],
    stdout: "null",
    stderr: "piped",
  }).outputSync();
  return built.success
    ? undefined
    : new TextDecoder().decode(built.stderr).trim();
}

export type { Ended };

export class DebianGuest implements AsyncDisposable {
  readonly #child: Deno.ChildProcess;
  readonly #folder: string;
  readonly #door: GuestDoor;

  private constructor(
    child: Deno.ChildProcess,
    folder: string,
    door: GuestDoor,
  ) {
    this.#child = child;
    this.#folder = folder;
    this.#door = door;
  }

  /** Boots one; `program` lies there as /root/usher, with the mode of a program. */
  static async boot(program: string): Promise<DebianGuest> {
    const folder = await Deno.makeTempDir({ prefix: "usher_debian_" });
    const { size } = await Deno.stat(program);
    const child = new Deno.Command(QEMU, {
      args: [
        ...["-accel", "tcg,thread=multi", "-m", "2048", "-smp", "2"],
        ...["-nodefaults", "-no-reboot", "-display", "none"],
        ...["-serial", `file:${folder}/serial`],
        ...["-kernel", `${GUEST}/vmlinuz`, "-initrd", `${DEBIAN}/initrd`],
        "-append",
        "console=ttyS0 no_timer_check quiet rdinit=/boot",
        ...["-drive", drive(`${DEBIAN}/disk.raw`, "snapshot=on")],
        ...["-drive", drive(program, "readonly=on")],
        ...["-device", "virtio-serial-pci", "-chardev"],
        `socket,id=door,path=${folder}/door,server=on,wait=off`,
        ...["-device", "virtserialport,chardev=door"],
      ],
      stdin: "null",
      stdout: "null",
      stderr: "null",
    }).spawn();
    try {
      const door = await GuestDoor.open({
        path: `${folder}/door`,
        deadlineMs: DEBIAN_MS,
        trouble: () => lastOf(`${folder}/serial`),
      });
      const guest = new DebianGuest(child, folder, door);
      await guest.must(
        `head -c ${size} /dev/vdb >/root/usher && chmod 755 /root/usher`,
      );
      return guest;
    } catch (error) {
      await end(child, folder);
      throw error;
    }
  }

  /** Runs a script of bash to its end. */
  run(script: string): Promise<Ended> {
    return this.#door.run(script);
  }

  /** Runs a script that must succeed; what it printed. */
  must(script: string): Promise<string> {
    return this.#door.must(script);
  }

  /** Waits until a script prints something like this; all that it printed then. */
  prints(pattern: RegExp, script: string): Promise<string> {
    return this.#door.prints(pattern, script);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await end(this.#child, this.#folder);
    await this.#door[Symbol.asyncDispose]();
  }
}

async function end(child: Deno.ChildProcess, folder: string): Promise<void> {
  try {
    child.kill("SIGKILL");
  } catch {
    // It has ended by itself.
  }
  await child.status;
  await Deno.remove(folder, { recursive: true });
}

async function lastOf(file: string): Promise<string> {
  const text = await Deno.readTextFile(file).catch(() => "nothing");
  return text.slice(-2000);
}

function drive(file: string, how: string): string {
  return `file=${file},if=virtio,format=raw,cache=unsafe,${how}`;
}
