/**
 * The names that an event may have, usher's own or a plugin's: alone, because
 * the worker of every plugin checks them and loads nothing else of the contract.
 *
 * @module
 */
import { z } from "zod";

/** The name of an event, usher's own or a plugin's. */
export const AnyEventName = z.string().regex(
  /^[a-z][a-z0-9_]{0,63}$/,
  "must begin with a letter and have lower-case letters, digits and _",
);
