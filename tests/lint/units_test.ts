/**
 * The systemd units say what the roles rely on: that guests outlive the LNM,
 * that their sockets do, and where state lies.
 */
import { deepStrictEqual, match, ok, strictEqual } from "node:assert/strict";
import { CtrlConfig, LnmConfig } from "../../src/schema/config.ts";
import { readRepository, REPOSITORY } from "../support/repository.ts";

/** The settings of a unit: `Section.Key` to value. */
async function readUnit(name: string): Promise<Map<string, string>> {
  const settings = new Map<string, string>();
  let section = "";
  for (const line of (await readRepository(`configs/${name}`)).split("\n")) {
    if (line === "" || line.startsWith("#")) continue;
    const [, head] = /^\[(\w+)\]$/.exec(line) ?? [];
    if (head !== undefined) section = head;
    else {
      const [, key = "", value = ""] = /^(\w+)=(.*)$/.exec(line) ?? [];
      strictEqual(key !== "", true, `${name}: ${line}`);
      settings.set(`${section}.${key}`, value);
    }
  }
  return settings;
}

Deno.test("units: the node's leaves guests and their sockets alone", async () => {
  const unit = await readUnit("usher-lnm.service");
  const { state_dir, run_dir } = LnmConfig.parse({});
  strictEqual(unit.get("Service.KillMode"), "process");
  strictEqual(unit.get("Service.RuntimeDirectoryPreserve"), "yes");
  strictEqual(`/run/${unit.get("Service.RuntimeDirectory")}`, run_dir);
  strictEqual(`/var/lib/${unit.get("Service.StateDirectory")}`, state_dir);
  strictEqual(unit.get("Service.OOMPolicy"), "continue");
  strictEqual(unit.get("Service.TasksMax"), "infinity");
});

// systemd.exec(5): what confines a process, and so each guest that it starts.
const CONFINES =
  /^Service\.(?:Private|Protect|Restrict|ReadOnly|ReadWrite|Inaccessible|NoExec|Exec\w*Paths|NoNewPrivileges|Capability|Ambient|SystemCall|MemoryDeny|Lock|Root|Bind|Temporary|Device|IPAddress|Secure|UMask|User|Group|DynamicUser|MemoryMax|MemoryHigh|CPUQuota|Limit(?!NOFILE))/;

Deno.test("units: nothing of the node's confines the guests that it starts", async () => {
  const unit = await readUnit("usher-lnm.service");
  deepStrictEqual([...unit.keys()].filter((key) => CONFINES.test(key)), []);
  const own = await readUnit("usher-ctrl.service");
  ok([...own.keys()].filter((key) => CONFINES.test(key)).length > 15);
});

Deno.test("units: the controller's keeps its state where the default is", async () => {
  const unit = await readUnit("usher-ctrl.service");
  const { state_dir } = CtrlConfig.parse({});
  strictEqual(`/var/lib/${unit.get("Service.StateDirectory")}`, state_dir);
  match(unit.get("Service.User") ?? "", /^usher$/);
  strictEqual(unit.get("Service.Delegate"), "cpu memory pids");
});

Deno.test("units: both wait to be told that the role serves", async () => {
  for (const role of ["ctrl", "lnm"]) {
    const unit = await readUnit(`usher-${role}.service`);
    strictEqual(unit.get("Service.Type"), "notify");
    match(unit.get("Service.WatchdogSec") ?? "", /^\d+min$/);
    strictEqual(unit.get("Service.ExecStart"), `/usr/local/bin/usher ${role}`);
  }
});

/** What systemd says of a unit; null where it is not installed. */
async function verify(name: string): Promise<string | null> {
  try {
    const { stderr } = await new Deno.Command("systemd-analyze", {
      args: ["verify", "--recursive-errors=no", `${REPOSITORY}configs/${name}`],
      stdin: "null",
    }).output();
    return new TextDecoder().decode(stderr);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return null;
    throw error;
  }
}

Deno.test("units: systemd has nothing to say against them, where it is", async () => {
  const faults: string[] = [];
  for (const name of ["usher-ctrl.service", "usher-lnm.service"]) {
    const lines = (await verify(name) ?? "").split("\n");
    // The executable and the account are made when usher is installed.
    faults.push(
      ...lines.filter((line) =>
        line.includes(name) && !/is not executable|user usher/i.test(line)
      ),
    );
  }
  deepStrictEqual(faults, []);
});
