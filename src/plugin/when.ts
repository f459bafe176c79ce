/**
 * `period` and `when` of a registration, read.
 *
 * @module
 */
import { Cron } from "croner";
import { messageOf, UsherError } from "../error/mod.ts";
import { parseDurationMs } from "../schema/quantity_text.ts";

/** How often something happens. */
export type Period =
  | { readonly type: "every"; readonly ms: number }
  | {
    readonly type: "cron";
    /** The first moment after another, ms since 1970. */
    readonly next: (after: number) => number;
  };

/** When something happens once. */
export type When =
  | { readonly type: "at"; readonly at: number }
  | { readonly type: "after"; readonly ms: number };

/** The period that stands in the configuration. Throws `invalid_input`, field `period`. */
export function readPeriod(period: number | string): Period {
  if (typeof period === "number") return { type: "every", ms: period };
  const cron = cronOf(period);
  const next = (after: number) => {
    const date = cron.nextRun(new Date(after));
    if (date !== null) return date.getTime();
    throw badPeriod(period, "it never comes");
  };
  next(0);
  return { type: "cron", next };
}

function cronOf(text: string): Cron {
  try {
    return new Cron(text, { timezone: "UTC", mode: "5-part" });
  } catch (error) {
    const why = messageOf(error);
    throw badPeriod(text, why.replace(/^CronPattern: /, "").replace(/\.$/, ""));
  }
}

function badPeriod(text: string, why: string): UsherError {
  return new UsherError(
    "invalid_input",
    `"${text}" is no cron pattern: ${why}`,
    {
      field: "period",
      hint:
        'minute, hour, day of the month, month, day of the week: "0 3 * * 1" is Mondays at 03:00 UTC',
    },
  );
}

/** ISO 8601 with its time zone: without one a moment would depend on the machine. */
const MOMENT =
  /^\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d{1,3})?)?(Z|[+-]\d\d:\d\d)$/;

/** The moment that stands in the configuration. Throws `invalid_input`, field `when`. */
export function readWhen(text: string): When {
  if (text.startsWith("+")) {
    const ms = parseDurationMs(text.slice(1));
    if (ms !== null) return { type: "after", ms };
  } else if (MOMENT.test(text)) {
    const at = Date.parse(text);
    if (Number.isFinite(at)) return { type: "at", at };
  }
  throw new UsherError("invalid_input", `"${text}" is no moment`, {
    field: "when",
    hint:
      "write it with its zone, such as 2027-01-31T04:00:00Z, or +30s after the plugin begins",
  });
}
