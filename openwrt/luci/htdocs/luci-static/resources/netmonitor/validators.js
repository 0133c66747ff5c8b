'use strict';
'require baseclass';

/*
 * Is a value one that the program and its service take? The same rules as exporter/src/config/check.rs
 * and, for commands and paths, those that /etc/init.d/netmonitor has for UCI; a test tries values
 * here and there. Each takes a text that is not empty and returns null, or what is wrong.
 */

/* Longer than anything that makes sense, shorter than anything that hurts. */
var MAX_LENGTH = 1000;

var MAX_INTERFACES = 4, MAX_LISTENERS = 16, MAX_TARGETS = 32, MAX_LOG_SOURCES = 4;

/* Without quotes, so that LuCI's minifier takes none for the begin of a text. */
var WEB = /^https?:\/\/[^\s\u0022\u0027<>\\]+$/i;

var BYTE = '(?:25[0-5]|2[0-4][0-9]|1[0-9]{2}|[1-9]?[0-9])';
var IPV4 = new RegExp('^' + BYTE + '(?:\\.' + BYTE + '){3}$');

function isIPv4(text) {
	return IPV4.test(text);
}

/* How many of the eight groups a part of an address has; NaN if it is none. */
function groups(text) {
	var parts = text === '' ? [] : text.split(':'),
	    last = parts[parts.length - 1],
	    hex = parts;

	if (parts.length && isIPv4(last))
		hex = parts.slice(0, -1);

	return hex.every(function(part) { return (/^[0-9a-f]{1,4}$/i).test(part) }) ?
		hex.length + 2 * (parts.length - hex.length) : NaN;
}

function isIPv6(text) {
	var halves = text.split('::');

	if (halves.length > 2)
		return false;
	if (halves.length === 1)
		return groups(text) === 8;

	/* The first half must not end in dots and digits. */
	return halves[0].indexOf('.') < 0 && groups(halves[0]) + groups(halves[1]) < 8;
}

function isIP(text) {
	return isIPv4(text) || isIPv6(text);
}

function isWeb(text) {
	return WEB.test(text);
}

function covers(one, other) {
	return one === other || (one === '0.0.0.0' && isIPv4(other)) ||
		(one === '::' && isIPv6(other));
}

function isNetwork(text) {
	var parts = text.match(/^([^\/]*)\/([1-9]?[0-9]|1[0-9]{2})$/);

	if (!parts)
		return isIP(text);

	return isIPv4(parts[1]) ? +parts[2] <= 32 : isIPv6(parts[1]) && +parts[2] <= 128;
}

function isHost(text) {
	var labels = text.replace(/\.$/, '').split('.');

	if (isIP(text))
		return true;
	if (text.replace(/\.$/, '').length > 253 || /^[0-9]*$/.test(labels[labels.length - 1]))
		return false;

	return labels.every(function(label) {
		return (/^[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?$/i).test(label);
	});
}

function isInterface(text) {
	return (/^[a-z0-9_.:@-]{1,32}$/i).test(text) && !/^\.+$/.test(text);
}

function words(text) {
	return text.split(/ +/).filter(function(word) { return word !== ''; });
}

/* The first that does not fit, or undefined. */
function unfit(all, fits) {
	return all.filter(function(word) { return !fits(word); })[0];
}

/* For a sentence, which LuCI may show as HTML. */
function quoted(word) {
	return word.substring(0, 40).replace(/[<>&]/g, '?');
}

/* A path that leads nowhere else, below one of the folders. */
function isBelow(text, folders) {
	return !/(^|\/)\.\.(\/|$)/.test(text) && folders.some(function(folder) {
		return text.length > folder.length && text.indexOf(folder) === 0;
	});
}

var RAM_OR_DISK = [ '/tmp/', '/var/', '/mnt/' ];

var checks = {
	choice: function(text, of) {
		return of.choices.indexOf(text) < 0 ? _('Choose one of the list.') : null;
	},

	port: function(text) {
		return (/^[0-9]{1,5}$/).test(text) && +text >= 1 && +text <= 65535 ? null :
			_('Expected a port: a number from 1 to 65535.');
	},

	whole: function(text, of) {
		return (/^[0-9]{1,9}$/).test(text) && +text >= of.min && +text <= of.max ? null :
			_('Expected a whole number from %d to %d.').format(of.min, of.max);
	},

	seconds: function(text, of) {
		var isZero = of.zero && text === '0';

		return isZero || (/^[0-9]{1,9}(\.[0-9]{1,9})?$/.test(text) &&
			+text >= of.min && +text <= of.max) ? null :
			_('Expected seconds from %s to %s.').format(of.min, of.max);
	},

	interfaces: function(text) {
		var all = text.split(/[, ]+/).filter(function(name) { return name !== ''; }),
		    bad = unfit(all, isInterface);

		if (bad !== undefined)
			return _('"%s" is not the name of an interface.').format(quoted(bad));

		return all.length >= 1 && all.length <= MAX_INTERFACES ? null :
			_('Expected one name, or up to %d of the same WAN.').format(MAX_INTERFACES);
	},

	pppoe: function(text) {
		return text === '-' || isInterface(text) ? null :
			_('"%s" is not the name of an interface.').format(quoted(text));
	},

	addresses: function(text) {
		var all = words(text), bad = unfit(all, isIP);

		if (bad !== undefined)
			return _('"%s" is not an address.').format(quoted(bad));
		if (all.length > MAX_LISTENERS)
			return _('Expected at most %d of them.').format(MAX_LISTENERS);

		/* Each is a socket: the system gives no second one for what is covered already. */
		return unfit(all, function(one) {
			return all.filter(function(other) { return covers(other, one) }).length === 1;
		}) === undefined ? null : _('An address is named twice, or covered by 0.0.0.0 or ::.');
	},

	networks: function(text) {
		var bad = unfit(words(text), isNetwork);

		return bad === undefined ? null : _('"%s" is not an address or a network.').format(quoted(bad));
	},

	token: function(text) {
		return (/^[!-~]{1,256}$/).test(text) ? null :
			_('Expected up to 256 letters, digits and signs of ASCII, without spaces.');
	},

	targets: function(text) {
		var hosts = words(text).map(function(word) {
		    	return word.replace(/@(domestic|international)$/, '');
		    }),
		    bad = unfit(hosts, function(host) { return isHost(host) && host !== 'gateway'; });

		if (bad !== undefined)
			return _('"%s" is not an address or a host name.').format(quoted(bad));
		if (hosts.length > MAX_TARGETS)
			return _('Expected at most %d of them.').format(MAX_TARGETS);

		return unfit(hosts, function(host) {
			return hosts.indexOf(host) === hosts.lastIndexOf(host);
		}) === undefined ? null : _('A target is named twice.');
	},

	host: function(text) {
		return isHost(text) ? null : _('"%s" is not an address or a host name.').format(quoted(text));
	},

	queueFile: function(text) {
		return isBelow(text, RAM_OR_DISK) && /\/net_events[^\/]*\.json$/.test(text) ? null :
			_('Expected a file below /tmp, /var or /mnt whose name is net_events.json or begins with net_events and ends in .json.');
	},

	rttFile: function(text) {
		return isBelow(text, [ '/tmp/', '/var/' ]) ? null :
			_('Expected a file below %s.').format('/tmp, /var');
	},

	logs: function(text) {
		var all = text.split(','),
		    names = [ 'auto', 'logread', 'kmsg', 'none' ],
		    bad = unfit(all, function(word) {
		    	return names.indexOf(word) >= 0 ||
		    		(word.indexOf('file:') === 0 && isBelow(word.substring(5), RAM_OR_DISK));
		    });

		if (bad !== undefined)
			return _('"%s": expected auto, logread, kmsg, none, or file: and a path below /tmp, /var or /mnt.').format(quoted(bad));
		if (all.length > 1 && all.indexOf('none') >= 0)
			return _('"none" stands alone.');

		return all.length <= MAX_LOG_SOURCES ? null :
			_('Expected at most %d of them.').format(MAX_LOG_SOURCES);
	},

	sensor: function(text) {
		if (text.indexOf('/') < 0)
			return null;

		return isBelow(text, [ '/sys/' ]) && (/\/temp[^\/]*$/).test(text) ? null :
			_('Expected a name, or a path below /sys that ends in a file temp….');
	},

	names: function(text, of) {
		var bad = unfit(text.split(/[, ]+/), function(word) {
			return word === '' || of.names.indexOf(word) >= 0;
		});

		return bad === undefined ? null :
			_('"%s": expected some of %s.').format(quoted(bad), of.names.join(' '));
	},

	web: function(text) {
		return isWeb(text) ? null :
			_('Expected an address that begins with http:// or https://.');
	}
};

return baseclass.extend({
	/* An address that a link may lead to. */
	isWeb: isWeb,

	/* Of an option of the form: true, or what is wrong. Empty: not set. */
	check: function(option, value) {
		var text = value === null || value === undefined ? '' : String(value);

		if (text === '')
			return true;
		if (text.length > MAX_LENGTH)
			return _('Expected at most %d characters.').format(MAX_LENGTH);
		if (/[\u0000-\u001f\u007f]/.test(text))
			return _('Expected one line without control characters.');
		/* The program would cut them off; paths must be as they were checked. */
		if (text !== text.trim())
			return _('Expected no spaces at the beginning or the end.');

		return checks[option.check](text, option) || true;
	}
});
