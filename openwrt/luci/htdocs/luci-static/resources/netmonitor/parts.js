'use strict';
'require baseclass';
'require netmonitor.validators as validators';

/*
 * Pieces that the pages are made of. What comes from the router or its line goes into text nodes
 * only: children are always arrays, for LuCI takes a bare string as HTML.
 */

/* Classes that LuCI's themes colour; the word inside says the same. */
var KINDS = {
	good: 'label success',
	warning: 'label warning',
	bad: 'label important danger',
	plain: 'label'
};

return baseclass.extend({
	badge: function(kind, text) {
		return E('span', { 'class': KINDS[kind], 'style': 'white-space:normal' }, [ text ]);
	},

	/* A moment in one piece; anything else is a text as others. */
	moment: function(text) {
		return (/^[0-9-]{10} [0-9:]{8}$/).test(text) ?
			E('span', { 'style': 'white-space:nowrap' }, [ text ]) : text;
	},

	heading: function(text) {
		return E('h3', {}, [ text ]);
	},

	/* A sentence, and buttons for what can be done. */
	notice: function(kind, sentences, buttons) {
		var lines = sentences.map(function(sentence) {
			return E('p', {}, [ sentence ]);
		});

		return E('div', { 'class': 'alert-message ' + kind }, lines.concat(
			buttons && buttons.length ? [ E('p', {}, buttons) ] : []));
	},

	/* What a program has said, line by line as it did. */
	said: function(text) {
		return E('pre', { 'style': 'white-space:pre-wrap;overflow-wrap:anywhere' }, [ text ]);
	},

	/* Rows of [name, node or text]. */
	facts: function(rows) {
		return E('table', { 'class': 'table' }, rows.map(function(row) {
			return E('tr', { 'class': 'tr' }, [
				E('td', { 'class': 'td left', 'width': '33%' }, [ row[0] ]),
				E('td', { 'class': 'td left' }, [].concat(row[1]))
			]);
		}));
	},

	/* Rows of cells: texts or nodes. `nothing` is said where there are no rows. */
	table: function(titles, rows, nothing) {
		var head = E('tr', { 'class': 'tr table-titles' }, titles.map(function(title) {
			return E('th', { 'class': 'th' }, [ title ]);
		}));

		if (!rows.length)
			return E('p', {}, [ E('em', {}, [ nothing ]) ]);

		return E('table', { 'class': 'table' }, [ head ].concat(rows.map(function(row) {
			return E('tr', { 'class': 'tr' }, row.map(function(cell, i) {
				return E('td', { 'class': 'td left', 'data-title': titles[i] }, [].concat(cell));
			}));
		})));
	},

	/* A link, if the address is one of the web; nothing for all others. */
	link: function(address, text) {
		return validators.isWeb(address || '') ?
			E('a', { 'href': address, 'target': '_blank', 'rel': 'noreferrer noopener' }, [ text ]) :
			null;
	}
});
