/**
 * JSON texts for people: indented, and each token as it is in the text. Numbers that JavaScript cannot hold, members that are
 * there twice and the order of members stay.
 */

export type TokenKind = "name" | "string" | "number" | "word" | "mark";

export interface Token {
  kind: TokenKind;
  text: string;
}

const TOKEN = /\s*(?:("(?:[^"\\]|\\.)*")|(-?\d[\d.eE+-]*)|(true|false|null)|([{}[\],:]))/y;
const INDENT = "  ";

/** The tokens of an indented text, with the space between them; `null` where the text is no JSON. */
export function pretty(text: string): Token[] | null {
  if (!isJson(text)) return null;
  const tokens = scan(text);
  const laid: Token[] = [];
  let depth = 0;
  tokens.forEach((token, place) => {
    const [before, after] = [tokens[place - 1]?.text, tokens[place + 1]?.text];
    const isClosing = token.text === "}" || token.text === "]";
    if (isClosing) depth -= 1;
    if (before !== undefined) laid.push({ kind: "mark", text: space(before, token.text, depth) });
    if (token.text === "{" || token.text === "[") depth += 1;
    const isName = token.kind === "string" && after === ":";
    laid.push(isName ? { kind: "name", text: token.text } : token);
  });
  return laid.filter((token) => token.text !== "");
}

function space(before: string, here: string, depth: number): string {
  const line = `\n${INDENT.repeat(depth)}`;
  if (before === "{" || before === "[") return here === "}" || here === "]" ? "" : line;
  if (before === "," || here === "}" || here === "]") return line;
  return before === ":" ? " " : "";
}

function scan(text: string): Token[] {
  const found: Token[] = [];
  TOKEN.lastIndex = 0;
  for (let match = TOKEN.exec(text); match; match = TOKEN.exec(text)) {
    const [, string, number, word, mark] = match;
    if (string !== undefined) found.push({ kind: "string", text: string });
    else if (number !== undefined) found.push({ kind: "number", text: number });
    else if (word !== undefined) found.push({ kind: "word", text: word });
    else found.push({ kind: "mark", text: mark ?? "" });
  }
  return found;
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}
