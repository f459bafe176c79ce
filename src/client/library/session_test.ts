import { rejects, strictEqual } from "node:assert/strict";
import type { LoginAnswer } from "../../schema/route.ts";
import { type Credentials, Session } from "./session.ts";

/** A session whose logins answer t1, t2, …, and how many there were. */
function make(credentials: Credentials) {
  const made = { logins: 0 };
  const session = new Session(credentials, ({ password }) => {
    if (password === "wrong") return Promise.reject(new Error("wrong"));
    return Promise.resolve({ token: `t${++made.logins}` } as LoginAnswer);
  });
  return { session, made };
}

Deno.test("however many find that a session has ended, one login follows", async () => {
  const { session, made } = make({ user: "ann", password: "pw" });
  await session.open();
  strictEqual(session.token, "t1");
  const all = await Promise.all([1, 2, 3].map(() => session.renew("t1")));
  strictEqual(all.every(Boolean), true);
  strictEqual(made.logins, 2);
  // One who was refused with the old token, and hears of it late, has the new one.
  strictEqual(await session.renew("t1"), true);
  strictEqual(made.logins, 2);
});

Deno.test("who is given up while another session is got waits no longer, and the others have it", async () => {
  const asked = Promise.withResolvers<string>();
  let isFirst = true;
  const password = () => {
    if (!isFirst) return asked.promise;
    isFirst = false;
    return "pw";
  };
  const { session, made } = make({ user: "ann", password });
  await session.open();
  const giving = new AbortController();
  const late = session.renew("t1", giving.signal);
  const other = session.renew("t1");
  giving.abort("enough");
  await rejects(late, (error) => error === "enough");
  await rejects(
    session.renew("t1", AbortSignal.abort("before")),
    (error) => error === "before",
  );
  asked.resolve("pw");
  strictEqual(await other, true);
  strictEqual(made.logins, 2);
});

Deno.test("a password that is a function is asked anew, and one that fails can be tried again", async () => {
  let password = "pw";
  const { session } = make({ user: "ann", password: () => password });
  await session.open();
  password = "wrong";
  await rejects(session.renew("t1"), /wrong/);
  strictEqual(session.token, "t1");
  password = "new";
  strictEqual(await session.renew("t1"), true);
  strictEqual(session.token, "t2");
});

Deno.test("a token that was given cannot be renewed; a function may give another, or the same", async () => {
  const fixed = make({ token: "given" }).session;
  await fixed.open();
  strictEqual(fixed.renews, false);
  strictEqual(await fixed.renew("given"), false);
  strictEqual(fixed.isOwn, false);
  let token = "a";
  const { session } = make({ token: () => Promise.resolve(token) });
  await session.open();
  strictEqual(await session.renew("a"), false);
  token = "b";
  strictEqual(await session.renew("a"), true);
  strictEqual(session.token, "b");
});
