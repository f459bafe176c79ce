import {
  deepStrictEqual,
  match,
  rejects,
  strictEqual,
} from "node:assert/strict";
import { UsherError } from "../../src/error/mod.ts";
import type { StartValue } from "../../src/schema/event_value.ts";
import type { Vm } from "../../src/schema/vm.ts";
import { type Bench, onBench } from "../../tests/support/plugin_bench.ts";
import { aVm, startRequest } from "../../tests/support/plugin_values.ts";
import { uid } from "../../tests/support/stored.ts";

/** A root with a base image, and a plugin that makes space in it. */
class Space implements AsyncDisposable {
  readonly dir: string;
  readonly bench: Bench;

  private constructor(dir: string, bench: Bench) {
    this.dir = dir;
    this.bench = bench;
  }

  static async open(more: Record<string, unknown> = {}): Promise<Space> {
    const dir = await Deno.realPath(
      await Deno.makeTempDir({ prefix: "usher_filespace_" }),
    );
    await Deno.mkdir(`${dir}/net`);
    await Deno.mkdir(`${dir}/images`);
    await Deno.writeFile(`${dir}/images/base.raw`, new Uint8Array(3 << 20));
    const options = {
      roots: [`${dir}/net`],
      rules: [
        { folder: `${dir}/net/local/{user}/{cluster}/{vm}`, mode: "0750" },
        { folder: `${dir}/net/cluster/{user}/{cluster}`, keep: true },
        {
          copy: `${dir}/images/{args.image}.raw`,
          to: `${dir}/net/disks/{user}.{cluster}.{vm}.raw`,
          format: "raw",
          attach: true,
        },
      ],
      ...more,
    };
    return new Space(dir, await onBench(import("./plugin.ts"), { options }));
  }

  async start(
    names: readonly string[],
    more: Record<string, unknown> = {},
  ): Promise<StartValue> {
    const request = startRequest(names, more);
    const answer = await this.bench.call("start_request", [request]);
    return answer?.[0] as StartValue;
  }

  tell(event: string, vm: Vm): Promise<unknown> {
    const failure = { code: "driver_failed", title: "It failed" };
    const args = event === "start_failure" ? [vm, failure] : [vm];
    return this.bench.call(event, args);
  }

  /** Everything below the root, sorted. */
  async files(of = "net"): Promise<string[]> {
    const found: string[] = [];
    const walk = async (at: string) => {
      for await (const { name, isDirectory } of Deno.readDir(this.dir + at)) {
        found.push(`${at}/${name}`.slice(of.length + 2));
        if (isDirectory) await walk(`${at}/${name}`);
      }
    };
    await walk(`/${of}`);
    return found.sort();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.bench[Symbol.asyncDispose]();
    await Deno.remove(this.dir, { recursive: true });
  }
}

function newVm(name: string, more: Partial<Vm> = {}): Vm {
  const { usage: _, holder: __, ...vm } = aVm(name, { args: more.args ?? {} });
  const status = { ...vm.status, state: "absent", observedGeneration: 0 };
  return { ...vm, status, ...more } as Vm;
}

const IMAGE = { image: "base" };

async function refusal(asked: Promise<unknown>): Promise<string> {
  const error = await asked.then(() => null, (thrown: UsherError) => thrown);
  if (error === null) throw new Error("was not refused");
  strictEqual(error.code, "refused", error.message);
  return error.message.replace('Plugin "filespace" refuses: ', "");
}

Deno.test("filespace makes what its rules say, and removes it when the VM goes", async () => {
  await using space = await Space.open();
  const vm = newVm("web.lab.ann", { args: IMAGE });
  await space.tell("register", vm);
  deepStrictEqual(await space.files(), [
    "cluster",
    "cluster/ann",
    "cluster/ann/lab",
    "disks",
    "disks/ann.lab.web.raw",
    "local",
    "local/ann",
    "local/ann/lab",
    "local/ann/lab/web",
  ]);
  const { mode } = await Deno.stat(`${space.dir}/net/local/ann/lab/web`);
  strictEqual((mode ?? 0) & 0o777, 0o750);
  await Deno.writeTextFile(`${space.dir}/net/local/ann/lab/web/file`, "data");
  await space.tell("unregister", vm);
  deepStrictEqual(await space.files(), [
    "cluster",
    "cluster/ann",
    "cluster/ann/lab",
    "disks",
    "local",
    "local/ann",
    "local/ann/lab",
  ]);
  strictEqual(space.bench.site.state.size, 0);
});

Deno.test("filespace gives a new VM its disk, and makes none without the argument", async () => {
  await using space = await Space.open();
  const started = await space.start(["web.lab.ann"], { args: IMAGE });
  deepStrictEqual(started.spec.disks, [{
    path: `${space.dir}/net/disks/ann.lab.web.raw`,
    format: "raw",
    readonly: false,
    shared: true,
  }]);
  strictEqual((await space.start(["web.lab.ann"])).spec.disks, undefined);
  deepStrictEqual(await space.files(), []);
  const two = space.start(["a.lab.ann", "b.lab.ann"], { args: IMAGE });
  match(await refusal(two), /a disk of its own/);
});

Deno.test("filespace gives a VM that is only registered its disk, too", async () => {
  await using space = await Space.open();
  const request = startRequest(["web.lab.ann"], { args: IMAGE });
  const register = { ...request, verb: "register" };
  const [answer] = await space.bench.call("request", [register]) ?? [];
  strictEqual((answer as StartValue).spec.disks?.length, 1);
  strictEqual(await space.bench.call("request", [request]), null);
});

Deno.test("filespace prepares a VM that exists and lacks something, and leaves what it has", async () => {
  await using space = await Space.open();
  const vm = aVm("web.lab.ann", { args: IMAGE });
  space.bench.site.vms = [vm];
  const vms = [{ name: vm.name, uid: vm.uid, node: "n1" }];
  await space.start([vm.name], { vms });
  const disk = `${space.dir}/net/disks/ann.lab.web.raw`;
  await Deno.writeTextFile(disk, "its data");
  await space.start([vm.name], { vms });
  await space.tell("register", vm);
  strictEqual(await Deno.readTextFile(disk), "its data");
});

Deno.test("filespace never removes what it did not make", async () => {
  await using space = await Space.open();
  const folder = `${space.dir}/net/local/ann/lab/web`;
  await Deno.mkdir(folder, { recursive: true });
  await Deno.writeTextFile(`${folder}/old`, "older than usher");
  const vm = newVm("web.lab.ann");
  await space.tell("register", vm);
  await space.tell("unregister", vm);
  strictEqual(await Deno.readTextFile(`${folder}/old`), "older than usher");
});

Deno.test("filespace leaves a VM's space that was made anew when a late event comes", async () => {
  await using space = await Space.open();
  const first = newVm("web.lab.ann");
  const second = newVm("web.lab.ann", { uid: uid("second") });
  const folder = `${space.dir}/net/local/ann/lab/web`;
  await space.tell("register", first);
  await Deno.writeTextFile(`${folder}/first`, "of the first");
  await space.tell("register", second);
  deepStrictEqual(await space.files("net/local/ann/lab"), ["web"]);
  await Deno.writeTextFile(`${folder}/second`, "of the second");
  await space.tell("unregister", first);
  await space.tell("start_failure", first);
  strictEqual(await Deno.readTextFile(`${folder}/second`), "of the second");
  await space.tell("unregister", second);
  deepStrictEqual(await space.files("net/local/ann/lab"), []);
});

Deno.test("filespace leaves a path to the VM that has it, when rules give it to another", async () => {
  const dir = await Deno.makeTempDir({ prefix: "usher_filespace_" });
  await using bench = await onBench(import("./plugin.ts"), {
    options: {
      roots: [dir],
      rules: [
        { folder: `${dir}/{user}/{cluster}/{vm}`, vms: ["a.*.*"] },
        { folder: `${dir}/{user}/{vm}/{cluster}`, vms: ["b.*.*"] },
      ],
    },
  });
  await bench.call("register", [newVm("a.b.ann")]);
  await Deno.writeTextFile(`${dir}/ann/b/a/file`, "data");
  await rejects(bench.call("register", [newVm("b.a.ann")]), {
    code: "plugin_failed",
    message: /belongs to VM "a\.b\.ann"/,
  });
  await bench.call("unregister", [newVm("b.a.ann")]);
  strictEqual(await Deno.readTextFile(`${dir}/ann/b/a/file`), "data");
  await Deno.remove(dir, { recursive: true });
});

Deno.test("filespace goes on after a crash between any two of its asks", async () => {
  for (let crash = 0; crash < 10; crash++) {
    await using space = await Space.open();
    const vm = newVm("web.lab.ann", { args: IMAGE });
    await crashing(space.bench, crash, "register", [vm]);
    await space.tell("register", vm);
    strictEqual((await space.files()).length, 9, `${crash}`);
    await crashing(space.bench, crash, "unregister", [vm]);
    await space.tell("unregister", vm);
    await space.bench.call("ctrl_start", [{}]);
    deepStrictEqual(await space.files("net/local/ann/lab"), [], `${crash}`);
    deepStrictEqual(await space.files("net/disks"), [], `${crash}`);
    strictEqual(space.bench.site.state.size, 0, `${crash}`);
  }
});

/** Calls a handler whose `crash`th ask is the last that anybody hears of. */
async function crashing(
  { site, call }: Bench,
  crash: number,
  event: string,
  args: readonly unknown[],
): Promise<void> {
  const answer = site.answer;
  let left = crash;
  site.answer = (...asked) =>
    left-- > 0
      ? answer.apply(site, asked)
      : Promise.reject(new UsherError("unavailable", "It crashed"));
  await call(event, args).catch(() => {});
  site.answer = answer;
}

Deno.test("filespace cleans up after a failed start of a new VM alone", async () => {
  await using space = await Space.open();
  const fresh = newVm("web.lab.ann");
  const other = newVm("db.lab.ann");
  for (const vm of [fresh, other]) await space.tell("register", vm);
  await space.tell("start_failure", fresh);
  deepStrictEqual(await space.files("net/local/ann/lab"), ["db"]);
  // One that has run keeps its files, and so does one that is still there.
  const { status } = other;
  const ran = { ...other, status: { ...status, observedGeneration: 1 } };
  await space.tell("start_failure", ran);
  space.bench.site.vms = [aVm("db.lab.ann")];
  await space.tell("start_failure", other);
  deepStrictEqual(await space.files("net/local/ann/lab"), ["db"]);
});

Deno.test("filespace follows no link out of its roots", async () => {
  await using space = await Space.open();
  await Deno.mkdir(`${space.dir}/outside/lab/web`, { recursive: true });
  await Deno.writeTextFile(`${space.dir}/outside/lab/web/keep`, "safe");
  const vm = newVm("web.lab.ann");
  await space.tell("register", vm);
  await Deno.remove(`${space.dir}/net/local/ann`, { recursive: true });
  await Deno.symlink(`${space.dir}/outside`, `${space.dir}/net/local/ann`);
  await space.tell("unregister", vm);
  const kept = `${space.dir}/outside/lab/web/keep`;
  strictEqual(await Deno.readTextFile(kept), "safe");
  await rejects(space.tell("register", newVm("new.lab.ann")), {
    code: "plugin_failed",
    message: /a file or a link is in the way/,
  });
  deepStrictEqual(await space.files("outside/lab"), ["web", "web/keep"]);
});

Deno.test("filespace removes a link that stands for a folder, and not what it leads to", async () => {
  await using space = await Space.open();
  await Deno.mkdir(`${space.dir}/outside`);
  await Deno.writeTextFile(`${space.dir}/outside/keep`, "safe");
  const vm = newVm("web.lab.ann");
  await space.tell("register", vm);
  const folder = `${space.dir}/net/local/ann/lab/web`;
  await Deno.remove(folder);
  await Deno.symlink(`${space.dir}/outside`, folder);
  await space.tell("unregister", vm);
  deepStrictEqual(await space.files("net/local/ann/lab"), []);
  deepStrictEqual(await space.files("outside"), ["keep"]);
});

Deno.test("filespace makes no path of an argument that is no plain name", async () => {
  await using space = await Space.open();
  for (const image of ["../secret", "a/b", ".hidden", "", "a\0b", ".."]) {
    const asked = space.start(["web.lab.ann"], { args: { image } });
    match(await refusal(asked), /cannot be part of a path/);
  }
  const asked = space.start(["web.lab.ann"], { args: { image: "none" } });
  match(await refusal(asked), /^There is no image ".*none.raw"$/);
});

Deno.test("filespace keeps users within their quota, over all their VMs", async () => {
  await using space = await Space.open({ quota: "7MiB" });
  await space.tell("register", newVm("a.lab.ann", { args: IMAGE }));
  await space.tell("register", newVm("b.lab.ann", { args: IMAGE }));
  const asked = space.start(["c.lab.ann"], { args: IMAGE });
  strictEqual(
    await refusal(asked),
    'User "ann" has 6 MiB of images and wants 3 MiB more: 7 MiB are allowed',
  );
  await space.start(["c.lab.bob"], { args: IMAGE });
  await space.start(["a.lab.ann"], { args: IMAGE });
  await rejects(
    space.tell("register", newVm("c.lab.ann", { args: IMAGE })),
    /7 MiB are allowed/,
  );
  await space.tell("unregister", newVm("a.lab.ann"));
  await space.start(["c.lab.ann"], { args: IMAGE });
});

Deno.test("filespace leaves what must stay free, and wants its roots there", async () => {
  await using full = await Space.open({ reserve: "900TiB" });
  match(await refusal(full.start(["a.lab.ann"])), /must stay so$/);
  await using space = await Space.open();
  await Deno.remove(`${space.dir}/net`, { recursive: true });
  const vm = newVm("a.lab.ann");
  await rejects(space.tell("register", vm), /is it mounted\?/);
  deepStrictEqual((await space.files("images")).length, 1);
});

Deno.test("filespace goes on after a crash at any point of making", async () => {
  await using space = await Space.open();
  const vm = newVm("web.lab.ann", { args: IMAGE });
  const folder = `${space.dir}/net/local/ann/lab/web`;
  // Claimed and half made: what a crash leaves.
  space.bench.site.state.set(`claim/ann${folder}`, {
    uid: vm.uid,
    name: vm.name,
    root: `${space.dir}/net`,
    mib: 0,
  });
  await space.tell("register", vm);
  await space.tell("register", vm);
  await space.tell("unregister", vm);
  await space.tell("unregister", vm);
  deepStrictEqual(await space.files("net/local/ann/lab"), []);
  deepStrictEqual(await space.files("net/disks"), []);
});

Deno.test("filespace ends at the next start what it could not remove", async () => {
  await using space = await Space.open();
  const vm = newVm("web.lab.ann");
  await space.tell("register", vm);
  const failure = new UsherError("unavailable", "The store is gone");
  space.bench.site.failing.set("state.commit", failure);
  await rejects(space.tell("unregister", vm), { code: "plugin_failed" });
  strictEqual(space.bench.site.state.get(`removing/${vm.uid}`), vm.name);
  space.bench.site.failing.clear();
  await space.bench.call("ctrl_start", [{}]);
  strictEqual(space.bench.site.state.size, 0);
});

Deno.test("filespace removes later what is not mounted now", async () => {
  await using space = await Space.open();
  const vm = newVm("web.lab.ann");
  await space.tell("register", vm);
  await Deno.rename(`${space.dir}/net`, `${space.dir}/away`);
  await rejects(space.tell("unregister", vm), /is it mounted\?/);
  await Deno.rename(`${space.dir}/away`, `${space.dir}/net`);
  await space.bench.call("periodic", []);
  deepStrictEqual(await space.files("net/local/ann/lab"), []);
});

Deno.test("filespace touches nothing for found VMs and while events are played", async () => {
  await using space = await Space.open();
  await space.tell("register", newVm("web.lab.ann", { found: true }));
  const vm = newVm("web.lab.ann");
  await space.bench.call("register", [vm], { isReplay: true });
  const vms = [{ name: vm.name, uid: vm.uid, node: null }];
  const again = startRequest([vm.name], { vms });
  await space.bench.call("start_request", [again], { isReplay: true });
  await space.tell("unregister", vm);
  deepStrictEqual(await space.files(), []);
  const fresh = startRequest([vm.name], { args: IMAGE });
  const plan = { isReplay: true };
  const planned = await space.bench.call("start_request", [fresh], plan);
  strictEqual((planned?.[0] as StartValue).spec.disks?.length, 1);
});

Deno.test("filespace says where its options are wrong", async () => {
  const rules: readonly [Record<string, unknown>, RegExp][] = [
    [{ folder: "/etc/{user}/{cluster}/{vm}" }, /does not lie in one of/],
    [{ folder: "/net/../etc/{vm}" }, /without \. and \.\./],
    [{ folder: "/net/{user}/{vm}" }, /put \{cluster\} into it, or say keep/],
    [{ folder: "/net/{user}-{cluster}-{vm}" }, /the same for two VMs/],
    [{ folder: "/net/{name}", keep: true }, /\{name\} means nothing/],
    [{ folder: "/net/{user", keep: true }, /brace that belongs to nothing/],
    [{ folder: "/net/a", keep: true, mode: "rwx" }, /must be octal/],
    [{ folder: "/net/a", keep: true, owner: "ann" }, /UID:GID/],
    [{ folder: "/net/a", keep: true, vms: ["[a"] }, /no pattern/],
    [{ folder: "/netto/a", keep: true }, /does not lie in one of/],
  ];
  for (const [rule, wrong] of rules) {
    const options = { roots: ["/net"], rules: [rule] };
    await rejects(onBench(import("./plugin.ts"), { options }), wrong);
  }
});
