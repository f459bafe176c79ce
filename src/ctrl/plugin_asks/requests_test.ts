import assert from "node:assert/strict";
import { askedBy, AskSite, plugin } from "../../../tests/support/ask_site.ts";
import { isUsherError } from "../../error/mod.ts";
import type { Asking } from "../../plugin/asks.ts";
import { VmRequest, type VmRequestInput } from "../../schema/request.ts";
import { callerOf } from "../requests/plugin_caller.ts";

/** A plugin that may pause and start VMs of cluster "lab". */
const MOVER = plugin("mover", {
  asks: ["requests"],
  verbs: ["pause", "start", "destroy"],
  grants: {
    ctx: ["requests"],
    verbs: ["pause", "start", "resume"],
    vms: ["*.lab.*"],
  },
});

async function site(): Promise<AskSite> {
  const at = await AskSite.open();
  at.use(MOVER);
  await at.start("web.lab.ann", "db.lab.ann", "web.prod.ann");
  return at;
}

async function file(
  at: AskSite,
  request: VmRequestInput,
  asking: Partial<Asking> = {},
  key?: string,
): Promise<string> {
  const params = { request, ...(key === undefined ? {} : { key }) };
  const by = { ...askedBy("mover"), ...asking };
  return await at.ask("request", params, by) as string;
}

/** The operations of a request. */
function operationsOf({ small: { records } }: AskSite, request: string) {
  return (records.byRequest.get(request) ?? []).map((id) =>
    records.operations.latest(id)
  ).filter((one) => one !== undefined);
}

const refused = (code: string, pattern: RegExp) => (error: unknown) =>
  isUsherError(error) && error.code === code &&
  pattern.test(`${error.message}; ${error.details.hint}`);

Deno.test("a plugin's request is its own, and top-level where no operation is", async () => {
  await using at = await site();
  const id = await file(at, { verb: "pause", names: ["web.lab.ann"] });
  const [operation] = operationsOf(at, id);
  assert.equal(operation?.user, "plugin:mover");
  assert.equal(operation?.parent, null);
  assert.deepEqual(
    operation?.trail[0] && [
      operation.trail[0].source,
      operation.trail[0].text,
    ],
    ["plugin mover", "asked for pause in event periodic"],
  );
  assert.deepEqual(at.small.records.requests.latest(id)?.filed, {
    plugin: "mover",
    event: "periodic",
    operation: null,
    cause: null,
    depth: 1,
  });
  await at.small.reached(operation?.id ?? "", "succeeded");
});

Deno.test("in an operation it becomes a part of that, and waits for it where it must", async () => {
  await using at = await site();
  const { small } = at;
  // The node does not answer: the operation holds its VM while the handler asks.
  const held = Promise.withResolvers<"paused">();
  small.node = ({ verb }) => verb === "pause" ? held.promise : "running";
  const parent = await small.submit({ verb: "pause", names: ["web.lab.ann"] });
  await small.reached(parent, "running");
  const id = await file(
    at,
    { verb: "pause", names: ["web.lab.ann"] },
    { event: "pause", operation: parent, decision: `${parent}/pause/mover#1` },
  );
  const [child] = operationsOf(at, id);
  assert.equal(child?.parent, parent);
  assert.equal(child?.state, "pending");
  assert.match(
    child?.trail[0]?.text ?? "",
    new RegExp(`in event pause for operation ${parent}`),
  );
  assert.deepEqual([...small.records.byParent.get(parent) ?? []], [child?.id]);
  held.resolve("paused");
  await small.reached(parent, "succeeded");
  await small.reached(child?.id ?? "", "succeeded");
});

Deno.test("called again after a crash, a handler files the same request", async () => {
  await using at = await site();
  const pause: VmRequestInput = { verb: "pause", names: ["web.lab.ann"] };
  const once = await file(at, pause);
  assert.equal(await file(at, pause), once);
  const other = await file(at, { verb: "pause", names: ["db.lab.ann"] });
  assert.notEqual(other, once);
  // Another call, another request; one key, one request, whatever it is about.
  assert.notEqual(await file(at, pause, { decision: "periodic/2" }), once);
  await file(at, pause, {}, "k");
  await assert.rejects(
    file(at, { verb: "pause", names: ["db.lab.ann"] }, {}, "k"),
    refused("already_exists", /was used for something else/),
  );
});

Deno.test("verbs and VMs that were not granted are refused, saying what to grant", async () => {
  await using at = await site();
  const rules: [VmRequestInput, RegExp][] = [
    [{ verb: "destroy", names: ["web.lab.ann"] }, /grants\.verbs/],
    [{ verb: "resume", names: ["web.lab.ann"] }, /its manifest must ask/],
    [{ verb: "pause", names: ["web.prod.ann"] }, /grants\.vms/],
    [{ verb: "start", names: ["new.prod.ann"] }, /grants\.vms/],
  ];
  for (const [request, pattern] of rules) {
    await assert.rejects(
      file(at, request),
      refused("permission_denied", pattern),
    );
  }
  for (const name of ["web", "web.lab"]) {
    await assert.rejects(
      file(at, { verb: "pause", names: [name] }),
      refused("invalid_input", /no full name.*owns no VMs; write vm\.cluster/),
    );
  }
  await assert.rejects(
    file(at, { verb: "start", names: ["a.lab.ann"], on: "n9" }),
    refused("not_found", /"n9"/),
  );
});

Deno.test("a pattern means the granted VMs that match it", async () => {
  await using at = await site();
  const id = await file(at, { verb: "pause", names: ["*.*.*"] });
  assert.deepEqual(operationsOf(at, id).map(({ vm }) => vm).sort(), [
    "db.lab.ann",
    "web.lab.ann",
  ]);
  await assert.rejects(
    file(at, { verb: "pause", names: ["*.prod.*"] }),
    refused("not_found", /No VM matches/),
  );
});

Deno.test("a VM that a plugin makes belongs to whom its full name says", async () => {
  await using at = await site();
  const id = await file(at, {
    verb: "start",
    names: ["new.lab.bob"],
    count: 2,
  });
  assert.deepEqual(operationsOf(at, id).map(({ vm }) => vm), [
    "new-1.lab.bob",
    "new-2.lab.bob",
  ]);
});

Deno.test("four requests of plugins lead to one another, and the fifth is refused with its path", async () => {
  await using at = await site();
  const { small } = at;
  let cause: Partial<Asking> = {};
  for (let depth = 0; depth < 4; depth++) {
    const id = await file(at, { verb: "pause", names: ["web.lab.ann"] }, {
      ...cause,
      depth,
    });
    const [operation] = operationsOf(at, id);
    await small.reached(operation?.id ?? "", "succeeded");
    cause = {
      event: "pause",
      operation: operation?.id ?? "",
      decision: `${operation?.id}/pause/mover#1>k/said/mover#2`,
    };
  }
  await assert.rejects(
    file(at, { verb: "pause", names: ["web.lab.ann"] }, {
      ...cause,
      event: "said",
      depth: 4,
    }),
    refused(
      "permission_denied",
      /mover in periodic, then mover in pause, then mover in pause, then mover in pause, then mover in pause, then mover in said\)/,
    ),
  );
});

Deno.test("whatever a chain makes of it, a plugin's request reaches what was granted alone", async () => {
  await using at = await site();
  const caller = callerOf({
    name: "mover",
    event: "periodic",
    operation: null,
    cause: null,
    depth: 1,
    reaches: (vm) => vm.split(".")[1] === "lab",
  });
  const submit = (verb: "start" | "pause", name: string) =>
    at.small.requests.submit(
      VmRequest.parse({ verb, names: [name] }),
      caller,
    );
  await assert.rejects(
    submit("pause", "web.prod.ann"),
    refused("not_found", /no VM/),
  );
  await assert.rejects(
    submit("start", "new.prod.ann"),
    refused("permission_denied", /may not make VMs/),
  );
  await assert.rejects(
    submit("start", "new"),
    refused("invalid_input", /owns no VMs/),
  );
});

Deno.test("while events are played nothing is filed", async () => {
  await using at = await site();
  const pause: VmRequestInput = { verb: "pause", names: ["web.lab.ann"] };
  const played = await file(at, pause, { isReplay: true });
  assert.equal(at.small.records.requests.latest(played), undefined);
  assert.equal(await file(at, pause), played);
});
