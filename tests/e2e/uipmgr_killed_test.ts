/**
 * A controller killed while many starts get addresses at once, from the
 * plugin's own space and from PostgreSQL: no two VMs have one address, and once
 * all has ended every address that no VM has can be given.
 *
 * @module
 */
import { deepStrictEqual, match, ok, strictEqual } from "node:assert/strict";
import { compiledUsher } from "../support/compiled.ts";
import { simNode } from "../support/node_plan.ts";
import { PostgresServer } from "../support/postgres_server.ts";
import { ProcessSite } from "../support/process_site.ts";
import { until } from "../support/wait.ts";

/** 10.1.0.1 to 10.1.0.30. */
const SIZE = 30;
/** Starts that are sent at once, of three VMs each. */
const STARTS = 6;

const STORES: Readonly<
  Record<string, (server: PostgresServer) => Promise<Record<string, unknown>>>
> = {
  "its own space": () => Promise.resolve({}),
  "PostgreSQL": async (server) => {
    const { login, dir } = server;
    await dir.write("pw", login.password);
    return {
      server: login.host,
      port: login.port,
      db_name: await server.database(),
      mgrname: login.user,
      mgrpw_file: `${dir.path}/pw`,
    };
  },
};

Deno.test("a controller killed while addresses are given: none is given twice, and none is lost", async (t) => {
  const usher = await compiledUsher();
  await using server = await PostgresServer.start();
  for (const [kind, store] of Object.entries(STORES)) {
    const options = await store(server);
    await t.step(kind, async () => {
      await using site = await startSite(usher, options, server);
      // Before any has an answer, and in the midst of them.
      for (const answered of [0, 2]) {
        await startAndKill(site, answered);
        await site.untilQuiet();
        await checkVms(site);
        await destroyAll(site);
      }
      await fill(site);
    });
  }
});

function startSite(
  usher: string,
  options: Readonly<Record<string, unknown>>,
  { login, dir }: PostgresServer,
): Promise<ProcessSite> {
  const uipmgr = {
    events: [
      ...["start_request", "register", "start", "start_failure"],
      ...["unregister", "ctrl_start"],
    ],
    options: {
      dfltrange: "lab",
      ranges: { lab: { ipv4: { network: "10.1.0.0/27" } } },
      ...options,
    },
    grants: {
      net: [`${login.host}:${login.port}`],
      read: [`${dir.path}/pw`],
      ctx: ["vms", "state"],
    },
  };
  return ProcessSite.start({
    usher,
    nodes: [simNode("n1")],
    ctrl: { plugins: { uipmgr } },
  });
}

/** Sends starts, kills the controller once so many are answered, and sends half of them again. */
async function startAndKill(
  site: ProcessSite,
  answered: number,
): Promise<void> {
  const sends = Array.from({ length: STARTS }, (_, i) => () => {
    const id = `killed-${answered}-${i}`;
    return site.submit({
      id,
      verb: "start",
      names: [`vm-${answered}-${i}`],
      count: 3,
      spec: { memoryMiB: 16 },
    });
  });
  let done = 0;
  // What the kill cuts off has no answer.
  const sent = sends.map((send) => send().then(() => void done++, () => {}));
  await until("so many are answered", () => done >= answered, {
    deadlineMs: 60_000,
    everyMs: 1,
  });
  await site.restartCtrl();
  await Promise.all(sent);
  await site.untilReady("n1");
  for (const send of sends.slice(0, STARTS / 2)) {
    await site.ends((await send()).request);
  }
}

/** Each VM has an address, and no other has it. */
async function checkVms(site: ProcessSite): Promise<string[]> {
  const addresses = (await site.vms()).map(({ args }) => args["ip"] ?? "none");
  ok(addresses.length >= 3 * STARTS / 2);
  strictEqual(new Set(addresses).size, addresses.length, addresses.join());
  for (const one of addresses) match(one, /^10\.1\.0\.\d+$/);
  return addresses;
}

async function destroyAll(site: ProcessSite): Promise<void> {
  const names = (await site.vms()).map(({ name }) => name);
  await site.run({ verb: "destroy", names });
}

/** Every address can be given, and then none is left: nothing has kept one. */
async function fill(site: ProcessSite): Promise<void> {
  await until("all addresses have come back", () =>
    site.submit({
      verb: "start",
      names: ["full"],
      count: SIZE,
      spec: { memoryMiB: 16 },
    }).then(({ request }) => site.ends(request)), { deadlineMs: 60_000 });
  const addresses = await checkVms(site);
  strictEqual(addresses.length, SIZE);
  const more = await site.submit({ verb: "start", names: ["more"] })
    .catch(String);
  match(String(more), /has no IPv4 address left/);
  deepStrictEqual((await site.vms()).length, SIZE);
}
