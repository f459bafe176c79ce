/**
 * Whatever a user may write, QEMU's arguments have the shape that usher gave
 * them: the same options with the same keys as for a spec of harmless words,
 * and every word arrives where it belongs and nowhere else.
 *
 * @module
 */
import { deepStrictEqual, ok, strictEqual } from "node:assert/strict";
import fc from "fast-check";
import { VmSpec } from "../../schema/vm.ts";
import { commandLine } from "./command_line.ts";
import { layOut } from "./layout.ts";

const UID = "01m82khweq1ndh779jbbb1ee7y";
const WITHOUT_VALUE = new Set(["-no-user-config", "-nodefaults"]);
const AS_THEY_ARE = new Set(["-kernel", "-initrd", "-append", "-pidfile"]);

/** Text that wants to be more than text, in QEMU's and in other languages. */
const word = fc.oneof(
  fc.string({
    unit: fc.constantFrom(
      ...[",", ",", "=", ":", '"', "'", "{", "}", "[", "]", "\\", "-", " "],
      ...["$(id)", "`", ";", "|", "%", "*", "a", "é", "file.driver=nbd", ",,"],
    ),
    maxLength: 20,
  }),
  fc.constantFrom(
    ",script=/bin/sh",
    "x,logfile=/etc/passwd",
    '"},"driver":"nbd","x":{"',
    "-drive file=/etc/shadow",
    "json:{}",
    "nbd:evil:1",
    "a,,b,=c",
    "on,id=x",
  ),
);
const path = word.map((text) => `/${text}`);
const interfaceName = fc.stringMatching(/^[A-Za-z0-9_.-]{1,15}$/);
const mac = fc.constantFrom(undefined, "52:54:00:12:34:56");
const port = fc.integer({ min: 1, max: 65535 });

const disk = fc.oneof(
  fc.record({
    path,
    format: fc.constantFrom("raw", "qcow2"),
    readonly: fc.boolean(),
  }),
  fc.record({ base: path, format: fc.constantFrom("raw", "qcow2") }),
);
const nic = fc.oneof(
  fc.record({
    kind: fc.constant("user"),
    mac,
    forwards: fc.array(
      fc.record({
        protocol: fc.constantFrom("tcp", "udp"),
        address: fc.ipV4(),
        nodePort: port,
        guestPort: port,
      }),
      { maxLength: 3 },
    ),
  }),
  fc.record({ kind: fc.constant("bridge"), bridge: interfaceName, mac }),
  fc.record({ kind: fc.constant("tap"), tap: interfaceName, mac }),
);
const spec = fc.record({
  vcpus: fc.integer({ min: 1, max: 512 }),
  memoryMiB: fc.integer({ min: 16, max: 65536 }),
  boot: fc.option(
    fc.record({
      kernel: path,
      initrd: fc.option(path, { nil: undefined }),
      cmdline: word,
    }),
  ),
  disks: fc.array(disk, { maxLength: 3 }),
  nics: fc.array(nic, { maxLength: 3 }),
  qemu: fc.record({
    machine: fc.option(fc.stringMatching(/^[a-z0-9][a-z0-9._-]{0,20}$/), {
      nil: undefined,
    }),
    cpu: fc.option(fc.stringMatching(/^[A-Za-z0-9][A-Za-z0-9._-]{0,20}$/), {
      nil: undefined,
    }),
  }),
});

interface Words {
  readonly name: string;
  readonly stateDir: string;
  readonly runDir: string;
}

function argumentsOf(its: VmSpec, words: Words): string[] {
  const layout = layOut(words.stateDir, words.runDir)!;
  return commandLine({
    uid: UID,
    name: words.name,
    accel: "tcg",
    machine: "pc",
    spec: its,
    files: layout.files(UID),
    overlay: (index) => layout.overlay(UID, index),
    isDevice: () => false,
  });
}

/** The same structure with harmless words in it. */
function harmless(its: VmSpec): VmSpec {
  return VmSpec.parse({
    ...its,
    boot: its.boot === null ? null : {
      kernel: "/k",
      ...(its.boot.initrd === undefined ? {} : { initrd: "/i" }),
      cmdline: "quiet",
    },
    disks: its.disks.map((one) => ({
      ...one,
      ...(one.path === undefined ? { base: "/b" } : { path: "/p" }),
    })),
  });
}

/** Splits as QEMU's `get_opt_name_value` does (util/qemu-option.c). */
function parseOptions(text: string): [key: string, value: string][] {
  const found: [string, string][] = [];
  for (let at = 0; at < text.length; at++) {
    const end = at + /^[^=,]*/.exec(text.slice(at))![0].length;
    const isNamed = text[end] === "=";
    const key = isNamed ? text.slice(at, end) : "";
    if (isNamed) at = end + 1;
    let value = "";
    for (; at < text.length; at++) {
      if (text[at] === "," && text[++at] !== ",") {
        at--;
        break;
      }
      value += text[at];
    }
    found.push([key, value]);
  }
  return found;
}

/** Options with the keys of each, and all values in order. */
function parse(
  args: readonly string[],
): { shape: unknown[]; values: string[] } {
  const shape: unknown[] = [];
  const values: string[] = [];
  for (let at = 0; at < args.length; at++) {
    const option = args[at]!;
    ok(/^-[a-z-]+$/.test(option), `"${option}" is no option`);
    if (WITHOUT_VALUE.has(option)) {
      shape.push(option);
      continue;
    }
    const value = args[++at] ?? "";
    if (AS_THEY_ARE.has(option)) {
      shape.push(option);
      values.push(value);
    } else if (option === "-blockdev") {
      shape.push([option, ...keysOf(JSON.parse(value), values)]);
    } else {
      const options = parseOptions(value);
      shape.push([option, ...options.map(([key]) => key)]);
      values.push(...options.map(([, text]) => text));
    }
  }
  return { shape, values };
}

function keysOf(value: object, values: string[]): unknown[] {
  return Object.entries(value).map(([key, inner]) => {
    if (typeof inner === "object") return [key, ...keysOf(inner, values)];
    values.push(String(inner));
    return key;
  });
}

Deno.test("nothing that a user writes adds an option to QEMU, or a key to one", () => {
  const words = fc.record({
    name: word,
    stateDir: path,
    // Its length is bounded by what a socket's path may have.
    runDir: path.map((text) => text.slice(0, 20)),
  });
  fc.assert(
    fc.property(spec, words, (wanted, its) => {
      const parsed = VmSpec.safeParse(wanted);
      if (!parsed.success) return;
      const { boot, disks } = parsed.data;

      const evil = parse(argumentsOf(parsed.data, its));

      const plain = { name: "web", stateDir: "/s", runDir: "/r" };
      const good = parse(argumentsOf(harmless(parsed.data), plain));
      deepStrictEqual(evil.shape, good.shape);
      strictEqual(evil.values.length, good.values.length);
      const layout = layOut(its.stateDir, its.runDir)!;
      const files = layout.files(UID);
      const expected = [
        its.name,
        files.pidFile,
        ...files.monitors,
        files.serial,
        files.consoleLog,
        ...disks.map(({ path }, index) => path ?? layout.overlay(UID, index)),
        ...(boot === null ? [] : [boot.kernel, boot.cmdline]),
        ...(boot?.initrd === undefined ? [] : [boot.initrd]),
      ];
      for (const text of expected) {
        ok(evil.values.includes(text), `${JSON.stringify(text)} is not whole`);
      }
    }),
    { numRuns: 1000 },
  );
});

Deno.test("the specs that are refused are those that could be more than a value", () => {
  for (
    const wrong of [
      { qemu: { machine: "pc,accel=kvm" } },
      { qemu: { cpu: "max,+evil" } },
      { nics: [{ kind: "tap", tap: "tap0,script=/bin/sh" }] },
      { nics: [{ kind: "bridge", bridge: "br0,helper=/bin/sh" }] },
      { nics: [{ kind: "user", mac: "52:54:00:12:34:56,romfile=/x" }] },
      {
        nics: [{
          kind: "user",
          forwards: [{
            address: "0.0.0.0,guestfwd=x",
            nodePort: 1,
            guestPort: 1,
          }],
        }],
      },
      { boot: { kernel: "relative" } },
      { boot: { kernel: "/k\n-drive" } },
      { boot: { kernel: "/k", cmdline: "a\0b" } },
      { disks: [{ path: "nbd:evil:1" }] },
      { disks: [{ path: "/a", format: "vvfat" }] },
    ]
  ) {
    ok(!VmSpec.safeParse(wrong).success, JSON.stringify(wrong));
  }
});
