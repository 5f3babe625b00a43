import type { ComponentChildren } from "preact";
import type { RunState } from "../api/types";

export type TagTone = "plain" | "busy" | "good" | "warn" | "bad";

export function Tag({ tone = "plain", children }: { tone?: TagTone; children: ComponentChildren }) {
  return <span class={`tag ${tone}`}>{children}</span>;
}

const TONES: Record<RunState, TagTone> = {
  running: "busy",
  stopped: "warn",
  failed: "bad",
  blocked: "warn",
  completed: "good",
  undoing: "warn",
  undone: "plain",
};

export function StateTag({ state }: { state: RunState }) {
  return <Tag tone={TONES[state] ?? "plain"}>{state}</Tag>;
}
