'use strict';
'require baseclass';

/*
 * The settings that the form shows, each once: with its key, where it stands, how it is checked
 * (validators.js), and what counts where nobody says anything. Keys, defaults and what wants a
 * restart are the program's (exporter/src/config/settings.rs); a test asks it.
 */

var TABS = [
	[ 'line', _('Line') ],
	[ 'pings', _('Pings') ],
	[ 'access', _('Access') ],
	[ 'events', _('Events') ],
	[ 'sensors', _('Sensors') ]
];

var SWITCH = [ '0', '1' ];

var OPTIONS = [
	{
		key: 'ENABLED', tab: 'line', check: 'choice', choices: SWITCH, initial: '1',
		title: _('Enabled'),
		help: _('Whether the service is started.'),
		labels: { '0': _('0: not started'), '1': _('1: started') }
	},
	{
		key: 'WAN_IFACE', tab: 'line', check: 'interfaces', initial: 'wan',
		title: _('WAN'),
		help: _('Interface of OpenWrt or device of the line; several names of the same WAN with commas.')
	},
	{
		key: 'PPPOE_IFACE', tab: 'line', check: 'pppoe', initial: 'pppoe-wan',
		title: _('PPPoE device'),
		help: _('A dash alone: the line has no PPPoE.')
	},
	{
		key: 'WAN_POLL_INTERVAL', tab: 'line', check: 'seconds', min: 1, max: 86400, zero: true, initial: '30',
		title: _('Check the WAN every'),
		help: _('Seconds between two checks of a WAN that is up; 0: only when something changes.')
	},
	{
		key: 'PING_TARGETS', tab: 'pings', check: 'targets', initial: '223.5.5.5 8.8.8.8@international',
		title: _('Targets'),
		help: _('Addresses or names, with spaces between them. @international after one: far away, more time is no trouble. An outage wants two of different networks.')
	},
	{
		key: 'PING_INTERVAL', tab: 'pings', check: 'seconds', min: 0.2, max: 600, initial: '1',
		title: _('Interval'),
		help: _('Seconds between two pings of one target.')
	},
	{
		key: 'PING_TIMEOUT', tab: 'pings', check: 'seconds', min: 0.1, max: 10, initial: '1',
		title: _('Timeout'),
		help: _('Seconds after which a ping counts as lost.')
	},
	{
		key: 'PING_GATEWAY', tab: 'pings', check: 'choice', choices: SWITCH, initial: '1',
		title: _('Ping the gateway'),
		help: _('It tells whether a fault lies before the provider or behind.'),
		labels: { '0': _('0: no'), '1': _('1: the default gateway or the other end of PPP too') }
	},
	{
		key: 'DNS_NAME', tab: 'pings', check: 'host', initial: '',
		title: _('Look up this name'),
		help: _('Every 10 seconds, at each name server of the provider; empty: none.')
	},
	{
		key: 'API_PORT', tab: 'access', check: 'port', initial: '8321', restart: true,
		title: _('Port'),
		help: _('Where Prometheus and the bridge ask.')
	},
	{
		key: 'LISTEN', tab: 'access', check: 'addresses', initial: '0.0.0.0', restart: true,
		title: _('Addresses'),
		help: _('Of this router, to answer on; 0.0.0.0: all of IPv4.')
	},
	{
		key: 'ALLOWED_IPS', tab: 'access', check: 'networks', initial: '',
		title: _('Who may ask'),
		help: _('Addresses or networks, with spaces between them; empty: all. This page always may.')
	},
	{
		key: 'TOKEN', tab: 'access', check: 'token', initial: '', secret: true,
		title: _('Token'),
		help: _('A secret that each request has to carry: give it to Prometheus and the bridge as well. This page does not need it.')
	},
	{
		key: 'TOKEN_FILE', tab: 'access', check: 'choice', choices: [], initial: '',
		title: _('File of the token'),
		help: _('In place of the token: a file that holds it. Those are listed whose path begins with /etc/netmonitor.')
	},
	{
		key: 'MAX_EVENTS', tab: 'events', check: 'whole', min: 1, max: 10000, initial: '200',
		title: _('Events kept'),
		help: _('How many can be read, from 1 to 10000; the oldest go first.')
	},
	{
		key: 'QUEUE_FILE', tab: 'events', check: 'queueFile', initial: '/tmp/net_events.json', restart: true,
		title: _('File of events'),
		help: _('It is written often: /tmp is in memory and spares the flash.')
	},
	{
		key: 'LOG_SOURCE', tab: 'events', check: 'logs', initial: 'auto',
		title: _('Logs'),
		help: _('auto, logread, kmsg, none, or file: and a path; several with commas.')
	},
	{
		key: 'LOG_LEVEL', tab: 'events', check: 'choice', choices: [ '0', '1', '2', '3', '4' ], initial: '3',
		title: _('Own log'),
		help: _('What the program says of itself in the log of the system.'),
		labels: {
			'0': _('0: nothing'), '1': _('1: errors'), '2': _('2: warnings'),
			'3': _('3: information'), '4': _('4: everything')
		}
	},
	{
		key: 'OPTICAL_SOURCE', tab: 'sensors', check: 'choice', initial: 'auto',
		choices: [ 'auto', 'eeprom', 'hwmon', 'gpon', 'ubus', 'none' ],
		title: _('Optical power'),
		help: _('auto takes the first that answers. A command of your own can be set in /etc/netmonitor.conf only.')
	},
	{
		key: 'TEMP_SOURCE', tab: 'sensors', check: 'sensor', initial: 'auto',
		title: _('CPU temperature'),
		help: _('auto, none, the name of a sensor, or a path below /sys.')
	},
	{
		key: 'LCP_RTT_FILE', tab: 'sensors', check: 'rttFile', initial: '',
		title: _('File of LCP echo times'),
		help: _('What lcp-rtt-file of pppd names; empty: not read.')
	},
	{
		key: 'DISABLE', tab: 'sensors', check: 'names', initial: '',
		names: [
			'conntrack', 'dns', 'lcp_echo', 'link', 'loadavg', 'memory', 'netdev', 'optical', 'ping',
			'pppoe', 'process', 'thermal', 'time', 'wan', 'logread', 'file', 'kmsg', 'ubus'
		],
		title: _('Leave out'),
		help: _('Collectors and logs by name, with spaces between them.')
	}
];

/* Of the page, not of the program. */
var GRAFANA = {
	key: 'grafana_url', check: 'web',
	title: _('Address of Grafana'),
	help: _('Such as http://192.168.1.2:3000/; the overview links there.')
};

return baseclass.extend({
	TABS: TABS,
	OPTIONS: OPTIONS,
	GRAFANA: GRAFANA,

	/* With both of them in force the settings are bad. */
	EITHER: [ 'TOKEN', 'TOKEN_FILE' ]
});
