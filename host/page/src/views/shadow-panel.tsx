import { useState } from "preact/hooks";
import type { ShadowStats } from "../api/types";
import { count, counted, milliseconds } from "../format";
import { Button } from "../parts/action";
import { useBusy } from "../parts/busy";
import { ConfirmDialog } from "../parts/dialog";
import { Facts } from "../parts/facts";
import { Meter } from "../parts/meter";
import { Panel } from "../parts/panel";
import { Tag } from "../parts/tag";
import { href, quarantineHref } from "../routes";
import { setActivity } from "../state/live";
import { api } from "../state/session";

type Verb = "finalize" | "reset";

/** How far the shadow run is, and the two ways out of it. */
export function ShadowPanel({ shadow }: { shadow: ShadowStats }) {
  const [asked, setAsked] = useState<Verb | null>(null);
  const [copied, of] = shadow.copied;
  const busy = useBusy();
  return (
    <Panel title="Shadow run" aside={<Tag tone={shadow.is_ready ? "good" : "busy"}>{stateOf(shadow)}</Tag>}>
      <Meter label="Items copied" done={copied} total={of} />
      <Facts
        facts={[
          ["For", `${shadow.app ?? "all apps"}, ${shadow.to ?? "the newest version"}`],
          ["Collections", shadow.collections.join(", ")],
          ["Writes to follow", count(shadow.waiting)],
          ["Failed, not accepted", <Failed open={shadow.open} />],
          [
            "Finalizing would hold the application for",
            shadow.blocks_for === null ? "nobody knows" : milliseconds(shadow.blocks_for),
          ],
          shadow.deferred.length > 0 && [
            "Left to the end",
            shadow.deferred.map(([step, items]) => `${step} (${counted(items, "item")})`).join("; "),
          ],
        ]}
      />
      <div class="buttons">
        <Button
          kind="primary"
          changes
          blocked={busy ?? whyNotFinal(shadow)}
          onClick={() => setAsked("finalize")}
        >
          Finalize …
        </Button>
        <Button kind="danger" changes blocked={busy} onClick={() => setAsked("reset")}>
          Reset …
        </Button>
      </div>
      {asked && <Asking verb={asked} onClose={() => setAsked(null)} />}
    </Panel>
  );
}

function Failed({ open }: { open: number }) {
  if (open === 0) return <>{count(0)}</>;
  return <a href={quarantineHref(true)}>{counted(open, "copy", "copies")}: to the quarantine</a>;
}

function stateOf(shadow: ShadowStats): string {
  return shadow.is_ready && shadow.state === "following" ? "ready" : shadow.state;
}

function whyNotFinal(shadow: ShadowStats): string | undefined {
  if (shadow.state === "resetting") return "It is being dropped";
  return shadow.open > 0 ? "Items failed in the copies" : undefined;
}

const TEXTS: Record<Verb, { title: string; what: string }> = {
  finalize: {
    title: "Finalize the shadow run?",
    what: "What the application wrote is followed. Then the application is held off, the last of it is followed, and all collections change places in one commit. Interrupted anywhere, the same action goes on.",
  },
  reset: {
    title: "Reset the shadow run?",
    what: "The copies are dropped, with all that was done in them. The live items stay as they are.",
  },
};

function Asking({ verb, onClose }: { verb: Verb; onClose: () => void }) {
  const { title, what } = TEXTS[verb];
  const work = async () => {
    setActivity(await api().startRun({ purpose: verb }));
    location.hash = href("run");
    return verb === "finalize" ? "The shadow run is being finalized" : "The shadow run is being dropped";
  };
  return (
    <ConfirmDialog
      title={title}
      verb={verb === "finalize" ? "Finalize" : "Reset"}
      kind={verb === "finalize" ? "primary" : "danger"}
      work={work}
      onClose={onClose}
    >
      <p>{what}</p>
    </ConfirmDialog>
  );
}
