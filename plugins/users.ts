/**
 * `users`: lets in who has an account, and nodes that have joined, by the
 * controller's own records; and locks an account for an address from which its
 * password was guessed too often.
 *
 * The controller makes who guesses wait, a minute at most, and forgets it when
 * it restarts. A lock lasts as long as the site says, also over restarts. It
 * holds for one account from one network alone: else anybody could lock an
 * administrator out by guessing.
 *
 * A yes of an earlier handler stays: register this one after those that ask a
 * directory, or everybody in it counts as a guesser here.
 *
 * @module
 */
import type {
  Credentials,
  Manifest,
  Plugin,
  PluginContext,
  PluginTools,
} from "@usher/plugin";

/** What this plugin is and asks for. */
export const manifest: Manifest = {
  name: "users",
  version: "1.0.0",
  api: 1,
  author: "usher",
  description: "Checks passwords and node secrets by the controller's records",
  ctx: ["accounts", "state"],
};

/** When a lock begins and how long it lasts; times in milliseconds. */
interface Lockout {
  readonly failures: number;
  readonly within: number;
  readonly for: number;
}

interface Options {
  readonly lockout: Lockout | "off";
}

type Context = PluginContext<Options>;

/** Failed logins of one account from one network. */
interface Failures {
  readonly count: number;
  /** When the last one was, in milliseconds since 1970. */
  readonly at: number;
}

/** Failures while a login is being checked, and how many are. */
interface Guess {
  failures: Failures;
  checking: number;
  /** How many calls look at this; it is forgotten with the last one. */
  users: number;
}

const NONE: Failures = { count: 0, at: 0 };
const PREFIX = "failures/";
const NAME_LENGTH = 64;
/** Failures after which those that are over are looked for… */
const SWEEP_AFTER = 50;
/** …and how many of them go then: more than came, and in one write. */
const SWEPT = 100;
/** How long to wait behind logins that are being checked. */
const BEHIND_MS = 1000;

export default ({ definePlugin, z, duration }: PluginTools): Plugin => {
  const guesses = new Guesses();
  return definePlugin({
    options: z.strictObject({
      lockout: z.union([
        z.literal("off", {
          error: "must be off, or have failures, within and for",
        }),
        z.strictObject({
          failures: z.int().min(1, "must be 1 at least").default(10),
          within: duration.prefault("15m"),
          for: duration.prefault("15m"),
        }),
      ]).prefault({}),
    }),
    handlers: {
      async client_authenticate([credentials, isValid, identity], ctx) {
        if (isValid) return;
        return [credentials, await guesses.check(credentials, ctx), identity];
      },
      async lnm_authenticate([credentials, isValid], ctx) {
        if (isValid) return;
        const { user, password } = credentials;
        const { valid } = await ctx.accounts.checkNode(user, password);
        return [credentials, valid];
      },
    },
  });
};

/**
 * Checks passwords, and counts those that were wrong. Those being checked count
 * as wrong until they are right, so that a thousand guesses at once are no way
 * around the lock.
 */
class Guesses {
  readonly #known = new Map<string, Guess>();
  #sinceSweep = 0;

  /** Whether this is the account's password; refuses while that is locked here. */
  async check(credentials: Credentials, ctx: Context): Promise<boolean> {
    const { user, password, address } = credentials;
    const { lockout } = ctx.options;
    if (lockout === "off") {
      return (await ctx.accounts.check(user, password)).valid;
    }
    const key = keyOf(user, address);
    const guess = await this.#enter(key, ctx);
    try {
      refuseLocked(guess, lockout, ctx);
      const isRight = await checkOnce(guess, credentials, ctx);
      if (isRight) await this.#forget(key, guess, ctx);
      else await this.#count(key, guess, lockout, ctx);
      if (!isRight) {
        const { count } = guess.failures;
        ctx.log.warn("login failed", { user, address, failures: count });
      }
      return isRight;
    } finally {
      guess.users--;
      if (guess.users === 0) this.#known.delete(key);
    }
  }

  async #enter(key: string, ctx: Context): Promise<Guess> {
    const kept = this.#known.has(key)
      ? null
      : await ctx.state.get(PREFIX + key);
    // Another login may have come in while the state was read.
    const guess = this.#known.get(key) ??
      { failures: readFailures(kept), checking: 0, users: 0 };
    this.#known.set(key, guess);
    guess.users++;
    return guess;
  }

  async #forget(key: string, guess: Guess, ctx: Context): Promise<void> {
    if (guess.failures.count === 0) return;
    guess.failures = NONE;
    await ctx.state.delete(PREFIX + key);
  }

  async #count(
    key: string,
    guess: Guess,
    lockout: Lockout,
    ctx: Context,
  ): Promise<void> {
    const now = Date.now();
    const { count } = isOver(guess.failures, lockout, now)
      ? NONE
      : guess.failures;
    const failures = { count: count + 1, at: now };
    guess.failures = failures;
    await ctx.state.set(PREFIX + key, failures);
    this.#sinceSweep++;
    if (this.#sinceSweep >= SWEEP_AFTER) await this.#sweep(lockout, ctx);
  }

  async #sweep(lockout: Lockout, ctx: Context): Promise<void> {
    this.#sinceSweep = 0;
    const now = Date.now();
    const over = (await ctx.state.list(PREFIX))
      .filter(({ value }) => isOver(readFailures(value), lockout, now))
      .slice(0, SWEPT);
    await ctx.state.commit(over.map(({ key }) => ({ key, value: null })));
  }
}

async function checkOnce(
  guess: Guess,
  { user, password }: Credentials,
  ctx: Context,
): Promise<boolean> {
  guess.checking++;
  try {
    return (await ctx.accounts.check(user, password)).valid;
  } finally {
    guess.checking--;
  }
}

function refuseLocked(
  { failures, checking }: Guess,
  lockout: Lockout,
  ctx: Context,
): void {
  const now = Date.now();
  const left = lockedMs(failures, lockout, now);
  const count = isOver(failures, lockout, now) ? 0 : failures.count;
  const isCrowded = count + checking >= lockout.failures;
  const waitMs = left > 0 ? left : isCrowded ? BEHIND_MS : 0;
  if (waitMs === 0) return;
  ctx.refuse(
    "Too many failed logins of this account from this address",
    `try again in ${inWords(waitMs)}`,
  );
}

/** How much longer an account is locked; zero when it is not. */
export function lockedMs(
  { count, at }: Failures,
  lockout: Lockout,
  now: number,
): number {
  if (count < lockout.failures) return 0;
  // A clock that went back must not make the lock longer than it was.
  return Math.max(0, lockout.for - Math.max(0, now - at));
}

/** Whether failures count no more: their lock, or the time they count, is over. */
function isOver(failures: Failures, lockout: Lockout, now: number): boolean {
  return failures.count >= lockout.failures
    ? lockedMs(failures, lockout, now) === 0
    : now - failures.at >= lockout.within;
}

/** What was kept; nothing when that is something else. */
function readFailures(kept: unknown): Failures {
  const { count, at } = (kept ?? NONE) as Partial<Failures>;
  return typeof count === "number" && typeof at === "number"
    ? { count, at }
    : NONE;
}

function keyOf(user: string, address: string): string {
  const account = user.slice(0, NAME_LENGTH);
  return `${networkOf(address.slice(0, NAME_LENGTH))}/${account}`;
}

/** An IPv6 host has 2^64 addresses of its own: they count as one. */
export function networkOf(address: string): string {
  if (!address.includes(":") || /^::ffff:\d+\./i.test(address)) return address;
  const [head = "", tail = ""] = address.split("::", 2);
  const groups = head === "" ? [] : head.split(":");
  const after = tail === "" ? [] : tail.split(":");
  while (groups.length + after.length < 8) groups.push("0");
  return [...groups, ...after].slice(0, 4).join(":");
}

function inWords(ms: number): string {
  return ms < 90_000
    ? `${Math.ceil(ms / 1000)} s`
    : `${Math.ceil(ms / 60_000)} min`;
}
