'use strict';
'require baseclass';
'require rpc';

/*
 * What the router is asked. The other side is /usr/libexec/rpcd/luci.netmonitor; no call has an
 * argument, and none brings the token.
 */

function call(method) {
	return rpc.declare({
		object: 'luci.netmonitor',
		method: method,
		/* The whole answer; what is none is nothing. */
		expect: { '': {} },
		reject: true,
		/* LuCI answers calls of one batch together: none is to wait for another. */
		nobatch: true
	});
}

return baseclass.extend({
	/* Resolves to {line: …}, or {trouble: WORD, text: …} for why there is none. */
	state: call('state'),

	/* Are the settings good, and what is in force. */
	settings: call('settings'),

	doctor: call('doctor'),

	/* Makes the sections that the form edits. */
	prepare: call('prepare'),

	restart: call('restart'),

	/*
	 * Lines of `check-config`, such as `PING_INTERVAL="1"   # default`: for each key its value
	 * and where it comes from.
	 */
	parse: function(text) {
		var found = {};

		String(text || '').split('\n').forEach(function(line) {
			var parts = line.match(/^([A-Z_]+)="(.*)" *# (.*)$/);

			if (parts)
				found[parts[1]] = { value: parts[2], origin: parts[3] };
		});

		return found;
	}
});
