import { useCell } from "../cell";
import { occupied } from "../state/live";

/** Why nothing else can be started now. */
export function useBusy(): string | undefined {
  return useCell(occupied);
}
