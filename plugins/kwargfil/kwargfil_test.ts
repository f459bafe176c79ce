import {
  deepStrictEqual,
  match,
  rejects,
  strictEqual,
} from "node:assert/strict";
import { UsherError } from "../../src/error/mod.ts";
import type { RequestValue } from "../../src/schema/event_value.ts";
import { compileGlob } from "../../src/core/selector.ts";
import { onBench } from "../../tests/support/plugin_bench.ts";
import { EXAMPLE_ASKED } from "../../src/schema/event_example.ts";
import { startRequest } from "../../tests/support/plugin_values.ts";
import { Globs } from "./glob.ts";

type Request = Record<string, unknown>;

/** What the rules make of a request. */
async function filter(
  rules: readonly unknown[],
  request: Request,
  event = "request",
): Promise<RequestValue> {
  await using bench = await onBench(import("./plugin.ts"), {
    options: { rules },
  });
  const answer = await bench.call(event, [request]);
  return answer?.[0] as RequestValue;
}

/** Why the rules refuse a request, and the hint. */
async function refusal(rules: readonly unknown[], request: Request) {
  const error = await filter(rules, request).then(
    () => null,
    (thrown: UsherError) => thrown,
  );
  if (error === null) throw new Error("was not refused");
  strictEqual(error.code, "refused");
  const { hint } = error.details;
  return [error.message.replace('Plugin "kwargfil" refuses: ', ""), hint];
}

function asks(spec: Request, more: Request = {}): Request {
  return startRequest(["web.lab.ann"], { spec, ...more });
}

const STUDENT = { groups: ["students"] };
const RULES = [
  { name: "admins", roles: ["admin"], exempt: true },
  {
    name: "staff",
    groups: ["staff"],
    limits: { memory: "64GiB", images: "any" },
    args: { vlan: "any" },
  },
  {
    name: "everybody",
    limits: {
      memory: "4GiB",
      vcpus: 4,
      count: 3,
      disks: 2,
      disk_size: "20GiB",
      nics: 1,
      forwards: 0,
      images: ["/srv/images/*.qcow2"],
      disk_paths: [],
      kernels: ["/boot/**"],
      drivers: ["qemu"],
      networks: ["user", "bridge:br?"],
      node_labels: ["zone=*"],
      nodes: ["n[12]"],
    },
    args: { ip: "deny", vlan: "deny", purpose: ["course", "thesis-*"] },
    defaults: { memory: "512MiB", args: { purpose: "course" } },
    set: { billing: "university" },
  },
];

Deno.test("kwargfil lets through what its rules allow, and completes it", async () => {
  const request = asks({ vcpus: 2 }, { args: { purpose: "thesis-7" } });
  const answer = await filter(RULES, request);
  deepStrictEqual(answer, {
    ...request,
    spec: { memoryMiB: 512, vcpus: 2 },
    args: { purpose: "thesis-7", billing: "university" },
  });
});

Deno.test("kwargfil names the limit and what would be right", async () => {
  deepStrictEqual(await refusal(RULES, asks({ memoryMiB: 8192 })), [
    'Memory of 8 GiB is more than rule "everybody" allows',
    "ask for 4 GiB at most",
  ]);
  deepStrictEqual(await refusal(RULES, asks({ driver: "sim" })), [
    'Driver "sim" is not one that rule "everybody" allows',
    "allowed are qemu",
  ]);
  const disks = [{ path: "/dev/sda", format: "raw" }];
  deepStrictEqual(await refusal(RULES, asks({ disks })), [
    'Disk "/dev/sda" is not one that rule "everybody" allows',
    "leave it out: none is allowed (disk_paths)",
  ]);
});

Deno.test("kwargfil measures everything that a new VM may ask for", async () => {
  const image = { base: "/srv/images/a.qcow2" };
  const cases: readonly [spec: Request, refused: RegExp][] = [
    [{ vcpus: 5 }, /^A number of vcpus of 5/],
    [{ disks: [image, image, image] }, /^A number of disks of 3/],
    [{ disks: [{ ...image, sizeMiB: 21 * 1024 }] }, /^A disk size of 21 GiB/],
    [{ disks: [{ base: "/etc/shadow" }] }, /^Image "\/etc\/shadow"/],
    [{ nics: [{ kind: "user" }, { kind: "user" }] }, /^A number of nics of 2/],
    [{ nics: [{ kind: "bridge", bridge: "eth0" }] }, /^Network "bridge:eth0"/],
    [
      { nics: [{ kind: "user", forwards: [{ nodePort: 80, guestPort: 80 }] }] },
      /^A number of port forwards of 1/,
    ],
    [{ nics: [{ kind: "tap", tap: "tap1" }] }, /^Network "tap:tap1"/],
    [{ boot: { kernel: "/tmp/vmlinuz" } }, /^Kernel file "\/tmp\/vmlinuz"/],
    [
      { boot: { kernel: "/boot/a/vmlinuz", initrd: "/tmp/initrd" } },
      /^Kernel file "\/tmp\/initrd"/,
    ],
    [{ placement: { nodeLabels: { gpu: "yes" } } }, /^Node label "gpu=yes"/],
  ];
  for (const [spec, refused] of cases) {
    const [text] = await refusal(RULES, asks(spec));
    match(text ?? "", refused);
  }
  const [node] = await refusal(RULES, asks({}, { on: "n3" }));
  match(node ?? "", /^Node "n3"/);
  const names = ["a.lab.ann", "b.lab.ann", "c.lab.ann", "d.lab.ann"];
  const [count] = await refusal(RULES, startRequest(names));
  match(count ?? "", /^A request for new VMs of 4/);
});

Deno.test("kwargfil says all that is wrong at once", async () => {
  const [text, hint] = await refusal(
    RULES,
    asks({ memoryMiB: 8192, vcpus: 9 }, { args: { ip: "10.0.0.1" } }),
  );
  match(text ?? "", /"ip" may not be given.*; Memory of.*; A number of vcpus/);
  match(hint ?? "", /leave ip= out; ask for 4 GiB at most; ask for 4 at most/);
});

Deno.test("kwargfil lets the first rule that speaks of a setting decide", async () => {
  const staff = { groups: ["lab", "staff"] };
  const image = { disks: [{ base: "/srv/own/ann.qcow2" }] };
  await filter(RULES, asks({ memoryMiB: 65_536, ...image }, staff));
  await filter(RULES, asks({}, { ...staff, args: { vlan: "7" } }));
  const [vcpus] = await refusal(RULES, asks({ vcpus: 5 }, staff));
  match(vcpus ?? "", /rule "everybody"/);
  const [ip] = await refusal(RULES, asks({}, { ...staff, args: { ip: "1" } }));
  match(ip ?? "", /rule "everybody"/);
});

Deno.test("kwargfil asks nothing of who is exempt, and adds nothing", async () => {
  const request = asks({ memoryMiB: 999_999 }, {
    role: "admin",
    args: { ip: "10.0.0.1" },
  });
  deepStrictEqual(await filter(RULES, request), request);
});

Deno.test("kwargfil tells users, groups and clusters apart", async () => {
  const rules = [
    { name: "ann", users: ["ann"], defaults: { vcpus: 2 } },
    { name: "lab", clusters: ["lab"], defaults: { vcpus: 3 } },
    { name: "bobs", clusters: ["*.bob"], defaults: { vcpus: 4 } },
    { name: "students", groups: ["stud*"], defaults: { vcpus: 5 } },
  ];
  const vcpusOf = async (name: string, more: Request) => {
    const request = startRequest([name], more);
    const answer = await filter(rules, request);
    return "spec" in answer ? answer.spec.vcpus : null;
  };
  strictEqual(await vcpusOf("a.lab.eve", { user: "ann" }), 2);
  strictEqual(await vcpusOf("a.lab.bob", { user: "bob" }), 3);
  strictEqual(await vcpusOf("a.web.bob", { user: "bob" }), 4);
  strictEqual(await vcpusOf("a.web.eve", { user: "eve", ...STUDENT }), 5);
  strictEqual(await vcpusOf("a.web.eve", { user: "eve" }), undefined);
});

Deno.test("kwargfil refuses VMs of clusters with different additions in one request", async () => {
  const rules = [{ name: "lab", clusters: ["lab"], defaults: { vcpus: 3 } }];
  const names = ["a.lab.ann", "a.web.ann"];
  const [text, hint] = await refusal(rules, startRequest(names));
  match(text ?? "", /clusters with different rules/);
  match(hint ?? "", /each cluster in a request of their own/);
  await filter(rules, startRequest(["a.lab.ann", "b.lab.ann"]));
});

Deno.test("kwargfil measures no spec of a VM that exists, and gives it no defaults", async () => {
  const uid = "01aaaaaaaaaaaaaaaaaaaaaaaa";
  const request = asks({ memoryMiB: 9000 }, {
    vms: [{ name: "web.lab.ann", uid, node: "n1" }],
    args: { ip: "1" },
  });
  const [text] = await refusal(RULES, request);
  match(text ?? "", /^Argument "ip" may not be given, says rule "everybody"$/);
  const plain = await filter(RULES, { ...request, args: {} });
  deepStrictEqual(plain, {
    ...request,
    spec: { memoryMiB: 9000 },
    args: { billing: "university" },
  });
});

Deno.test("kwargfil looks at other verbs: their arguments, and where VMs go", async () => {
  const vms = [{ name: "a.lab.ann", uid: null, node: null }];
  const move = {
    verb: "migrate",
    names: ["a.lab.ann"],
    ...EXAMPLE_ASKED,
    vms,
    to: "n9",
    args: {},
  };
  match((await refusal(RULES, move))[0] ?? "", /^Node "n9"/);
  const { to: _, ...pause } = { ...move, verb: "pause", args: { ip: "1" } };
  match((await refusal(RULES, pause))[0] ?? "", /^Argument "ip"/);
  await rejects(filter(RULES, asks({ vcpus: 9 }), "start_request"), {
    code: "refused",
  });
});

Deno.test("kwargfil leaves reads alone", async () => {
  const list = { verb: "list", ...EXAMPLE_ASKED, names: [], filter: "" };
  strictEqual(await filter(RULES, list), undefined);
});

Deno.test("kwargfil says where its options are wrong", async () => {
  const cases: readonly [rules: unknown, wrong: RegExp][] = [
    [[], /at least one rule/],
    [[{ name: "a" }, { name: "a" }], /"a" names a rule above, too/],
    [[{ name: "a", users: [] }], /leave it out for everybody/],
    [[{ name: "a", limits: { memory: "much" } }], /is no size/],
    [[{ name: "a", args: { ip: "no" } }], /must be any, deny, or a list/],
    [[{ name: "a", limits: { images: ["/a/["] } }], /is no pattern/],
    [[{ name: "a", limit: {} }], /limit/],
  ];
  for (const [rules, wrong] of cases) {
    await rejects(
      onBench(import("./plugin.ts"), { options: { rules } }),
      (error: UsherError) => wrong.test(error.message),
    );
  }
});

Deno.test("Globs know folders, and that a path which goes up leads elsewhere", () => {
  const globs = new Globs({
    glob: (pattern) => {
      const compiled = compileGlob(pattern);
      return (text) => compiled.test(text);
    },
  });
  const cases: readonly [glob: string, path: string, is: boolean][] = [
    ["/srv/*.img", "/srv/a.img", true],
    ["/srv/*.img", "/srv/a/b.img", false],
    ["/srv/**", "/srv/a/b.img", true],
    ["/srv/**/b.img", "/srv/b.img", true],
    ["/srv/**/b.img", "/srv/a/c/b.img", true],
    ["/srv/**/b.img", "/srv/a/c/d.img", false],
    ["/**/x/**/y", "/x/a/x/b/y", true],
    ["/srv/**", "/srv/../etc/shadow", false],
    ["/srv/**", "/srv/./a", false],
    ["/srv/**", "/srv//a", false],
    ["/srv/**", "/srvs/a", false],
  ];
  for (const [glob, path, is] of cases) {
    strictEqual(globs.isPath([glob], path), is, `${glob} ${path}`);
  }
});
