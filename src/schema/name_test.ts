/**
 * What is a name, and what is not.
 *
 * @module
 */
import { deepStrictEqual, match, ok } from "node:assert/strict";
import {
  isLabel,
  joinVmName,
  Label,
  labelProblem,
  splitVmName,
  Uid,
  VmName,
} from "./name.ts";
import { newId } from "../sys/id.ts";

const GOOD = ["a", "0", "web-1", "9lives", "a--b", "x".repeat(63)];

const BAD = [
  "",
  "-a",
  "a-",
  "Web",
  "a_b",
  "a b",
  "a.b",
  "é",
  "a\n",
  "\na",
  "x".repeat(64),
  "ａ",
];

Deno.test("Label takes lower-case DNS labels and nothing else", () => {
  for (const text of GOOD) {
    deepStrictEqual(
      [Label.safeParse(text).success, isLabel(text), labelProblem(text)],
      [true, true, null],
      text,
    );
  }
  for (const text of BAD) {
    deepStrictEqual([Label.safeParse(text).success, isLabel(text)], [
      false,
      false,
    ], JSON.stringify(text));
    match(labelProblem(text) ?? "", /must be a lower-case DNS label/);
  }
});

Deno.test("VmName takes three labels, and says which part is wrong", () => {
  ok(VmName.safeParse("web-1.lab.ann").success);
  const problems: [string, RegExp][] = [
    ["web", /three parts/],
    ["web.lab", /three parts/],
    ["web.lab.ann.example", /three parts/],
    ["", /three parts/],
    ["web..ann", /part "" must be/],
    ["web.Lab.ann", /part "Lab" must be/],
    ["web.lab.ann\n", /part "ann\n" must be/],
  ];
  for (const [text, problem] of problems) {
    match(
      VmName.safeParse(text).error?.issues[0]?.message ?? "accepted",
      problem,
    );
  }
});

Deno.test("splitVmName() and joinVmName() undo each other", () => {
  const parts = splitVmName("web-1.lab.ann");

  deepStrictEqual(parts, { vm: "web-1", cluster: "lab", user: "ann" });
  deepStrictEqual(joinVmName(parts), "web-1.lab.ann");
});

Deno.test("Uid takes what newId() makes, which are labels too", () => {
  for (let i = 0; i < 100; i++) {
    const id = newId();
    ok(Uid.safeParse(id).success && isLabel(id), id);
  }
  for (
    const text of [
      "",
      "01",
      newId().toUpperCase(),
      `${newId()}0`,
      newId().replace(/.$/, "u"),
    ]
  ) {
    ok(!Uid.safeParse(text).success, text);
  }
});

Deno.test("newId() makes ids that sort in the order of their making", () => {
  const ids = Array.from({ length: 2000 }, newId);

  deepStrictEqual(ids, ids.toSorted());
  deepStrictEqual(new Set(ids).size, ids.length);
});
