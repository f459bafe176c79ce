/**
 * The answers of handlers whose chains go on: a controller that is killed
 * asks none of them again, and those that had not answered under the same
 * decision.
 *
 * An answer is written once its chain goes on for longer than a moment, with
 * others in one commit, and nobody waits for that. A chain that is over before
 * writes nothing for it: what it came to, operations or the end of an event,
 * is durable next and says the same. What was written goes with that very
 * commit, so a decision is asked for, or has come to its end, and never both.
 *
 * @module
 */
import { messageOf } from "../../error/mod.ts";
import type { Answers } from "../../plugin/answers.ts";
import { AnswersRecord, type KeptAnswer } from "../../schema/stored.ts";
import { keys, LIMITS } from "../../store/key.ts";
import type { Mutation, Store } from "../../store/store.ts";
import { type CtrlContext, isoNow } from "../context.ts";

/** How long answers wait to be written together; a chain that is over by then needs it not. */
export const KEEP_MS = 10;

/** How long the answers to a request count that is not sent again. */
export const UNCLAIMED_MS = 3_600_000;

/** The longest record, in letters of three bytes at most. */
const MAX_TEXT = LIMITS.valueBytes / 3;

/** What answers are kept with. */
export interface KeptAnswersParts {
  readonly context: CtrlContext;
  readonly store: Pick<Store, "commit" | "list">;
}

/** Versions of plugins: names to hashes. */
type Versions = Readonly<Record<string, string>>;

/** The answers to one decision, until it has come to its end. */
export class Decision implements Answers {
  readonly #changed: (decision: Decision) => void;
  readonly name: string;
  readonly #bond: string;
  #plugins: Versions | null = null;
  #answers: readonly KeptAnswer[] = [];
  /** Whether the store may hold them. */
  isWritten = false;

  constructor(
    name: string,
    bond: string,
    changed: (decision: Decision) => void,
  ) {
    this.name = name;
    this.#bond = bond;
    this.#changed = changed;
  }

  /** Goes on with what an earlier controller has left of it; not with what was asked otherwise. */
  goOn({ bond, plugins, answers }: AnswersRecord): void {
    this.isWritten = true;
    if (bond !== this.#bond) return;
    this.#plugins = plugins;
    this.#answers = answers;
  }

  /** The versions that it began with: `now` ones when it begins. */
  begin(now: () => Versions): Versions {
    return this.#plugins ??= now();
  }

  /** The versions that it may still need. */
  get plugins(): Versions {
    return this.#plugins ?? {};
  }

  of(event: string, handler: string): KeptAnswer | undefined {
    return this.#answers.find((one) =>
      one.event === event && one.handler === handler
    );
  }

  keep(answer: KeptAnswer): void {
    this.#answers = [...this.#answers, answer];
    this.#changed(this);
  }

  /** As it is stored; null when that is too large: then all is asked again. */
  record(at: string): AnswersRecord | null {
    const record: AnswersRecord = {
      v: 1,
      decision: this.name,
      bond: this.#bond,
      plugins: this.plugins,
      answers: [...this.#answers],
      at,
    };
    return JSON.stringify(record).length <= MAX_TEXT ? record : null;
  }
}

/** The answers of all decisions that have not come to their end. */
export class KeptAnswers {
  readonly #parts: KeptAnswersParts;
  /** What earlier controllers have left and nobody has come back for. */
  readonly #left = new Map<string, AnswersRecord>();
  readonly #open = new Set<Decision>();
  readonly #unwritten = new Set<Decision>();
  #writing: Disposable | null = null;
  #sweeping: Disposable | null = null;
  #isClosed = false;

  private constructor(parts: KeptAnswersParts) {
    this.#parts = parts;
  }

  /** Reads what earlier controllers have left. */
  static async load(parts: KeptAnswersParts): Promise<KeptAnswers> {
    const kept = new KeptAnswers(parts);
    for await (const { value } of parts.store.list(keys.allAnswers())) {
      const record = AnswersRecord.parse(value);
      kept.#left.set(record.decision, record);
    }
    if (kept.#left.size > 0) {
      kept.#sweeping = parts.context.clock.after(
        UNCLAIMED_MS,
        () => void kept.#sweep(),
      );
    }
    return kept;
  }

  /** Begins a decision, or goes on with it; `bond` is what its answers hold for. */
  open(name: string, bond = ""): Decision {
    const decision = new Decision(name, bond, (one) => this.#changed(one));
    const left = this.#left.get(name);
    this.#left.delete(name);
    if (left !== undefined) decision.goOn(left);
    this.#open.add(decision);
    return decision;
  }

  /** Hashes of the versions that decisions may need which have not come to their end. */
  *versions(): Generator<string> {
    for (const { plugins } of [...this.#open, ...this.#left.values()]) {
      yield* Object.values(plugins);
    }
  }

  /** What goes into the commit that says what a decision came to; nothing more is kept of it. */
  removal(decision: Decision): Mutation[] {
    this.#unwritten.delete(decision);
    return decision.isWritten
      ? [{ type: "delete", key: keys.answers(decision.name) }]
      : [];
  }

  /** What a decision came to is durable. */
  over(decision: Decision): void {
    this.#unwritten.delete(decision);
    this.#open.delete(decision);
  }

  /** A decision comes to nothing: its answers are forgotten, unless the controller ends. */
  drop(decision: Decision): void {
    if (this.#isClosed) return;
    const removal = this.removal(decision);
    this.over(decision);
    if (removal.length > 0) void this.#commit(removal);
  }

  /** Keeps what is there and nothing more: that plugins end with the controller is no answer. */
  close(): void {
    if (this.#unwritten.size > 0) void this.#write();
    this.#isClosed = true;
    this.#writing?.[Symbol.dispose]();
    this.#sweeping?.[Symbol.dispose]();
  }

  #changed(decision: Decision): void {
    if (this.#isClosed || !this.#open.has(decision)) return;
    this.#unwritten.add(decision);
    this.#writing ??= this.#parts.context.clock.after(
      KEEP_MS,
      () => void this.#write(),
    );
  }

  async #write(): Promise<void> {
    this.#writing?.[Symbol.dispose]();
    this.#writing = null;
    const at = isoNow(this.#parts.context);
    const mutations: Mutation[] = [];
    for (const decision of this.#unwritten) {
      const value = decision.record(at);
      if (value === null) continue;
      decision.isWritten = true;
      mutations.push({ type: "set", key: keys.answers(decision.name), value });
    }
    this.#unwritten.clear();
    if (mutations.length > 0) await this.#commit(mutations);
  }

  /** A failure loses answers, which are asked for again then, and nothing else. */
  async #commit(mutations: readonly Mutation[]): Promise<void> {
    try {
      await this.#parts.store.commit(mutations);
    } catch (error) {
      if (this.#isClosed) return;
      this.#parts.context.log.warn("answers of plugins could not be kept", {
        error: messageOf(error),
      });
    }
  }

  async #sweep(): Promise<void> {
    const names = [...this.#left.keys()];
    this.#left.clear();
    await this.#commit(
      names.map((name) => ({ type: "delete", key: keys.answers(name) })),
    );
  }
}
