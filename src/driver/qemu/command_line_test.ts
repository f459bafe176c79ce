/**
 * The command line, above all with values that want to be more than values.
 *
 * @module
 */
import { deepStrictEqual, match, ok, strictEqual } from "node:assert/strict";
import fc from "fast-check";
import { VmSpec } from "../../schema/vm.ts";
import { commandLine, escapeValue } from "./command_line.ts";
import { layOut } from "./layout.ts";

const UID = "01m82khweq1ndh779jbbb1ee7y";
const layout = layOut("/state", "/run/usher")!;

function argumentsOf(
  spec: Record<string, unknown>,
  more: {
    name?: string;
    accel?: "kvm" | "tcg";
    isHeldElsewhere?: boolean;
    memoryKiB?: number | null;
  } = {},
): string[] {
  return commandLine({
    uid: UID,
    name: more.name ?? "web.lab.ann",
    accel: more.accel ?? "tcg",
    memoryKiB: more.memoryKiB,
    machine: "pc",
    isHeldElsewhere: more.isHeldElsewhere,
    spec: VmSpec.parse(spec),
    files: layout.files(UID),
    overlay: (index) => layout.overlay(UID, index),
    isDevice: (path) => path.startsWith("/dev/"),
  });
}

/** Every value of an option that may be given more than once. */
function valuesOf(args: readonly string[], option: string): string[] {
  return args.flatMap((arg, at) => arg === option ? args[at + 1] ?? "" : []);
}

/** Splits an option as QEMU does: at commas that are not doubled. */
function splitOption(value: string): string[] {
  return value.replaceAll(",,", "\0").split(",").map((part) =>
    part.replaceAll("\0", ",")
  );
}

Deno.test("commandLine() doubles the commas of a name, so that it adds no option", () => {
  const name = "web,process=evil,debug-threads=off";
  const [value = ""] = valuesOf(argumentsOf({}, { name }), "-name");
  deepStrictEqual(splitOption(value), [`guest=${name}`, "debug-threads=on"]);
});

Deno.test("escapeValue() survives QEMU's splitting, whatever the value", () => {
  // QEMU would take a NUL for the end of the string; paths and names have none.
  const text = fc.string().filter((value) => !value.includes("\0"));
  fc.assert(fc.property(text, (value) => {
    deepStrictEqual(splitOption(`a=${escapeValue(value)},b=1`), [
      `a=${value}`,
      "b=1",
    ]);
  }));
});

Deno.test("commandLine() gives a hostile path as one JSON string, and never as a protocol", () => {
  for (
    const path of [
      "/a,file.driver=nbd",
      '/a"},{"driver":"nbd',
      "/nbd:1.2.3.4:10809",
      "/a b'$(id)`",
      "/-drive",
    ]
  ) {
    const args = argumentsOf({ disks: [{ path, format: "raw" }] });
    const backend = JSON.parse(valuesOf(args, "-blockdev")[0] ?? "");
    deepStrictEqual(backend.file, {
      driver: "file",
      filename: path,
      "read-only": false,
    });
    strictEqual(backend.driver, "raw");
    strictEqual(args.filter((arg) => arg === path).length, 0);
  }
});

Deno.test("commandLine() gives a guest that comes in the memory that it has where it comes from", () => {
  const sizeOf = (more: { accel?: "kvm" | "tcg"; memoryKiB?: number | null }) =>
    valuesOf(argumentsOf({ memoryMiB: 128 }, more), "-m");
  deepStrictEqual(sizeOf({ accel: "kvm" }), ["size=131072K"]);
  deepStrictEqual(sizeOf({ memoryKiB: null }), ["size=131080K"]);
  deepStrictEqual(sizeOf({ memoryKiB: 131076 }), ["size=131076K"]);
});

Deno.test("commandLine() hands kernel, initrd and its line over as they are", () => {
  const boot = {
    kernel: "/k,ernel",
    initrd: "/i,nitrd",
    cmdline: 'a=b,c "d" -S,',
  };
  const args = argumentsOf({ boot });
  deepStrictEqual(valuesOf(args, "-kernel"), [boot.kernel]);
  deepStrictEqual(valuesOf(args, "-initrd"), [boot.initrd]);
  deepStrictEqual(valuesOf(args, "-append"), [boot.cmdline]);
});

Deno.test("commandLine() writes an option only as usher means it, whatever a spec says", () => {
  const word = fc.string({ maxLength: 30 }).map((text) =>
    // deno-lint-ignore no-control-regex -- what the schema refuses
    text.replace(/[\x00-\x1f\x7f]/g, "")
  );
  fc.assert(fc.property(word, word, word, (path, cmdline, name) => {
    const harmless = argumentsOf({
      boot: { kernel: "/k" },
      disks: [{ path: "/d" }],
    });
    const hostile = argumentsOf({
      boot: { kernel: `/${path}`, cmdline },
      disks: [{ path: `/${path}` }],
    }, { name });
    strictEqual(hostile.length, harmless.length);
    const differ = hostile.flatMap((arg, at) =>
      arg === harmless[at] ? [] : harmless[at - 1]
    );
    for (const option of differ) {
      ok(["-name", "-kernel", "-append", "-blockdev"].includes(option ?? ""));
    }
  }));
});

Deno.test("commandLine() boots disks in their order, overlays in place of bases", () => {
  const args = argumentsOf({
    disks: [{ base: "/b.raw", format: "raw" }, { path: "/d", readonly: true }],
  });
  const [first, second] = valuesOf(args, "-blockdev").map((value) =>
    JSON.parse(value)
  );
  deepStrictEqual([first.driver, first.file.filename], [
    "qcow2",
    layout.overlay(UID, 0),
  ]);
  deepStrictEqual([second["read-only"], second.file["read-only"]], [
    true,
    true,
  ]);
  match(valuesOf(args, "-device")[0] ?? "", /bootindex=1$/);
});

Deno.test("commandLine() forwards ports, names bridges and taps, and keeps a given MAC", () => {
  const forward = { nodePort: 8080, guestPort: 80 };
  const args = argumentsOf({
    nics: [
      { kind: "user", mac: "52:54:00:00:00:01", forwards: [forward] },
      { kind: "bridge", bridge: "br0" },
      { kind: "tap", tap: "tap7" },
    ],
  });
  deepStrictEqual(valuesOf(args, "-netdev"), [
    "user,id=net0,hostfwd=tcp:127.0.0.1:8080-:80",
    "bridge,id=net1,br=br0",
    "tap,id=net2,ifname=tap7,script=no,downscript=no",
  ]);
  match(valuesOf(args, "-device")[0] ?? "", /mac=52:54:00:00:00:01/);
});

Deno.test("commandLine() takes the host's processor under KVM, unless the spec names one", () => {
  deepStrictEqual(valuesOf(argumentsOf({}), "-cpu"), []);
  deepStrictEqual(valuesOf(argumentsOf({}, { accel: "kvm" }), "-cpu"), [
    "host",
  ]);
  deepStrictEqual(
    valuesOf(argumentsOf({ qemu: { cpu: "EPYC" } }, { accel: "kvm" }), "-cpu"),
    ["EPYC"],
  );
});

Deno.test("commandLine() puts a microvm's devices on virtio-mmio", () => {
  const args = argumentsOf({
    qemu: { machine: "microvm" },
    disks: [{ path: "/d" }],
  });
  match(valuesOf(args, "-device").join(" "), /^virtio-blk-device,/);
  ok(!args.join(" ").includes("pvpanic"));
});

Deno.test("commandLine() opens a volume of the node as a device, and a file as a file", () => {
  const args = argumentsOf({
    disks: [{ path: "/dev/vg/web", format: "raw" }, { path: "/srv/a.qcow2" }],
  });
  const drivers = valuesOf(args, "-blockdev").map((value) =>
    JSON.parse(value).file.driver
  );
  deepStrictEqual(drivers, ["host_device", "file"]);
});

Deno.test("commandLine() passes over the locks of a copy that is held elsewhere, on shared disks alone", () => {
  const disks = [{ path: "/shared", shared: true }, { path: "/own" }];
  const locks = (isHeldElsewhere: boolean) =>
    valuesOf(argumentsOf({ disks }, { isHeldElsewhere }), "-blockdev").map((
      text,
    ) => JSON.parse(text).file.locking);
  deepStrictEqual(locks(false), [undefined, undefined]);
  deepStrictEqual(locks(true), ["off", undefined]);
});
