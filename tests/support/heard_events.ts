/**
 * Who hears events in a test: notes what is fired, and takes as long for it as
 * the test says.
 *
 * @module
 */
import type { EventArgs, EventName } from "../../src/schema/event.ts";
import type { Decided, Events, Firing } from "../../src/plugin/events.ts";

/** One firing. */
export interface Heard {
  readonly event: string;
  readonly args: readonly unknown[];
  readonly firing: Firing;
}

/** Hears some events, or all. */
export class HeardEvents implements Events {
  readonly heard: Heard[] = [];
  /** What was never told, and why. */
  readonly missing: string[] = [];
  readonly #names: ReadonlySet<string> | null;
  /** What a chain that tells does before it ends; nothing unless a test says so. */
  onTell: (heard: Heard) => Promise<void> | void = () => {};

  /** Hears `names`; everything when absent. */
  constructor(names: readonly string[] | null = null) {
    this.#names = names === null ? null : new Set(names);
  }

  /** What was told, `event name` each. */
  get said(): string[] {
    return this.heard.map(({ event, args }) => {
      const [about] = args as { name?: string }[];
      return about?.name === undefined ? event : `${event} ${about.name}`;
    });
  }

  isHeard(event: string): boolean {
    return this.#names?.has(event) ?? true;
  }

  isRegistered(event: string): boolean {
    return this.isHeard(event);
  }

  decide<E extends EventName>(
    event: E,
    args: EventArgs<E>,
    firing: Firing,
  ): Promise<Decided<E>> {
    this.heard.push({ event, args, firing });
    // Whoever asks to come in may.
    const decided = event.endsWith("_authenticate") ? letIn(args) : args;
    return Promise.resolve({
      args: decided as EventArgs<E>,
      trail: [],
      plugins: {},
      shares: [],
    });
  }

  async tell<E extends EventName>(
    event: E,
    args: EventArgs<E>,
    firing: Firing,
  ): Promise<[]> {
    const heard = { event, args, firing };
    this.heard.push(heard);
    await this.onTell(heard);
    return [];
  }

  fire(
    event: string,
    args: readonly unknown[],
    firing: Firing,
  ): Promise<void> {
    this.heard.push({ event, args, firing });
    return Promise.resolve();
  }

  passedOver(): void {}

  missed(event: string, why: string): void {
    this.missing.push(`${event}: ${why}`);
  }

  waitingFor(): null {
    return null;
  }

  versions(): Record<string, string> {
    return {};
  }
}

function letIn([credentials, , ...rest]: readonly unknown[]): unknown[] {
  return [credentials, true, ...rest];
}
