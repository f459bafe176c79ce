/**
 * Admission: the chain decides, nobody else; and no secret gets out.
 *
 * @module
 */
import { deepStrictEqual, ok, rejects, strictEqual } from "node:assert/strict";
import { FakeClock } from "../../../tests/support/fake_clock.ts";
import { HeardEvents } from "../../../tests/support/heard_events.ts";
import { UsherError } from "../../error/mod.ts";
import type { Events } from "../../plugin/events.ts";
import type { Identity } from "../../schema/event_value.ts";
import { openMemoryStore } from "../../store/memory_store.ts";
import { newId, newSecret } from "../../sys/id.ts";
import { silentLog } from "../../sys/log.ts";
import { Accounts } from "./accounts.ts";
import { Admission } from "./admission.ts";

type Decide = (args: readonly unknown[]) => readonly unknown[];

/** Events whose chains end as `decide` says. */
function deciding(decide: Decide): Events {
  const events = new HeardEvents();
  return Object.assign(events, {
    decide: (_event: string, args: readonly unknown[]) =>
      Promise.resolve().then(() => ({
        args: decide(args),
        trail: [],
        plugins: {},
        shares: [],
      })),
  }) as unknown as Events;
}

async function open(events: Events) {
  const said: string[] = [];
  const log = { ...silentLog, error: (text: string) => void said.push(text) };
  const clock = new FakeClock();
  const context = { clock, newId, log };
  const store = await openMemoryStore();
  const admission = new Admission({ context, events });
  const accounts = await Accounts.load({
    context,
    store,
    newSecret,
    admission,
  });
  const login = (user: string, password: string) =>
    accounts.login(user, password, "192.0.2.1", 60_000);
  return { accounts, admission, login, said, clock, context, store };
}

function letIn(identity: Identity): Decide {
  return ([credentials]) => [credentials, true, identity];
}

const PLAIN: Identity = { role: null, groups: [] };

Deno.test("without a plugin nobody gets in, and the controller says so", async () => {
  const { admission, login, said, accounts } = await open(
    new HeardEvents([]),
  );
  await accounts.create("ann", "admin", "right");
  await rejects(login("ann", "right"), /no plugin is registered/);
  await rejects(
    admission.node({ user: "n1", password: "x", address: "" }),
    (error: UsherError) => error.code === "unavailable",
  );
  admission.warn();
  strictEqual(said.length, 2);
  // The owner of the state gets in all the same.
  const token = accounts.openLocalSession();
  strictEqual(accounts.authenticate(token).role, "admin");
});

Deno.test("the role and groups that a handler gives are the session's, also after a restart", async () => {
  const { accounts, login, context, store, admission } = await open(
    deciding(letIn({ role: "admin", groups: ["ops"] })),
  );
  await accounts.create("ann", "viewer", "right");
  const { token, caller } = await login("ann", "right");
  deepStrictEqual([caller.role, caller.groups], ["admin", ["ops"]]);
  const again = await Accounts.load({ context, store, newSecret, admission });
  deepStrictEqual(again.authenticate(token).groups, ["ops"]);
  strictEqual(again.authenticate(token).role, "admin");
});

Deno.test("somebody without an account whom a handler lets in is a user of that name", async () => {
  const { login, accounts } = await open(deciding(letIn(PLAIN)));
  const { caller, token } = await login("bob", "x");
  deepStrictEqual([caller.user, caller.role], ["bob", "user"]);
  strictEqual(accounts.authenticate(token).user, "bob");
  for (const name of ["Bob", "bob.smith", "found", "plugin:users", ""]) {
    await rejects(login(name, "x"), /User name or password is wrong/);
  }
});

Deno.test("an account's role holds where no handler gives another, and as it is now", async () => {
  const { login, accounts } = await open(deciding(letIn(PLAIN)));
  await accounts.create("ann", "viewer", "right");
  strictEqual((await login("ann", "x")).caller.role, "viewer");
});

Deno.test("more groups than a session can keep let nobody in", async () => {
  const groups = Array.from({ length: 1000 }, (_, i) => `${i}`.repeat(60));
  const { login } = await open(deciding(letIn({ role: null, groups })));
  await rejects(login("ann", "x"), /in too many groups/);
});

Deno.test("a handler that refuses or fails lets nobody in; guesses are counted in either case", async () => {
  const refused = await open(deciding(() => {
    throw new UsherError("refused", 'Plugin "users" refuses: locked');
  }));
  for (let i = 0; i < 3; i++) {
    await rejects(
      refused.login("ann", "x"),
      (error: UsherError) =>
        error.code === "unauthenticated" && /locked/.test(error.message),
    );
  }
  await rejects(refused.login("ann", "x"), /Too many failed logins/);
  const failed = await open(deciding(() => {
    throw new UsherError("plugin_failed", 'Plugin "users" failed');
  }));
  for (let i = 0; i < 3; i++) {
    await rejects(
      failed.login("ann", "x"),
      (error: UsherError) => error.code === "plugin_failed",
    );
  }
  await rejects(failed.login("ann", "x"), /Too many failed logins/);
});

Deno.test("a node whose check fails may come again; one that is refused may not", async () => {
  const shown = { user: "n1", password: "x", address: "" };
  const failed = await open(deciding(() => {
    throw new UsherError("plugin_failed", 'Plugin "users" failed');
  }));
  await rejects(
    failed.admission.node(shown),
    (error: UsherError) => error.code !== "unauthenticated",
  );
  const refused = await open(deciding(([credentials]) => [credentials, false]));
  await rejects(
    refused.admission.node(shown),
    (error: UsherError) => error.code === "unauthenticated",
  );
  const letting = await open(deciding(([credentials]) => [credentials, true]));
  await letting.admission.node(shown);
  ok(true);
});

Deno.test("nodes that come all at once wait for their turn, and are let in", async () => {
  let asked = 0;
  const { admission, clock } = await open(deciding(([credentials]) => {
    asked++;
    return [credentials, true];
  }));
  const all = Promise.all(
    Array.from(
      { length: 1000 },
      (_, i) => admission.node({ user: `n${i}`, password: "x", address: "" }),
    ),
  );
  await clock.advance(1);
  ok(asked >= 500 && asked < 600, `${asked}`);
  await clock.advance(250);
  ok(asked < 800, `${asked}`);
  await clock.advance(300);
  await all;
  strictEqual(asked, 1000);
});
