/** What the last events said, for people. */

import type { RunEvent, StepName } from "../api/types";
import { brief, bytes, counted } from "../format";

export interface Line {
  at: number;
  tone: "plain" | "good" | "warn" | "bad";
  text: string;
}

type Said = Omit<Line, "at">;

const plain = (text: string): Said => ({ tone: "plain", text });
const good = (text: string): Said => ({ tone: "good", text });
const warn = (text: string): Said => ({ tone: "warn", text });

/** The lines for an event; none where it says nothing that lasts. */
export function linesOf(event: RunEvent): Line[] {
  return said(event).map((line) => ({ at: event.at, ...line }));
}

function said(event: RunEvent): Said[] {
  switch (event.event) {
    case "run_started":
      return [plain(`Run ${event.run} ${event.resumed ? "goes on" : "starts"}`)];
    case "undo_started":
      return [warn(`Undo of run ${event.run} ${event.resumed ? "goes on" : "starts"}`)];
    case "put_back":
      return [plain(`${counted(event.restored, "change")} of run ${event.run} put back`)];
    case "run_done":
      return [ofEnd(event)];
    case "step_started":
      return [plain(`Step ${nameOf(event.step)} starts`)];
    case "step_done":
      return [good(`Step ${nameOf(event.step)} is done: ${counted(event.counts.read, "item")} read`)];
    case "item_failed":
      return [
        {
          tone: "bad",
          text: `${event.step.collection}/${brief(event.id, 80)}: ${event.kind}: ${brief(event.reason)}`,
        },
      ];
    case "log":
      return event.lines.map((line) => ofLog(event.step, line));
    case "denied":
      return [warn(`Step ${nameOf(event.step)} was denied to ${brief(event.what)}`)];
    case "applied":
      return [good(`${event.app} ${event.version}: ${event.phase} phase is applied`)];
    case "paused":
      return [warn(`Waits: ${event.reasons.join(", ")}`)];
    case "resumed":
      return [plain("Goes on")];
    case "backup":
      return [good(`Backed up: ${brief(event.file)}, ${bytes(event.bytes)}`)];
    case "copied":
      return [good(`${event.collection} is copied: ${counted(event.items, "item")}`)];
    case "followed":
      return [plain(`${counted(event.writes, "write")} of the application followed`)];
    case "work_failed":
      return [{ tone: "bad", text: `Cannot be done: ${brief(event.reason)}` }];
    case "switched":
      return [good(`Live now: ${event.collections.join(", ")}`)];
    default:
      return [];
  }
}

function ofEnd(event: { run: number; state: string; reason: string | null }): Said {
  const reason = event.reason ? `: ${brief(event.reason)}` : "";
  const text = `Run ${event.run} is ${event.state}${reason}`;
  return event.state === "completed" ? good(text) : warn(text);
}

function ofLog(step: StepName, line: { level: string; item: string | null; message: string }): Said {
  const item = line.item ? `${brief(line.item, 80)}: ` : "";
  const isWarning = line.level === "warn" || line.level === "error";
  return { tone: isWarning ? "warn" : "plain", text: `${step.step}: ${item}${brief(line.message)}` };
}

function nameOf(step: StepName): string {
  return `${step.step} of ${step.app} ${step.version}`;
}
