/**
 * Plans and explanations at the command line.
 *
 * @module
 */
import { deepStrictEqual, match, strictEqual } from "node:assert/strict";
import { EXIT } from "../../src/client/exit.ts";
import type { Explanation } from "../../src/schema/explanation.ts";
import type { Plan } from "../../src/schema/plan.ts";
import { withShell } from "../support/site_shell.ts";

Deno.test("--plan shows what would happen, with the exit code that it would end with", () =>
  withShell(2, async ({ run }) => {
    const start = await run("vm start -n 2 web --plan --memory 64MiB");
    strictEqual(start.code, EXIT.done);
    strictEqual(
      start.out.replaceAll(/ +\d+%/g, " N%"),
      [
        "VM                   NODE  STEPS                   LEFT",
        "web-1.default.admin  n1    register, place, start N%",
        "web-2.default.admin  n2    register, place, start N%",
        "2 to start",
        "",
      ].join("\n"),
    );
    strictEqual(start.err, "nothing was done: this is a plan\n");
    strictEqual((await run("vm list -o name")).out, "");
    strictEqual((await run("op list -o name")).out, "");

    const big = await run("vm start big --memory 900GiB --plan");
    strictEqual(big.code, EXIT.notPlaced);
    match(big.out, /^big\.default\.admin +- +refused/m);
    match(
      big.err,
      /error: Cannot place VM "big\.default\.admin" on any node\n/,
    );
    strictEqual(
      (await run("vm start big --memory 900GiB")).code,
      EXIT.notPlaced,
    );

    await run("vm start web-1 --on n1");
    const cycle = await run("vm cycle web-1 --plan");
    match(
      cycle.out,
      /^web-1\.default\.admin +n1 +poweroff!, \(place\), start/m,
    );
    match(cycle.out, /^! cannot be taken back once it has begun\n1 to cycle$/m);
    match((await run("vm start web-1 --plan")).out, /nothing to do/);
    match((await run("vm migrate web-1 --plan")).out, /n1 to n2/);
    const read = JSON.parse((await run("vm pause web-1 --plan -o json")).out);
    deepStrictEqual((read as Plan).vms[0]?.steps, [
      { name: "pause", node: "n1", done: false, noReturn: false },
    ]);
    const unknown = await run("vm pause wbe-1 --plan");
    deepStrictEqual([unknown.code, unknown.out], [EXIT.failed, ""]);
  }));

Deno.test("vm explain tells why a VM is where it is, and where it could be", () =>
  withShell(2, async ({ run }) => {
    await run("vm start db --on n1");
    await run("vm start web --together-with db");
    const { out, code } = await run("vm explain web");
    strictEqual(code, EXIT.done);
    match(out, /^node +n1$/m);
    match(out, /^placed by +start \S+, \d+s ago$/m);
    match(out, /^together with +db$/m);
    // When its node is drained db leaves as well, and one follows the other.
    match(out, /^if drained +to n2$/m);
    match(
      out,
      /^can take it: 1 of 2 nodes\n {2}n1 \(here\): \d+% left with it$/m,
    );
    match(
      out,
      /^cannot: 1 of 2 nodes\n {2}n2: must be together with "db", .* move "db" here$/m,
    );
    match((await run("vm explain db")).out, /^if drained +to n2$/m);

    await run("vm register late --apart-from db --node-label zone=a");
    await run("vm start last --on n2 --apart-from db");
    match(
      (await run("vm explain last")).out,
      /^if drained +nowhere: n1: must be apart from "db": db is there$/m,
    );
    const late = await run("vm explain late");
    match(late.out, /^node +none: it was not placed yet$/m);
    match(late.out, /^on a node with +zone=a$/m);
    match(late.out, /^can take it: 0 of 2 nodes$/m);
    match(
      late.out,
      /n1: label zone=a is missing.*; must be apart from "db": db is there/,
    );
    const told = JSON.parse((await run("vm explain late -o json")).out);
    deepStrictEqual(
      (told as Explanation).nodes.map(({ node, refusal }) => [
        node,
        refusal?.filters,
      ]),
      [["n2", ["labels"]], ["n1", ["labels", "apart"]]],
    );
    strictEqual((await run("vm explain wbe")).code, EXIT.failed);
  }));
