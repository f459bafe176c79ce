/**
 * The checks of logins in a test without plugins: by the controller's own
 * records.
 *
 * @module
 */
import { type Events, NO_EVENTS } from "../../src/plugin/events.ts";
import type { Accounts } from "../../src/ctrl/auth/accounts.ts";
import type { Nodes } from "../../src/ctrl/nodes/nodes.ts";

/** What knows passwords and secrets. */
export interface CheckParts {
  accounts(): Pick<Accounts, "check">;
  nodes(): Pick<Nodes, "isSecretOf">;
}

const CHECKED = ["client_authenticate", "lnm_authenticate"];

/** Events of which the two checks alone are heard. */
export function ownChecks(parts: CheckParts): Events {
  const decide = async (event: string, args: readonly unknown[]) => {
    const [{ user, password }] = args as [{ user: string; password: string }];
    const isValid = event === "client_authenticate"
      ? await parts.accounts().check(user, password) !== null
      : parts.nodes().isSecretOf(user, password);
    const decided = [args[0], isValid, ...args.slice(2)];
    return { args: decided, trail: [], plugins: {}, shares: [] };
  };
  return {
    ...NO_EVENTS,
    isRegistered: (event) => CHECKED.includes(event),
    decide: decide as unknown as Events["decide"],
  };
}
