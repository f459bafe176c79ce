import { deepStrictEqual, ok } from "node:assert/strict";
import fc from "fast-check";
import { BadPath, isPlainPath, itemsFor, type Options } from "./rule.ts";

const OPTIONS: Options = {
  roots: ["/net", "/srv/vms"],
  rules: [
    { folder: "/net/{user}/{cluster}/{vm}", keep: false },
    {
      copy: "/images/{args.image}.raw",
      to: "/srv/vms/{user}.{cluster}.{vm}.raw",
      attach: true,
      format: "raw",
      keep: false,
    },
    { folder: "/net/shared/{args.image}", keep: true },
  ],
};

/** Text with what leads elsewhere in paths and templates. */
const nasty = fc.oneof(
  fc.string(),
  fc.array(
    fc.constantFrom("..", ".", "/", "\0", "{vm}", "{args.image}", "a", "-", ""),
    { maxLength: 6 },
  ).map((parts) => parts.join("")),
);

function itemsOf(name: string, args: Record<string, string>) {
  try {
    return itemsFor(OPTIONS, { name, args }, () => true);
  } catch (error) {
    ok(error instanceof BadPath, `${error}`);
    return [];
  }
}

Deno.test("no name and no argument leads out of a root", () => {
  fc.assert(
    fc.property(nasty, nasty, nasty, nasty, (vm, cluster, user, image) => {
      // A sound name, too, so that it is the argument that is tried.
      for (const name of [`${vm}.${cluster}.${user}`, "web.lab.ann"]) {
        for (const { path, root, base } of itemsOf(name, { image })) {
          ok(isPlainPath(path), path);
          ok(path.startsWith(`${root}/`), path);
          ok(base === null || /^\/images\/[^/]+\.raw$/.test(base), `${base}`);
        }
      }
    }),
  );
});

Deno.test("no two VMs are given the same path", () => {
  const label = fc.stringMatching(/^[ab]([ab-]{0,3}[ab])?$/);
  const name = fc.tuple(label, label, label).map((parts) => parts.join("."));
  const paths = (vm: string) =>
    itemsOf(vm, { image: "x" }).filter(({ keep }) => !keep)
      .map(({ path }) => path);
  fc.assert(fc.property(name, name, (one, other) => {
    fc.pre(one !== other);
    const both = new Set([...paths(one), ...paths(other)]);
    deepStrictEqual(both.size, 4);
  }));
});
