/**
 * Filters on whether a node may be asked at all.
 *
 * @module
 */
import type { Filter } from "./filter.ts";

/** The node that the request names. */
const on: Filter = {
  name: "on",
  fixed: true,
  admits: ({ name }, { wish }) => wish.on === undefined || wish.on === name,
  refusal: (_, { wish }) => ({
    why: `the request asks for node "${wish.on}"`,
    change: "leave the node out, or name this one",
  }),
};

/** The node that the VM is to leave, and those that were tried. */
const away: Filter = {
  name: "away",
  fixed: true,
  admits: ({ name }, { wish }) => wish.exclude?.includes(name) !== true,
  refusal: () => ({
    why: "not this one: it was tried, or the VM leaves it",
    change: "",
  }),
};

const reach: Filter = {
  name: "reach",
  fixed: true,
  admits: ({ node }) => node.state === "ready",
  refusal: ({ node }) => ({
    why: `out of reach: ${node.state} since ${node.since}`,
    change: node.state === "dead"
      ? "let it join again"
      : "bring its LNM back, or its machine",
  }),
};

const draining: Filter = {
  name: "draining",
  fixed: true,
  admits: ({ node }) => !node.draining,
  refusal: ({ name }) => ({
    why: "it is being drained",
    change: `end that with "usher node undrain ${name}"`,
  }),
};

/** Which nodes may be asked. */
export const REACH_FILTERS: readonly Filter[] = [on, away, reach, draining];
