/**
 * Arguments, `key=value`: which of them a request may give.
 *
 * Within a rule the first pattern that means the key decides, as the first rule
 * does among rules; an argument of which no rule speaks may be given.
 *
 * @module
 */
import type { Globs } from "./glob.ts";
import type { Excess } from "./limits.ts";
import type { ArgRule, Rule } from "./rule.ts";

/** The arguments that may not be given, or not with that value. */
export function refusedArguments(
  args: Readonly<Record<string, string>>,
  rules: readonly Rule[],
  globs: Globs,
): Excess[] {
  return Object.entries(args).flatMap(([key, value]) => {
    const found = ruleOf(key, rules, globs);
    if (found === null) return [];
    const { says, rule } = found;
    if (says === "any") return [];
    if (says === "deny") {
      return [{
        text: `Argument "${key}" may not be given, says rule "${rule}"`,
        hint: `leave ${key}= out`,
        rule,
      }];
    }
    if (globs.isAny(says, value)) return [];
    return [{
      text: `Argument "${key}" may not be "${
        shortened(value)
      }", says rule "${rule}"`,
      hint: `it may be ${says.join(", ")}`,
      rule,
    }];
  });
}

function ruleOf(
  key: string,
  rules: readonly Rule[],
  globs: Globs,
): { says: ArgRule; rule: string } | null {
  for (const { args, name } of rules) {
    const entry = Object.entries(args).find(([glob]) =>
      globs.isAny([glob], key)
    );
    if (entry !== undefined) return { says: entry[1], rule: name };
  }
  return null;
}

const SHOWN = 60;

function shortened(value: string): string {
  return value.length <= SHOWN ? value : `${value.slice(0, SHOWN)}…`;
}
