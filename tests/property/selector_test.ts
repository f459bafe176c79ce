/**
 * What holds of every glob and every condition.
 *
 * @module
 */
import { deepStrictEqual, ok } from "node:assert/strict";
import * as fc from "fast-check";
import {
  compileGlob,
  isGlob,
  matchesAll,
  matchesName,
  parseFilter,
} from "../../src/core/selector.ts";
import { isUsherError } from "../../src/error/mod.ts";
import { joinVmName } from "../../src/schema/name.ts";

const label = fc.stringMatching(/^[a-z0-9]([a-z0-9-]{0,8}[a-z0-9])?$/);
const name = fc.record({ vm: label, cluster: label, user: label });

Deno.test("a glob without wildcards matches itself and nothing else", () => {
  fc.assert(fc.property(fc.string(), fc.string(), (glob, text) => {
    if (isGlob(glob)) return;
    deepStrictEqual(compileGlob(glob).test(text), glob === text);
    ok(/[\n\r\u2028\u2029]/.test(glob) || compileGlob(glob).test(glob), glob);
  }));
});

Deno.test("any text is a pattern, or is refused as invalid_input", () => {
  fc.assert(
    fc.property(
      fc.string({ unit: fc.constantFrom(..."ab-*?[]!^\\$.|+(){}é") }),
      fc.string(),
      (glob, text) => {
        try {
          compileGlob(glob).test(text);
        } catch (error) {
          ok(isUsherError(error, "invalid_input"), String(error));
        }
      },
    ),
    { numRuns: 2000 },
  );
});

Deno.test("a name is matched by itself, by its parts, and by a star for any of them", () => {
  fc.assert(fc.property(name, (parts) => {
    const { vm, cluster, user } = parts;
    const full = joinVmName(parts);
    for (
      const glob of [
        full,
        `${vm}.${cluster}`,
        vm,
        "*",
        "*.*",
        `*.${cluster}`,
        `*.*.${user}`,
        `${vm}.*.*`,
        `${vm[0]}*`,
      ]
    ) {
      ok(matchesName(full, glob), `${glob} and ${full}`);
    }
    for (
      const glob of [
        `${vm}x`,
        `?${vm}`,
        `${full}x`,
        `${full}.x`,
        `*.${cluster}x`,
        `[!${vm[0]}]*`,
      ]
    ) {
      ok(!matchesName(full, glob), `${glob} and ${full}`);
    }
  }));
});

Deno.test("a question mark stands for one character, a set for one of its own", () => {
  fc.assert(fc.property(label, fc.nat(), (text, place) => {
    const at = place % text.length;
    const with_ = (part: string) =>
      `${text.slice(0, at)}${part}${text.slice(at + 1)}`;
    for (
      const glob of [
        with_("?"),
        with_(`[${text[at]}]`),
        with_("[a-z0-9-]"),
        with_("*"),
      ]
    ) {
      ok(compileGlob(glob).test(text), `${glob} and ${text}`);
    }
    ok(!compileGlob(with_(`[!${text[at]}]`)).test(text));
  }));
});

Deno.test("a condition and its negation never hold both, and one of them does", () => {
  fc.assert(
    fc.property(
      fc.constantFrom("node", "state"),
      label,
      label,
      (key, wanted, value) => {
        const [plain, negated] = [`${key}=${wanted}`, `${key}!=${wanted}`]
          .map((text) =>
            matchesAll(parseFilter(text, ["node", "state"]), () => value)
          );
        deepStrictEqual([plain, negated], [wanted === value, wanted !== value]);
      },
    ),
  );
});

Deno.test("conditions hold together when each of them holds", () => {
  fc.assert(
    fc.property(
      fc.array(
        fc.tuple(
          fc.constantFrom("node", "state"),
          fc.constantFrom("a", "b", "!"),
        ),
      ),
      (all) => {
        const texts = all.map(([key, value]) =>
          value === "!" ? `${key}!=a` : `${key}=${value}`
        );
        const holds = (text: string) =>
          matchesAll(
            parseFilter(text, ["node", "state"]),
            (key) => key === "node" ? "a" : "b",
          );

        deepStrictEqual(holds(texts.join(",")), texts.every(holds));
      },
    ),
  );
});

Deno.test("a condition that cannot be read is refused with the keys that there are", () => {
  for (
    const text of [
      "node",
      "=a",
      "colour=blue",
      "node==a=",
      "node a",
      "a,node=b",
    ]
  ) {
    try {
      parseFilter(text, ["node", "state"]);
      ok(text === "node==a=", `accepted ${text}`);
    } catch (error) {
      ok(
        isUsherError(error, "invalid_input") &&
          error.details.hint?.includes("node, state"),
        String(error),
      );
    }
  }
});
