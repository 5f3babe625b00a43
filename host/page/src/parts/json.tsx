import { pretty, type Token } from "../pretty";

/** Colours need an element for each token: texts that are longer than this go without. */
const LONGEST_COLOURED = 100_000;

/** A body as it is stored: indented where it is JSON, else as it is. */
export function BodyText({ text, label }: { text: string; label: string }) {
  const tokens = pretty(text);
  return (
    <section class="json" aria-label={label} tabIndex={0}>
      <pre dir="ltr">{tokens ? shown(tokens, text.length) : text}</pre>
    </section>
  );
}

function shown(tokens: Token[], length: number) {
  if (length > LONGEST_COLOURED) return tokens.map((token) => token.text).join("");
  return tokens.map((token, place) => (
    <span key={place} class={token.kind}>
      {token.text}
    </span>
  ));
}
