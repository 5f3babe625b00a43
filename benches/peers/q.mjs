// A server in the manner of Q: posts each item to its tool, and saves each item that comes back on its own.
//
//   node q.mjs DATABASE PORT

import { Agent, request } from "node:http";
import { open } from "./store.mjs";

// Q itself sends all items at once. So many at a time are quicker, over connections that are kept.
const AT_ONCE = 32;

const [path, port] = process.argv.slice(2);
const database = open(path);
const items = database.prepare("SELECT id, body FROM items").all();
const save = database.prepare("UPDATE items SET body = ? WHERE id = ?");
const agent = new Agent({ keepAlive: true, maxSockets: AT_ONCE });

function post(text) {
  return new Promise((resolve, reject) => {
    const options = {
      agent,
      host: "127.0.0.1",
      port,
      path: "/migration",
      method: "POST",
      headers: { "content-type": "application/json", "content-length": Buffer.byteLength(text) },
    };
    const sent = request(options, (response) => {
      const chunks = [];
      response.on("data", (chunk) => chunks.push(chunk));
      response.on("end", () => {
        if (response.statusCode === 200) resolve(JSON.parse(Buffer.concat(chunks)));
        else reject(new Error(`the tool answers ${response.statusCode}`));
      });
    });
    sent.on("error", reject);
    sent.end(text);
  });
}

let next = 0;
async function worker() {
  while (next < items.length) {
    const { id, body } = items[next++];
    const { item } = await post(JSON.stringify({ item: JSON.parse(body) }));
    save.run(JSON.stringify(item), id);
  }
}
await Promise.all(Array.from({ length: AT_ONCE }, worker));
agent.destroy();
