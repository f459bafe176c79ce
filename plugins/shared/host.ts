/**
 * Where a server is, as options of plugins name it: a name or an address, and
 * nothing else. A port or a scheme in it would be looked up as a part of the
 * name, and fail at the first use instead of at the controller's start.
 *
 * @module
 */
import type { PluginTools } from "@usher/plugin";

const NAME = /^[A-Za-z0-9_]([A-Za-z0-9_.-]{0,252}[A-Za-z0-9_.])?$/;
const ADDRESS_6 = /^[0-9A-Fa-f:.]*:[0-9A-Fa-f:.]*:[0-9A-Fa-f:.]*$/;

/** The schema of the name or address of a server. */
export function hostSchema({ z }: Pick<PluginTools, "z">) {
  return z.string().refine(
    (text) => NAME.test(text) || ADDRESS_6.test(text),
    'must be a name or an address alone; its port stands in "port"',
  );
}
