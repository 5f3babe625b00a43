import { useState } from "preact/hooks";
import type { Pacing } from "../api/types";
import { useAct } from "../parts/act";
import { Button, Outcome } from "../parts/action";
import { Input } from "../parts/field";
import { ProblemNote } from "../parts/problem";
import { setActivity } from "../state/live";
import { api } from "../state/session";

type Fields = Record<"items_per_second" | "duty" | "rest" | "batch_bytes", string>;

const UNBOUND: Fields = { items_per_second: "", duty: "", rest: "", batch_bytes: "" };
/** What the host feeds at once at most. */
const MOST_BATCH_BYTES = 16 * 1024 * 1024;

interface Props {
  run: number;
  pacing: Pacing | null;
  /** Another process's batches have the size that is set where it runs. */
  isOther: boolean;
}

/** How fast a run may go. An empty field is no bound. */
export function ThrottleForm({ run, pacing, isOther }: Props) {
  const [fields, setFields] = useState<Fields>(fieldsOf(pacing));
  const act = useAct();
  const set = (name: keyof Fields) => (value: string) => {
    setFields({ ...fields, [name]: value });
  };
  const apply = (wanted: Fields, outcome: string) =>
    act.run(async () => {
      setActivity(await api().throttle(run, pacingOf(wanted)));
      setFields(wanted);
      return outcome;
    });
  const { items_per_second, duty, rest, batch_bytes } = fields;
  return (
    <form
      class="throttle"
      aria-label="Throttle"
      onSubmit={(event) => {
        event.preventDefault();
        void apply(fields, "The pace is set");
      }}
    >
      <div class="fields">
        <Input
          label="Items a second"
          type="number"
          min={1}
          value={items_per_second}
          onInput={set("items_per_second")}
          placeholder="any number"
        />
        <Input
          label="Duty, percent of the time"
          type="number"
          min={1}
          max={100}
          value={duty}
          onInput={set("duty")}
          placeholder="100"
        />
        <Input
          label="Rest after a batch, ms"
          type="number"
          min={0}
          value={rest}
          onInput={set("rest")}
          placeholder="0"
        />
        {!isOther && (
          <Input
            label="Bytes of a batch"
            type="number"
            min={1}
            max={MOST_BATCH_BYTES}
            value={batch_bytes}
            onInput={set("batch_bytes")}
            placeholder="as configured"
          />
        )}
      </div>
      {isOther && <p class="quiet">How many bytes a batch has is set on the command line: godwit batch.</p>}
      <div class="buttons">
        <Button type="submit" kind="primary" changes isBusy={act.isBusy}>
          Set the pace
        </Button>
        <Button changes onClick={() => void apply(UNBOUND, "Nothing holds it back")}>
          Let it go
        </Button>
        <Outcome text={act.outcome} />
      </div>
      <ProblemNote problem={act.problem} />
    </form>
  );
}

function fieldsOf(pacing: Pacing | null): Fields {
  const text = (value: number | null | undefined) => (value ? String(value) : "");
  return {
    items_per_second: text(pacing?.items_per_second),
    duty: text(pacing?.duty),
    rest: text(pacing?.rest),
    batch_bytes: text(pacing?.batch_bytes),
  };
}

function pacingOf(fields: Fields): Pacing {
  const number = (text: string) => (text === "" ? null : Number(text));
  return {
    items_per_second: number(fields.items_per_second),
    duty: number(fields.duty),
    rest: Number(fields.rest),
    batch_bytes: number(fields.batch_bytes),
  };
}
