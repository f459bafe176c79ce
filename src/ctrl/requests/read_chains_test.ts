/**
 * Reads through chains: an edit narrows what is shown, and never widens it.
 *
 * @module
 */
import { deepStrictEqual, rejects, strictEqual } from "node:assert/strict";
import { Chains } from "../../plugin/chain/chains.ts";
import { VmRequest } from "../../schema/request.ts";
import { systemClock } from "../../sys/clock.ts";
import { silentLog } from "../../sys/log.ts";
import {
  type FakeHandler,
  fakePlugin,
  FakeRunner,
} from "../../../tests/support/fake_runner.ts";
import { ADMIN, SmallCtrl } from "../../../tests/support/small_ctrl.ts";
import { admittedNodes, admittedVms, ALL, type Read } from "./read_chains.ts";
import { Access } from "../auth/access.ts";

const BOB = { user: "bob", role: "user", expiresAt: "", session: "" } as const;

type Fields = Record<string, unknown>;

async function reads(
  handler: FakeHandler,
  caller: typeof ADMIN | typeof BOB,
  read: Read = ALL,
  events = ["request", "list_request", "lnm_list_request"],
) {
  await using ctrl = await SmallCtrl.open({ nodes: ["n1", "n2", "m1"] });
  for (const name of ["web", "db", "web.lab"]) {
    await ctrl.submit({ verb: "register", names: [name] });
  }
  const request = VmRequest.parse({ verb: "register", names: ["own"] });
  await ctrl.requests.submit(request, BOB);
  const runner = new FakeRunner({ policy: handler });
  const chains = new Chains({ runner, clock: systemClock, log: silentLog });
  await chains.replace([fakePlugin("policy", events)]);
  const { records, context } = ctrl;
  const parts = { events: chains, records, context };
  const vms = await admittedVms(caller, read, parts);
  const nodes = await admittedNodes(caller, read, parts);
  return {
    calls: runner.calls,
    vms: [...records.vms.values()].filter((vm) =>
      new Access(caller, records).maySee(vm.name)
    )
      .filter((vm) => vms === null || vms(vm)).map(({ name }) => name).sort(),
    nodes: [...records.nodes.values()]
      .filter((node) => nodes === null || nodes(node))
      .map(({ name }) => name),
    isAll: vms === null && nodes === null,
  };
}

function sets(fields: Fields): FakeHandler {
  return ([request]) => [{ ...request as Fields, ...fields }];
}

const MINE = ["own.default.bob"];
const ANNS = ["db.default.ann", "web.default.ann", "web.lab.ann"];

Deno.test("a read that nobody hears or nobody edits shows all, and tells handlers who reads what", async () => {
  const unheard = await reads(() => null, ADMIN, ALL, []);
  strictEqual(unheard.isAll, true);
  strictEqual(unheard.calls.length, 0);
  const read = { names: ["web*"], filter: "state=running" };
  const heard = await reads(() => null, BOB, read);
  strictEqual(heard.isAll, true);
  deepStrictEqual(
    heard.calls.map(({ event, args }) => {
      const { verb, user, names, filter } = args[0] as Fields;
      return [event, verb, user, names, filter];
    }),
    [
      ["request", "list", "bob", ["web*"], "state=running"],
      ["list_request", "list", "bob", ["web*"], "state=running"],
      ["request", "lnm_list", "bob", ["web*"], "state=running"],
      ["lnm_list_request", "lnm_list", "bob", ["web*"], "state=running"],
    ],
  );
});

Deno.test("an edit of names or filter narrows what is shown", async () => {
  const named = await reads(sets({ names: ["web*", "n?"] }), ADMIN);
  deepStrictEqual(named.vms, ["web.default.ann", "web.lab.ann"]);
  deepStrictEqual(named.nodes, ["n1", "n2"]);
  const literal = await reads(sets({ names: ["db", "m1"] }), ADMIN);
  deepStrictEqual(literal.vms, ["db.default.ann"]);
  deepStrictEqual(literal.nodes, ["m1"]);
  const filtered = await reads(sets({ filter: "name=web*" }), ADMIN);
  deepStrictEqual(filtered.vms, ["web.default.ann", "web.lab.ann"]);
});

Deno.test("no edit shows a user another's VMs", async () => {
  for (const fields of [{ names: ["*.*.*"] }, { names: [...ANNS, ...MINE] }]) {
    const { vms } = await reads(sets(fields), BOB, { names: MINE, filter: "" });
    deepStrictEqual(vms, MINE);
  }
  const hidden = await reads(sets({ names: ANNS }), BOB);
  deepStrictEqual(hidden.vms, []);
});

Deno.test("a filter that cannot be read is its handler's fault", async () => {
  await rejects(
    reads(sets({ filter: "colour=red" }), ADMIN),
    /Plugin "policy" changed the request to one that cannot be: .*colour/,
  );
});

Deno.test("a handler cannot change who reads", async () => {
  await rejects(reads(sets({ user: "root" }), BOB), /it changed "user"/);
});
