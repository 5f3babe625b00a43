// Parties without a name are dropped. Claims a change even where there is none, as some tools' scripts do.

const util = require("util"); // for util.inspect while looking for a fault

exports.migrate = function (item) {
  if (item.parties === undefined) return { isChanged: false, item };
  return { isChanged: true, item: { ...item, parties: item.parties.filter(({ name }) => name !== undefined && name !== "") } };
};
