import { useCell } from "../cell";
import { isWorking } from "../state/live";

/** Why nothing else can be started now. */
export function useBusy(): string | undefined {
  return useCell(isWorking) ? "Something else is going on" : undefined;
}
