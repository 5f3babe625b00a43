import { visible } from "../format";

/** A name that comes from a document or a file: shown as it is, and apart from the text around it. */
export function Id({ text }: { text: string }) {
  return <bdi class="id">{visible(text)}</bdi>;
}

/** A longer text of such a kind, over several lines. */
export function Said({ text }: { text: string }) {
  return (
    <bdi class="said" dir="auto">
      {text.split("\n").map(visible).join("\n")}
    </bdi>
  );
}
