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
import { strictEqual } from "node:assert/strict";
import { connectUnix } from "../../src/sys/unix_socket.ts";
import { GUEST, QEMU, whyNoQemu } from "./qemu_node.ts";
import { REPOSITORY } from "./repository.ts";
import { until } from "./wait.ts";

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

/** What a script in there came to. */
export interface Ended {
  readonly code: number;
  /** Standard output and standard error. */
  readonly out: string;
}

export class DebianGuest implements AsyncDisposable {
  readonly #child: Deno.ChildProcess;
  readonly #folder: string;
  readonly #door: ReadableStreamDefaultReader<string>;
  readonly #send: (text: string) => Promise<void>;
  readonly #close: () => void;
  #rest = "";

  private constructor(
    child: Deno.ChildProcess,
    folder: string,
    door: Awaited<ReturnType<typeof connectUnix>>,
  ) {
    this.#child = child;
    this.#folder = folder;
    this.#close = () => door.close();
    this.#send = (text) => door.writeAll(new TextEncoder().encode(text));
    const bytes = new ReadableStream<Uint8Array<ArrayBuffer>>({
      async pull(controller) {
        const buffer = new Uint8Array(64 * 1024);
        const count = await door.read(buffer).catch(() => null);
        if (count === null) controller.close();
        else controller.enqueue(buffer.subarray(0, count));
      },
    });
    this.#door = bytes.pipeThrough(new TextDecoderStream()).getReader();
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
    const door = await until(
      "QEMU opens the door of the guest",
      () => connectUnix(`${folder}/door`),
      { deadlineMs: DEBIAN_MS },
    );
    const guest = new DebianGuest(child, folder, door);
    try {
      strictEqual(await guest.#line(), "ready");
      await guest.must(
        `head -c ${size} /dev/vdb >/root/usher && chmod 755 /root/usher`,
      );
    } catch (error) {
      await guest[Symbol.asyncDispose]();
      throw error;
    }
    return guest;
  }

  async #line(): Promise<string> {
    const late = setTimeout(this.#close, DEBIAN_MS);
    try {
      for (;;) {
        const end = this.#rest.indexOf("\n");
        if (end >= 0) {
          const line = this.#rest.slice(0, end);
          this.#rest = this.#rest.slice(end + 1);
          return line.trim();
        }
        const { value } = await this.#door.read();
        if (value === undefined) throw new Error(await this.#serial());
        this.#rest += value;
      }
    } finally {
      clearTimeout(late);
    }
  }

  async #serial(): Promise<string> {
    const text = await Deno.readTextFile(`${this.#folder}/serial`)
      .catch(() => "nothing");
    return `The guest answers no more; its console: ${text.slice(-2000)}`;
  }

  /** Runs a script of bash to its end. */
  async run(script: string): Promise<Ended> {
    const bytes = new TextEncoder().encode(script);
    await this.#send(
      `${
        btoa(Array.from(bytes, (byte) => String.fromCharCode(byte)).join(""))
      }\n`,
    );
    const [code = "", printed = ""] = (await this.#line()).split(" ");
    const out = new TextDecoder().decode(
      Uint8Array.from(atob(printed), (letter) => letter.charCodeAt(0)),
    );
    return { code: Number(code), out };
  }

  /** Runs a script that must succeed; what it printed. */
  async must(script: string): Promise<string> {
    const { code, out } = await this.run(`set -eo pipefail\n${script}`);
    strictEqual(code, 0, `${script}\n${out}`);
    return out.trimEnd();
  }

  /** Waits until a script prints something like this; all that it printed then. */
  async prints(pattern: RegExp, script: string): Promise<string> {
    return await until(`the guest prints ${pattern}`, async () => {
      const { out } = await this.run(script);
      if (pattern.test(out)) return out;
      throw new Error(out.slice(-2000));
    }, { deadlineMs: DEBIAN_MS, everyMs: 1000 });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    try {
      this.#child.kill("SIGKILL");
    } catch {
      // It has ended by itself.
    }
    await this.#child.status;
    while ((await this.#door.read()).value !== undefined);
    this.#close();
    await Deno.remove(this.#folder, { recursive: true });
  }
}

function drive(file: string, how: string): string {
  return `file=${file},if=virtio,format=raw,cache=unsafe,${how}`;
}
