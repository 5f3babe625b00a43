import { brief, visible } from "../format";

/** A name that comes from a document or a file: shown as it is, and apart from the text around it. */
export function Id({ text, longest }: { text: string; longest?: number }) {
  return <bdi class="id">{longest === undefined ? visible(text) : brief(text, longest)}</bdi>;
}

/** So much of an id is shown in a list. */
export const IN_LIST = 80;

/** A longer text of such a kind, over several lines. */
export function Said({ text }: { text: string }) {
  return (
    <bdi class="said" dir="auto">
      {text.split("\n").map(visible).join("\n")}
    </bdi>
  );
}
