// A tool in the manner of Q: a server of its own, which gets each item by a POST and answers with what became of it.
//
//   node tool.mjs          prints the port that it listens on

import { createServer } from "node:http";
import { change } from "./change.mjs";

const server = createServer((request, response) => {
  const chunks = [];
  request.on("data", (chunk) => chunks.push(chunk));
  request.on("end", () => {
    const { item } = JSON.parse(Buffer.concat(chunks));
    response.setHeader("content-type", "application/json");
    response.end(JSON.stringify({ item: change(item) }));
  });
});
server.listen(0, "127.0.0.1", () => console.log(server.address().port));
