import type { Finding, Problem } from "../api/types";
import { FindingList } from "./findings";
import { Said } from "./foreign";

/** What went wrong, where it did. */
export function ProblemNote({ problem }: { problem: Problem | null }) {
  if (!problem) return null;
  const { title, detail, hint } = problem;
  const findings: Finding[] = problem.findings ?? [];
  return (
    <div class="note bad" role="alert">
      <p>
        <strong>{title}</strong>
      </p>
      {detail && detail !== title && <Said text={detail} />}
      {hint && <p class="hint">What to do: {hint}</p>}
      {findings.length > 0 && <FindingList findings={findings} />}
    </div>
  );
}
