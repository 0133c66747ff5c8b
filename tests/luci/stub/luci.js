/*
 * Plays as much of LuCI's client API as the pages of netmonitor use, as its documentation has it.
 * Written for the tests; nothing here is LuCI's.
 *
 * `window.given` comes before it: `sources` (text of each module by its name), `answers` (of each
 * method of ubus: a value, or {fails: text}), `uci` (packages as lists of sections), `acl` (the
 * file), `mayWrite`, `oldLuci` (in which no file of UCI is no error), `translation` (text by
 * hash). What the page does is in `window.done`.
 *
 * Two things are true to the letter, since mistakes there would be holes: a child that is a bare
 * string is HTML, and only children in a list are text; and a call that the ACL does not name is
 * refused.
 */
'use strict';

(function() {
	var given = window.given;
	var done = window.done = { calls: [], notifications: [], errors: [], polls: [] };

	window.addEventListener('error', function(event) { done.errors.push(event.message); });
	window.addEventListener('unhandledrejection', function(event) {
		done.errors.push(String(event.reason));
	});

	/* %s and %d are all that our texts have. */
	Object.defineProperty(String.prototype, 'format', {
		value: function() {
			var values = Array.prototype.slice.call(arguments);

			return this.replace(/%([sd])/g, function(_all, kind) {
				var value = values.shift();

				return kind === 'd' ? String(parseInt(value, 10)) : String(value);
			});
		}
	});

	function hash(text) {
		var bytes = new TextEncoder().encode(text), hashed = bytes.length, at = 0, rest;
		var word = function(place) { return bytes[place] | bytes[place + 1] << 8; };
		var signed = function(place) { return bytes[place] << 24 >> 24; };

		for (; at + 4 <= bytes.length; at += 4) {
			hashed += word(at);
			hashed = hashed << 16 ^ word(at + 2) << 11 ^ hashed;
			hashed += hashed >>> 11;
		}
		rest = bytes.length - at;
		if (rest === 3) {
			hashed += word(at);
			hashed ^= hashed << 16;
			hashed ^= signed(at + 2) << 18;
			hashed += hashed >>> 11;
		} else if (rest === 2) {
			hashed += word(at);
			hashed ^= hashed << 11;
			hashed += hashed >>> 17;
		} else if (rest === 1) {
			hashed += signed(at);
			hashed ^= hashed << 10;
			hashed += hashed >>> 1;
		}
		hashed ^= hashed << 3;
		hashed += hashed >>> 5;
		hashed ^= hashed << 4;
		hashed += hashed >>> 17;
		hashed ^= hashed << 25;
		hashed += hashed >>> 6;

		return (hashed >>> 0).toString(16).padStart(8, '0');
	}

	window._ = function(text) {
		var of = given.translation[hash(text.trim().replace(/[ \t\n]+/g, ' '))];

		return of === undefined ? text : of;
	};

	function append(node, children) {
		if (Array.isArray(children))
			children.forEach(function(child) {
				if (child instanceof Node)
					node.appendChild(child);
				else if (child !== null && child !== undefined)
					node.appendChild(document.createTextNode(String(child)));
			});
		else if (children instanceof Node)
			node.appendChild(children);
		else if (children !== null && children !== undefined)
			node.innerHTML = String(children);
	}

	/* Of our own: LuCI takes titles and help of forms as HTML. */
	function element(tag, attributes, children) {
		var node = document.createElement(tag);

		Object.keys(attributes || {}).forEach(function(name) {
			if (typeof attributes[name] === 'function')
				node.addEventListener(name, attributes[name]);
			else if (attributes[name] !== null)
				node.setAttribute(name, attributes[name]);
		});
		append(node, children);

		return node;
	}

	/* No page of ours has HTML in a text: whatever is put there could be data. */
	window.E = function(tag, attributes, children) {
		if (typeof children === 'string')
			done.errors.push('HTML: ' + children);

		return element(tag, attributes, children);
	};

	/* A class whose `extend` makes further ones. */
	function classOf(members, parent) {
		var made = function() {
			if (this.__init__)
				this.__init__.apply(this, arguments);
		};

		made.prototype = Object.assign(Object.create(parent ? parent.prototype : {}), members);
		made.extend = function(more) { return classOf(more, made); };

		return made;
	}

	/* ---- ubus ---- */

	function groups() {
		return Object.values(given.acl);
	}

	function allows(scope, object, right) {
		return groups().some(function(group) {
			return [ 'read', 'write' ].some(function(kind) {
				var of = (group[kind] || {})[scope] || {};

				return (kind === 'read' || given.mayWrite) && (of[object] || []).indexOf(right) >= 0;
			});
		});
	}

	function record(object, method, parameters) {
		done.calls.push({ object: object, method: method, params: parameters });
	}

	var rpc = {
		declare: function(options) {
			if (JSON.stringify(options.expect) !== '{"":{}}' || !options.reject)
				throw new Error('the whole answer is wanted, and failures are');

			return function() {
				var answer = given.answers[options.method];

				if (arguments.length)
					return Promise.reject(new Error('no method takes an argument'));
				record(options.object, options.method, {});
				if (!allows('ubus', options.object, options.method))
					return Promise.reject(new Error('Access denied'));
				if (answer === undefined)
					return Promise.reject(new Error('Object not found'));
				if (Array.isArray(answer) && answer.inTurn)
					answer = answer.length > 1 ? answer.shift() : answer[0];
				if (answer.fails)
					return Promise.reject(new Error(answer.fails));
				if (answer.makes)
					Object.assign(given.uci, structuredClone(answer.makes));

				return Promise.resolve(structuredClone(answer));
			};
		}
	};

	/* ---- uci ---- */

	var loaded = {}, changes = [];

	function section(config, id) {
		return (loaded[config] || []).filter(function(one) { return one['.name'] === id; })[0];
	}

	var uci = {
		load: function(config) {
			if (!allows('uci', config, 'read'))
				return Promise.reject(new Error('Access denied'));
			if (!given.uci[config])
				/* Older ones take an answer without values for an empty file. */
				return given.oldLuci ? Promise.resolve([ config ]) :
					Promise.reject(new Error('Resource not found'));
			if (!loaded[config])
				loaded[config] = structuredClone(given.uci[config]);

			return Promise.resolve([ config ]);
		},
		unload: function(config) { delete loaded[config]; },
		sections: function(config, type) {
			return (loaded[config] || []).filter(function(one) { return one['.type'] === type; });
		},
		get: function(config, id, option) {
			var of = section(config, id);

			return of ? of[option] : null;
		},
		set: function(config, id, option, value) {
			section(config, id)[option] = value;
			changes.push([ 'set', config, id, option, value ]);
		},
		unset: function(config, id, option) {
			var of = section(config, id);

			if (of && of[option] !== undefined) {
				delete of[option];
				changes.push([ 'delete', config, id, option ]);
			}
		},
		save: function() {
			changes.splice(0).forEach(function(change) {
				if (!allows('uci', change[1], 'write'))
					throw new Error('Access denied');
				record('uci', change[0], change[0] === 'set' ?
					{ config: change[1], section: change[2], option: change[3], value: change[4] } :
					{ config: change[1], section: change[2], option: change[3] });
			});

			return Promise.resolve();
		}
	};

	/* ---- forms ---- */

	var maps = [];

	var AbstractValue = classOf({
		__init__: function(config, option, title, description) {
			this.config = config;
			this.option = option;
			this.title = title;
			this.description = description;
			this.rmempty = true;
			this.optional = false;
			this.data = {};
			this.choices = [];
		},
		value: function(key, label) { this.choices.push([ key, label === undefined ? key : label ]); },
		validate: function() { return true; },
		load: function(id) { return uci.get(this.config, id, this.option); },
		cfgvalue: function(id, value) {
			if (arguments.length === 2)
				this.data[id] = value;

			return this.data[id];
		},
		formvalue: function() { return this.input.value; },
		problem: function(id) {
			var value = this.formvalue(id), good;

			if (value === '')
				return this.optional || this.rmempty ? null : 'must not be empty';
			good = this.validate(id, value);

			return good === true ? null : good;
		},
		parse: function(id) {
			var problem = this.problem(id), value = this.formvalue(id);

			if (problem)
				throw new TypeError(this.title + ': ' + problem);
			if (value === '')
				uci.unset(this.config, id, this.option);
			else if (value !== this.cfgvalue(id))
				uci.set(this.config, id, this.option, value);
		},
		render: function(id) {
			var self = this, hint = element('div', { 'class': 'problem', 'role': 'alert' }, []);

			this.cfgvalue(id, this.load(id));
			this.input = this.widget(this.cfgvalue(id));
			this.input.addEventListener('change', function() {
				var problem = self.problem(id);

				self.input.classList.toggle('cbi-input-invalid', problem !== null);
				hint.textContent = problem || '';
			});

			return element('div', { 'class': 'cbi-value', 'data-name': this.option }, [
				element('label', { 'class': 'cbi-value-title' }, [ this.title ]),
				element('div', { 'class': 'cbi-value-field' }, [
					this.input, hint,
					element('div', { 'class': 'cbi-value-description' }, this.description || '')
				])
			]);
		}
	});

	var Value = AbstractValue.extend({
		widget: function(value) {
			var input = element('input', {
				'type': this.password ? 'password' : 'text',
				'class': 'cbi-input-text',
				'placeholder': this.placeholder || ''
			}, []);

			input.value = value === null || value === undefined ? '' : value;

			return input;
		}
	});

	var ListValue = AbstractValue.extend({
		widget: function(value) {
			return element('select', { 'class': 'cbi-input-select' }, this.choices.map(function(choice) {
				var option = element('option', { 'value': choice[0] }, [ choice[1] ]);

				option.selected = choice[0] === value;

				return option;
			}));
		}
	});

	var NamedSection = classOf({
		__init__: function(map, id, type, title) {
			this.map = map;
			this.section = this.id = id;
			this.title = title;
			this.tabs = [];
			this.fields = [];
		},
		tab: function(name, title) { this.tabs.push([ name, title ]); },
		option: function(kind, option, title, description) {
			return this.taboption(null, kind, option, title, description);
		},
		taboption: function(tab, kind, option, title, description) {
			var field = new kind(this.map.config, option, title, description);

			field.tab = tab;
			this.fields.push(field);

			return field;
		},
		render: function() {
			var self = this, panes = [];
			var choose = function(chosen) {
				menu.childNodes.forEach(function(item, i) {
					item.className = self.tabs[i][0] === chosen ? 'cbi-tab' : 'cbi-tab-disabled';
				});
				panes.forEach(function(pane) {
					pane.style.display = pane.dataset.tab === chosen ? '' : 'none';
				});
			};
			var menu = element('ul', { 'class': 'cbi-tabmenu' }, this.tabs.map(function(tab) {
				return element('li', { 'data-tab': tab[0] }, [
					element('a', { 'href': '#', 'click': function(event) {
						event.preventDefault();
						choose(tab[0]);
					} }, [ tab[1] ])
				]);
			}));
			var fields = function(tab) {
				return self.fields.filter(function(field) { return field.tab === tab; })
					.map(function(field) { return field.render(self.id); });
			};

			panes = this.tabs.map(function(tab) { return element('div', { 'data-tab': tab[0] }, fields(tab[0])); });
			if (panes.length)
				choose(this.tabs[0][0]);

			return element('div', { 'class': 'cbi-section' }, [
				this.title ? element('h3', {}, [ this.title ]) : null, panes.length ? menu : null
			].concat(panes, fields(null)));
		}
	});

	var Map_ = classOf({
		__init__: function(config, title, description) {
			this.config = config;
			this.title = title;
			this.description = description;
			this.parts = [];
			maps.push(this);
		},
		section: function(kind, id, type, title) {
			var part = new kind(this, id, type, title);

			this.parts.push(part);

			return part;
		},
		render: function() {
			return Promise.resolve(E('div', { 'class': 'cbi-map' }, [
				element('h2', {}, this.title), element('div', { 'class': 'cbi-map-descr' }, this.description)
			].concat(this.parts.map(function(part) { return part.render(); }))));
		},
		/* Nothing is written unless everything is good. */
		save: function() {
			var self = this, problems = [];

			this.parts.forEach(function(part) {
				part.fields.forEach(function(field) {
					var problem = field.problem(part.id);

					if (problem)
						problems.push(field.title + ': ' + problem);
				});
			});
			if (problems.length)
				return Promise.reject(new TypeError(problems.join('\n')));
			this.parts.forEach(function(part) {
				part.fields.forEach(function(field) { field.parse(part.id); });
			});

			/* As LuCI does, each field is loaded anew. */
			return uci.save().then(function() {
				self.parts.forEach(function(part) {
					part.fields.forEach(function(field) { field.cfgvalue(part.id, field.load(part.id)); });
				});
				return self;
			});
		}
	});

	/* ---- the rest ---- */

	var dom = {
		content: function(node, children) {
			if (typeof children === 'string')
				done.errors.push('HTML: ' + children);
			node.textContent = '';
			append(node, children);
		}
	};

	var ui = {
		addNotification: function(title, children, kind) {
			if (typeof children === 'string')
				done.errors.push('HTML: ' + children);

			var notification = element('div', { 'class': 'alert-message ' + (kind || '') }, children);

			done.notifications.push(notification.textContent);
			document.getElementById('notifications').appendChild(notification);

			return notification;
		},
		createHandlerFn: function(context, handler) {
			var run = typeof handler === 'function' ? handler : context[handler];

			return function(event) {
				var button = event.currentTarget;

				button.disabled = true;
				event.preventDefault();

				return Promise.resolve(run.call(context, event)).finally(function() {
					button.disabled = false;
				});
			};
		}
	};

	var View = classOf({
		load: function() {},
		handleSave: function() {
			return Promise.all(maps.map(function(map) { return map.save(); })).catch(function(error) {
				ui.addNotification(null, [ error.message ], 'error');
			});
		},
		handleSaveApply: function() { return this.handleSave(); },
		handleReset: function() {},
		footer: function() {
			var self = this;
			var buttons = [ 'handleSaveApply', 'handleSave', 'handleReset' ].filter(function(name) {
				return self[name];
			}).map(function(name) {
				return element('button', {
					'class': 'btn cbi-button cbi-button-' + (name === 'handleReset' ? 'reset' : 'save'),
					'data-does': name,
					'click': ui.createHandlerFn(self, name)
				}, [ { handleSaveApply: 'Save & Apply', handleSave: 'Save', handleReset: 'Reset' }[name] ]);
			});

			return element('div', { 'class': buttons.length ? 'cbi-page-actions' : '' }, buttons);
		}
	});

	window.L = {
		bind: function(method, self) { return method.bind(self); },
		hasViewPermission: function() { return given.mayWrite; }
	};

	var modules = {
		baseclass: classOf({}), view: View, rpc: rpc, uci: uci, dom: dom, ui: ui,
		form: { Map: Map_, NamedSection: NamedSection, Value: Value, ListValue: ListValue },
		poll: { add: function(look, seconds) { done.polls.push({ look: look, seconds: seconds }); } }
	};

	/* A module by its name, with those that it asks for in its first lines. */
	window.L.require = function(name) {
		var source = given.sources[name], names = [], values = [], made, line;
		var wanted = /^'require ([\w.]+)(?: as (\w+))?';$/gm;

		if (modules[name])
			return modules[name];
		if (source === undefined)
			throw new Error('no module ' + name);
		while ((line = wanted.exec(source))) {
			names.push(line[2] || line[1].split('.').pop());
			values.push(window.L.require(line[1]));
		}
		made = Function.apply(null, [ 'window', 'document', 'L' ].concat(names, source))
			.apply(null, [ window, document, window.L ].concat(values));

		return modules[name] = new made();
	};

	/* As LuCI shows a page: resolves once it stands there. */
	done.start = function(name) {
		var view = window.L.require('view.' + name);

		done.shown = view;

		return Promise.resolve(view.load()).then(view.render.bind(view)).then(function(node) {
			dom.content(document.getElementById('view'), [ node, view.footer() ]);
		});
	};

	/* The pages' next look at the router. */
	done.poll = function() {
		return Promise.all(done.polls.map(function(poll) { return poll.look(); }));
	};
})();
