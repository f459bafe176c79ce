/**
 * What a spec may say.
 *
 * @module
 */
import { deepStrictEqual, ok } from "node:assert/strict";
import {
  Args,
  DiskSpec,
  KernelBoot,
  Mac,
  NicSpec,
  NodePath,
  SimOptions,
  Vm,
  VmSpec,
  XenOptions,
} from "./vm.ts";

/** Where and what the first problem of `value` is, or "accepted". */
function problem(
  schema: {
    safeParse(value: unknown): { error?: { issues: unknown[] } | undefined };
  },
  value: unknown,
) {
  const issue = schema.safeParse(value).error?.issues[0] as {
    path: PropertyKey[];
    message: string;
  } | undefined;
  return issue === undefined
    ? "accepted"
    : `${issue.path.join(".")}: ${issue.message}`;
}

Deno.test("VmSpec fills in everything that its owner left out", () => {
  const spec = VmSpec.parse({});

  deepStrictEqual(spec, {
    driver: null,
    vcpus: 1,
    memoryMiB: 256,
    boot: null,
    disks: [],
    nics: [],
    qemu: {},
    libvirt: {},
    xen: {},
    sim: {
      bootMs: 0,
      shutdownMs: 0,
      ignoreShutdown: false,
      startHangs: false,
      sendMs: 0,
      sendHangs: false,
      replyLost: false,
    },
    placement: { nodeLabels: {}, apartFrom: [], togetherWith: [] },
    onNodeLoss: "wait",
    power: "on",
  });
  deepStrictEqual(VmSpec.parse(spec), spec);
});

Deno.test("VmSpec refuses a key that it does not know, at any depth", () => {
  for (
    const value of [
      { memory: 512 },
      { qemu: { machin: "pc" } },
      { sim: { bootms: 1 } },
      { disks: [{ path: "/d", size: 1 }] },
      { nics: [{ kind: "user", bridge: "br0" }] },
    ]
  ) ok(!VmSpec.safeParse(value).success, JSON.stringify(value));
});

Deno.test("VmSpec keeps numbers within what a machine can be", () => {
  for (
    const value of [{ vcpus: 0 }, { vcpus: 513 }, { vcpus: 1.5 }, {
      memoryMiB: 15,
    }, { memoryMiB: 2 ** 40 }]
  ) {
    ok(!VmSpec.safeParse(value).success, JSON.stringify(value));
  }
});

Deno.test("DiskSpec needs a path or a base, and not both", () => {
  deepStrictEqual(
    problem(DiskSpec, {}),
    ": needs exactly one of path and base",
  );
  deepStrictEqual(
    problem(DiskSpec, { path: "/a", base: "/b" }),
    ": needs exactly one of path and base",
  );
  const { sizeMiB, format, readonly, shared } = DiskSpec.parse({
    base: "/b",
    sizeMiB: "4GiB",
  });
  deepStrictEqual([sizeMiB, format, readonly, shared], [
    4096,
    "qcow2",
    false,
    false,
  ]);
  ok(!DiskSpec.safeParse({ base: "/b", sizeMiB: "4GB5" }).success);
});

Deno.test("NodePath is absolute and of one line; commas and spaces are for the driver to escape", () => {
  for (const path of ["/", "/srv/a,b/c d.qcow2", "/é"]) {
    ok(NodePath.safeParse(path).success, path);
  }
  for (
    const path of [
      "",
      "a",
      "./a",
      "~/a",
      "/a\nb",
      "/a\0",
      "nbd:host:1",
      `/${"a".repeat(4096)}`,
    ]
  ) {
    ok(!NodePath.safeParse(path).success, JSON.stringify(path).slice(0, 20));
  }
});

Deno.test("KernelBoot takes a command line of one line", () => {
  deepStrictEqual(KernelBoot.parse({ kernel: "/k" }), {
    kernel: "/k",
    cmdline: "",
  });
  ok(
    KernelBoot.safeParse({
      kernel: "/k",
      cmdline: "console=ttyS0,115200 quiet",
    }).success,
  );
  ok(!KernelBoot.safeParse({ kernel: "/k", cmdline: "a\nb" }).success);
});

Deno.test("NicSpec knows three kinds, each with its own keys", () => {
  deepStrictEqual(NicSpec.parse({ kind: "user" }), {
    kind: "user",
    forwards: [],
  });
  deepStrictEqual(
    NicSpec.parse({
      kind: "user",
      forwards: [{ nodePort: 2222, guestPort: 22 }],
    }),
    {
      kind: "user",
      forwards: [{
        protocol: "tcp",
        address: "127.0.0.1",
        nodePort: 2222,
        guestPort: 22,
      }],
    },
  );
  for (
    const value of [
      {},
      { kind: "wifi" },
      { kind: "bridge" },
      { kind: "bridge", bridge: "br0,id=x" },
      { kind: "tap", tap: "a".repeat(16) },
      { kind: "user", forwards: [{ nodePort: 0, guestPort: 22 }] },
      {
        kind: "user",
        forwards: [{ nodePort: 1, guestPort: 22, address: "::1,x" }],
      },
    ]
  ) ok(!NicSpec.safeParse(value).success, JSON.stringify(value));
});

Deno.test("Mac is a unicast address in lower case", () => {
  ok(Mac.safeParse("52:54:00:12:34:56").success);
  for (
    const mac of [
      "53:54:00:12:34:56",
      "52:54:00:12:34:5",
      "52-54-00-12-34-56",
      "52:54:00:12:34:5G",
      "52:54:00:12:34:56,",
    ]
  ) {
    ok(!Mac.safeParse(mac).success, mac);
  }
});

Deno.test("XenOptions takes words that xl knows, and nothing that could be more", () => {
  const given = { type: "pv", cpus: "0-3,^2", cpuCap: 50 };
  deepStrictEqual(XenOptions.parse(given), given);
  for (
    const value of [
      { type: "hvm64" },
      { onCrash: "restart" },
      { bootloader: "/bin/sh" },
      { cpus: '0"\nname="x' },
      { cpus: "" },
      { cpuWeight: 0 },
      { extra: "x" },
    ]
  ) {
    ok(!XenOptions.safeParse(value).success, JSON.stringify(value));
  }
});

Deno.test("SimOptions bounds how long a simulated guest may take", () => {
  for (
    const value of [{ bootMs: -1 }, { bootMs: 600_001 }, { crashAfterMs: -1 }, {
      startError: "x".repeat(201),
    }]
  ) {
    ok(!SimOptions.safeParse(value).success, JSON.stringify(value));
  }
});

Deno.test("Args are short keys with text", () => {
  deepStrictEqual(Args.parse({ "a.b-c_1": "x=y" }), { "a.b-c_1": "x=y" });
  for (
    const value of [{ "a b": "x" }, { a: 1 }, { "": "x" }, {
      ["k".repeat(65)]: "x",
    }, { a: "x".repeat(4097) }]
  ) {
    ok(!Args.safeParse(value).success, JSON.stringify(value).slice(0, 30));
  }
});

Deno.test("Vm ignores what a newer usher added, and refuses another version of its record", () => {
  const vm = {
    v: 1,
    uid: "01hzzzzzzzzzzzzzzzzzzzzzzz",
    name: "web.lab.ann",
    generation: 1,
    spec: VmSpec.parse({}),
    status: {
      state: "running",
      reason: "",
      incarnation: null,
      since: "2026-01-01T00:00:00Z",
      observedGeneration: 1,
    },
    node: null,
    args: {},
    createdAt: "2026-01-01T00:00:00Z",
    revision: 1,
  };

  deepStrictEqual(Vm.parse({ ...vm, colour: "blue" }), { ...vm, found: false });
  ok(!Vm.safeParse({ ...vm, v: 2 }).success);
  ok(
    !Vm.safeParse({ ...vm, status: { ...vm.status, state: "dreaming" } })
      .success,
  );
});
