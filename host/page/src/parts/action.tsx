import type { ComponentChildren } from "preact";
import { useId } from "preact/hooks";
import { useCell } from "../cell";
import { canChange } from "../state/session";
import { useAct } from "./act";
import { ProblemNote } from "./problem";

interface ButtonProps {
  children: ComponentChildren;
  onClick?: () => void;
  type?: "button" | "submit";
  kind?: "plain" | "primary" | "danger";
  isBusy?: boolean;
  /** Whether it changes something: who may only read cannot press it. */
  changes?: boolean;
  /** Why it cannot be pressed now. */
  blocked?: string | undefined;
  label?: string;
}

/** The id of the note that says why nothing can be changed. */
export const READ_ONLY_NOTE = "read-only-note";

/** A button. One that cannot be pressed says why, and keeps the focus. */
export function Button(props: ButtonProps) {
  const {
    children,
    onClick,
    type = "button",
    kind = "plain",
    isBusy = false,
    changes = false,
    blocked,
  } = props;
  const mayChange = useCell(canChange);
  const note = useId();
  const isForbidden = changes && !mayChange;
  const why = isForbidden ? "This token may only read" : blocked;
  const press = (event: Event) => {
    // A form is not sent either.
    if (why !== undefined) event.preventDefault();
    else onClick?.();
  };
  return (
    <>
      <button
        type={type}
        class={`button ${kind}`}
        aria-disabled={why !== undefined}
        title={why}
        aria-describedby={isForbidden ? READ_ONLY_NOTE : why && note}
        aria-busy={isBusy}
        aria-label={props.label}
        onClick={press}
      >
        {children}
      </button>
      {why !== undefined && !isForbidden && (
        <span class="unseen" id={note}>
          {why}
        </span>
      )}
    </>
  );
}

interface ActionProps extends Omit<ButtonProps, "onClick" | "type" | "isBusy"> {
  /** Does it, and gives what to say then. */
  work: () => Promise<string>;
}

/** A button that does something on the server, and says beside itself what came of it. */
export function Action({ work, changes = true, ...button }: ActionProps) {
  const act = useAct();
  return (
    <div class="action">
      <Button {...button} changes={changes} isBusy={act.isBusy} onClick={() => void act.run(work)} />
      <Outcome text={act.outcome} />
      <ProblemNote problem={act.problem} />
    </div>
  );
}

export function Outcome({ text }: { text: string }) {
  return text ? <span class="outcome">{text}</span> : null;
}
