/**
 * The project's own lint rules, run by `deno lint`.
 *
 * - `usher/deno-in-sys`: `Deno.*` only in the files that house.ts names, so
 *   that all else can be tested without a machine.
 * - `usher/pure`: no clock and no randomness in core and schema; they are
 *   arguments there, so that every decision can be replayed.
 * - `usher/error-message`: an error's message starts like a sentence and ends
 *   without a full stop, because it is put into longer ones.
 * - `usher/top-level-function`: a top-level function is declared as one; it has
 *   a name in stack traces and may be used above its place.
 * - `usher/module-doc`: a source file starts by saying what it is.
 *
 * @module
 */
import { DENO_FILES, isTest, matches, PURE_FOLDERS } from "./house.ts";

const SRC = /(?:^|\/)((?:src|scripts|plugins|tests)\/.*|main\.ts)$/;

/** The path within the repository, as far as a file name tells. */
function relative(filename: string): string {
  const root = decodeURIComponent(new URL("..", import.meta.url).pathname);
  if (filename.startsWith(root)) return filename.slice(root.length);
  return SRC.exec(filename)?.[1] ?? filename;
}

function isProduct(path: string): boolean {
  return (path.startsWith("src/") || path === "main.ts") && !isTest(path);
}

/** `a.b` of a member expression written plainly, else null. */
function memberName(node: Deno.lint.MemberExpression): string | null {
  const { object, property } = node;
  if (object.type !== "Identifier" || property.type !== "Identifier") {
    return null;
  }
  return node.computed ? null : `${object.name}.${property.name}`;
}

const denoInSys: Deno.lint.Rule = {
  create(context) {
    const path = relative(context.filename);
    const allowed = DENO_FILES.some((rule) => matches(path, rule));
    if (!isProduct(path) || allowed) return {};
    return {
      MemberExpression(node) {
        const { object } = node;
        if (object.type !== "Identifier" || object.name !== "Deno") return;
        context.report({
          node,
          message: "Deno.* is only for the files that scripts/house.ts names",
          hint: "Ask for what you need through a module of src/sys",
        });
      },
    };
  },
};

const IMPURE = new Set([
  "Date.now",
  "Math.random",
  "crypto.randomUUID",
  "crypto.getRandomValues",
  "performance.now",
]);

const pure: Deno.lint.Rule = {
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
      NewExpression(node) {
        const { callee } = node;
        if (callee.type !== "Identifier" || callee.name !== "Date") return;
        if (node.arguments.length > 0) return;
        context.report({ node, message: "new Date() reads the clock", hint });
      },
    };
  },
};

/** The text at the start and at the end of a message written in the code. */
function edges(
  node: Deno.lint.Node | undefined,
): { start: string; end: string } | null {
  if (node?.type === "Literal" && typeof node.value === "string") {
    return { start: node.value, end: node.value };
  }
  if (node?.type !== "TemplateLiteral") return null;
  const texts = node.quasis.map(({ cooked }) => cooked);
  return { start: texts[0] ?? "", end: texts.at(-1) ?? "" };
}

/** What is wrong with a message that starts and ends so; null when nothing. */
function messageFault(
  { start, end }: { start: string; end: string },
): string | null {
  if (/^\p{Ll}/u.test(start)) return "An error message starts with a capital";
  if (/[^.]\.$/.test(end)) return "An error message ends without a full stop";
  return null;
}

const errorMessage: Deno.lint.Rule = {
  create(context) {
    if (!isProduct(relative(context.filename))) return {};
    return {
      NewExpression(node) {
        const { callee, arguments: args } = node;
        if (callee.type !== "Identifier") return;
        if (!/^[A-Z]\w*Error$|^Error$/.test(callee.name)) return;
        const message = args[callee.name === "UsherError" ? 1 : 0];
        const text = edges(message);
        const fault = text === null ? null : messageFault(text);
        if (fault === null || message === undefined) return;
        context.report({ node: message, message: fault });
      },
    };
  },
};

const topLevelFunction: Deno.lint.Rule = {
  create(context) {
    const path = relative(context.filename);
    if (isTest(path) || !(isProduct(path) || path.startsWith("scripts/"))) {
      return {};
    }
    return {
      "Program > VariableDeclaration > VariableDeclarator > ArrowFunctionExpression,Program > ExportNamedDeclaration > VariableDeclaration > VariableDeclarator > ArrowFunctionExpression"(
        node: Deno.lint.ArrowFunctionExpression,
      ) {
        context.report({
          node,
          message: "A top-level function is declared with `function`",
        });
      },
    };
  },
};

const moduleDoc: Deno.lint.Rule = {
  create(context) {
    if (!isProduct(relative(context.filename))) return {};
    return {
      Program(node) {
        const [, doc = ""] =
          /^(?:#!.*\n|\s)*\/\*\*([\s\S]*?)\*\//.exec(context.sourceCode.text) ??
            [];
        if (doc.includes("@module")) return;
        context.report({
          node: node.body[0] ?? node,
          message: "A source file starts with a doc comment with @module",
          hint: "Say in one sentence what it is, then the rule it keeps",
        });
      },
    };
  },
};

const plugin: Deno.lint.Plugin = {
  name: "usher",
  rules: {
    "deno-in-sys": denoInSys,
    pure,
    "error-message": errorMessage,
    "top-level-function": topLevelFunction,
    "module-doc": moduleDoc,
  },
};

export default plugin;
