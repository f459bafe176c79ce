/**
 * The trial of KVM, with programs in QEMU's place that do what it does on
 * machines where KVM works, fails or hangs.
 *
 * @module
 */
import { deepStrictEqual, match, ok, strictEqual } from "node:assert/strict";
import { type AccelOptions, chooseAccel } from "./accel.ts";

/** A machine with a device and a program; `runs` counts the trials. */
class Machine implements AsyncDisposable {
  readonly #dir = Deno.makeTempDirSync({ prefix: "acc" });
  readonly options: AccelOptions & { device: string };

  constructor(body: string) {
    const dir = this.#dir;
    this.options = {
      wanted: "auto",
      binary: `${dir}/qemu`,
      version: "7.2",
      memory: `${dir}/accel.json`,
      device: `${dir}/kvm`,
      deadlineMs: 60_000,
    };
    Deno.writeTextFileSync(this.options.device, "");
    Deno.writeTextFileSync(
      this.options.binary,
      `#!/bin/sh\necho $$ >>${dir}/runs\n${body}\n`,
      { mode: 0o755 },
    );
  }

  /** The pids of the trials so far. */
  runs(): string[] {
    try {
      return Deno.readTextFileSync(`${this.#dir}/runs`).trim().split("\n");
    } catch {
      return [];
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Deno.remove(this.#dir, { recursive: true });
  }
}

Deno.test("chooseAccel() takes KVM once a trial guest ran, and keeps that", async () => {
  await using machine = new Machine("exit 33");
  const first = await chooseAccel(machine.options);
  deepStrictEqual(first, { accel: "kvm", reason: "a trial guest ran" });
  deepStrictEqual(await chooseAccel(machine.options), first);
  strictEqual(machine.runs().length, 1);
});

Deno.test("chooseAccel() gives a trial that hangs its deadline, ends it, and does not try again", async () => {
  await using machine = new Machine("exec sleep 3600");
  const hasty = { ...machine.options, deadlineMs: 500 };
  const first = await chooseAccel(hasty);
  strictEqual(first.accel, "tcg");
  match(first.reason, /did not run within 500 ms/);
  const trials = machine.runs();
  for (const pid of trials) {
    ok(!isThere(`/proc/${pid}`), "the trial was left running");
  }
  deepStrictEqual(await chooseAccel(hasty), first);
  deepStrictEqual(machine.runs(), trials);
});

Deno.test("chooseAccel() tells why a trial failed, and tries again when QEMU or the device changed", async () => {
  await using machine = new Machine("echo 'no MSR 0xc0' >&2; exit 1");
  const { accel, reason } = await chooseAccel(machine.options);
  strictEqual(accel, "tcg");
  match(reason, /exit code 1: no MSR 0xc0/);
  const newer = { ...machine.options, version: "8.0" };
  await chooseAccel(newer);
  strictEqual(machine.runs().length, 2);
  Deno.chmodSync(machine.options.device, 0o666);
  await chooseAccel(newer);
  strictEqual(machine.runs().length, 3);
});

Deno.test("chooseAccel() tries nothing without a device, nor when it was told what to take", async () => {
  await using machine = new Machine("exit 33");
  for (const wanted of ["kvm", "tcg"] as const) {
    const { accel } = await chooseAccel({ ...machine.options, wanted });
    strictEqual(accel, wanted);
  }
  Deno.removeSync(machine.options.device);
  const { accel, reason } = await chooseAccel(machine.options);
  strictEqual(accel, "tcg");
  match(reason, /there is no .*kvm/);
  deepStrictEqual(machine.runs(), []);
});

Deno.test("chooseAccel() tries again when what it kept cannot be read", async () => {
  await using machine = new Machine("exit 33");
  await Deno.writeTextFile(machine.options.memory, '{"key');
  strictEqual((await chooseAccel(machine.options)).accel, "kvm");
  strictEqual(machine.runs().length, 1);
});

function isThere(path: string): boolean {
  try {
    return Deno.statSync(path).isDirectory;
  } catch {
    return false;
  }
}
