import { useCell } from "../cell";
import { announced } from "../state/announce";

export function LiveRegion() {
  return (
    <div class="unseen" role="status" aria-live="polite">
      {useCell(announced)}
    </div>
  );
}
