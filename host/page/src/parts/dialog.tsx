import type { ComponentChildren } from "preact";
import { useEffect, useId, useRef } from "preact/hooks";
import { useAct } from "./act";
import { Button } from "./action";
import { ProblemNote } from "./problem";

interface Props {
  title: string;
  /** What the confirming button says. */
  verb: string;
  kind?: "primary" | "danger";
  /** Why it cannot be confirmed yet. */
  blocked?: string | undefined;
  work: () => Promise<string>;
  onClose: () => void;
  children: ComponentChildren;
}

/** Asks before something is done, says what it does, and stays open where it fails. */
export function ConfirmDialog(props: Props) {
  const { title, verb, kind = "danger", blocked, work, onClose, children } = props;
  const dialog = useRef<HTMLDialogElement>(null);
  const heading = useId();
  const act = useAct();
  useEffect(() => dialog.current?.showModal(), []);
  const confirm = async () => {
    if (await act.run(work)) dialog.current?.close();
  };
  return (
    <dialog ref={dialog} aria-labelledby={heading} onClose={onClose}>
      <form
        onSubmit={(event) => {
          event.preventDefault();
          void confirm();
        }}
      >
        <h2 id={heading}>{title}</h2>
        {children}
        <ProblemNote problem={act.problem} />
        <footer class="buttons">
          <Button onClick={() => dialog.current?.close()}>Leave it</Button>
          <Button type="submit" kind={kind} isBusy={act.isBusy} blocked={blocked} changes>
            {verb}
          </Button>
        </footer>
      </form>
    </dialog>
  );
}
