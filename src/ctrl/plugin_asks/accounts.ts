/**
 * `accounts.*`: whether a password or a node's secret is right.
 *
 * Failed logins are limited in front of the chain that asks this, so nothing
 * is counted here; what a check costs is charged to the plugin.
 *
 * @module
 */
import type { Accounts } from "../auth/accounts.ts";
import type { Nodes } from "../nodes/nodes.ts";
import type { AnswersOf } from "./ask.ts";

/** Asks that a check of a password is as dear as: it is slow on purpose. */
const CHECK_COST = 20;

/** What knows passwords and secrets. */
export interface AccountParts {
  readonly accounts: Pick<Accounts, "check">;
  readonly nodes: Pick<Nodes, "isSecretOf">;
}

/** Answers whether a password or secret is right. */
export function accountAnswers(
  { accounts, nodes }: AccountParts,
): AnswersOf<"accounts.check" | "accounts.checkNode"> {
  return {
    "accounts.check": async ({ name, password }, { pace }) => {
      pace.charge(CHECK_COST);
      const role = await accounts.check(name, password);
      return { valid: role !== null, role };
    },
    "accounts.checkNode": ({ name, secret }) => ({
      valid: nodes.isSecretOf(name, secret),
    }),
  };
}
