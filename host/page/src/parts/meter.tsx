import { useId } from "preact/hooks";
import { count, percent } from "../format";

interface Props {
  label: string;
  done: number;
  total: number;
  /** It goes on, and nobody knows how far it is. */
  isUnknown?: boolean;
}

/** A bar with how much is done, also in words. */
export function Meter({ label, done, total, isUnknown = false }: Props) {
  const id = useId();
  if (isUnknown) {
    return (
      <div class="meter">
        <label for={id}>{label}</label>
        <progress id={id} />
      </div>
    );
  }
  return (
    <div class="meter">
      <label for={id}>{label}</label>
      <span class="figures">
        <b>{percent(done, total)} %</b> · {count(done)} of {count(total)}
      </span>
      <progress id={id} max={Math.max(total, 1)} value={Math.min(done, total)} />
    </div>
  );
}
