/**
 * The XML of a domain: what a spec becomes, and that whatever a user may write
 * arrives where it belongs and is no markup.
 *
 * @module
 */
import { deepStrictEqual, ok, strictEqual, throws } from "node:assert/strict";
import fc from "fast-check";
import { VmSpec } from "../../schema/vm.ts";
import { uuidOfUid } from "../identity.ts";
import { describe } from "./domain_reading.ts";
import { diskTarget, domainXml } from "./domain_xml.ts";
import { layOut } from "./layout.ts";
import { elementAt, elementsAt, readXml, textAt } from "./xml.ts";

const UID = "01m82khweq1ndh779jbbb1ee7y";
type Element = ReturnType<typeof readXml>;

interface Words {
  readonly name: string;
  readonly incarnation: string;
  readonly stateDir: string;
}

const PLAIN: Words = { name: "web", incarnation: "i", stateDir: "/s" };

function xmlOf(spec: VmSpec, words: Words = PLAIN): string {
  const layout = layOut(words.stateDir, "/r");
  return domainXml({
    mark: {
      uid: UID,
      name: words.name,
      generation: 3,
      incarnation: words.incarnation,
      home: layout.home,
    },
    name: words.name,
    spec,
    accel: "tcg",
    machine: "pc",
    files: layout.files(UID),
    overlay: (index) => layout.overlay(UID, index),
    isDevice: (path) => path.startsWith("/dev/"),
  });
}

/** The element of what a spec in few words becomes. */
function rootOf(spec: Record<string, unknown>): Element {
  return readXml(xmlOf(VmSpec.parse(spec)));
}

Deno.test("domainXml() names the UUID that follows from the uid, and bears usher's mark", () => {
  const told = describe(xmlOf(VmSpec.parse({ memoryMiB: 512, vcpus: 3 })));
  strictEqual(told.uuid, uuidOfUid(UID));
  deepStrictEqual(told.mark, {
    uid: UID,
    name: "web",
    generation: 3,
    incarnation: "i",
    home: "/s",
  });
  deepStrictEqual([told.memoryMiB, told.vcpus], [512, 3]);
  strictEqual(told.consoleLog, `/s/logs/${UID}.console`);
});

Deno.test("domainXml() boots a kernel where there is one, and the first disk otherwise", () => {
  const kernel = rootOf({ boot: { kernel: "/k", initrd: "/i", cmdline: "q" } });
  deepStrictEqual(
    ["kernel", "initrd", "cmdline"].map((name) => textAt(kernel, "os", name)),
    ["/k", "/i", "q"],
  );
  const disk = elementAt(rootOf({ disks: [{ path: "/d" }] }), "os", "boot");
  strictEqual(disk?.getAttribute("dev"), "hd");
});

Deno.test("domainXml() tells files from volumes, names formats, and makes read-only what is", () => {
  const root = rootOf({
    disks: [
      { path: "/srv/a.raw", format: "raw", readonly: true },
      { path: "/dev/vg/web" },
      { base: "/srv/base.raw", format: "raw" },
    ],
  });
  const disks = elementsAt(root, "devices", "disk").map((disk) => [
    disk.getAttribute("type"),
    elementAt(disk, "driver")?.getAttribute("type"),
    elementAt(disk, "source")?.getAttribute("file") ??
      elementAt(disk, "source")?.getAttribute("dev"),
    elementAt(disk, "target")?.getAttribute("dev"),
    elementAt(disk, "readonly") !== null,
  ]);
  deepStrictEqual(disks, [
    ["file", "raw", "/srv/a.raw", "vda", true],
    ["block", "qcow2", "/dev/vg/web", "vdb", false],
    ["file", "qcow2", `/s/overlays/${UID}-2.qcow2`, "vdc", false],
  ]);
});

Deno.test("domainXml() gives each kind of card what libvirt knows it by", () => {
  const root = rootOf({
    nics: [
      { kind: "user", mac: "52:54:00:12:34:56" },
      { kind: "bridge", bridge: "br0" },
      { kind: "tap", tap: "tap7" },
    ],
  });
  const nics = elementsAt(root, "devices", "interface");
  deepStrictEqual(
    nics.map((nic) => nic.getAttribute("type")),
    ["user", "bridge", "ethernet"],
  );
  const [user, bridge, tap] = nics;
  strictEqual(
    elementAt(user!, "mac")?.getAttribute("address"),
    "52:54:00:12:34:56",
  );
  strictEqual(elementAt(bridge!, "source")?.getAttribute("bridge"), "br0");
  strictEqual(elementAt(tap!, "target")?.getAttribute("dev"), "tap7");
});

Deno.test("diskTarget() goes on after vdz", () => {
  deepStrictEqual([0, 25, 26, 31].map(diskTarget), [
    "vda",
    "vdz",
    "vdaa",
    "vdaf",
  ]);
});

/** Text that wants to be more than text, in XML and in other languages. */
const word = fc.oneof(
  fc.string({
    unit: fc.constantFrom(
      ...["<", ">", "&", '"', "'", "/", "=", " ", "]]>", "<!--", "-->", "\\"],
      ...["<?", "?>", "&amp;", "&lt;", "a", "é", "😀", "$(id)", ",", "%", "\t"],
    ),
    maxLength: 20,
  }),
  fc.constantFrom(
    "</name><devices><emulator>/bin/sh</emulator></devices><name>",
    '"/><qemu:commandline><qemu:arg value="-S"/></qemu:commandline><x y="',
    "<!DOCTYPE x [<!ENTITY e SYSTEM 'file:///etc/shadow'>]>&e;",
    "&e;",
    "<![CDATA[x]]>",
    "&#0;",
  ),
);
// A tab is a control character, which no path has.
const path = word.map((text) => `/${text.replaceAll("\t", " ")}`);
const spec = fc.record({
  memoryMiB: fc.integer({ min: 16, max: 65536 }),
  boot: fc.option(
    fc.record({
      kernel: path,
      initrd: fc.option(path, { nil: undefined }),
      cmdline: word.map((text) => text.replaceAll("\t", " ")),
    }),
  ),
  disks: fc.array(
    fc.oneof(
      fc.record({ path, format: fc.constantFrom("raw", "qcow2") }),
      fc.record({ base: path }),
    ),
    { maxLength: 3 },
  ),
  nics: fc.array(
    fc.oneof(
      fc.record({ kind: fc.constant("user") }),
      fc.record({
        kind: fc.constant("bridge"),
        bridge: fc.stringMatching(/^[A-Za-z0-9_.-]{1,15}$/),
      }),
    ),
    { maxLength: 2 },
  ),
  libvirt: fc.record({
    machine: fc.option(fc.stringMatching(/^[a-z0-9][a-z0-9._-]{0,20}$/), {
      nil: undefined,
    }),
    cpu: fc.option(fc.stringMatching(/^[A-Za-z0-9][A-Za-z0-9._-]{3,20}$/), {
      nil: undefined,
    }),
  }),
});

/** Elements with the names of their attributes, and every value and text in order. */
function parse(xml: string): { shape: unknown; values: string[] } {
  const values: string[] = [];
  const shapeOf = (element: Element): unknown => {
    const attributes = [...element.attributes];
    const children = [...element.childNodes];
    values.push(...attributes.map(({ value }) => value));
    return [
      element.nodeName,
      attributes.map(({ name }) => name),
      children.map((child) => {
        if (child.nodeType === 1) return shapeOf(child as Element);
        values.push(child.nodeValue ?? "");
        return child.nodeName;
      }),
    ];
  };
  return { shape: shapeOf(readXml(xml)), values };
}

/** The same structure with harmless words in it. */
function harmless(its: VmSpec): VmSpec {
  return VmSpec.parse({
    ...its,
    boot: its.boot === null ? null : {
      kernel: "/k",
      ...(its.boot.initrd === undefined ? {} : { initrd: "/i" }),
      // An empty text is no node.
      cmdline: its.boot.cmdline === "" ? "" : "quiet",
    },
    disks: its.disks.map((disk) => ({
      ...disk,
      ...(disk.path === undefined ? { base: "/b" } : { path: "/p" }),
    })),
  });
}

Deno.test("nothing that a user writes adds an element or an attribute", () => {
  const words = fc.record({
    name: word.filter((text) => text !== ""),
    incarnation: word,
    stateDir: path,
  });
  fc.assert(
    fc.property(spec, words, (wanted, its) => {
      const parsed = VmSpec.safeParse(wanted);
      if (!parsed.success) return;

      const evil = parse(xmlOf(parsed.data, its));

      deepStrictEqual(evil.shape, parse(xmlOf(harmless(parsed.data))).shape);
      const { boot, disks } = parsed.data;
      const expected = [
        its.name,
        its.incarnation,
        `${its.stateDir}/logs/${UID}.console`,
        ...disks.flatMap((disk) => disk.path ?? []),
        ...(boot === null ? [] : [boot.kernel]),
      ];
      for (const text of expected) {
        ok(evil.values.includes(text), `${JSON.stringify(text)} is not whole`);
      }
    }),
    { numRuns: 500 },
  );
});

Deno.test("what XML cannot hold is refused, and not left out", () => {
  for (const odd of ["\ud800", "\ufffe", "\uffff"]) {
    throws(
      () => xmlOf(VmSpec.parse({ disks: [{ path: `/srv/${odd}` }] })),
      { code: "invalid_input" },
    );
  }
});

Deno.test("describe() takes no mark of another namespace, and none in pieces", () => {
  const xml = (mark: string) =>
    `<domain><name>x</name><uuid>u</uuid><metadata>${mark}</metadata></domain>`;
  strictEqual(describe(xml('<domain xmlns="urn:other" uid="1"/>')).mark, null);
  strictEqual(
    describe(xml('<u:domain xmlns:u="urn:usher:libvirt:domain" uid="1"/>'))
      .mark,
    null,
  );
});

Deno.test("readXml() fetches nothing and refuses what is no XML", () => {
  throws(() => readXml("error: no domain"), { code: "internal" });
  throws(() => readXml(""), { code: "internal" });
  throws(() => readXml("<domain><name>x</domain>"), { code: "internal" });
});
