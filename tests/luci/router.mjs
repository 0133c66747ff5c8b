/** What a router answers to the pages: one of each kind, and how they differ. */

export const line = {
  version: '0.1.0', time: '2026-11-23 20:14:05', internet: 'up', wan: 'up', pppoe: 'up',
  ping: [
    { target: '223.5.5.5', scope: 'domestic', rtt: 6.2, loss: 0 },
    { target: '8.8.8.8', scope: 'international', rtt: 148.7, loss: 1.7 },
    { target: '198.51.100.1', scope: 'gateway', rtt: 2.4, loss: 0 },
  ],
  light: {
    source: 'eeprom', rx: -19.3, tx: 2.4, signal: true,
    low_alarm: null, low_warning: null, high_warning: null, high_alarm: null,
  },
  cpu_temp: 52.8,
  outages: [
    { time: '2026-11-23 03:12:40', seconds: 83.2, ongoing: false, cause: 'discovery', side: 'provider' },
    { time: '2026-11-21 18:40:02', seconds: 7260, ongoing: false, cause: 'optical_signal', side: 'line' },
    { time: '2026-11-19 09:00:11', seconds: 41, ongoing: false, cause: 'planned_redial', side: 'house' },
  ],
  events: [
    { time: '2026-11-23 03:14:03', type: 'outage_end', message: 'The internet was gone for 1 min 23 s: the line works, and no access server answers the dial (the provider)', seq: 45, ts: 1 },
    { time: '2026-11-23 03:14:02', type: 'pppoe_up', message: 'PPPoE session is up with the address 198.51.100.7', seq: 44, ts: 1 },
    { time: '2026-11-23 03:13:10', type: 'pppoe_padi_timeout', message: 'No access server answers', seq: 43, ts: 1 },
    { time: '2026-11-23 03:12:41', type: 'wan_down', message: 'WAN is down', seq: 42, ts: 1 },
    { time: '2026-11-23 03:12:40', type: 'pppoe_down', message: 'PPPoE session is down', seq: 41, ts: 1 },
  ],
};

const file = `WAN_IFACE="wan"                                  # /etc/netmonitor.conf line 14
PING_INTERVAL="2"                                # /etc/netmonitor.conf line 40
TOKEN=""                                         # default
OPTICAL_SOURCE="command:/usr/bin/ont …"          # /etc/netmonitor.conf line 74
# the settings are good`;

export const settings = {
  good: true, text: 'the settings are good', in_force: file, without_uci: file,
  token_files: ['/etc/netmonitor.token'], grafana: 'http://192.168.1.2:3000/',
};

export const sections = () => ({
  netmonitor: [
    { '.name': 'cfg01', '.type': 'netmonitor' },
    { '.name': 'luci', '.type': 'luci' },
  ],
});

/** A router where all is well; `answers` in place of some of its own. */
export function router(answers = {}, more = {}) {
  return {
    answers: {
      state: { line }, settings, doctor: { text: 'netmonitor-exporter 0.1.0' }, prepare: {},
      restart: { good: true, text: '' }, ...answers,
    },
    uci: sections(),
    ...more,
  };
}

export const withLine = (changes, more) => router({ state: { line: { ...line, ...changes } } }, more);
