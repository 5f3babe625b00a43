import type { Planned, Stage, Step } from "../api/types";
import { counted, shortDigest } from "../format";
import { FindingList } from "../parts/findings";
import { Id } from "../parts/foreign";
import { Table } from "../parts/table";
import { Tag } from "../parts/tag";

/** How much there is to do, and what stands in the way. */
export function PlanSummary({ planned }: { planned: Planned }) {
  const { stages } = planned.plan;
  return (
    <>
      {stages.length > 0 && (
        <ul class="summary">
          {stages.map((stage) => (
            <li key={nameOf(stage)}>
              <StageTitle stage={stage} /> <span class="quiet">{counted(stage.steps.length, "step")}</span>
            </li>
          ))}
        </ul>
      )}
      {planned.findings.length > 0 && <FindingList findings={planned.findings} />}
    </>
  );
}

/** The stages of a plan, each with its steps. */
export function Stages({ stages, done = 0 }: { stages: Stage[]; done?: number }) {
  return (
    <ol class="stages">
      {stages.map((stage, place) => (
        <li key={nameOf(stage)}>
          <h3>
            <StageTitle stage={stage} /> {place < done && <Tag tone="good">done</Tag>}
          </h3>
          <p class="quiet">
            <Id text={stage.file} />, digest <code>{shortDigest(stage.digest)}</code>
          </p>
          <Table
            caption={`Steps of ${nameOf(stage)}`}
            rows={stage.steps}
            keyOf={(step) => `${step.name} ${collectionOf(step)}`}
            empty="It has no steps."
            columns={[
              { head: "Step", cell: (step) => step.name, isName: true },
              { head: "Collection", cell: collectionOf },
              { head: "What it does", cell: workOf },
            ]}
          />
        </li>
      ))}
    </ol>
  );
}

function StageTitle({ stage }: { stage: Stage }) {
  return (
    <>
      <b>{stage.app}</b> {stage.from ? `${stage.from} → ` : ""}
      {stage.version} <Tag tone={stage.phase === "offline" ? "warn" : "busy"}>{stage.phase}</Tag>
    </>
  );
}

function nameOf(stage: Stage): string {
  return `${stage.app} ${stage.version} ${stage.phase}`;
}

function collectionOf(step: Step): string {
  if ("transform" in step) return step.transform.collection;
  const [operation] = Object.values(step.schema) as { collection: string }[];
  return operation?.collection ?? "";
}

function workOf(step: Step): string {
  return "transform" in step ? ofTransform(step.transform) : ofSchema(step.schema);
}

function ofTransform({ mode, reads, writes }: Extract<Step, { transform: unknown }>["transform"]): string {
  const does = mode === "rewrite" ? "rewrites items" : "derives from items";
  const read = reads.length > 0 ? `, reads ${reads.join(", ")}` : "";
  const written = writes.length > 0 ? `, writes ${writes.join(", ")}` : "";
  return `${does}${read}${written}`;
}

function ofSchema(operation: Extract<Step, { schema: unknown }>["schema"]): string {
  if ("ensure_index" in operation) return `keeps an index on ${operation.ensure_index.pointer}`;
  if ("drop_index" in operation) return `drops the index on ${operation.drop_index.pointer}`;
  return operation.create_collection.opaque ? "creates the collection, opaque" : "creates the collection";
}
