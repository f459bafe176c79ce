/**
 * The lint rules about time and randomness: where they may come from the
 * machine, and where they are arguments.
 *
 * @module
 */
import {
  isTest,
  MACHINE_BOUND_FILES,
  matches,
  PURE_FOLDERS,
  SIMULATED_FOLDERS,
} from "./house.ts";
import { memberName, relative } from "./lint_source.ts";

const IMPURE = new Set([
  "Date.now",
  "Math.random",
  "crypto.randomUUID",
  "crypto.getRandomValues",
  "performance.now",
  "Temporal.Now",
]);

const IMPURE_CALLS = new Set(["setTimeout", "setInterval", "fetch", "Date"]);

/** `usher/pure`: decisions take time and randomness as arguments. */
export const pure: Deno.lint.Rule = {
  create(context) {
    const path = relative(context.filename);
    const isPure = PURE_FOLDERS.some((folder) => matches(path, folder));
    if (!isPure || isTest(path)) return {};
    const hint = "Take the time or the id as an argument";
    return {
      MemberExpression(node) {
        const name = memberName(node);
        if (name === null || !IMPURE.has(name)) return;
        context.report({ node, message: `${name} makes this impure`, hint });
      },
      CallExpression({ callee }) {
        if (callee.type !== "Identifier") return;
        if (!IMPURE_CALLS.has(callee.name)) return;
        const message = `${callee.name}() makes this impure`;
        context.report({ node: callee, message, hint });
      },
      NewExpression(node) {
        const { callee } = node;
        if (callee.type !== "Identifier" || callee.name !== "Date") return;
        if (node.arguments.length > 0) return;
        context.report({ node, message: "new Date() reads the clock", hint });
      },
    };
  },
};

/** What stands for time or randomness of the machine, imported by name. */
const AMBIENT = new Set([
  "setTimeout",
  "setInterval",
  "setImmediate",
  "systemClock",
  "newId",
  "newSecret",
]);

const AMBIENT_MEMBERS = new Set([
  "Date.now",
  "Math.random",
  "AbortSignal.timeout",
]);

/** `usher/given-time`: so does all that the simulator runs. */
export const givenTime: Deno.lint.Rule = {
  create(context) {
    const path = relative(context.filename);
    const isSimulated = SIMULATED_FOLDERS.some((rule) => matches(path, rule));
    if (!isSimulated || isTest(path) || MACHINE_BOUND_FILES.includes(path)) {
      return {};
    }
    const report = (node: Deno.lint.Node, name: string) =>
      context.report({
        node,
        message: `${name} is the machine's: a simulation could not replay this`,
        hint: "Take a Clock, an id maker or a random number as an argument",
      });
    return {
      ImportSpecifier({ imported }) {
        if (imported.type !== "Identifier") return;
        if (AMBIENT.has(imported.name)) report(imported, imported.name);
      },
      CallExpression({ callee }) {
        if (callee.type !== "Identifier") return;
        if (/^set(?:Timeout|Interval|Immediate)$/.test(callee.name)) {
          report(callee, callee.name);
        }
      },
      MemberExpression(node) {
        const { object } = node;
        const name = memberName(node);
        if (name !== null && AMBIENT_MEMBERS.has(name)) report(node, name);
        const isAmbient = object.type === "Identifier" &&
          (object.name === "performance" || object.name === "crypto");
        if (isAmbient) report(node, object.name);
      },
      NewExpression(node) {
        const { callee } = node;
        if (callee.type !== "Identifier" || callee.name !== "Date") return;
        if (node.arguments.length === 0) report(node, "new Date()");
      },
    };
  },
};
