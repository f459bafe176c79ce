/**
 * All answers, joined.
 *
 * @module
 */
import type { AskName } from "../../plugin/asks.ts";
import { accountAnswers, type AccountParts } from "./accounts.ts";
import type { Answers } from "./ask.ts";
import { clusterAnswers, type ClusterSource } from "./clusters.ts";
import { fireAnswers, type FireParts } from "./fire.ts";
import { historyAnswers, type PastParts } from "./history.ts";
import { nodeAnswers } from "./nodes.ts";
import { Paths } from "./path.ts";
import { requestAnswers, type RequestParts } from "./requests.ts";
import { scheduleAnswers, type ScheduleAskParts } from "./schedule.ts";
import type { PluginSpaces } from "./space.ts";
import { stateAnswers } from "./state.ts";
import { vmAnswers, type VmParts } from "./vms.ts";

/** Everything that asks are answered from. */
export interface AnswerParts
  extends
    Omit<VmParts, "requests">,
    PastParts,
    AccountParts,
    FireParts,
    Omit<RequestParts, "paths" | "requests">,
    Omit<ScheduleAskParts, "paths"> {
  readonly nodes: AccountParts["nodes"] & RequestParts["nodes"];
  readonly requests: RequestParts["requests"] & VmParts["requests"];
  readonly clusters: ClusterSource;
  readonly spaces: PluginSpaces;
}

/** What answers each ask of a running controller. */
export function answersOf(parts: AnswerParts): Answers {
  const paths = new Paths(parts.records);
  return {
    ...vmAnswers(parts),
    ...nodeAnswers(parts),
    ...clusterAnswers(parts.clusters),
    ...historyAnswers(parts),
    ...fireAnswers(parts),
    ...requestAnswers({ ...parts, paths }),
    ...stateAnswers(parts.spaces),
    ...scheduleAnswers({ ...parts, paths }),
    ...accountAnswers(parts),
  } satisfies Record<AskName, unknown>;
}
