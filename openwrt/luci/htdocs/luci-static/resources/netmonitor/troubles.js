'use strict';
'require baseclass';
'require ui';
'require netmonitor.parts as parts';

/*
 * What is said where there is no state of the line to show, and what can be done about it. The
 * words for each trouble are those of /usr/libexec/rpcd/luci.netmonitor.
 */

var TROUBLES = {
	missing: {
		sentence: _('The program is not installed: install the package netmonitor-exporter.')
	},
	old: {
		sentence: _('The installed program is older than this page: bring the package netmonitor-exporter up to date.'),
		said: true
	},
	uci: {
		sentence: _('/etc/config/netmonitor cannot be read: correct it, or remove it.'),
		said: true
	},
	foreign: {
		sentence: _('What answers here is another program, or one of another version: see the port under Settings.')
	},
	settings: {
		sentence: _('The settings are bad, so nothing is measured. Correct them under Settings, or in /etc/netmonitor.conf.'),
		said: true
	},
	disabled: {
		sentence: _('It is switched off: "Enabled" on the page Settings is 0.')
	},
	stopped: {
		sentence: _('The service does not run.'),
		said: true,
		button: _('Start')
	},
	silent: {
		sentence: _('The service runs and does not answer yet. After a change of port or addresses it needs a restart.'),
		said: true,
		button: _('Restart')
	},
	unreachable: {
		sentence: _('The router does not answer this page. If netmonitor was installed just now, log out and in again, or restart the service rpcd.'),
		said: true
	}
};

return baseclass.extend({
	/* What a call that failed is told as. */
	ofError: function(error) {
		return { trouble: 'unreachable', text: String(error && error.message || error) };
	},

	/* `restart`: what the button does; null for those who may not. */
	notice: function(answer, restart) {
		var of = TROUBLES[answer.trouble] || TROUBLES.unreachable,
		    buttons = [],
		    notice;

		if (of.button && restart)
			buttons.push(E('button', {
				'class': 'btn cbi-button cbi-button-apply',
				'click': ui.createHandlerFn(this, restart)
			}, [ of.button ]));

		notice = parts.notice('warning', [ of.sentence ], buttons);

		if (of.said && answer.text)
			notice.appendChild(parts.said(answer.text));

		return notice;
	},

	/* Of settings that were saved and could not be taken. */
	badSettings: function(text) {
		var notice = parts.notice('warning',
			[ _('The settings that were saved last are bad. The service that runs keeps the previous ones.') ]);

		notice.appendChild(parts.said(text));

		return notice;
	}
});
