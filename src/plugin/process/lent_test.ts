import { deepStrictEqual } from "node:assert/strict";
import type { WorkerPermissions } from "../files/permission.ts";
import { lend } from "./lent.ts";

const SOCKET = "/tmp/usher-worker-1/socket";
const NONE: WorkerPermissions = {
  ...{ net: false, read: ["/state/plugins/1"], write: false, env: false },
  ...{ sys: false, run: false, ffi: false, import: false },
};
const FILES = [
  { name: "read", path: SOCKET },
  { name: "write", path: SOCKET },
] as const;

Deno.test("lend() adds the one socket, and tells what is to be given back", () => {
  deepStrictEqual(lend(NONE, SOCKET, false), {
    permissions: {
      ...NONE,
      read: ["/state/plugins/1", SOCKET],
      write: [SOCKET],
    },
    lent: FILES,
  });
});

Deno.test("lend() names the socket as a host where the runtime asks for that", () => {
  const granted = { ...NONE, net: ["db.example:5432"] };
  const { permissions, lent } = lend(granted, SOCKET, true);
  deepStrictEqual(permissions.net, ["db.example:5432", `unix:${SOCKET}`]);
  deepStrictEqual(lent, [...FILES, { name: "net", host: `unix:${SOCKET}` }]);
});

Deno.test("lend() lends nothing that was granted: giving it back would take the grant away", () => {
  for (
    const granted of [
      { ...NONE, read: true, write: true, net: true },
      { ...NONE, read: ["/"], write: ["/tmp/"], net: true },
      { ...NONE, read: [SOCKET], write: ["/tmp/usher-worker-1"], net: true },
    ]
  ) {
    deepStrictEqual(lend(granted, SOCKET, true), {
      permissions: granted,
      lent: [],
    });
  }
});

Deno.test("lend() takes no folder for one that covers the socket because its name begins alike", () => {
  const { lent } = lend({ ...NONE, read: ["/tmp/usher"] }, SOCKET, false);
  deepStrictEqual(lent, FILES);
});
