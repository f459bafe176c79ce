import { strictEqual } from "node:assert/strict";
import { needsBundle } from "./bundle.ts";

const CASES: readonly (readonly [string, string, boolean])[] = [
  ["plugin.ts", 'import type { Plugin } from "@usher/plugin";', false],
  ["plugin.ts", 'import { x } from "./x.ts";\nimport "node:net";', false],
  ["plugin.ts", 'import {\n  x,\n} from "dns-packet";', true],
  ["plugin.ts", 'import x, { y } from "npm:x";', true],
  ["plugin.ts", 'export * from "../y.ts";', true],
  ["a/b.ts", 'import { x } from "../c.ts";', false],
  ["a/b.ts", 'import { x } from "../../src/c.ts";', true],
  ["plugin.ts", 'const text = "from \\"x\\"";', false],
];

Deno.test("needsBundle() sees what a plugin imports from elsewhere", () => {
  for (const [name, text, expected] of CASES) {
    const bytes = new TextEncoder().encode(text);
    strictEqual(needsBundle([{ name, bytes }]), expected, text);
  }
});
