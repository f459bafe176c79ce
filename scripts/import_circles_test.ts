import { deepStrictEqual } from "node:assert/strict";
import { circles } from "./import_circles.ts";

/** Imports written as `a>b`. */
function importsOf(...arrows: readonly string[]) {
  return arrows.map((arrow) => {
    const [from = "", to = ""] = arrow.split(">");
    return { from, to };
  });
}

/** The circles of these imports, without the words about them. */
function found(...arrows: readonly string[]): string[] {
  return circles(importsOf(...arrows)).map((line) => line.split(":")[0] ?? "");
}

Deno.test("circles() finds none where imports run one way", () => {
  deepStrictEqual(found("a>b", "a>c", "b>d", "c>d", "d>npm"), []);
});

Deno.test("circles() names a circle by its files, in the order of importing", () => {
  deepStrictEqual(found("b>c", "c>a", "a>b", "x>a", "c>y"), [
    "a -> b -> c -> a",
  ]);
});

Deno.test("circles() tells each of two circles that meet, by its shortest way", () => {
  deepStrictEqual(found("a>b", "b>a", "b>c", "c>d", "d>b", "a>d"), [
    "a -> b -> a",
    "c -> d -> b -> c",
  ]);
});

Deno.test("circles() finds a file that imports itself", () => {
  deepStrictEqual(found("a>a"), ["a -> a"]);
});

Deno.test("circles() names no file that only lies between circles", () => {
  deepStrictEqual(found("a>b", "b>a", "b>m", "m>c", "c>d", "d>c"), [
    "a -> b -> a",
    "c -> d -> c",
  ]);
});
