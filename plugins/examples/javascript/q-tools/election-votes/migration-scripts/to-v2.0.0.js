// Parties without a name are dropped.

function migrate(item) {
  if (!item.parties) return { isChanged: false };
  const named = item.parties.filter((party) => party.name);
  const isChanged = named.length < item.parties.length;
  if (isChanged) item.parties = named;
  return { isChanged, item };
}

module.exports = { migrate };
