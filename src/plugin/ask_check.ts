/**
 * From what a plugin asks, which may be anything, to an answer.
 *
 * @module
 */
import { UsherError } from "../error/mod.ts";
import { meantIssue } from "../schema/issue.ts";
import { type AskAnswerer, type Asking, type AskName, ASKS } from "./asks.ts";
import { plainText } from "./failure.ts";
import type { HandlerCall } from "./runner.ts";

/**
 * Has `answerer` answer an ask. Throws `invalid_input` for one that there is
 * not, and for parameters that it does not take.
 */
export async function answerAsk(
  answerer: AskAnswerer,
  name: unknown,
  params: unknown,
  asking: Asking,
): Promise<unknown> {
  if (typeof name !== "string" || !isAsk(name)) {
    throw new UsherError(
      "invalid_input",
      `Nothing is called "${plainText(name, 60)}" that a plugin may ask`,
      { subject: asking.plugin },
    );
  }
  const parsed = ASKS[name].params.safeParse(params);
  if (!parsed.success) {
    const issue = meantIssue(parsed.error.issues[0]);
    const field = issue?.path.join(".") ?? "";
    throw new UsherError(
      "invalid_input",
      `Cannot answer "${name}": ${issue?.message ?? "its input is wrong"}`,
      { subject: asking.plugin, ...(field === "" ? {} : { field }) },
    );
  }
  return await answerer.answer(name, parsed.data, asking);
}

function isAsk(name: string): name is AskName {
  return Object.hasOwn(ASKS, name);
}

/** Who asks, in a call. */
export function askingOf(call: HandlerCall): Asking {
  const { registration, event, decision, operation, depth, isReplay } = call;
  return {
    plugin: registration.plugin,
    registration: registration.id,
    event,
    decision,
    operation,
    depth,
    isReplay,
  };
}

/** What is asked by a handler whose call has ended. */
export function callIsOver(plugin: string, ask: string): UsherError {
  return new UsherError(
    "cancelled",
    `Cannot answer "${ask}": the call that asks is over`,
    { subject: plugin, hint: "await what a handler does before it returns" },
  );
}
