/**
 * Grafana's own library, put together as the application does it: which transformations there
 * are, and which settings of fields exist. From frames as a data source gives them to frames as
 * a panel draws them nothing is ours.
 */

import './browser.mjs';
import {
  FieldConfigOptionsRegistry,
  applyFieldOverrides,
  createTheme,
  displayNameOverrideProcessor,
  identityOverrideProcessor,
  numberOverrideProcessor,
  standardTransformers,
  standardTransformersRegistry,
  stringOverrideProcessor,
  thresholdsOverrideProcessor,
  transformDataFrame,
} from '@grafana/data';

export const theme = createTheme({ colors: { mode: 'dark' } });

/** The zone of the browser, which is that of the machine here. */
export const TIME_ZONE = 'browser';

standardTransformersRegistry.setInit(() => Object.values(standardTransformers)
  .filter((transformer, index, all) => all.findIndex(({ id }) => id === transformer.id) === index)
  .map((transformer) => ({
    id: transformer.id, name: transformer.name, transformation: async () => transformer,
  })));

const FIELD_SETTINGS = {
  unit: stringOverrideProcessor,
  min: numberOverrideProcessor,
  max: numberOverrideProcessor,
  decimals: numberOverrideProcessor,
  displayName: displayNameOverrideProcessor,
  noValue: stringOverrideProcessor,
  thresholds: thresholdsOverrideProcessor,
  mappings: identityOverrideProcessor,
  color: identityOverrideProcessor,
  links: identityOverrideProcessor,
};

// Of all kinds of panels together: one that a kind has not got does no harm to it.
const CUSTOM_SETTINGS = [
  'align', 'axisSoftMax', 'axisSoftMin', 'cellOptions', 'drawStyle', 'fillOpacity', 'filterable', 'inspect', 'lineStyle',
  'lineWidth', 'minWidth', 'showPoints', 'spanNulls', 'stacking', 'thresholdsStyle', 'width', 'wrapText',
];

const fieldSettings = new FieldConfigOptionsRegistry(() => [
  ...Object.entries(FIELD_SETTINGS).map(([id, process]) => ({
    id, path: id, name: id, process, shouldApply: () => true,
  })),
  ...CUSTOM_SETTINGS.map((path) => ({
    id: `custom.${path}`, path, name: path, isCustom: true,
    process: identityOverrideProcessor, shouldApply: () => true,
  })),
]);

/**
 * The panel with thresholds that begin at minus infinity, for which JSON has only null. Grafana
 * does so when it loads a dashboard; null would be compared as 0.
 */
export function withThresholds(panel) {
  const { defaults, overrides } = structuredClone(panel.fieldConfig);
  const given = overrides.flatMap(({ properties }) => properties)
    .filter(({ id }) => id === 'thresholds').map(({ value }) => value);
  for (const { steps } of [defaults.thresholds, ...given]) {
    steps[0].value = -Infinity;
  }
  return { ...panel, fieldConfig: { defaults, overrides } };
}

/** What the panel draws of what its queries gave. Throws where Grafana shows an error. */
export async function prepareFrames(panel, frames, replaceVariables) {
  const unknown = (panel.transformations ?? [])
    .find(({ id }) => !standardTransformersRegistry.getIfExists(id));
  if (unknown) {
    throw new Error(`no such transformation: ${unknown.id}`);
  }
  const transformed = await new Promise((resolve, reject) => {
    transformDataFrame(panel.transformations ?? [], frames)
      .subscribe({ next: resolve, error: reject });
  });
  return applyFieldOverrides({
    data: transformed,
    fieldConfig: structuredClone(panel.fieldConfig),
    fieldConfigRegistry: fieldSettings,
    replaceVariables,
    theme,
    timeZone: TIME_ZONE,
  });
}

/** The overrides that no column or series of the panel answers to. */
export function overridesWithoutField(panel, frames, nameOf) {
  const names = new Set(
    frames.flatMap((frame) => frame.fields.map((field) => nameOf(field, frame))));
  return (panel.fieldConfig.overrides ?? [])
    .filter(({ matcher }) => matcher.id === 'byName' && !names.has(matcher.options))
    .map(({ matcher }) => matcher.options);
}
