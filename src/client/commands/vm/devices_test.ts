import { deepStrictEqual, throws } from "node:assert/strict";
import {
  DiskSpec,
  NicSpec,
  SimOptions,
  XenOptions,
} from "../../../schema/vm.ts";
import {
  readDisk,
  readNic,
  readSim,
  readXen,
  SIM_PARTS,
  XEN_PARTS,
} from "./devices.ts";

Deno.test("readDisk() reads a path, and parts", () => {
  const cases: [string, object][] = [
    ["/a/b.qcow2", { path: "/a/b.qcow2" }],
    ["/a,format=raw,readonly", { path: "/a", format: "raw", readonly: true }],
    ["path=/a,shared", { path: "/a", shared: true }],
    ["base=/b,size=20GiB", { base: "/b", sizeMiB: 20480 }],
    ["path=/odd,,name", { path: "/odd,name" }],
    ["/odd,,name", { path: "/odd,name" }],
    ["path=/a=b,readonly=false", { path: "/a=b", readonly: false }],
  ];
  for (const [word, expected] of cases) {
    const disk = readDisk(word);
    deepStrictEqual(disk, expected, word);
    DiskSpec.parse(disk);
  }
});

Deno.test("readDisk() says what is wrong", () => {
  const cases: [string, RegExp][] = [
    ["", /no part of a disk/],
    ["format=raw", /exactly one of path and base/],
    ["path=/a,base=/b", /exactly one of path and base/],
    ["path=a", /must be absolute/],
    ["path=", /needs a value/],
    ["/a,format=vmdk", /raw or qcow2/],
    ["/a,size=big", /no size/],
    ["/a,fromat=raw", /"fromat" is no part/],
  ];
  for (const [word, expected] of cases) throws(() => readDisk(word), expected);
});

Deno.test("readNic() reads each kind", () => {
  const mac = "52:54:00:12:34:56";
  const cases: [string, object][] = [
    ["user", { kind: "user" }],
    [`bridge=br0,mac=${mac}`, { kind: "bridge", bridge: "br0", mac }],
    [`tap=tap0,mac=${mac.toUpperCase()}`, { kind: "tap", tap: "tap0", mac }],
    ["user,forward=2222:22,forward=udp:53:53", {
      kind: "user",
      forwards: [
        { nodePort: 2222, guestPort: 22 },
        { protocol: "udp", nodePort: 53, guestPort: 53 },
      ],
    }],
    ["user,forward=tcp:0.0.0.0:80:8080", {
      kind: "user",
      forwards: [{
        protocol: "tcp",
        address: "0.0.0.0",
        nodePort: 80,
        guestPort: 8080,
      }],
    }],
  ];
  for (const [word, expected] of cases) {
    const nic = readNic(word);
    deepStrictEqual(nic, expected, word);
    NicSpec.parse(nic);
  }
});

Deno.test("readNic() says what is wrong", () => {
  const cases: [string, RegExp][] = [
    ["", /no part of a nic/],
    ["mac=52:54:00:12:34:56", /needs user, bridge=NAME or tap=NAME/],
    ["bridge", /needs a value/],
    ["bridge=br0,forward=1:1", /user mode only/],
    ["user,forward=22", /no port forward/],
    ["user,forward=0:22", /no port forward/],
    ["user,forward=70000:22", /no port forward/],
    ["brigde=br0", /"brigde" is no part/],
  ];
  for (const [word, expected] of cases) throws(() => readNic(word), expected);
});

Deno.test("readSim() reads durations, claims and texts", () => {
  deepStrictEqual(
    [
      "bootMs=2s",
      "bootMs=250",
      "startHangs",
      "replyLost=false",
      "startError=no disk",
      "cpuLoad=0.5",
    ]
      .map((word) => readSim(word)),
    [
      ["bootMs", 2000],
      ["bootMs", 250],
      ["startHangs", true],
      ["replyLost", false],
      ["startError", "no disk"],
      ["cpuLoad", 0.5],
    ],
  );
  throws(() => readSim("bootMs=soon"), /no duration/);
  throws(() => readSim("cpuLoad=2"), /no share of a processor/);
  deepStrictEqual(SIM_PARTS, Object.keys(SimOptions.shape));
});

Deno.test("readXen() reads words and numbers", () => {
  deepStrictEqual(
    ["type=pv", "cpus=0-3,^2", "cpuWeight=512"].map((word) => readXen(word)),
    [["type", "pv"], ["cpus", "0-3,^2"], ["cpuWeight", 512]],
  );
  throws(() => readXen("cpuCap=half"), /no cpuCap/);
  throws(() => readXen("extra=1"), /no part of a Xen VM/);
  throws(() => readXen("type"), /needs a value/);
  deepStrictEqual(XEN_PARTS, Object.keys(XenOptions.shape));
});
