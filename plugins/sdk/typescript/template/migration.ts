import { migration, rewrite, unchanged } from "godwit";

export default migration({
  app: "{{app}}",
  version: "{{version}}",
  requires: "{{requires}}",
  summary: "gives every item a list of tags",
  steps: [
    rewrite("tags", "{{collection}}", (item) => {
      if (item === null || typeof item !== "object" || Array.isArray(item)) throw new Error("an item is an object");
      if ("tags" in item) return unchanged;
      item.tags = [];
      return item;
    }),
  ],
});
