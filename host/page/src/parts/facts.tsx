import type { ComponentChildren } from "preact";

export type Fact = [name: string, value: ComponentChildren] | false | null | undefined;

/** Names with values; those that are left out are not shown. */
export function Facts({ facts, class: name = "" }: { facts: Fact[]; class?: string }) {
  return (
    <dl class={`facts ${name}`}>
      {facts.map((fact) =>
        fact ? (
          <div key={fact[0]}>
            <dt>{fact[0]}</dt>
            <dd>{fact[1]}</dd>
          </div>
        ) : null,
      )}
    </dl>
  );
}
