'use strict';
'require baseclass';

/*
 * Is there enough light? By the module's own limits where it tells them, else by what
 * docs/normal-ranges.md says of GPON; a test compares the numbers.
 */

/* dBm */
var GPON = {
	low_alarm: -30,
	low_warning: -28,
	high_warning: -8
};

var SENT = { low: 1, high: 5 };

function known(value) {
	return typeof value === 'number';
}

function limits(light) {
	var own = known(light.low_alarm) || known(light.low_warning) ||
		known(light.high_warning) || known(light.high_alarm);

	return own ? light : GPON;
}

return baseclass.extend({
	GPON: GPON,
	SENT: SENT,

	/* 'module' or 'gpon': whose limits count. */
	whose: function(light) {
		return limits(light) === light ? 'module' : 'gpon';
	},

	/* [lowest, highest] that is normal; null where nobody says. */
	band: function(light) {
		var of = limits(light);

		return [
			known(of.low_warning) ? of.low_warning : known(of.low_alarm) ? of.low_alarm : null,
			known(of.high_warning) ? of.high_warning : known(of.high_alarm) ? of.high_alarm : null
		];
	},

	/* 'normal', 'weak', 'too weak', 'strong', 'too strong', 'none' or 'unknown'. */
	received: function(light) {
		var of = limits(light);

		if (!known(light.rx))
			return light.signal === false ? 'none' : 'unknown';
		if (known(of.low_alarm) && light.rx < of.low_alarm)
			return 'too weak';
		if (known(of.low_warning) && light.rx < of.low_warning)
			return 'weak';
		if (known(of.high_alarm) && light.rx > of.high_alarm)
			return 'too strong';
		if (known(of.high_warning) && light.rx > of.high_warning)
			return 'strong';

		return 'normal';
	},

	/* Of other kinds than GPON nobody says what is normal to send. */
	sent: function(light) {
		if (!known(light.tx))
			return 'unknown';
		if (this.whose(light) === 'module')
			return 'untold';

		return light.tx < SENT.low ? 'weak' : light.tx > SENT.high ? 'strong' : 'normal';
	}
});
