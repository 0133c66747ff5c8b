'use strict';
'require view';
'require dom';
'require ui';
'require netmonitor.service as service';
'require netmonitor.troubles as troubles';
'require netmonitor.parts as parts';

/* For browsers, and addresses without HTTPS, where a page may not write to the clipboard. */
function copySelected(node) {
	var range = document.createRange(),
	    selection = window.getSelection();

	range.selectNodeContents(node);
	selection.removeAllRanges();
	selection.addRange(range);

	return document.execCommand('copy');
}

function copy(node) {
	var clipboard = window.navigator.clipboard;

	if (!clipboard || !window.isSecureContext)
		return Promise.resolve(copySelected(node));

	return clipboard.writeText(node.textContent).then(function() {
		return true;
	}, function() {
		return copySelected(node);
	});
}

return view.extend({
	look: function() {
		dom.content(this.place, [ E('p', { 'class': 'spinning' }, [ _('Looking at this router …') ]) ]);

		return service.doctor().then(L.bind(this.show, this), L.bind(function(error) {
			dom.content(this.place, [ troubles.notice(troubles.ofError(error), null) ]);
		}, this));
	},

	show: function(answer) {
		var said = parts.said(answer.text || ''),
		    told = E('span', { 'role': 'status' });

		dom.content(this.place, [
			E('p', {}, [
				E('button', {
					'class': 'btn cbi-button',
					'click': ui.createHandlerFn(this, function() {
						return copy(said).then(function(done) {
							dom.content(told, [ ' ', done ?
								_('Copied.') : _('Select the text and copy it by hand.') ]);
						});
					})
				}, [ _('Copy') ]),
				told
			]),
			said
		]);
	},

	render: function() {
		this.place = E('div', { 'id': 'netmonitor-doctor' });

		return E('div', {}, [
			E('h2', {}, [ 'netmonitor' ]),
			E('p', {}, [ _('What is found on this router, source by source, what is missing, and what can be done. It takes some ten seconds, and holds no token and no hardware address: it can be handed on as it is.') ]),
			E('p', {}, [ E('button', {
				'class': 'btn cbi-button cbi-button-action important',
				'click': ui.createHandlerFn(this, 'look')
			}, [ _('Run doctor') ]) ]),
			this.place
		]);
	},

	handleSaveApply: null,
	handleSave: null,
	handleReset: null
});
