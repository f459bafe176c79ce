/**
 * `--watch`: a list that is drawn again whenever the change stream says that
 * something is different.
 *
 * The stream says when to look, and the list is asked for anew: names, filters
 * and what plugins hide stay the controller's to decide, and a connection that
 * was cut leaves nothing half known. However much happens, a site is asked no
 * more often than it can answer with ease.
 *
 * On a terminal the rows that fit are drawn over the old ones, in one piece
 * and only where something differs, so nothing flickers; elsewhere rows that
 * are new or different are printed as they come.
 *
 * @module
 */
import { systemClock } from "../sys/clock.ts";
import { JoinedSignal } from "../sys/joined_signal.ts";
import type { Api } from "./api.ts";
import type { Context, FlagValues } from "./command.ts";
import { EXIT } from "./exit.ts";
import { type Io, wantsColor } from "./io.ts";
import { isCut } from "./live_stream.ts";
import {
  type Asked,
  askedOf,
  isTable,
  type Listing,
  noneOf,
  OUTPUT_FLAGS,
} from "./render/output.ts";
import { rowPrinter } from "./render/rows.ts";
import { printable, renderTable, sortRows } from "./render/table.ts";
import { cut } from "./render/width.ts";
import { UsageError } from "./usage.ts";
import { startWait } from "./wait.ts";
import { watch } from "./watch.ts";

/** What of the change stream makes a list old, and what of a row is a change. */
export interface Watching<Row> {
  /** As `GET /v1/watch` takes them: `vm,node`. */
  readonly kinds: string;
  /** Equal for two looks at a row that is the same; its use goes up and down. */
  changeOf(row: Row): string;
}

/** Two looks are so far apart at least, and so many times what one takes. */
const LEAST_PAUSE_MS = 250;
const PAUSE_TIMES = 4;
/** What no change tells of, such as use, is looked at so often. */
const REFRESH_MS = 10_000;
/** How long ago things were is drawn anew so often. */
const TICK_MS = 1000;

/** Shows a list until Ctrl-C; answers the exit code. */
export async function watchRows<Row>(
  context: Context,
  api: Api,
  { kinds, changeOf, ...listing }: Listing<Row> & Watching<Row>,
  flags: FlagValues<typeof OUTPUT_FLAGS>,
): Promise<number> {
  const { io } = context;
  const asked = await askedOf(context, listing, flags);
  if (!isTable(asked.format) && asked.format !== "ndjson") {
    throw new UsageError(
      `--watch cannot draw -o ${asked.format} again: it is one whole text`,
      "use -o table, -o wide or -o ndjson",
    );
  }
  using wait = startWait(context);
  const { signal } = wait;
  const isDrawn = isTable(asked.format) && io.stdout.isTerminal &&
    io.env("TERM") !== "dumb";
  using view: RowsView<Row> = isDrawn
    ? new Screen(io, asked, await noneOf(listing))
    : new Log(io, asked, listing.name, changeOf);
  const news = new News();
  const first = new AbortController();
  using joined = new JoinedSignal(signal, first.signal);
  const until = joined.signal;
  // Neither goes on without the other; the first to fail says why.
  const ends = [
    follow(api, kinds, news, until),
    lookOn(listing, asked, { view, news, signal: until }),
  ].map((end) => end.catch((error: unknown) => first.abort(error)));
  await Promise.all(ends);
  if (!signal.aborted) throw first.signal.reason;
  return EXIT.done;
}

/** Says that there is something new, as often as there is. */
async function follow(
  api: Api,
  kinds: string,
  news: News,
  signal: AbortSignal,
): Promise<void> {
  for await (const _ of watch(api, { kinds, snapshot: false }, signal)) {
    news.tell();
  }
}

interface Looking<Row> {
  readonly view: RowsView<Row>;
  readonly news: News;
  readonly signal: AbortSignal;
}

async function lookOn<Row>(
  listing: Pick<Listing<Row>, "read">,
  { by }: Asked<Row>,
  { view, news, signal }: Looking<Row>,
): Promise<never> {
  for (;;) {
    const began = systemClock.monotonic();
    news.take();
    try {
      view.show(sortRows(await listing.read(), by));
    } catch (error) {
      // The stream comes back by itself, and says so.
      if (!isCut(error)) throw error;
      view.note("connection lost, coming back…");
    }
    const tookMs = systemClock.monotonic() - began;
    const pauseMs = Math.max(LEAST_PAUSE_MS, tookMs * PAUSE_TIMES);
    await systemClock.sleep(pauseMs, signal);
    for (let waited = 0; waited < REFRESH_MS; waited += TICK_MS) {
      if (await news.within(TICK_MS, signal)) break;
      view.tick();
    }
  }
}

/** Whether there is something new, and a wait for it. */
class News {
  #is = false;
  #wake: () => void = () => {};

  tell(): void {
    this.#is = true;
    this.#wake();
  }

  take(): void {
    this.#is = false;
  }

  /** True as soon as there is something, false after `ms`. */
  async within(ms: number, signal: AbortSignal): Promise<boolean> {
    if (this.#is) return true;
    const woken = new AbortController();
    this.#wake = () => woken.abort();
    const timer = setTimeout(() => woken.abort(), ms);
    const leave = () => woken.abort();
    signal.addEventListener("abort", leave, { once: true });
    await new Promise<void>((resolve) =>
      woken.signal.addEventListener("abort", () => resolve(), { once: true })
    );
    clearTimeout(timer);
    signal.removeEventListener("abort", leave);
    signal.throwIfAborted();
    return this.#is;
  }
}

/** Where rows are shown again and again. */
interface RowsView<Row> extends Disposable {
  show(rows: readonly Row[]): void;
  /** A second has passed. */
  tick(): void;
  note(text: string): void;
}

const ENTER = "\x1b[?1049h\x1b[?25l\x1b[H\x1b[2J";
const LEAVE = "\x1b[?25h\x1b[?1049l";
/** Terminals that know it show what stands between at once. */
const BEGIN = "\x1b[?2026h";
const END = "\x1b[?2026l";

/** The rows that fit, drawn over each other on a screen of their own. */
class Screen<Row> implements RowsView<Row> {
  readonly #io: Io;
  readonly #asked: Asked<Row>;
  readonly #none: string;
  readonly #color: boolean;
  #rows: readonly Row[] | null = null;
  #note = "";
  #drawn: readonly string[] = [];
  #size = "";

  constructor(io: Io, asked: Asked<Row>, none: string) {
    this.#io = io;
    this.#asked = asked;
    this.#none = none;
    this.#color = wantsColor(io, io.stdout);
    io.stdout.write(ENTER);
  }

  show(rows: readonly Row[]): void {
    this.#rows = rows;
    this.#note = "";
    this.tick();
  }

  note(text: string): void {
    this.#note = text;
    this.tick();
  }

  tick(): void {
    const { stdout } = this.#io;
    const [width, height] = [stdout.columns(), stdout.rows()];
    const size = `${width} ${height}`;
    // Who changes the size has the terminal break lines as it likes.
    const isNew = size !== this.#size;
    const old = isNew ? [] : this.#drawn;
    const lines = this.#lines(width, height - 1);
    let text = isNew ? "\x1b[H\x1b[2J" : "";
    for (const [i, line] of lines.entries()) {
      if (line !== old[i]) text += `\x1b[${i + 1};1H${line}\x1b[K`;
    }
    if (lines.length < old.length) text += `\x1b[${lines.length + 1};1H\x1b[J`;
    if (text !== "") stdout.write(BEGIN + text + END);
    this.#drawn = lines;
    this.#size = size;
  }

  [Symbol.dispose](): void {
    // What was seen last stays when the screen goes.
    const last = this.#drawn.map((line) => `${line}\n`).join("");
    this.#io.stdout.write(LEAVE + last);
  }

  #lines(width: number, height: number): string[] {
    const rows = this.#rows ?? [];
    const room = Math.max(1, height - (this.#asked.header ? 2 : 1));
    const shown = rows.slice(0, rows.length > room ? room : undefined);
    const table = renderTable(shown, this.#asked.columns(this.#io.now()), {
      header: this.#asked.header,
      color: this.#color,
      width,
      isChosen: this.#asked.isChosen,
    });
    const lines = table.split("\n").slice(0, -1);
    const more = rows.length - shown.length;
    const notes = [
      ...(more > 0 ? [`and ${more} more`] : []),
      ...(this.#rows !== null && rows.length === 0 ? [this.#none] : []),
      ...(this.#note === "" ? [] : [this.#note]),
    ];
    return notes.length === 0
      ? lines
      : [...lines, cut(printable(notes.join("; ")), width)];
  }
}

/** Rows that are new or different, one below the other. */
class Log<Row> implements RowsView<Row> {
  readonly #io: Io;
  readonly #asked: Asked<Row>;
  readonly #name: (row: Row) => string;
  readonly #changeOf: (row: Row) => string;
  #known = new Map<string, string>();
  #isFirst = true;
  #note = "";

  constructor(
    io: Io,
    asked: Asked<Row>,
    name: (row: Row) => string,
    changeOf: (row: Row) => string,
  ) {
    this.#io = io;
    this.#asked = asked;
    this.#name = name;
    this.#changeOf = changeOf;
  }

  show(rows: readonly Row[]): void {
    this.#note = "";
    const now = new Map(
      rows.map((row) => [this.#name(row), this.#changeOf(row)]),
    );
    const changed = rows.filter((row) => {
      const name = this.#name(row);
      return this.#known.get(name) !== now.get(name);
    });
    for (const name of this.#known.keys()) {
      if (!now.has(name)) this.#io.stderr.write(`${printable(name)} is gone\n`);
    }
    this.#known = now;
    if (changed.length === 0) return;
    const { format, header, columns, isChosen } = this.#asked;
    const text = rowPrinter({
      format,
      columns: columns(this.#io.now()),
      name: this.#name,
      table: {
        header: header && this.#isFirst,
        color: false,
        width: this.#io.stdout.isTerminal
          ? this.#io.stdout.columns()
          : Infinity,
        isChosen,
      },
    }).part(changed);
    this.#isFirst = false;
    // Neither a table nor lines of JSON take a package to make.
    if (typeof text === "string") this.#io.stdout.write(text);
  }

  tick(): void {}

  note(text: string): void {
    if (text !== this.#note) this.#io.stderr.write(`${text}\n`);
    this.#note = text;
  }

  [Symbol.dispose](): void {}
}
