/**
 * What the guard does to a domain, by what its libvirt says of it: on a virsh of
 * the test's own, and on processes that pass for QEMU.
 *
 * @module
 */
import { deepStrictEqual, ok, strictEqual } from "node:assert/strict";
import { until } from "../../../../tests/support/wait.ts";
import {
  isFrozen,
  type ProcessId,
  readArguments,
  readProcess,
} from "../../../sys/process_table.ts";
import type { Deed, Held } from "../../guard/protocol.ts";
import { STATE } from "../domain_state.ts";
import { LibvirtHands, type LibvirtTarget } from "./hands.ts";

const UUID = "0197f000-0000-7000-8000-000000000001";
/** A folder with a virsh in it, whose answers are shell, and what it was asked. */
class World implements AsyncDisposable {
  readonly hands = new LibvirtHands();
  readonly dir = Deno.makeTempDirSync({ prefix: "uvh" });
  readonly noted: Deed[] = [];
  readonly #children: Deno.ChildProcess[] = [];

  constructor() {
    const script = `#!/bin/sh
case "$*" in
  *list*) . "${this.dir}/look" ;;
  *"suspend ${UUID}; "*)
    echo suspend >>"${this.dir}/asked"; . "${this.dir}/suspend" ;;
  *resume*) echo resume >>"${this.dir}/asked"; . "${this.dir}/resume" ;;
esac
`;
    Deno.writeTextFileSync(`${this.dir}/virsh`, script, { mode: 0o755 });
    for (const file of ["resume", "asked"]) this.answer(file, "");
    this.suspends();
  }

  answer(file: string, shell: string): void {
    Deno.writeTextFileSync(`${this.dir}/${file}`, shell);
  }

  /** libvirt's state of the domain; null where it has none. */
  looks(state: number | null, reason = 1): void {
    const lines = [
      `${UUID} web`,
      "Domain: 'web'",
      `  state.state=${state}`,
      `  state.reason=${reason}`,
    ];
    const text = state === null ? "" : `${lines.join("\n")}\n`;
    this.answer("look", `cat <<'END'\n${text}END\n`);
  }

  /** What libvirt says of the domain once it was asked to suspend it. */
  suspends(state: number = STATE.paused, job = "None"): void {
    const lines = [
      "Domain: 'web'",
      `  state.state=${state}`,
      "  state.reason=1",
      "",
      `Job type:         ${job}        `,
    ];
    this.answer("suspend", `cat <<'END'\n${lines.join("\n")}\nEND\n`);
  }

  asked(): string[] {
    return Deno.readTextFileSync(`${this.dir}/asked`).trim().split("\n");
  }

  /** A process that runs the domain. */
  async begin(): Promise<LibvirtTarget> {
    const child = new Deno.Command("sh", {
      args: ["-c", "read word", "-name", "guest=web", "-uuid", UUID],
      stdin: "piped",
    }).spawn();
    this.#children.push(child);
    // For a moment it is there with the arguments of this process.
    const process = await until(
      "it is there",
      () =>
        readArguments(child.pid).includes(UUID) ? readProcess(child.pid) : null,
    );
    const { pid, startTicks } = process;
    return {
      uid: "web",
      incarnation: "1",
      process: { pid, startTicks },
      uuid: UUID,
      virsh: `${this.dir}/virsh`,
      uri: "qemu:///system",
    };
  }

  async end(index: number): Promise<void> {
    const child = this.#children[index]!;
    child.kill("SIGKILL");
    await child.status;
    await child.stdin.close().catch(() => {});
  }

  hold(target: LibvirtTarget, ms = 10_000): Promise<boolean> {
    return this.hands.hold(target, undefined, (did) => {
      this.noted.push(did);
      return Promise.resolve();
    }, ms);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const index of this.#children.keys()) {
      await this.end(index).catch(() => {});
    }
    await Deno.remove(this.dir, { recursive: true });
  }
}

function heldOf(target: LibvirtTarget, did: Deed): Held<LibvirtTarget> {
  return { ...target, ...did, at: "then" };
}

const VIRSH = { how: "virsh", wasRunning: true } as const;
const SIGNAL = { how: "signal", wasRunning: false } as const;

Deno.test("hold() has libvirt suspend what runs, leaves alone what stands still, and stops what might go on by itself", async () => {
  const cases: [string, number | null, number, Deed | null][] = [
    ["runs", STATE.running, 1, VIRSH],
    ["was paused by its owner", STATE.paused, 1, null],
    ["has a disk error", STATE.paused, 5, null],
    ["stands still for a move", STATE.paused, 2, SIGNAL],
    ["sleeps until it wakes", STATE.suspended, 1, SIGNAL],
    ["is of no libvirt", null, 0, SIGNAL],
  ];
  for (const [what, state, reason, did] of cases) {
    await using world = new World();
    const target = await world.begin();
    world.looks(state, reason);
    strictEqual(await world.hold(target), did !== null, what);
    deepStrictEqual(world.noted, did === null ? [] : [did], what);
    strictEqual(isFrozen(target.process), did?.how === "signal", what);
  }
});

Deno.test("hold() stops the process when libvirt is away, hangs, refuses or is moving it, and letGo() has it go on", async () => {
  const late = [VIRSH, { ...VIRSH, how: "signal" }] as const;
  const cases: [string, (world: World) => void, readonly Deed[]][] = [
    ["away", (world) => world.answer("look", "exit 1"), [SIGNAL]],
    ["hangs", (world) => world.answer("look", "exec sleep 60"), [SIGNAL]],
    ["refuses", (world) => world.answer("suspend", "exit 1"), late],
    ["says no more", (world) => world.answer("suspend", ""), late],
    ["does nothing", (world) => world.suspends(STATE.running), late],
    ["moves it", (world) => world.suspends(STATE.paused, "Unbounded"), late],
  ];
  for (const [what, arrange, deeds] of cases) {
    await using world = new World();
    const target = await world.begin();
    world.looks(STATE.running);
    arrange(world);
    const ms = what === "hangs" ? 700 : undefined;
    strictEqual(await world.hold(target, ms), true, what);
    deepStrictEqual(world.noted, deeds, what);
    ok(isFrozen(target.process), what);

    world.looks(STATE.running);
    const refusal = "echo 'error: domain is already running' >&2; exit 1";
    world.answer("resume", refusal);
    await world.hands.letGo(heldOf(target, deeds.at(-1)!));
    strictEqual(isFrozen(target.process), false, what);
  }
});

Deno.test("letGo() resumes once a suspension that was late is over, and what others have paused it does not", async () => {
  await using world = new World();
  const target = await world.begin();
  const { dir } = world;
  world.looks(STATE.running);
  world.answer(
    "suspend",
    `while [ ! -e "${dir}/go" ]; do sleep 0.01; done
     echo suspended >>"${dir}/asked"`,
  );
  await world.hold(target, 1500);
  const held = heldOf(target, { how: "signal", wasRunning: true });
  world.looks(STATE.paused, 1);
  const going = world.hands.letGo(held);
  await until("it goes on", () => !isFrozen(target.process));
  Deno.writeTextFileSync(`${dir}/go`, "");
  await going;
  deepStrictEqual(world.asked(), ["suspend", "suspended", "resume"]);

  world.looks(STATE.paused, 2);
  await world.hands.letGo(held);
  strictEqual(world.asked().length, 3);
});

Deno.test("find() finds the process that has taken another's place, and none where there are two", async () => {
  await using world = new World();
  const first = await world.begin();
  const pid = (process: ProcessId | undefined) => process?.pid;
  strictEqual(pid(world.hands.find(first)?.process), first.process.pid);
  await world.end(0);
  strictEqual(world.hands.find(first), null);
  const second = await world.begin();
  strictEqual(pid(world.hands.find(first)?.process), second.process.pid);
  await world.end(1);
  await world.begin();
  await world.begin();
  strictEqual(world.hands.find(first), null);
});
