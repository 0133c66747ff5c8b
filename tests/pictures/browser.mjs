/**
 * Grafana's data library expects a browser around it. What it looks at while it is loaded is
 * here, and is therefore imported before it.
 */

Object.defineProperty(globalThis, 'navigator', {
  value: { userAgent: 'node', platform: '', language: 'en-GB', languages: ['en-GB'] },
  configurable: true,
});

// Transformations ask it whether their options still have variables in them: ours never have.
globalThis.window = { __grafanaSceneContext: {}, location: { href: '', search: '' } };
