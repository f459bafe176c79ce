/**
 * What must hold of every request's record.
 *
 * @module
 */
import type { RequestRecord } from "../../schema/stored.ts";
import { isFinal } from "../operation_machine.ts";
import { broken, type Finding, recordName } from "./finding.ts";
import type { StoredState } from "./state.ts";

/**
 * What is wrong with the request under `key`. Old requests are removed with
 * their operations a part at a time, so one of which all is over may have
 * lost some.
 */
export function checkRequest(
  key: string,
  { count }: RequestRecord,
  state: StoredState,
): Finding[] {
  const operations = state.operationsOf.get(key);
  if (operations.size >= count) return [];
  const open = [...operations].filter((id) => {
    const operation = state.get("operation", id);
    return operation !== undefined && !isFinal(operation.state);
  });
  if (open.length === 0) return [];
  return [
    broken(
      "request-whole",
      recordName("request", key),
      `Request ${key} has ${operations.size} of ${count} operations, and ${
        open.join(", ")
      } is not over`,
      "all of a request's operations for as long as one of them is open",
    ),
  ];
}
