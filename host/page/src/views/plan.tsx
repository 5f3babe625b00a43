import { useState } from "preact/hooks";
import type { Migrations, Phase, Planned, RunRequest } from "../api/types";
import { useCell } from "../cell";
import { Action } from "../parts/action";
import { useBusy } from "../parts/busy";
import { Input, Select } from "../parts/field";
import { FindingList } from "../parts/findings";
import { Id, Said } from "../parts/foreign";
import { Heading } from "../parts/heading";
import { useLoaded } from "../parts/loaded";
import { Loading } from "../parts/pages";
import { Panel } from "../parts/panel";
import { ProblemNote } from "../parts/problem";
import { Table } from "../parts/table";
import { href } from "../routes";
import { setActivity, shadow, status } from "../state/live";
import { api } from "../state/session";
import { Stages } from "./plan-stages";
import { ShadowPanel } from "./shadow-panel";

interface Goal {
  app: string;
  to: string;
  phase: "" | Phase;
}

export function PlanView() {
  const [goal, setGoal] = useState<Goal>({ app: "", to: "", phase: "" });
  const copies = useCell(shadow);
  const { app, to, phase } = goal;
  const { value, problem } = useLoaded(`${app} ${to} ${phase}`, () => api().plan(query(goal)));
  return (
    <>
      <Heading title="Plan" />
      {copies && <ShadowPanel shadow={copies} />}
      <Panel title="What is pending">
        <GoalForm
          goal={goal}
          onChange={(change) => {
            setGoal({ ...goal, ...change });
          }}
        />
        <ProblemNote problem={problem} />
        {value ? <Shown planned={value} goal={goal} /> : !problem && <Loading />}
      </Panel>
      <MigrationsPanel />
    </>
  );
}

function GoalForm({ goal, onChange }: { goal: Goal; onChange: (change: Partial<Goal>) => void }) {
  const apps = useCell(status)?.apps ?? [];
  return (
    <form class="fields" onSubmit={(event) => event.preventDefault()}>
      <Select
        label="App"
        value={goal.app}
        onChange={(app) => onChange({ app })}
        options={[["", "All apps"], ...apps.map(({ app }): [string, string] => [app, app])]}
      />
      <Select
        label="Phase"
        value={goal.phase}
        onChange={(phase) => onChange({ phase: phase as Goal["phase"] })}
        options={[
          ["", "Offline and online"],
          ["offline", "Offline only"],
          ["online", "Online only"],
        ]}
      />
      <Input
        label="Up to version"
        placeholder="the newest"
        value={goal.to}
        onInput={(to) => onChange({ to })}
      />
    </form>
  );
}

function Shown({ planned, goal }: { planned: Planned; goal: Goal }) {
  const { plan, findings, resumes } = planned;
  const isRefused = findings.some((finding) => finding.severity === "refused");
  return (
    <>
      {findings.length > 0 && <FindingList findings={findings} />}
      {plan.stages.length > 0 ? (
        <>
          <RunActions resumes={resumes} goal={goal} />
          <Stages stages={plan.stages} />
        </>
      ) : (
        <p class="empty">
          {isRefused ? "Nothing can be planned before that is dealt with." : "Everything is up to date."}
        </p>
      )}
    </>
  );
}

function RunActions({ resumes, goal }: { resumes: number | null; goal: Goal }) {
  const blocked = useBusy();
  const isShadow = useCell(status)?.shadow !== undefined;
  const start = (purpose: RunRequest["purpose"]) => async () => {
    setActivity(await api().startRun({ purpose, ...query(goal) }));
    location.hash = href("run");
    return purpose === "shadow" ? "The shadow run is under way" : "The run is under way";
  };
  return (
    <div class="buttons">
      {!isShadow && (
        <Action kind="primary" work={start("up")} blocked={blocked}>
          {resumes === null ? "Run" : `Go on with run ${resumes}`}
        </Action>
      )}
      {resumes === null && (
        <Action
          work={start("shadow")}
          blocked={blocked ?? (goal.phase ? "A shadow run takes both phases" : undefined)}
        >
          {isShadow ? "Go on with the shadow run" : "Shadow run"}
        </Action>
      )}
      <p class="quiet">{whatItDoes(isShadow, resumes !== null)}</p>
    </div>
  );
}

function whatItDoes(isShadow: boolean, isResumed: boolean): string {
  if (isShadow) return "What the application wrote meanwhile is followed.";
  if (isResumed) return "It goes on from where it stopped.";
  return "A run has the store to itself for offline steps. A shadow run migrates copies, while the application goes on.";
}

function query({ app, to, phase }: Goal): { app?: string; to?: string; phase?: Phase } {
  const version = to.trim();
  return { ...(app && { app }), ...(version && { to: version }), ...(phase && { phase }) };
}

function MigrationsPanel() {
  const { value, problem } = useLoaded("migrations", () => api().migrations());
  return (
    <Panel title="Migrations">
      <ProblemNote problem={problem} />
      {value ? <MigrationTable migrations={value} /> : !problem && <Loading />}
    </Panel>
  );
}

function MigrationTable({ migrations }: { migrations: Migrations }) {
  return (
    <>
      <Table
        caption="Migrations of the catalogue"
        rows={migrations.items}
        keyOf={(one) => `${one.app} ${one.version} ${one.file}`}
        empty="There are no migrations."
        columns={[
          { head: "Migration", cell: (one) => `${one.app} ${one.version}`, isName: true },
          { head: "Summary", cell: (one) => <Said text={one.summary} /> },
          { head: "Applied", cell: (one) => one.applied.join(", ") || "no" },
          { head: "Way back", cell: (one) => (one.reverts ? "revert" : "none of its own") },
          { head: "File", cell: (one) => <Id text={one.file} /> },
        ]}
      />
      {migrations.rejected.length > 0 && (
        <ul class="findings">
          {migrations.rejected.map(({ file, reason }) => (
            <li key={file}>
              <p>
                <Id text={file} /> is no valid migration
              </p>
              <Said text={reason} />
            </li>
          ))}
        </ul>
      )}
    </>
  );
}
