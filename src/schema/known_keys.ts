/**
 * The keys that a schema knows at some place of what it reads, so that a
 * misspelt one can be told what was meant, however deep it stands.
 *
 * @module
 */

/** As much of zod's insides as finding known keys needs. */
interface Shaped {
  readonly shape?: Readonly<Record<string, Shaped>>;
  readonly element?: Shaped;
  readonly valueType?: Shaped;
  readonly options?: readonly Shaped[];
  readonly _zod?: {
    readonly def?: {
      readonly type?: string;
      readonly innerType?: Shaped;
      /** What a transformation makes: its keys are those that are read. */
      readonly out?: Shaped;
    };
  };
}

/** The keys that a schema has at `path`; none where it is no object. */
export function knownKeys(
  schema: unknown,
  path: readonly PropertyKey[],
): string[] {
  let at = unwrap(schema as Shaped);
  for (const key of path) {
    at = unwrap(
      typeof key === "number"
        ? at?.element
        : at?.shape?.[String(key)] ?? at?.valueType,
    );
  }
  return Object.keys(at?.shape ?? {});
}

/** What stands within optional, default, a transformation, and the union's object. */
function unwrap(schema: Shaped | undefined): Shaped | undefined {
  let at = schema;
  while (
    at !== undefined && at.shape === undefined && at.element === undefined &&
    at.valueType === undefined
  ) {
    const inner: Shaped | undefined = at._zod?.def?.innerType ??
      at._zod?.def?.out ?? at.options?.find((one) => one.shape !== undefined);
    if (inner === undefined) return at;
    at = inner;
  }
  return at;
}
