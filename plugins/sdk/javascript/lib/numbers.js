// Numbers that JavaScript can't hold: `JSON.parse` would round them, and `JSON.stringify` would print another number.

/** Finds all text with such a number, and some without: 15 digits always fit, and so do exponents below 100. */
const suspicious = /\d(?:[\d.]{15}|[eE][+-]?\d{3})/;

/** Parses JSON so that numbers which don't fit print as they came. */
export function parseExactly(text) {
  if (!suspicious.test(text)) return JSON.parse(text);
  return JSON.parse(text, (_, value, { source }) => (fits(value, source) ? value : JSON.rawJSON(source)));
}

/** Fails if the text has a number that doesn't fit. */
export function refuseRounding(text) {
  if (!suspicious.test(text)) return;
  JSON.parse(text, (_, value, { source }) => {
    if (!fits(value, source)) throw new Error(`JavaScript would change the number ${source}; the option \`as: "exact"\` keeps it`);
  });
}

const fits = (value, source) => typeof value !== "number" || digits(String(value)) === digits(source);

/** The digits that matter: those of 0.0120 and 1.2e-2 are the same. */
const digits = (number) => number.replace(/[eE].*/, "").replace(/[-.]/g, "").replace(/^0+|0+$/g, "");
