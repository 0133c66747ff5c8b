'use strict';
'require view';
'require poll';
'require dom';
'require ui';
'require netmonitor.service as service';
'require netmonitor.troubles as troubles';
'require netmonitor.light as light';
'require netmonitor.words as words';
'require netmonitor.parts as parts';

/* One process on the router each time; the figures are of the last minute. */
var SECONDS_BETWEEN = 5;

var STATE_KINDS = { up: 'good', down: 'bad' };

function state(name) {
	return parts.badge(STATE_KINDS[name] || 'plain', words.state(name));
}

var LIGHT_KINDS = {
	'normal': 'good',
	'weak': 'warning',
	'strong': 'warning',
	'too weak': 'bad',
	'too strong': 'bad',
	'none': 'bad'
};

function judged(name) {
	var word = words.light(name);

	return word ? [ ' ', parts.badge(LIGHT_KINDS[name] || 'plain', word) ] : [];
}

function band(of) {
	var limits = light.band(of),
	    whose = light.whose(of) === 'module' ?
	    	_('the module\'s own limits') : _('limits of GPON, class B+');

	if (limits[0] === null || limits[1] === null)
		return [];

	return [ E('div', {}, [ E('small', {}, [
		_('normal: %s to %s (%s)').format(
			words.number(limits[0], 'dBm'), words.number(limits[1], 'dBm'), whose)
	]) ]) ];
}

function received(of) {
	var judgement = light.received(of),
	    value = typeof of.rx === 'number' ? [ words.number(of.rx, 'dBm') ] : [];

	return value.concat(judged(judgement), band(of));
}

function facts(line) {
	var rows = [
		[ _('Internet'), state(line.internet) ],
		[ _('WAN'), state(line.wan) ],
		[ _('PPPoE'), line.pppoe ? state(line.pppoe) : _('not used on this line') ]
	];

	if (line.light) {
		rows.push([ _('Light received'), received(line.light) ]);
		rows.push([ _('Light sent'),
			[ words.number(line.light.tx, 'dBm') ].concat(judged(light.sent(line.light))) ]);
	}
	else {
		rows.push([ _('Light received'),
			_('no optics that can be read; Diagnosis says why') ]);
	}

	if (typeof line.cpu_temp === 'number')
		rows.push([ _('CPU'), words.number(line.cpu_temp, '°C') ]);

	return parts.facts(rows);
}

function target(ping) {
	return ping.scope === 'gateway' ? _('gateway') :
		ping.scope === 'international' ? _('%s (far away)').format(ping.target) : ping.target;
}

function pings(line) {
	return parts.table(
		[ _('Target'), _('Answers after'), _('Lost') ],
		line.ping.map(function(ping) {
			return [ target(ping), words.number(ping.rtt, 'ms'), words.number(ping.loss, '%') ];
		}),
		_('Nothing is pinged.'));
}

function outages(line) {
	return parts.table(
		[ _('Begin'), _('Duration'), _('Cause'), _('Side') ],
		line.outages.map(function(outage) {
			return [
				parts.moment(outage.time),
				outage.ongoing ?
					[ parts.badge('bad', _('now')), ' ', words.span(outage.seconds) ] :
					words.span(outage.seconds),
				words.cause(outage.cause),
				words.side(outage.side)
			];
		}),
		_('None recorded.'));
}

function events(line) {
	return parts.table(
		[ _('Time'), _('Event'), _('Details') ],
		line.events.map(function(event) {
			return [ parts.moment(event.time), words.event(event.type), event.message ];
		}),
		_('None recorded.'));
}

function glance(line) {
	return [
		facts(line),
		parts.heading(_('Pings of the last minute')), pings(line),
		parts.heading(_('Last outages')), outages(line),
		parts.heading(_('Last events')), events(line),
		E('p', {}, [ E('small', {}, [
			_('netmonitor %s, router\'s time %s').format(line.version, line.time)
		]) ])
	];
}

return view.extend({
	/* Of the settings only what is wrong, and Grafana's address: asked once, for it takes longer. */
	load: function() {
		return Promise.all([
			service.settings().catch(function() { return {}; }),
			this.ask()
		]);
	},

	ask: function() {
		return service.state().catch(troubles.ofError);
	},

	restart: function() {
		return service.restart().then(L.bind(function(done) {
			if (!done.good)
				ui.addNotification(null, parts.said(done.text), 'error');

			return this.ask().then(L.bind(this.show, this));
		}, this), function(error) {
			ui.addNotification(null, E('p', {}, [ String(error.message || error) ]), 'error');
		});
	},

	show: function(answer) {
		var children;

		try {
			children = answer.line && glance(answer.line);
		}
		catch (error) {
			/* A state of another shape must not leave an old one on the page. */
			answer = { trouble: 'foreign' };
		}

		dom.content(this.place, children ||
			[ troubles.notice(answer, this.mayChange ? L.bind(this.restart, this) : null) ]);
	},

	render: function(answers) {
		var settings = answers[0],
		    grafana = parts.link(settings.grafana, _('Charts and history in Grafana')),
		    children = [ E('h2', {}, [ 'netmonitor' ]) ];

		this.mayChange = L.hasViewPermission() !== false;
		this.place = E('div', { 'id': 'netmonitor-state', 'style': 'overflow-wrap:anywhere' });

		if (settings.good === false)
			children.push(troubles.badSettings(settings.text));

		this.show(answers[1]);
		poll.add(L.bind(function() {
			return this.ask().then(L.bind(this.show, this));
		}, this), SECONDS_BETWEEN);

		return E('div', {}, children.concat(this.place, grafana ? E('p', {}, [ grafana ]) : []));
	},

	handleSaveApply: null,
	handleSave: null,
	handleReset: null
});
