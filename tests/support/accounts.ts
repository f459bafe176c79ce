/**
 * Accounts over a store in memory and a clock that stands, for tests of who
 * gets in.
 *
 * @module
 */
import type { Events } from "../../src/plugin/events.ts";
import { Accounts } from "../../src/ctrl/auth/accounts.ts";
import { Admission } from "../../src/ctrl/auth/admission.ts";
import { openMemoryStore } from "../../src/store/memory_store.ts";
import type { Store } from "../../src/store/store.ts";
import { newId, newSecret } from "../../src/sys/id.ts";
import { silentLog } from "../../src/sys/log.ts";
import { FakeClock } from "./fake_clock.ts";
import { HeardEvents } from "./heard_events.ts";

/** Events whose chain lets in whom the accounts themselves know, as the plugin `users` does. */
function byAccounts(accounts: () => Accounts): Events {
  return Object.assign(new HeardEvents(), {
    decide: async (_event: string, args: readonly unknown[]) => {
      const [{ user, password }] = args as [{ user: string; password: string }];
      const role = await accounts().check(user, password);
      return {
        args: [args[0], role !== null, args[2]],
        trail: [],
        plugins: {},
        shares: [],
      };
    },
  }) as unknown as Events;
}

/** What a test of accounts has. */
export interface TestAccounts {
  readonly accounts: Accounts;
  readonly clock: FakeClock;
  readonly store: Store;
  login(user: string, password: string, address?: string): ReturnType<
    Accounts["login"]
  >;
  /** The accounts as another controller reads them from the same store. */
  again(): Promise<Accounts>;
}

/** Opens accounts; there are none yet. */
export async function openAccounts(): Promise<TestAccounts> {
  const clock = new FakeClock();
  const context = { clock, newId, log: silentLog };
  const store = await openMemoryStore();
  const events = byAccounts(() => accounts);
  const admission = new Admission({ context, events });
  const parts = { context, store, newSecret, admission };
  const accounts = await Accounts.load(parts);
  return {
    accounts,
    clock,
    store,
    login: (user, password, address = "192.0.2.1") =>
      accounts.login(user, password, address, 3_600_000),
    again: () => Accounts.load(parts),
  };
}
