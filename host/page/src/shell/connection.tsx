import { useCell } from "../cell";
import { Tag, type TagTone } from "../parts/tag";
import { type Connection, connection } from "../state/live";

const SHOWN: Record<Connection, [TagTone, string]> = {
  connecting: ["plain", "connecting"],
  live: ["good", "live"],
  asking: ["warn", "no live events"],
  failing: ["bad", "answers fail"],
  lost: ["bad", "connection lost"],
};

export function ConnectionTag() {
  const [tone, text] = SHOWN[useCell(connection)];
  return <Tag tone={tone}>{text}</Tag>;
}
