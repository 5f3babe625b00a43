/** Made-up items: enough to see pages, and ids and bodies of the kind that a page must not trust. */

const WORDS = [
  "wader",
  "estuary",
  "mudflat",
  "tide",
  "flock",
  "moult",
  "ringing",
  "passage",
  "breeding",
  "shore",
];

/** Ids of items that fail, with how they do. Those that are `mended` succeed when they are tried again. */
export const FAILING = [
  { id: "note-00017", kind: "refused", reason: "`name` is a number: a title is a string", mended: true },
  { id: "note-00230", kind: "refused", reason: "`name` is missing", mended: true },
  {
    id: "note-01001",
    kind: "trapped",
    reason:
      "wasm trap: wasm `unreachable` instruction executed\n  at titles::shorten\n  called from titles::migrate",
    mended: false,
  },
  {
    id: '<img src=x onerror="alert(1)">',
    kind: "refused",
    reason: "<script>alert(2)</script> is no title",
    mended: false,
  },
  { id: "quarterly/2026 Q3?draft#1", kind: "timed out", reason: "it took longer than 10 s", mended: false },
  {
    id: "report\u202Efdp.exe",
    kind: "invalid body",
    reason: "the new body is no JSON: expected `,` at 17",
    mended: false,
  },
  {
    id: `attachment-${"0123456789abcdef".repeat(12)}`,
    kind: "too much output",
    reason: "the new body has 24 MiB",
    mended: false,
  },
];

export function notes() {
  const plain = Array.from({ length: 4200 }, (_, number) => [
    `note-${String(number).padStart(5, "0")}`,
    note(number),
  ]);
  const odd = FAILING.filter(({ id }) => !id.startsWith("note-")).map(({ id }, number) => [id, note(number)]);
  return new Map([...plain, ...odd].sort(([a], [b]) => (a < b ? -1 : 1)));
}

export function labels() {
  return new Map(
    WORDS.map((word, number) => [word, { colour: ["red", "teal", "grey"][number % 3], used: number * 7 }]),
  );
}

export function orders() {
  const all = Array.from({ length: 130 }, (_, number) => [
    `order-${String(number + 1).padStart(4, "0")}`,
    { total: 990 + number * 13, currency: "CHF", status: number % 4 === 0 ? "open" : "paid" },
  ]);
  return new Map(all);
}

function note(number) {
  const word = WORDS[number % WORDS.length];
  return {
    name: `${word} ${number}`,
    text: `Seen at the ${WORDS[(number * 3) % WORDS.length]}: a ${word}, and <b>nothing</b> else.`,
    author: { name: ["Ada", "Björn", "千春"][number % 3], id: 9000000000 + number },
    tags: [word, WORDS[(number * 7) % WORDS.length]],
    pinned: number % 9 === 0,
    weight: null,
  };
}

/** What the migration to 2.0.0 makes of a note. */
export function renamed({ name, ...rest }) {
  return { title: name, ...rest };
}
