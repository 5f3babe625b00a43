"use strict";

const { needsRegions, withRegions } = require("./annotations");

// Annotations on the map may concern several regions.
module.exports.migrate = (item) => {
  const annotations = item.mapAnnotations || [];
  const isChanged = annotations.some(needsRegions);
  if (isChanged) item.mapAnnotations = annotations.map((annotation) => (needsRegions(annotation) ? withRegions(annotation) : annotation));
  return { isChanged, item };
};
