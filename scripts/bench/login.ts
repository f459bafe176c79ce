/**
 * What a login costs: one over HTTP/2, with the chain that lets it in and the
 * session that it writes, beside the bare derivation of a key from a password;
 * and what else the controller answers while passwords are checked.
 *
 * @module
 */
import { TestSite } from "../../tests/support/site.ts";
import { hashPassword, verifyPassword } from "../../src/ctrl/auth/password.ts";
import { beside, median, quantile, type Row, time, timed } from "./row.ts";

const LOGINS = 15;
/** Of whom each is checked while others are: as many as are checked at a time. */
const SIDE_BY_SIDE = 4;
const PASSWORD = "correct horse";

/** Measures logins; takes about 15 seconds on a quiet machine. */
export async function benchLogin(): Promise<Row[]> {
  await using site = await TestSite.start({ nodes: 1 });
  await site.site.controller.site.accounts.create("ann", "user", PASSWORD);
  const login = () =>
    site.call("POST", "/v1/login", { user: "ann", password: PASSWORD }, null);
  const whoami = () => site.call("GET", "/v1/whoami");
  const hash = await hashPassword(PASSWORD);
  await login();
  const [through, bare]: [number[], number[]] = [[], []];
  for (let i = 0; i < LOGINS; i++) {
    through.push(await time(login));
    bare.push(await time(() => verifyPassword(PASSWORD, hash)));
  }
  const quiet = await timed(200, whoami);
  const busy = await duringLogins(login, whoami);
  return [
    beside(
      {
        name: "a login over HTTP/2",
        value: median(through),
        unit: "ms",
        note: `median of ${LOGINS}`,
      },
      "the key from the password alone",
      median(bare),
    ),
    beside(
      {
        name: "whoami while passwords are checked, 99 of 100",
        value: quantile(busy, 0.99),
        unit: "ms",
        note: "a check that held the event loop would show whole",
      },
      "while none is",
      quantile(quiet, 0.99),
    ),
  ];
}

/** What `ask` takes again and again for as long as logins go on beside it. */
async function duringLogins(
  login: () => Promise<unknown>,
  ask: () => Promise<unknown>,
): Promise<number[]> {
  let going = true;
  const logins = Promise.all(
    Array.from({ length: SIDE_BY_SIDE }, async () => {
      for (let i = 0; i < 3; i++) await login();
    }),
  ).finally(() => going = false);
  const taken: number[] = [];
  while (going) taken.push(await time(ask));
  await logins;
  return taken;
}
