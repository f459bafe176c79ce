import { strictEqual } from "node:assert/strict";
import fc from "fast-check";
import { effective, intersect } from "../../src/plugin/files/permission.ts";
import {
  Grants,
  Manifest,
  type PermissionSet,
} from "../../src/schema/plugin.ts";

/**
 * Whether `allowed` covers one thing, said once more and in another way than
 * in permission.ts: by what Deno does with a list.
 */
const COVERS = {
  net: (item: string, [host, port]: readonly string[]) =>
    item === host || item === `${host}:${port}`,
  read: (item: string, parts: readonly string[]) => {
    const path = `/${parts.join("/")}`;
    const folder = new URL(item, "file:///").pathname.replace(/\/$/, "");
    return path === folder || path.startsWith(`${folder}/`);
  },
  env: (item: string, [name = ""]: readonly string[]) =>
    item === name || (item.endsWith("*") && name.startsWith(item.slice(0, -1))),
  sys: (item: string, [name]: readonly string[]) => item === name,
};

const host = fc.constantFrom("a", "b.c", "[::1]", "10.0.0.1");
const port = fc.constantFrom("53", "443");
const part = fc.constantFrom("a", "b", "ab");
const name = fc.constantFrom("A", "AB", "ABC", "B");

const ARBITRARY = {
  net: {
    item: fc.oneof(host, fc.tuple(host, port).map((both) => both.join(":"))),
    probe: fc.tuple(host, port),
  },
  read: {
    item: fc.array(fc.oneof(part, fc.constantFrom("..", ".")), { maxLength: 4 })
      .map((parts) => `/${parts.join("/")}`),
    probe: fc.array(part, { maxLength: 4 }),
  },
  env: {
    item: fc.oneof(name, name.map((text) => `${text}*`), fc.constant("*")),
    probe: fc.tuple(name),
  },
  sys: { item: name, probe: fc.tuple(name) },
};

for (const kind of ["net", "read", "env", "sys"] as const) {
  Deno.test(`permissions: of "${kind}" a plugin has exactly what is both asked and granted`, () => {
    const { item, probe } = ARBITRARY[kind];
    const list = fc.oneof(
      fc.constant(true as const),
      fc.array(item, { maxLength: 4 }),
    );
    const covers = (allowed: true | readonly string[], what: string[]) =>
      allowed === true ||
      allowed.some((one) => COVERS[kind](one, what));
    fc.assert(
      fc.property(list, list, probe, (asked, granted, what) => {
        strictEqual(
          covers(intersect(kind, asked, granted), what),
          covers(asked, what) && covers(granted, what),
        );
      }),
      { numRuns: 2000 },
    );
  });
}

Deno.test("permissions: what is denied is what is asked and not had, and nothing else", () => {
  const list = fc.array(ARBITRARY.net.item, { maxLength: 4 });
  fc.assert(fc.property(list, list, (asked, granted) => {
    const { permissions, denied } = effective(
      Manifest.parse({
        name: "a",
        version: "1",
        api: 1,
        permissions: { net: asked },
      }),
      Grants.parse({ net: granted }),
    );
    const had = (permissions as PermissionSet).net ?? [];
    for (const one of asked) {
      const whole = had === true || intersect("net", [one], had) !== true &&
          (had as string[]).includes(one);
      strictEqual(denied.includes(`net ${one}`), !whole);
    }
  }));
});
