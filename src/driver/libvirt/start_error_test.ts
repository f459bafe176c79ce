import { deepStrictEqual, match, ok, strictEqual } from "node:assert/strict";
import { startError } from "./start_error.ts";

// As libvirt 9.0 says it.
const SAID = {
  noMemory:
    "Failed to start domain 'web'; internal error: process exited while connecting to monitor: 2026-11-26T05:33:21Z qemu-system-x86_64: cannot set up guest memory 'pc.ram': Cannot allocate memory",
  name:
    "Failed to define domain from /d.xml; operation failed: domain 'web' already exists with uuid 0197f000-0000-7000-8000-000000000001",
  bridge:
    "Failed to start domain 'web'; Cannot get interface MTU on 'br9': No such device",
  firmware:
    "Failed to start domain 'web'; operation failed: Unable to find any firmware to satisfy 'efi'",
  kvm:
    "Failed to define domain from /d.xml; invalid argument: could not find capabilities for domaintype=kvm ",
  kvmClosed:
    "Failed to start domain 'web'; internal error: qemu-system-x86_64: Could not access KVM kernel module: Permission denied",
  machine:
    "Failed to define domain from /d.xml; XML error: No PCI buses available",
  unheard: "Failed to start domain 'web'; something new",
};

Deno.test("libvirt's complaints keep their words, and get the code that other drivers have for them", () => {
  const told = Object.fromEntries(
    Object.entries(SAID).map(([key, said]) => {
      const error = startError("web.lab.ann", said, () => null);
      const [, words] = /^Cannot start VM "web\.lab\.ann": (.*)$/
        .exec(error.message) ?? [];
      ok(words !== undefined && said.endsWith(words), error.message);
      return [key, [
        error.code,
        words.slice(0, 20),
        error.details.hint?.slice(0, 24),
      ]];
    }),
  );
  deepStrictEqual(told, {
    noMemory: [
      ...["insufficient_resources", "qemu-system-x86_64: "],
      "The node has not so much",
    ],
    name: [
      ...["already_exists", "operation failed: do"],
      "Rename that one with vir",
    ],
    bridge: [
      ...["driver_failed", "Cannot get interface"],
      "The node has no such bri",
    ],
    firmware: [
      ...["driver_failed", "operation failed: Un"],
      "UEFI needs the package o",
    ],
    kvm: [
      ...["driver_failed", "invalid argument: co"],
      "The node has no KVM that",
    ],
    kvmClosed: [
      ...["driver_failed", "qemu-system-x86_64: "],
      "The node has no KVM that",
    ],
    machine: [
      ...["driver_failed", "XML error: No PCI bu"],
      "virsh capabilities lists",
    ],
    unheard: ["driver_failed", "something new", undefined],
  });
});

Deno.test("startError() names the disk that is in use, and who uses it, also when that is nobody's VM", () => {
  const said = 'Failed to get "write" lock\n' +
    "Is another process using the image [/srv/a.qcow2]?";
  const ours = startError("web.lab.ann", said, () => ({
    name: "db.lab.ann",
    isVm: true,
  }));
  match(ours.message, /\/srv\/a\.qcow2 is in use by VM "db\.lab\.ann"/);
  deepStrictEqual([ours.code, ours.details.holder], ["busy", "db.lab.ann"]);
  const other = startError("web.lab.ann", said, () => ({
    name: "old",
    isVm: false,
  }));
  match(other.message, /in use by domain "old", which usher did not make/);
  strictEqual(other.details.holder, undefined);
  const nobody = startError("web.lab.ann", said, () => null);
  match(nobody.message, /in use by another process/);
  const copy = startError("web.lab.ann", said, () => "its copy");
  match(copy.message, /in use by its copy on the node that was lost/);
  match(copy.details.hint ?? "", /once that node is off/);
});
