/**
 * `history`: what happened is in the database, once, whichever it is; and what
 * could not be written waits, or is counted.
 *
 * @module
 */
import { deepStrictEqual, match, ok } from "node:assert/strict";
import { DatabaseSync } from "node:sqlite";
import { forgetCount } from "../../../plugins/history/backlog.ts";
import * as history from "../../../plugins/history/plugin.ts";
import { CA_B } from "../../support/certificates.ts";
import { type Bench, onBench } from "../../support/plugin_bench.ts";
import { aNode, aVm } from "../../support/plugin_values.ts";
import { PostgresServer } from "../../support/postgres_server.ts";
import { Proxy } from "../../support/proxy.ts";

type Read = (query: string) => Promise<Record<string, unknown>[]>;

/** A database, by the options that lead to it and a way to look into it. */
interface Place {
  readonly options: Record<string, unknown>;
  readonly read: Read;
}

const LOAD = { m1: 0.5, m5: 0.4, m15: 0.3 };
const USAGE = {
  cpu: LOAD,
  memoryMiB: 128,
  diskRead: null,
  diskWrite: null,
  netRx: null,
  netTx: LOAD,
};
const VM = aVm("web.lab.ann", { usage: USAGE });
const NODE = aNode("n1", { usage: { ...USAGE, memoryMiB: 4096 } });
const FAILURE = {
  type: "about:blank",
  title: "",
  status: 500,
  detail: "QEMU said no",
  code: "driver_failed",
  retry: "no",
  outcome: "none",
};

Deno.test("history is written to PostgreSQL and to SQLite alike", async (t) => {
  await using server = await PostgresServer.start();
  await server.dir.write("pw", server.login.password);
  const places: [string, () => Promise<Place>][] = [
    ["PostgreSQL", () => inPostgres(server)],
    ["SQLite", () => Promise.resolve(inFile(server.dir.path))],
  ];
  for (const [kind, place] of places) {
    const { options, read } = await place();
    const step = (
      name: string,
      run: (bench: Bench, read: Read) => Promise<void>,
      more: Record<string, unknown> = {},
    ) =>
      t.step(`${kind}: ${name}`, async () => {
        forgetCount();
        await using bench = await onBench(history, {
          options: { ...options, ...more },
          vms: [VM],
          nodes: [NODE],
        });
        await run(bench, read);
      });
    await step("what happened, once however often it is told", events);
    await step("usage", usage);
    await step("many at once", many);
    await step("usage of more VMs than one page has", large, { site: "large" });
    await step("what is old is removed", old, { site: "old" });
  }
  await t.step(
    "PostgreSQL over TLS, by its own authority alone",
    () => overTls(server),
  );
  await t.step(
    "a database that neither answers nor breaks off holds up nobody for long",
    () => stalled(server),
  );
  await t.step(
    "while the database is down events wait, and usage is counted",
    () => down(server),
  );
});

async function events(bench: Bench, read: Read): Promise<void> {
  const tell = (event: string, ...args: unknown[]) =>
    bench.call(event, args, { decision: `d-${event}`, operation: "op-1" });
  for (let times = 0; times < 2; times++) {
    await tell("register", VM);
    await tell("state_change", VM);
    await tell("unregister", VM);
    await tell("lnm_connect", NODE);
    await tell("start", VM);
    await tell("start_failure", VM, FAILURE);
    await tell("migrate", VM, aNode("n2"));
  }
  deepStrictEqual(
    await read("select event, vm, state, node from vm_event order by event"),
    ["register", "state_change", "unregister"].map((event) => ({
      event,
      vm: "web.lab.ann",
      state: "running",
      node: "n1",
    })),
  );
  deepStrictEqual(await read("select event, node, state from node_event"), [
    { event: "lnm_connect", node: "n1", state: "ready" },
  ]);
  const ends = await read(
    `select verb, succeeded, operation, from_node, error, detail
     from operation order by verb, succeeded`,
  );
  const end = { operation: "op-1", from_node: null, error: null, detail: null };
  deepStrictEqual(
    ends,
    [
      { ...end, verb: "migrate", succeeded: 1, from_node: "n2" },
      {
        ...end,
        verb: "start",
        succeeded: 0,
        error: "driver_failed",
        detail: "QEMU said no",
      },
      { ...end, verb: "start", succeeded: 1 },
    ].map(({ verb, succeeded, operation, from_node, error, detail }) => ({
      verb,
      succeeded,
      operation,
      from_node,
      error,
      detail,
    })),
  );
  deepStrictEqual(bench.lines.map(({ text }) => text), []);
}

async function usage(bench: Bench, read: Read): Promise<void> {
  await bench.call("periodic", []);
  deepStrictEqual(
    await read(
      `select kind, name, cpu, memory_mib, disk_read, net_tx
       from usage_sample order by kind`,
    ),
    [
      {
        kind: "node",
        name: "n1",
        cpu: 0.5,
        memory_mib: 4096,
        disk_read: null,
        net_tx: 0.5,
      },
      {
        kind: "vm",
        name: "web.lab.ann",
        cpu: 0.5,
        memory_mib: 128,
        disk_read: null,
        net_tx: 0.5,
      },
    ],
  );
}

async function many(bench: Bench, read: Read): Promise<void> {
  await Promise.all(
    Array.from(
      { length: 200 },
      (_, i) => bench.call("state_change", [VM], { decision: `many-${i}` }),
    ),
  );
  const [row] = await read(
    "select count(*) as count from vm_event where id like 'many-%'",
  );
  deepStrictEqual(Number(row?.["count"]), 200);
}

/** The controller gives 10,000 VMs at once. */
async function large(bench: Bench, read: Read): Promise<void> {
  bench.site.vms = Array.from(
    { length: 12_000 },
    (_, i) => ({ ...VM, name: `web-${i}.lab.ann` }),
  );
  await bench.call("periodic", []);
  const [row] = await read(
    `select count(distinct name) as count from usage_sample
     where site = 'large' and kind = 'vm'`,
  );
  deepStrictEqual(Number(row?.["count"]), 12_000);
  deepStrictEqual(bench.lines.map(({ text }) => text), []);
}

async function old(bench: Bench, read: Read): Promise<void> {
  const ids = async () =>
    (await read("select id from vm_event where site = 'old' order by id"))
      .map(({ id }) => id);
  // The state was entered when the year began; the VM is registered now. More than
  // are removed at once.
  await Promise.all(
    Array.from(
      { length: 2100 },
      (_, i) => bench.call("state_change", [VM], { decision: `long-ago-${i}` }),
    ),
  );
  await bench.call("register", [VM], { decision: "now" });
  deepStrictEqual((await ids()).length, 2101);
  await bench.call("periodic", []);
  deepStrictEqual(await ids(), ["now"]);
  ok((await read("select id from vm_event where site = 'usher'")).length > 0);
}

async function overTls(server: PostgresServer): Promise<void> {
  const other = await server.dir.write("other.pem", CA_B);
  const isWritten = async (more: Record<string, unknown>) => {
    forgetCount();
    const { options, read } = await inPostgres(server);
    await using bench = await onBench(history, {
      options: { ...options, ...more },
      vms: [VM],
    });
    await bench.call("register", [VM]);
    const lines = bench.lines.map(({ text }) => text).join();
    if (lines !== "") return lines;
    const [row] = await read(
      `select count(*) as count from pg_stat_ssl join pg_stat_activity using (pid)
       where datname = current_database() and application_name = 'usher' and ssl`,
    );
    return Number(row?.["count"]) > 0;
  };
  const { caFile } = server;
  deepStrictEqual(await isWritten({ ca_file: caFile }), true);
  const byName = { server: "localhost", ca_file: caFile };
  deepStrictEqual(await isWritten(byName), true);
  match(String(await isWritten({ ca_file: other })), /certificate/);
  const byOther = { server: "127.0.0.2", ca_file: caFile };
  match(String(await isWritten(byOther)), /certificate|altnames/);
  deepStrictEqual(await isWritten({}), false);
}

async function stalled(server: PostgresServer): Promise<void> {
  forgetCount();
  await using proxy = new Proxy(server.login.port);
  const { options, read } = await inPostgres(server);
  await using bench = await onBench(history, {
    options: { ...options, port: proxy.port, timeout: "1s" },
    vms: [VM],
  });
  const tell = (decision: string) =>
    bench.call("register", [VM], { decision, deadlineMs: 5000 });
  await tell("s0");
  proxy.stall();
  await Promise.all(["s1", "s2"].map(tell));
  await tell("s3");
  const told = bench.lines.map(({ text }) => text);
  deepStrictEqual(told.length, 3);
  for (const line of told) {
    match(line, /kept until it can be written: .* not answer within 1000 ms/);
  }
  // Over a connection of its own: the old ones stay as they are.
  await bench.call("history_flush", []);
  deepStrictEqual(
    (await read("select id from vm_event order by id")).map(({ id }) => id),
    ["s0", "s1", "s2", "s3"],
  );
  deepStrictEqual([...bench.site.state.keys()], []);
}

async function down(server: PostgresServer): Promise<void> {
  forgetCount();
  const { options, read } = await inPostgres(server);
  await using bench = await onBench(history, {
    options: { ...options, backlog: 2 },
    vms: [VM],
  });
  await bench.call("state_change", [VM], { decision: "d0" });
  await server.down();
  for (const decision of ["d1", "d2", "d3", "d4"]) {
    await bench.call("state_change", [VM], { decision });
  }
  await bench.call("periodic", []);
  const flush = bench.site.scheduled.get("flush")?.params;
  deepStrictEqual(flush?.event, "history_flush");
  await bench.call("history_flush", []);
  await server.up();
  await bench.call("history_flush", []);
  deepStrictEqual(
    (await read("select id from vm_event order by id")).map(({ id }) => id),
    ["d0", "d1", "d2"],
  );
  // Two events, and what one VM and no node used.
  deepStrictEqual(await read("select lost from gap"), [{ lost: 3 }]);
  await bench.call("history_flush", []);
  deepStrictEqual((await read("select lost from gap")).length, 1);
  deepStrictEqual([...bench.site.state.keys()], ["lost"]);
  ok(!bench.lines.some(({ text }) => text.includes(server.login.password)));
}

async function inPostgres(server: PostgresServer): Promise<Place> {
  const database = await server.database();
  const { host, port, user } = server.login;
  return {
    options: {
      server: host,
      port,
      db_name: database,
      user,
      password_file: `${server.dir.path}/pw`,
      keep_events_days: 30,
    },
    read: async (query) => {
      await using sql = server.connect(database);
      await sql`set search_path to usher_history`;
      return [...await sql.unsafe(query)];
    },
  };
}

function inFile(folder: string): Place {
  const file = `${folder}/history.sqlite`;
  return {
    options: { file, keep_events_days: 30 },
    read: (query) => {
      const database = new DatabaseSync(file);
      try {
        const rows = database.prepare(query).all();
        return Promise.resolve(rows.map((row) => ({ ...row })));
      } finally {
        database.close();
      }
    },
  };
}
