import {
  deepStrictEqual,
  match,
  ok,
  rejects,
  strictEqual,
} from "node:assert/strict";
import { InstallMachine, Killed } from "../../tests/support/install_machine.ts";
import { isUsherError } from "../error/mod.ts";
import { install, type InstallOptions } from "./install.ts";
import { PROGRAM, type ServiceRole, SHELL } from "./things.ts";
import { uninstall } from "./uninstall.ts";

const OPTIONS: InstallOptions = {
  dryRun: false,
  start: true,
  join: null,
  waitsFor: null,
};
const PURGE = { dryRun: false, purge: true };
const CONFIG = "/etc/usher/ctrl.yaml";
const UNIT = "/etc/systemd/system/usher-ctrl.service";

/** Runs it; whether it came to its end before it was killed. */
async function lives(run: Promise<void>): Promise<boolean> {
  try {
    await run;
    return true;
  } catch (error) {
    if (
      error instanceof Killed ||
      error instanceof Error && error.cause instanceof Killed
    ) {
      return false;
    }
    throw error;
  }
}

Deno.test("install() puts executable, unit, configuration and user, and starts the service; uninstall() leaves nothing", async () => {
  await using machine = await InstallMachine.make();
  const before = await machine.tree();
  await install(machine, "ctrl", OPTIONS);
  strictEqual(await machine.read(PROGRAM), "usher 1");
  strictEqual((await Deno.stat(machine.root + PROGRAM)).mode! & 0o777, 0o755);
  strictEqual(await Deno.readLink(machine.root + SHELL), "usher");
  match(await machine.read(CONFIG), /^state_dir:/m);
  match(await machine.read(UNIT), /^User=usher$/m);
  deepStrictEqual([...machine.users], ["usher"]);
  deepStrictEqual([...machine.enabled], ["usher-ctrl"]);
  deepStrictEqual([...machine.active], [["usher-ctrl", 1]]);

  const after = await machine.tree();
  machine.said = [];
  await install(machine, "ctrl", OPTIONS);
  deepStrictEqual(machine.said, ["tell systemd of the unit"]);
  deepStrictEqual(await machine.tree(), after);
  deepStrictEqual([...machine.active], [["usher-ctrl", 1]]);

  await uninstall(machine, "ctrl", PURGE);
  deepStrictEqual(await machine.tree(), before);
  strictEqual(
    machine.users.size + machine.enabled.size + machine.active.size,
    0,
  );
});

Deno.test("install() that was killed at any step is finished by the next one, and undone whole", async () => {
  await using machine = await InstallMachine.make();
  const before = await machine.tree();
  await install(machine, "ctrl", OPTIONS);
  const whole = await machine.tree();
  await uninstall(machine, "ctrl", PURGE);
  let killed = 0;
  for (let at = 0;; at++) {
    machine.killIn = at;
    const ended = await lives(install(machine, "ctrl", OPTIONS));
    machine.killIn = Infinity;
    if (ended) break;
    killed++;
    if (at % 2 === 0) {
      await install(machine, "ctrl", OPTIONS);
      deepStrictEqual(await machine.tree(), whole);
      ok(machine.active.has("usher-ctrl") && machine.enabled.has("usher-ctrl"));
    }
    await uninstall(machine, "ctrl", PURGE);
    deepStrictEqual(await machine.tree(), before, `killed at step ${at}`);
    strictEqual(machine.users.size, 0);
  }
  ok(killed > 10, `${killed} steps`);
});

Deno.test("uninstall() that was killed at any step is finished by the next one", async () => {
  await using machine = await InstallMachine.make();
  const before = await machine.tree();
  for (let at = 0;; at++) {
    await install(machine, "ctrl", OPTIONS);
    machine.killIn = at;
    const ended = await lives(uninstall(machine, "ctrl", PURGE));
    machine.killIn = Infinity;
    await uninstall(machine, "ctrl", PURGE);
    deepStrictEqual(await machine.tree(), before, `killed at step ${at}`);
    strictEqual(machine.users.size + machine.active.size, 0);
    if (ended) break;
  }
});

Deno.test("a file that was half written when its writer was killed is neither kept nor forgotten", async () => {
  await using machine = await InstallMachine.make();
  await install(machine, "ctrl", OPTIONS);
  await machine.write(`${PROGRAM}.usher-new`, "ush");
  await uninstall(machine, "ctrl", PURGE);
  deepStrictEqual(
    Object.keys(await machine.tree()).filter((path) => /usher/.test(path)),
    [],
  );
});

Deno.test("install() upgrades what it put, in its place, and restarts the service", async () => {
  await using machine = await InstallMachine.make();
  await install(machine, "ctrl", OPTIONS);
  await Deno.writeTextFile(machine.program, "usher 2");
  await install(machine, "ctrl", OPTIONS);
  strictEqual(await machine.read(PROGRAM), "usher 2");
  deepStrictEqual([...machine.active], [["usher-ctrl", 2]]);
  await uninstall(machine, "ctrl", PURGE);
  await rejects(machine.read(PROGRAM), Deno.errors.NotFound);
});

Deno.test("install() replaces an older usher that was put by hand, and no other program", async () => {
  await using machine = await InstallMachine.make();
  await machine.write(PROGRAM, "usher 0");
  await install(machine, "ctrl", OPTIONS);
  strictEqual(await machine.read(PROGRAM), "usher 1");

  await using other = await InstallMachine.make();
  await other.write(PROGRAM, "a tool for theatres");
  const before = await other.tree();
  await rejects(install(other, "ctrl", OPTIONS), (error) => {
    ok(isUsherError(error, "already_exists"));
    match(error.message, /"\/usr\/local\/bin\/usher" .* another program/);
    return true;
  });
  deepStrictEqual(await other.tree(), before);
});

Deno.test("what was edited stays, at an installation and at its end, and is named", async () => {
  await using machine = await InstallMachine.make();
  await install(machine, "ctrl", OPTIONS);
  await machine.write(CONFIG, "names: [a]\n");
  await machine.write(UNIT, "[Service]\n");
  await machine.write(`${UNIT}.d/own.conf`, "[Service]\n");
  machine.said = [];
  await install(machine, "ctrl", OPTIONS);
  strictEqual(machine.said.filter((line) => /^keeps/.test(line)).length, 2);
  await uninstall(machine, "ctrl", PURGE);
  strictEqual(await machine.read(CONFIG), "names: [a]\n");
  strictEqual(await machine.read(UNIT), "[Service]\n");
  const said = machine.said.join("\n");
  match(said, /keeps \/etc\/usher\/ctrl\.yaml, which was edited/);
  match(said, /keeps \S+usher-ctrl\.service\.d, which is yours/);
});

Deno.test("a link or a program of the shell's name that others put stays, and so does an usher that is a link", async () => {
  for (const at of [SHELL, PROGRAM]) {
    await using machine = await InstallMachine.make();
    await machine.write("/opt/usher", "usher 0");
    await Deno.symlink("../../../opt/usher", machine.root + at);
    const before = await machine.tree();
    await install(machine, "ctrl", OPTIONS);
    match(machine.said.join("\n"), new RegExp(`^keeps ${at}, which`, "m"));
    await uninstall(machine, "ctrl", PURGE);
    deepStrictEqual(await machine.tree(), before);
  }
  await using machine = await InstallMachine.make();
  await machine.write(SHELL, "a tool for theatres");
  await install(machine, "ctrl", OPTIONS);
  strictEqual(await machine.read(SHELL), "a tool for theatres");
});

Deno.test("what was there before stays when it is the same that would be put", async () => {
  await using machine = await InstallMachine.make();
  await machine.write(PROGRAM, "usher 1");
  machine.users.add("usher");
  await install(machine, "ctrl", OPTIONS);
  await uninstall(machine, "ctrl", PURGE);
  strictEqual(await machine.read(PROGRAM), "usher 1");
  deepStrictEqual([...machine.users], ["usher"]);
});

Deno.test("both roles on one machine: what both need goes with the last, also after an upgrade by one", async () => {
  const orders: ServiceRole[][] = [["ctrl", "lnm"], ["lnm", "ctrl"]];
  for (const [first = "ctrl", second = "lnm"] of orders) {
    await using machine = await InstallMachine.make();
    const before = await machine.tree();
    await install(machine, "ctrl", OPTIONS);
    await install(machine, "lnm", OPTIONS);
    await Deno.writeTextFile(machine.program, "usher 2");
    machine.said = [];
    await install(machine, "lnm", OPTIONS);
    ok(machine.said.some((line) => /usher-ctrl runs the older/.test(line)));
    await uninstall(machine, first, PURGE);
    strictEqual(await machine.read(PROGRAM), "usher 2");
    await uninstall(machine, second, PURGE);
    deepStrictEqual(await machine.tree(), before);
  }
});

Deno.test("uninstall() keeps state and its user, which a later purge takes", async () => {
  await using machine = await InstallMachine.make();
  const before = await machine.tree();
  await install(machine, "ctrl", OPTIONS);
  await machine.write("/var/lib/usher/ctrl/db", "state");
  await uninstall(machine, "ctrl", { dryRun: false, purge: false });
  strictEqual(await machine.read("/var/lib/usher/ctrl/db"), "state");
  deepStrictEqual([...machine.users], ["usher"]);
  await uninstall(machine, "ctrl", PURGE);
  deepStrictEqual(await machine.tree(), before);
  strictEqual(machine.users.size, 0);
});

Deno.test("uninstall() leaves guests and their sockets alone, and purges no state while they run", async () => {
  await using machine = await InstallMachine.make();
  await install(machine, "lnm", OPTIONS);
  await machine.write("/run/usher/a.sock", "");
  await machine.write("/var/lib/usher/lnm/a.json", "");
  machine.runs = 2;
  await rejects(uninstall(machine, "lnm", PURGE), /Cannot purge: 2 guest/);
  deepStrictEqual([...machine.active.keys()], ["usher-lnm"]);
  await uninstall(machine, "lnm", { dryRun: false, purge: false });
  strictEqual(await machine.read("/run/usher/a.sock"), "");
  strictEqual(await machine.read("/var/lib/usher/lnm/a.json"), "");
  match(machine.said.join("\n"), /keeps 2 guest\(s\) running/);
});

Deno.test("a dry run says each step and does none", async () => {
  await using machine = await InstallMachine.make();
  const before = await machine.tree();
  machine.isRoot = false;
  await install(machine, "ctrl", { ...OPTIONS, dryRun: true });
  deepStrictEqual(machine.said, [
    "would make /etc/usher",
    "would add the system user usher",
    "would put /usr/local/bin/usher",
    "would put /usr/local/bin/ush",
    "would put /etc/usher/ctrl.yaml",
    "would put /etc/systemd/system/usher-ctrl.service",
    "would tell systemd of the unit",
    "would have usher-ctrl started at boot",
    "would start usher-ctrl",
  ]);
  deepStrictEqual(await machine.tree(), before);
  machine.isRoot = true;
  await install(machine, "ctrl", OPTIONS);
  const whole = await machine.tree();
  await uninstall(machine, "ctrl", { dryRun: true, purge: true });
  deepStrictEqual(await machine.tree(), whole);
  strictEqual(machine.active.size, 1);
});

Deno.test("who is not root, and a machine without systemd, are told what to do", async () => {
  await using machine = await InstallMachine.make();
  machine.hasSystemd = false;
  await rejects(install(machine, "ctrl", OPTIONS), /systemd does not run this/);
  await install(machine, "ctrl", { ...OPTIONS, start: false });
  strictEqual(machine.active.size, 0);
  deepStrictEqual([...machine.enabled], ["usher-ctrl"]);
  machine.isRoot = false;
  await rejects(install(machine, "ctrl", OPTIONS), /you are not root/);
  await rejects(uninstall(machine, "ctrl", PURGE), /you are not root/);
});

Deno.test("a node that has joined no site is put in place and left off", async () => {
  await using machine = await InstallMachine.make();
  await install(machine, "lnm", { ...OPTIONS, waitsFor: "it has not joined" });
  strictEqual(machine.active.size + machine.enabled.size, 0);
  match(machine.said.at(-1) ?? "", /leave usher-lnm off: it has not joined/);
});

Deno.test("an usher that a shell finds first is named", async () => {
  await using machine = await InstallMachine.make();
  machine.path = ["/usr/bin", "/opt/bin", "/usr/local/bin", "/snap/bin"];
  await machine.write("/opt/bin/usher", "usher 0");
  await machine.write("/snap/bin/usher", "usher 0");
  await install(machine, "ctrl", OPTIONS);
  deepStrictEqual(machine.said.filter((line) => /shell/.test(line)), [
    "/opt/bin/usher is what a shell finds first, and not /usr/local/bin/usher",
  ]);
});

Deno.test("a place that cannot be written is named, and what is in place stays for the next run", async () => {
  await using machine = await InstallMachine.make();
  // What a full or a read-only disk does is shown by one that is no folder.
  await Deno.remove(`${machine.root}/etc/systemd/system`);
  await Deno.writeTextFile(`${machine.root}/etc/systemd/system`, "");
  await rejects(install(machine, "ctrl", OPTIONS), (error) => {
    ok(isUsherError(error, "unavailable"));
    match(error.message, /^Cannot put \S+usher-ctrl\.service: not a directory/);
    match(error.details.hint ?? "", /run the same again/);
    return true;
  });
  await Deno.remove(`${machine.root}/etc/systemd/system`);
  await install(machine, "ctrl", OPTIONS);
  strictEqual(machine.active.size, 1);
});
