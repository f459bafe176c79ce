import { deepStrictEqual, ok, throws } from "node:assert/strict";
import { VmSpec } from "../../schema/vm.ts";
import { domainConfig } from "./domain_config.ts";

const UID = "01m8b6gzyahms3dh1xhbt431sf";

function config(spec: Record<string, unknown>): string[] {
  return domainConfig({
    uid: UID,
    name: "web.lab.ann",
    spec: VmSpec.parse({ driver: "xen", ...spec }),
  }).split("\n");
}

Deno.test("a configuration holds what the spec says, and keeps a domain until its end was seen", () => {
  deepStrictEqual(
    config({
      vcpus: 2,
      memoryMiB: 128,
      boot: { kernel: "/k", initrd: "/i", cmdline: "console=hvc0" },
      disks: [
        { path: "/d1.raw", format: "raw" },
        { path: "/d2.qcow2", readonly: true },
      ],
      nics: [{ kind: "bridge", bridge: "xenbr0", mac: "52:54:00:12:34:56" }],
      xen: { type: "pv", cpus: "0-3,^2", cpuWeight: 512, cpuCap: 50 },
    }),
    [
      'name = "web.lab.ann"',
      'uuid = "01a21668-7fca-8d32-36c4-3d8af441872f"',
      'type = "pv"',
      "memory = 128",
      "maxmem = 128",
      "vcpus = 2",
      'on_poweroff = "preserve"',
      'on_reboot = "restart"',
      'on_crash = "preserve"',
      'on_watchdog = "preserve"',
      'cpus = "0-3,^2"',
      "cpu_weight = 512",
      "cap = 50",
      'kernel = "/k"',
      'ramdisk = "/i"',
      'cmdline = "console=hvc0"',
      'disk = ["format=raw,vdev=xvda,access=rw,target=/d1.raw", "format=qcow2,vdev=xvdb,access=ro,target=/d2.qcow2"]',
      'vif = ["mac=52:54:00:12:34:56,bridge=xenbr0"]',
      "",
    ],
  );
});

Deno.test("a configuration: an hvm guest boots from its first disks, and talks on a serial line", () => {
  const lines = config({
    disks: Array.from(
      { length: 6 },
      (_, at) => ({ path: `/${at}.raw`, format: "raw" }),
    ),
    xen: { type: "hvm", firmware: "uefi" },
  });
  ok(lines.includes('firmware = "uefi"'));
  ok(lines.includes('serial = "pty"'));
  deepStrictEqual(
    lines.find((line) => line.startsWith("disk"))?.match(/vdev=\w+/g),
    ["vdev=hda", "vdev=hdb", "vdev=hdc", "vdev=hdd", "vdev=xvde", "vdev=xvdf"],
  );
});

/** What could end a string, a list, a line, or an option of a disk. */
const ATTACKS = [
  `"`,
  `\\`,
  `\\"`,
  `"]\\\\"`,
  `"; on_crash = "restart`,
  `', 'x`,
  `,access=rw,target=/etc/shadow`,
  `$(id) # ä \\x41 \\042`,
];

/** The strings of a line, read as xl reads them (checked against \`xl create -n\` of Xen 4.17). */
function stringsOf(line: string): string[] {
  return [...line.matchAll(/"((?:[^"\\\n]|\\.)*)"/g)]
    .map(([, inside = ""]) => inside.replace(/\\(.)/g, "$1"));
}

Deno.test("a configuration: what a user says stays inside its string, whatever it is", () => {
  const plain = config({
    boot: { kernel: "/k", initrd: "/i", cmdline: "c" },
    disks: [{ path: "/d", format: "raw" }],
  });
  for (const attack of ATTACKS) {
    const lines = config({
      boot: {
        kernel: `/k${attack}`,
        initrd: `/i${attack}`,
        cmdline: `c${attack}`,
      },
      disks: [{ path: `/d${attack}`, format: "raw" }],
    });
    deepStrictEqual(
      lines.map((line) => line.split(" = ")[0]),
      plain.map((line) => line.split(" = ")[0]),
      attack,
    );
    for (
      const [key, start] of [["kernel", "/k"], ["ramdisk", "/i"], [
        "cmdline",
        "c",
      ]]
    ) {
      const line = lines.find((its) => its.startsWith(`${key} = `)) ?? "";
      deepStrictEqual(stringsOf(line), [start + attack]);
    }
    const disks = stringsOf(lines.find((its) => its.startsWith("disk")) ?? "");
    deepStrictEqual(disks, [
      `format=raw,vdev=xvda,access=rw,target=/d${attack}`,
    ]);
  }
});

Deno.test("a configuration: control characters, which no schema lets through, are refused", () => {
  throws(
    () =>
      domainConfig({
        uid: UID,
        name: "web\nkernel = 1",
        spec: VmSpec.parse({ driver: "xen" }),
      }),
    { code: "invalid_input" },
  );
});
