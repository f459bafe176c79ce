/**
 * Limits of plugins that a real kernel keeps: the compiled executable in a guest
 * whose kernel has all controllers of cgroup v2, with a group of its own. What
 * usher decides of groups is tested with groups in memory
 * (`tests/support/fake_groups.ts`); this shows that a kernel takes it.
 *
 * @module
 */
import { match, ok, strictEqual } from "node:assert/strict";
import { compiledUsher } from "../support/compiled.ts";
import { GUEST, QEMU, whyNoQemu } from "../support/qemu_node.ts";
import { REPOSITORY } from "../support/repository.ts";
import { until } from "../support/wait.ts";

// Half a minute on a quiet machine; the guest has no processor of its own.
const DEADLINE_MS = 600_000;
const FIXTURE = `${REPOSITORY}tests/fixtures/control_group`;
const MIB = 2 ** 20;
const BOMB_MIB = 150;

/** The same plugin twice. Starting takes long there, and is not what it is about. */
const CONFIG = {
  state_dir: "/tmp/state",
  listen: { clients: "127.0.0.1:0", nodes: "127.0.0.1:0" },
  plugin_dirs: ["/usher/site"],
  plugins: {
    users: { events: [], limits: { start: "10m", cpu: 4 } },
    bomb: runs({
      script: "exec dd if=/dev/zero of=/dev/null bs=400M count=1",
      limits: { memory: `${BOMB_MIB}MiB`, cpu: 2 },
    }),
    forks: runs({
      script: "while :; do sleep 1000 >/dev/null 2>&1 & done",
      limits: { memory: "700MiB", cpu: 2 },
    }),
  },
};

function runs(
  { script, limits }: {
    readonly script: string;
    readonly limits: Readonly<Record<string, unknown>>;
  },
) {
  return {
    limits: { ...limits, start: "10m" },
    grants: { run: ["/bin/busybox"] },
    options: { script },
    events: [{ event: "timer", when: "+1s", deadline: "5m" }],
  };
}

/** Everything that the guest has on its disk, with what the executable needs. */
async function makeInitrd(usher: string, folder: string): Promise<string> {
  const root = `${folder}/root`;
  const site = `${root}/usher/site`;
  await Deno.mkdir(site, { recursive: true });
  await Deno.mkdir(`${root}/bin`);
  await Deno.copyFile(usher, `${root}/bin/usher`);
  await Deno.copyFile(`${FIXTURE}/init`, `${root}/check`);
  const text = await Deno.readTextFile(`${FIXTURE}/runs.ts`);
  for (const name of ["bomb", "forks"]) {
    await Deno.writeTextFile(
      `${site}/${name}.ts`,
      text.replace('"runs"', `"${name}"`),
    );
  }
  await Deno.writeTextFile(
    `${root}/usher/ctrl.yaml`,
    JSON.stringify(CONFIG),
  );
  for (const path of await libraries(usher)) {
    await Deno.mkdir(root + path.slice(0, path.lastIndexOf("/")), {
      recursive: true,
    });
    await Deno.copyFile(path, root + path);
  }
  // The kernel unpacks one archive after another into the same root.
  return await sh(
    'cd "$1/root" && cat "$2/initrd" >"$1/initrd" && ' +
      'find . | cpio -o -H newc -R 0:0 --quiet >>"$1/initrd" && ' +
      'rm -r "$1/root" && printf %s "$1/initrd"',
    folder,
    GUEST,
  );
}

/** The libraries that a program is loaded with, and what loads them. */
async function libraries(program: string): Promise<string[]> {
  const said = await sh('ldd "$1"', program);
  return [...said.matchAll(/(\/\S+) \(0x/g)].map(([, path = ""]) => path);
}

async function sh(script: string, ...args: string[]): Promise<string> {
  const { success, stdout, stderr } = await new Deno.Command("sh", {
    args: ["-c", script, "sh", ...args],
  }).output();
  if (!success) throw new Error(new TextDecoder().decode(stderr));
  return new TextDecoder().decode(stdout);
}

/** A guest that runs until it is disposed of, and all that it has printed. */
class Guest implements AsyncDisposable {
  readonly #child: Deno.ChildProcess;
  readonly #reading: Promise<void>;
  printed = "";

  constructor(initrd: string) {
    this.#child = new Deno.Command(QEMU, {
      args: [
        ...["-accel", "tcg", "-m", "1536", "-smp", "2", "-no-reboot"],
        ...["-display", "none", "-monitor", "none", "-serial", "stdio"],
        ...["-kernel", `${GUEST}/vmlinuz`, "-initrd", initrd, "-append"],
        "console=ttyS0 no_timer_check quiet rdinit=/check",
      ],
      stdin: "null",
      stdout: "piped",
      stderr: "null",
    }).spawn();
    this.#reading = this.#read();
  }

  async #read(): Promise<void> {
    for await (
      const text of this.#child.stdout.pipeThrough(new TextDecoderStream())
    ) this.printed += text;
  }

  /** Waits until it has printed something like it; answers the first group, or all of it. */
  async prints(pattern: RegExp): Promise<string> {
    return await until(`the guest prints ${pattern}`, () => {
      const found = pattern.exec(this.printed);
      if (found === null) throw new Error(this.printed.slice(-3000));
      return found[1] ?? found[0];
    }, { deadlineMs: DEADLINE_MS });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    try {
      this.#child.kill("SIGKILL");
    } catch {
      // It has ended by itself.
    }
    await this.#child.status;
    await this.#reading;
  }
}

Deno.test({
  name:
    "a kernel holds plugins to their limits, together with the programs that they start",
  ignore: whyNoQemu() !== undefined,
  async fn() {
    const folder = await Deno.makeTempDir({ prefix: "usher_groups_" });
    try {
      const initrd = await makeInitrd(await compiledUsher(), folder);
      await using guest = new Guest(initrd);
      await guest.prints(/keptByKernel=\["memory","cpu","pids"\]/);

      const max = (BOMB_MIB + 32) * MIB;
      const group = await guest.prints(
        new RegExp(`group (plugin-\\d+/ memory ${max} swap 0 .*)\r?\n`),
      );
      match(group, /cpu 200000 100000 weight \d+ tasks \d+ of 512$/);
      match(await guest.prints(/group controller\/ (.*)\r?\n/), /weight 1000/);

      // The program has that memory, and not the process that is looked at.
      const ended = await guest.prints(/error it ended: (.*plugin=bomb)/);
      match(
        ended,
        /^the kernel ended its process, which would have had more than 150 MiB of memory, its limit /,
      );
      const forks = await guest.prints(/info +(ended with .* plugin=forks)/);
      match(forks, /ended with [1-9]\d*: .*can't fork/);

      // What was killed has left no group, and the controller is still there.
      const pid = /^plugin-(\d+)/.exec(group)?.[1];
      const before = guest.printed.length;
      await until("the groups are shown again", () => {
        const rounds = guest.printed.slice(before).split("group controller/");
        return rounds.length > 2;
      }, { deadlineMs: DEADLINE_MS });
      const now = guest.printed.slice(before).split("group controller/")[1];
      strictEqual(now?.includes(`plugin-${pid}/`), false, now);
      ok(now?.includes("plugin-"), now);
    } finally {
      await Deno.remove(folder, { recursive: true });
    }
  },
});
