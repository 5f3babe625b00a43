// What every peer does to a document: one member gets another name, one is added.

export function change(document) {
  const { description, ...others } = document;
  return { ...others, summary: description, tags: [] };
}
