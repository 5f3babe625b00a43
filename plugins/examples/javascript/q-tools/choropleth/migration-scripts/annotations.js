exports.needsRegions = (annotation) => !annotation.regions;

exports.withRegions = ({ region, ...annotation }) => ({ ...annotation, regions: [region] });
