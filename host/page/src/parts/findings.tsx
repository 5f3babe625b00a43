import type { Finding, Severity } from "../api/types";
import { Said } from "./foreign";
import { Tag, type TagTone } from "./tag";

const TONES: Record<Severity, TagTone> = { refused: "bad", warned: "warn", accepted: "plain", info: "plain" };

export function FindingList({ findings }: { findings: Finding[] }) {
  return (
    <ul class="findings">
      {findings.map((finding) => (
        <li key={`${finding.kind} ${finding.message}`}>
          <p>
            <Tag tone={TONES[finding.severity] ?? "plain"}>{finding.severity}</Tag>{" "}
            <code>{finding.kind}</code>
          </p>
          <Said text={finding.message} />
          {finding.way_out && <p class="hint">Way out: {finding.way_out}</p>}
        </li>
      ))}
    </ul>
  );
}
