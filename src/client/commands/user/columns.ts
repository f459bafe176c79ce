/**
 * An account as a row and as facts.
 *
 * @module
 */
import type { UserView } from "../../../schema/account.ts";
import { age } from "../../render/format.ts";
import { renderFacts } from "../../render/describe.ts";
import type { Column } from "../../render/table.ts";

const YELLOW = 33;

/** Columns for accounts that are read at `now`. */
export function userColumns(now: number): readonly Column<UserView>[] {
  return [
    { key: "name", value: ({ name }) => name },
    { key: "role", value: ({ role }) => role },
    {
      key: "state",
      value: stateOf,
      color: (word) => word === "disabled" ? YELLOW : undefined,
    },
    number("vms", ({ vms }) => vms),
    number("sessions", ({ sessions }) => sessions),
    number("tokens", ({ tokens }) => tokens),
    {
      key: "age",
      align: "right",
      value: ({ createdAt }) => age(createdAt, now),
      sort: ({ createdAt }) => createdAt,
    },
  ];
}

/** All that is known of an account. */
export function describeUser(user: UserView): string {
  return renderFacts([
    ["name", user.name],
    ["role", user.role],
    ["state", stateOf(user)],
    ["VMs", user.vms],
    ["sessions", user.sessions],
    ["API tokens", user.tokens],
    ["made", user.createdAt],
  ]);
}

function stateOf({ disabled }: UserView): string {
  return disabled ? "disabled" : "enabled";
}

function number(
  key: string,
  read: (user: UserView) => number,
): Column<UserView> {
  return { key, align: "right", value: (one) => String(read(one)), sort: read };
}
