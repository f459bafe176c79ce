import { deepStrictEqual } from "node:assert/strict";
import { Grants, Manifest } from "../../schema/plugin.ts";
import {
  effective,
  visibleVariables,
  workerPermissions,
} from "./permission.ts";

function manifest(more: Record<string, unknown>): Manifest {
  return Manifest.parse({ name: "a", version: "1", api: 1, ...more });
}

Deno.test("effective() gives what is asked and granted, and lists what is asked alone", () => {
  const asked = manifest({
    permissions: {
      net: ["LDAP.example:636", "db.example"],
      read: ["/etc/ssl/../pki", "relative"],
      env: true,
      run: ["/bin/true"],
    },
    ctx: ["vms", "requests"],
    verbs: ["start", "destroy"],
  });
  const granted = Grants.parse({
    net: ["ldap.example", "db.example:5432"],
    read: ["/etc", "/"],
    env: ["PG*"],
    sys: true,
    ctx: ["requests", "accounts"],
    verbs: ["start"],
  });
  deepStrictEqual(effective(asked, granted), {
    permissions: {
      net: ["ldap.example:636", "db.example:5432"],
      read: ["/etc/pki"],
      env: ["PG*"],
    },
    ctx: ["requests"],
    verbs: ["start"],
    denied: [
      "net db.example",
      "read relative",
      "run /bin/true",
      "ctx.vms",
      "verb destroy",
    ],
  });
});

Deno.test("effective() takes a wish for all of a kind as one for what is granted of it", () => {
  const asked = manifest({ permissions: { net: true, read: true, env: true } });
  const granted = Grants.parse({ net: ["db.example:5432"], read: [] });
  deepStrictEqual(effective(asked, granted), {
    permissions: { net: ["db.example:5432"] },
    ctx: [],
    verbs: [],
    denied: ["env all"],
  });
});

Deno.test("workerPermissions() gives nothing beside what is had and the snapshot", () => {
  deepStrictEqual(workerPermissions({ permissions: {} }, "/state/x"), {
    net: false,
    read: ["/state/x"],
    write: false,
    env: false,
    sys: false,
    run: false,
    ffi: false,
    import: false,
  });
});

Deno.test("visibleVariables() takes names by what they begin with", () => {
  const names = ["PGHOST", "PATH", "HOME"];
  const seen = (env: true | string[] | undefined) =>
    visibleVariables({ permissions: env === undefined ? {} : { env } }, names);
  deepStrictEqual(seen(undefined), []);
  deepStrictEqual(seen(true), names);
  deepStrictEqual(seen(["PG*", "HOME"]), ["PGHOST", "HOME"]);
});
