// Stands in for the modules of Node.js that are not there in a migration: what names them loads, what calls them fails.

const none = (name) => () => {
  throw new Error(`a migration has no \`${name}\` of Node.js`);
};

module.exports = new Proxy({}, {
  get: (_, name) => (typeof name === "string" && name !== "__esModule" ? none(name) : undefined),
});
