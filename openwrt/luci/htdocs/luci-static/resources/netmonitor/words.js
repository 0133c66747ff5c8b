'use strict';
'require baseclass';

/*
 * The words for what the program names: states, causes and sides of outages, types of events.
 * A name that is not here, of a newer program, is shown as it is. A test asks the program for
 * all names.
 */

var STATES = {
	up: _('up'),
	down: _('down'),
	unknown: _('unknown')
};

var CAUSES = {
	local_link: _('the WAN port had no link'),
	optical_signal: _('no light, or too little, on the fibre'),
	discovery: _('no access server answered the dial'),
	access_refused: _('the session was refused'),
	provider_terminated: _('the provider ended the session'),
	access_server_silent: _('the access server fell silent'),
	dhcp: _('no address by DHCP'),
	gateway: _('the gateway was dead'),
	beyond_gateway: _('nothing answered behind the gateway'),
	dns: _('the name servers did not answer'),
	planned_redial: _('dialled anew on request'),
	router_restart: _('the router restarted'),
	administrator: _('somebody took the line down'),
	unknown: _('not known')
};

var SIDES = {
	provider: _('provider'),
	line: _('line'),
	house: _('this house'),
	unknown: _('not known')
};

var EVENTS = {
	pppoe_up: _('PPPoE is up'),
	pppoe_down: _('PPPoE is down'),
	pppoe_lcp_term: _('Session ended by the provider'),
	pppoe_padt: _('Session cut by the provider'),
	pppoe_auth_fail: _('Login refused'),
	pppoe_padi_timeout: _('No access server answered'),
	pppoe_discovery_timeout: _('Dial not completed'),
	pppoe_lcp_echo_timeout: _('Access server silent'),
	pppoe_negotiation_timeout: _('Negotiation not completed'),
	pppoe_local_term: _('Session ended by this router'),
	pppoe_ac_error: _('Error of the access server'),
	wan_up: _('WAN is up'),
	wan_down: _('WAN is down'),
	wan6_up: _('IPv6 is up'),
	wan6_down: _('IPv6 is down'),
	wan_ip_changed: _('New address'),
	dhcp_lease_obtained: _('Address by DHCP'),
	dhcp_lease_lost: _('DHCP lease lost'),
	dhcp_nak: _('DHCP refused the address'),
	dhcp_no_lease: _('No answer by DHCP'),
	kernel_carrier_lost: _('Cable without signal'),
	kernel_link_up: _('Link is up'),
	kernel_link_down: _('Link is down'),
	kernel_tx_timeout: _('Network card hung'),
	sfp_inserted: _('Optical module inserted'),
	sfp_removed: _('Optical module removed'),
	dsl_down: _('DSL lost'),
	router_boot: _('Router started'),
	time_stepped: _('Clock corrected'),
	log_source_lost: _('Log cannot be read'),
	outage_start: _('Outage begins'),
	outage_end: _('Outage is over'),
	test: _('Test')
};

var LIGHT = {
	'normal': _('normal'),
	'weak': _('weak'),
	'too weak': _('too weak'),
	'strong': _('strong'),
	'too strong': _('too strong'),
	'none': _('no light'),
	'unknown': _('not told by the module'),
	'untold': ''
};

function of(words, name) {
	return Object.prototype.hasOwnProperty.call(words, name) ? words[name] : String(name);
}

return baseclass.extend({
	CAUSES: CAUSES,
	SIDES: SIDES,
	EVENTS: EVENTS,

	state: function(name) { return of(STATES, name); },
	cause: function(name) { return of(CAUSES, name); },
	side: function(name) { return of(SIDES, name); },
	event: function(name) { return of(EVENTS, name); },
	light: function(name) { return of(LIGHT, name); },

	/* 83 as `1 min 23 s`. */
	span: function(seconds) {
		var whole = Math.round(seconds),
		    hours = Math.floor(whole / 3600),
		    minutes = Math.floor(whole / 60) % 60;

		if (hours > 0)
			return _('%d h %d min').format(hours, minutes);
		if (minutes > 0)
			return _('%d min %d s').format(minutes, whole % 60);

		return _('%d s').format(whole);
	},

	/* With one decimal and a real minus; a dash for what is not known. */
	number: function(value, unit) {
		return typeof value === 'number' ?
			value.toFixed(1).replace('-', '\u2212') + '\u00a0' + unit : '\u2013';
	}
});
