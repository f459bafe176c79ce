import { deepStrictEqual, rejects, strictEqual } from "node:assert/strict";
import { answer, clientOf, refusal } from "../../tests/support/fake_client.ts";
import { connect } from "./api.ts";

/** An API whose controller takes `good` alone, and what it was asked with. */
function make(
  renew: (refused: string | undefined) => Promise<boolean>,
  token: () => string,
  good: string,
) {
  const tokens: (string | null)[] = [];
  const api = connect({
    controller: "https://ctrl:8440",
    token,
    renew,
    open: () =>
      clientOf(({ token }) => {
        tokens.push(token);
        return token === `Bearer ${good}`
          ? answer({ user: "ann" })
          : refusal("unauthenticated", "This session has ended");
      }),
  });
  return { api, tokens };
}

Deno.test("a call whose session has ended is sent once more, with another token", async () => {
  let token = "old";
  const { api, tokens } = make(
    (refused) => {
      strictEqual(refused, "old");
      token = "new";
      return Promise.resolve(true);
    },
    () => token,
    "new",
  );
  strictEqual((await api.call("whoami")).user, "ann");
  deepStrictEqual(tokens, ["Bearer old", "Bearer new"]);
});

Deno.test("a token that is refused again, or cannot be renewed, is told and not tried for ever", async () => {
  let renewals = 0;
  const again = make(
    () => {
      renewals++;
      return Promise.resolve(true);
    },
    () => "bad",
    "good",
  );
  await rejects(again.api.call("whoami"), /This session has ended/);
  deepStrictEqual([renewals, again.tokens.length], [1, 2]);
  const not = make(() => Promise.resolve(false), () => "bad", "good");
  await rejects(not.api.call("whoami"), /This session has ended/);
  strictEqual(not.tokens.length, 1);
});

Deno.test("a route that does not exist is named, and nothing is sent", async () => {
  const { api, tokens } = make(() => Promise.resolve(false), () => "t", "t");
  const name = "vmss" as "vms";
  await rejects(api.call(name), {
    code: "invalid_input",
    message: 'There is no route "vmss"',
    hint: /vms, /,
  });
  deepStrictEqual(tokens, []);
});
