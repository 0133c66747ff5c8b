'use strict';
'require view';
'require form';
'require uci';
'require ui';
'require netmonitor.service as service';
'require netmonitor.troubles as troubles';
'require netmonitor.options as options';
'require netmonitor.validators as validators';
'require netmonitor.parts as parts';

/* As the program has it: a list of UCI is its items with spaces between. */
function asText(value) {
	return Array.isArray(value) ? value.join(' ') : value;
}

/* What counts while the field is empty: an earlier section, the file, the default. */
function fallback(option, file) {
	var earlier = uci.sections('netmonitor', 'netmonitor').slice(0, -1).map(function(section) {
	    	return asText(section[option.key.toLowerCase()]);
	    }).filter(function(value) { return value !== undefined; }),
	    given = file[option.key];

	return earlier.length ? earlier[earlier.length - 1] : given ? given.value : option.initial;
}

function described(option) {
	return option.restart ?
		option.help + ' ' + _('Takes effect after a restart of the service.') : option.help;
}

/* Its choices are files of this router. */
function ofRouter(option, settings) {
	return option.key === 'TOKEN_FILE' ?
		Object.assign({}, option, { choices: settings.token_files || [] }) : option;
}

/*
 * What is set and no choice is offered too: a list that did not have it would show the first
 * choice, and the next save would take away what nobody has touched.
 */
function offered(option, section_id) {
	var set = uci.get('netmonitor', section_id, option.key.toLowerCase());

	return option.choices.concat(set && option.choices.indexOf(set) < 0 ? set : []);
}

/* The field of one option of the program. */
function add(section, option, file) {
	var isChoice = option.check === 'choice',
	    unset = fallback(option, file),
	    field = section.taboption(option.tab, isChoice ? form.ListValue : form.Value,
	    	option.key.toLowerCase(), option.title, described(option));

	if (isChoice) {
		field.value('', unset === '' ? _('not set') : _('not set here (%s)').format(unset));
		offered(option, section.section).forEach(function(choice) {
			field.value(choice, option.labels && option.labels[choice] || choice);
		});
	}
	else {
		field.placeholder = unset;
		field.load = function(section_id) {
			return asText(uci.get('netmonitor', section_id, this.option));
		};
	}

	field.password = option.secret === true;
	field.rmempty = true;
	field.optional = true;
	field.validate = function(section_id, value) {
		/* Of what is set already the service judges: it keeps nobody from saving the rest. */
		return value === asText(uci.get('netmonitor', section_id, this.option)) ||
			validators.check(option, value);
	};

	return field;
}

/* The token and its file, which exclude each other, wherever they are set. */
function exclude(keys, fields, file) {
	keys.forEach(function(key, i) {
		var check = fields[key].validate,
		    other = keys[1 - i];

		fields[key].validate = function(section_id, value) {
			var good = check.call(this, section_id, value);

			if (good !== true || !value)
				return good;
			if (fields[other].formvalue(section_id))
				return _('Keep one of them: the token or its file.');

			return file[other] && file[other].value ?
				_('/etc/netmonitor.conf has %s; keep one of them.').format(other) : true;
		};
	});
}

function newest(sections) {
	return sections[sections.length - 1]['.name'];
}

return view.extend({
	load: function() {
		return service.settings().catch(troubles.ofError).then(L.bind(function(settings) {
			/* Who may not write may not read UCI either: the token stands there. */
			if (settings.trouble || L.hasViewPermission() === false)
				return settings;

			return this.loadUci().then(function(trouble) {
				return trouble || settings;
			});
		}, this));
	},

	/* Resolves to what is wrong, or null. LuCI has loaded nothing, or an error, where no file is. */

	loadUci: function() {
		var load = function() {
			return uci.load('netmonitor').then(function() {
				return uci.sections('netmonitor', 'netmonitor').length > 0 &&
					uci.sections('netmonitor', 'luci').length > 0;
			}, function() { return false; });
		};

		return load().then(function(there) {
			if (there)
				return null;

			uci.unload('netmonitor');

			return service.prepare().then(function(made) {
				return made.trouble ? made : load().then(function(there) {
					return there ? null : { trouble: 'uci' };
				});
			}, troubles.ofError);
		});
	},

	render: function(settings) {
		if (settings.trouble || L.hasViewPermission() === false)
			/* No buttons to save with. */
			this.handleSaveApply = this.handleSave = this.handleReset = null;

		if (settings.trouble)
			return E('div', {}, [ E('h2', {}, [ 'netmonitor' ]), troubles.notice(settings, null) ]);

		return L.hasViewPermission() === false ?
			this.renderInForce(settings) : this.renderForm(settings);
	},

	/* For those who may look and not change: the token is asterisks here. */
	renderInForce: function(settings) {
		var force = service.parse(settings.in_force);

		return E('div', {}, [
			E('h2', {}, [ 'netmonitor' ]),
			E('p', {}, [ _('You may look at the settings and not change them.') ]),
			parts.table([ _('Setting'), _('Value'), _('From') ],
				options.OPTIONS.filter(function(option) {
					return force[option.key];
				}).map(function(option) {
					var given = force[option.key];

					return [ option.title, given.value, given.origin ];
				}),
				settings.text || _('The settings cannot be read.'))
		]);
	},

	renderForm: function(settings) {
		var file = service.parse(settings.without_uci),
		    sections = uci.sections('netmonitor', 'netmonitor'),
		    map = new form.Map('netmonitor', 'netmonitor',
		    	_('What is left empty counts as /etc/netmonitor.conf has it, or else the default; the field shows it in grey.')),
		    section = map.section(form.NamedSection, newest(sections), 'netmonitor'),
		    fields = {},
		    page;

		options.TABS.forEach(function(tab) {
			section.tab(tab[0], tab[1]);
		});
		options.OPTIONS.forEach(function(option) {
			fields[option.key] = add(section, ofRouter(option, settings), file);
		});
		exclude(options.EITHER, fields, file);

		page = map.section(form.NamedSection, newest(uci.sections('netmonitor', 'luci')), 'luci',
			_('This page'));
		page.option(form.Value, options.GRAFANA.key, options.GRAFANA.title, options.GRAFANA.help)
			.validate = function(section_id, value) {
				return validators.check(options.GRAFANA, value);
			};

		return map.render().then(L.bind(function(node) {
			var notices = [];

			if (settings.good === false)
				notices.push(troubles.badSettings(settings.text));
			if (sections.length > 1)
				notices.push(parts.notice('warning', [
					_('/etc/config/netmonitor has %d sections. Of each option the last one counts; the form shows the last section.').format(sections.length)
				]));

			return E('div', {}, notices.concat(node, E('div', { 'class': 'cbi-section' }, [
				E('p', {}, [ _('Some settings take effect only after a restart of the service; they say so.') ]),
				E('button', {
					'class': 'btn cbi-button cbi-button-action',
					'click': ui.createHandlerFn(this, 'restart')
				}, [ _('Restart') ])
			])));
		}, this));
	},

	restart: function() {
		return service.restart().then(function(done) {
			ui.addNotification(null, done.good ?
				E('p', {}, [ _('The service runs with the settings that are saved.') ]) :
				parts.said(done.text), done.good ? 'info' : 'error');
		}, function(error) {
			ui.addNotification(null, E('p', {}, [ String(error.message || error) ]), 'error');
		});
	}
});
