/**
 * The roles as processes: their first start, their signals, and what keeps
 * them from starting.
 *
 * @module
 */
import {
  deepStrictEqual,
  match,
  ok,
  rejects,
  strictEqual,
} from "node:assert/strict";
import type { VmView } from "../../src/schema/change.ts";
import { HttpClient } from "../../src/sys/http_client.ts";
import { Pty } from "../support/pty.ts";
import { CtrlProcess, lnmArgv } from "../support/ctrl_process.ts";
import { Role } from "../support/role.ts";
import { until } from "../support/wait.ts";

/** Runs `test` with a folder that is removed afterwards. */
async function inFolder(
  test: (folder: string) => Promise<void>,
): Promise<void> {
  const folder = await Deno.makeTempDir({ prefix: "usher_roles_" });
  try {
    await test(folder);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

const PASSWORD = /its password is (\S+)\n/;

Deno.test("ctrl: the first start makes admin and says its password, once and never again", () =>
  inFolder(async (folder) => {
    await using ctrl = await CtrlProcess.start(folder);
    const [, password] = PASSWORD.exec(ctrl.role.out) ?? [];
    ok(password !== undefined, ctrl.role.out);
    const login = { user: "admin", password };
    const { role } = await ctrl.call<{ role: string }>(
      "POST",
      "/v1/login",
      login,
    );
    strictEqual(role, "admin");
    ctrl.role.signal("SIGTERM");
    strictEqual(await ctrl.role.ended(), 0, ctrl.role.err);
    ok(!ctrl.role.err.includes(password), "the log does not hold it");
    await ctrl.again();
    ok(!PASSWORD.test(ctrl.role.out), ctrl.role.out);
    await ctrl.call("POST", "/v1/login", login);
    ctrl.role.signal("SIGINT");
    strictEqual(await ctrl.role.ended(), 0, ctrl.role.err);
  }));

Deno.test("ctrl: a port that is taken is named with the flag that changes it, and costs no password", () =>
  inFolder(async (folder) => {
    using taken = Deno.listen({ hostname: "127.0.0.1", port: 0 });
    const address = `127.0.0.1:${taken.addr.port}`;
    for (const which of ["clients", "nodes"]) {
      const other = which === "clients" ? "nodes" : "clients";
      await using role = new Role([
        "ctrl",
        "--state",
        folder,
        `--listen-${which}`,
        address,
        `--listen-${other}`,
        "127.0.0.1:0",
      ]);
      strictEqual(await role.ended(), 6);
      match(role.err, new RegExp(`Cannot listen on ${address}`));
      match(role.err, new RegExp(`--listen-${which} ADDRESS:PORT`));
      ok(!role.err.includes("    at "), role.err);
      strictEqual(role.out, "");
    }
    await using ctrl = await CtrlProcess.start(folder);
    match(ctrl.role.out, PASSWORD);
  }));

Deno.test("ctrl: one whose state another has taken writes no more, and ends", () =>
  inFolder(async (folder) => {
    await using first = await CtrlProcess.start(folder);
    // Somebody took the lock for a left-over.
    await Deno.remove(`${folder}/state.kv.lock`);
    await using second = await CtrlProcess.start(folder);
    await rejects(first.call("POST", "/v1/node-tokens", {}));
    strictEqual(await first.role.ended(), 5);
    match(first.role.err, /another controller has taken the state/);
    await second.call("POST", "/v1/node-tokens", {});
  }));

Deno.test("ctrl and lnm: a mistake in a configuration is named with file, line and key", () =>
  inFolder(async (folder) => {
    const cases = [
      [
        "ctrl",
        "listen:\n  clint: x\n",
        /:2:3[^]* unknown key "listen\.clint"\n.*"clients"/,
      ],
      [
        "ctrl",
        "defaults:\n  memory: 4GB5\n",
        /:2:3[^]* defaults\.memory[^]*"4GB5"/,
      ],
      ["ctrl", "names: [\n", /file\.yaml:\d+:\d+\b/],
      ["lnm", "capacity:\n  cpus: many\n", /:2:3[^]* capacity\.cpus/],
      ["lnm", "drivers:\n  qemo: {}\n", /:2:3[^]* unknown key "drivers\.qemo"/],
    ] as const;
    for (const [role, yaml, expected] of cases) {
      await Deno.writeTextFile(`${folder}/file.yaml`, yaml);
      await using process = new Role([
        role,
        "--config",
        `${folder}/file.yaml`,
        "--state",
        `${folder}/state`,
      ]);
      ok(await process.ended() !== 0);
      match(process.err, expected);
      match(process.err, /file\.yaml/);
      ok(!process.err.includes("    at "), process.err);
    }
    await using process = new Role(["ctrl", "--config", folder]);
    strictEqual(await process.ended(), 64);
    match(process.err, /Cannot read .*\n +why: it is a folder/);
    ok(!process.err.includes("    at "), process.err);
  }));

Deno.test("lnm: SIGTERM and SIGINT end it cleanly, and its VMs live on", () =>
  inFolder(async (folder) => {
    await using ctrl = await CtrlProcess.start(`${folder}/ctrl`);
    const { token } = await ctrl.call<{ token: string }>(
      "POST",
      "/v1/node-tokens",
      {},
    );
    const argv = lnmArgv(folder, "n1");
    await using first = await Role.ready([...argv, "--join", token]);
    await ctrl.call("POST", "/v1/requests?follow=1", {
      verb: "start",
      names: ["web"],
    }).catch(() => {});
    const web = () => ctrl.call<VmView>("GET", "/v1/vms/web");
    await until(
      "web runs",
      async () => (await web()).status.state === "running",
      { deadlineMs: 60_000 },
    );
    const { incarnation } = (await web()).status;
    first.signal("SIGTERM");
    strictEqual(await first.ended(), 0, first.err);
    await using second = await Role.ready(argv);
    deepStrictEqual(
      [(await web()).status.state, (await web()).status.incarnation],
      ["running", incarnation],
    );
    ctrl.role.signal("SIGTERM");
    strictEqual(await ctrl.role.ended(), 0, "with a node connected");
    // And one that finds no controller to say goodbye to.
    second.signal("SIGINT");
    strictEqual(await second.ended(), 0, second.err);
  }));

/** Asks the site of `usher dev --state FOLDER`. */
async function askDev<T>(
  folder: string,
  method: string,
  path: string,
  body?: unknown,
): Promise<T> {
  const { sessions, current } = JSON.parse(
    await Deno.readTextFile(`${folder}/credentials.json`),
  );
  using client = new HttpClient(await Deno.readTextFile(`${folder}/ca.pem`));
  const response = await client.fetch(current + path, {
    method,
    headers: { authorization: `Bearer ${sessions[current].token}` },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  const text = (await response.text()).trimEnd().split("\n").at(-1) ?? "";
  return JSON.parse(text) as T;
}

const START = { verb: "start", names: ["web"] };

Deno.test("dev: without a terminal it cuts the power of its guests, unless told to keep them", () =>
  inFolder(async (folder) => {
    const argv = ["dev", "--nodes", "1", "--state", folder];
    const state = async () =>
      (await askDev<VmView>(folder, "GET", "/v1/vms/web")).status.state;
    {
      await using dev = await Role.ready([...argv, "--keep"]);
      match(dev.out, /^ready: 1 node\(s\) with driver sim at https:/m);
      await askDev(folder, "POST", "/v1/requests?follow=1", START);
      dev.signal("SIGTERM");
      strictEqual(await dev.ended(), 0, dev.err);
    }
    {
      await using dev = await Role.ready(argv);
      strictEqual(await state(), "running", "it lived on");
      dev.signal("SIGINT");
      strictEqual(await dev.ended(), 0, dev.err);
      match(dev.out, /cutting the power of 1 VM/);
    }
    await using dev = await Role.ready(argv);
    strictEqual(await state(), "stopped");
    dev.signal("SIGTERM");
    strictEqual(await dev.ended(), 0, dev.err);
  }));

Deno.test("dev: a second one on the same state is refused, and says who holds it", () =>
  inFolder(async (folder) => {
    const argv = ["dev", "--state", folder];
    await using first = await Role.ready(argv);
    await using second = new Role(argv);
    strictEqual(await second.ended(), 5);
    match(second.err, /is held by .*\d+/);
    ok(!second.err.includes("    at "), second.err);
    strictEqual(
      (await askDev<{ role: string }>(folder, "GET", "/v1/whoami")).role,
      "admin",
    );
    first.signal("SIGTERM");
    strictEqual(await first.ended(), 0);
  }));

Deno.test("dev: a port that is taken is named with dev's own flag", () =>
  inFolder(async (folder) => {
    using taken = Deno.listen({ hostname: "127.0.0.1", port: 0 });
    const { port } = taken.addr;
    await using dev = new Role([
      "dev",
      "--state",
      folder,
      "--port",
      `${port}`,
    ]);
    ok(await dev.ended() !== 0);
    match(dev.err, new RegExp(`Cannot listen on 127\\.0\\.0\\.1:${port}`));
    match(dev.err, /--port/);
  }));

Deno.test("dev: on a terminal it asks, and a second ^C does not wait for the answer", () =>
  inFolder(async (folder) => {
    const main = new URL("../../main.ts", import.meta.url).pathname;
    const command =
      `${Deno.execPath()} run -A --no-check ${main} dev --state ${folder}`;
    const open = async () => {
      const pty = new Pty(command, { HOME: folder });
      await pty.untilShown(/ready: 1 node/);
      return pty;
    };
    {
      await using pty = await open();
      await askDev(folder, "POST", "/v1/requests?follow=1", START);
      await pty.type("\x03");
      await pty.untilShown(/1 VM\(s\) are on. Cut their power\?/);
      await pty.type("n\n");
      strictEqual(await pty.ended(), 0);
      match(pty.printed, /They live on/);
    }
    {
      await using pty = await open();
      await pty.type("\x03");
      await pty.untilShown(/Cut their power\?/);
      await pty.type("\x03");
      strictEqual(await pty.ended(), 130);
    }
    await using pty = await open();
    await pty.type("\x03");
    await pty.untilShown(/Cut their power\?/);
    await pty.type("\n");
    strictEqual(await pty.ended(), 0);
    match(pty.printed, /cutting the power of 1 VM/);
  }));
