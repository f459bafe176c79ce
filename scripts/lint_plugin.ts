/**
 * The project's own lint rules, run by `deno lint`.
 *
 * - `usher/deno-in-sys`: `Deno.*` only in the files that house.ts names, so
 *   that all else can be tested without a machine.
 * - `usher/literal-import`: what is imported stands in the code, so that the
 *   import table can be proved; only plugins are found at run time.
 * - `usher/pure`: no clock and no randomness in core and schema; they are
 *   arguments there, so that every decision can be replayed.
 * - `usher/given-time`: what the simulator runs gets its clock, ids and
 *   randomness as arguments, or a seed would not decide what it does.
 * - `usher/error-message`: an error's message starts like a sentence and ends
 *   without a full stop, because it is put into longer ones.
 * - `usher/top-level-function`: a top-level function is declared as one; it has
 *   a name in stack traces and may be used above its place.
 * - `usher/joined-signal`: no `AbortSignal.any`, whose results Deno 2.6 forgets
 *   while they are waited on.
 * - `usher/module-doc`: a source file starts by saying what it is.
 * - `usher/file-name`: a file is named for its noun, never `utils`.
 * - `usher/function-length`: a function fits a screen.
 *
 * @module
 */
import { DENO_FILES, isTest, matches } from "./house.ts";
import { isProduct, memberName, relative } from "./lint_source.ts";
import { givenTime, pure } from "./lint_time.ts";

const denoInSys: Deno.lint.Rule = {
  create(context) {
    const path = relative(context.filename);
    const allowed = DENO_FILES.some((rule) => matches(path, rule));
    if (!isProduct(path) || allowed) return {};
    return {
      Identifier(node) {
        if (node.name !== "Deno" || !isValue(node)) return;
        context.report({
          node,
          message: "Deno.* is only for the files that scripts/house.ts names",
          hint: "Ask for what you need through a module of src/sys",
        });
      },
    };
  },
};

/** Whether a name stands for the global value: no type, no key of its own. */
function isValue(node: Deno.lint.Identifier): boolean {
  const { parent } = node;
  if (parent.type.startsWith("TS")) return parent.type === "TSAsExpression";
  if (parent.type === "MemberExpression" && parent.property === node) {
    const { object } = parent;
    return object.type === "Identifier" && object.name === "globalThis";
  }
  return !(parent.type === "Property" && parent.key === node);
}

/** Files that load what only a configuration names. */
const LOADERS = ["src/plugin/host.ts", "src/plugin/guest.ts"];

const literalImport: Deno.lint.Rule = {
  create(context) {
    const path = relative(context.filename);
    if (!isProduct(path) || LOADERS.includes(path)) return {};
    return {
      ImportExpression(node) {
        if (node.source.type === "Literal") return;
        context.report({
          node,
          message: "What is imported is written in the code",
          hint: "The import table cannot be proved over names made at run time",
        });
      },
    };
  },
};

const joinedSignal: Deno.lint.Rule = {
  create(context) {
    if (!isProduct(relative(context.filename))) return {};
    return {
      MemberExpression(node) {
        if (memberName(node) !== "AbortSignal.any") return;
        context.report({
          node,
          message:
            "Deno 2.6 forgets what AbortSignal.any() made while it is waited on",
          hint: "Use JoinedSignal of src/sys/joined_signal.ts",
        });
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

const NO_NOUN =
  /(?:^|\/)_?(?:utils?|helpers?|commons?|types?|misc)(?:\/|\.ts$)/;

const fileName: Deno.lint.Rule = {
  create(context) {
    const path = relative(context.filename);
    if (!NO_NOUN.test(path)) return {};
    return {
      Program(node) {
        context.report({
          node: node.body[0] ?? node,
          message: `A file is named for its one noun, and ${path} names none`,
          hint: "A thing without a noun has not been understood yet",
        });
      },
    };
  },
};

/** A screen. */
const MAX_FUNCTION_LINES = 60;

type AnyFunction =
  | Deno.lint.FunctionDeclaration
  | Deno.lint.FunctionExpression
  | Deno.lint.ArrowFunctionExpression;

const functionLength: Deno.lint.Rule = {
  create(context) {
    const path = relative(context.filename);
    if (isTest(path) || !(isProduct(path) || path.startsWith("scripts/"))) {
      return {};
    }
    const check = (node: AnyFunction) => {
      const text = context.sourceCode.text.slice(...node.range);
      const lines = text.split("\n").length;
      if (lines <= MAX_FUNCTION_LINES) return;
      context.report({
        node,
        message: `A function fits a screen of ${MAX_FUNCTION_LINES} lines, ` +
          `and this has ${lines}`,
      });
    };
    return {
      FunctionDeclaration: check,
      FunctionExpression: check,
      ArrowFunctionExpression: check,
    };
  },
};

const plugin: Deno.lint.Plugin = {
  name: "usher",
  rules: {
    "deno-in-sys": denoInSys,
    "literal-import": literalImport,
    pure,
    "given-time": givenTime,
    "joined-signal": joinedSignal,
    "error-message": errorMessage,
    "top-level-function": topLevelFunction,
    "module-doc": moduleDoc,
    "file-name": fileName,
    "function-length": functionLength,
  },
};

export default plugin;
