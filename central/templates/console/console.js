// What a little script adds: parts that renew themselves when something changed. Pages work without it.
'use strict';

const live = document.querySelector('[data-live]');
if (live && window.EventSource) {
  let waiting = false;
  const renew = async () => {
    if (waiting || document.hidden || live.contains(document.activeElement)) return;
    waiting = true;
    try {
      const answer = await fetch(location.href, {headers: {accept: 'text/html'}});
      if (answer.ok && !answer.redirected) {
        const page = new DOMParser().parseFromString(await answer.text(), 'text/html');
        const fresh = page.querySelector('[data-live]');
        if (fresh) live.replaceChildren(...fresh.childNodes);
      }
    } finally { waiting = false; }
  };
  new EventSource(live.dataset.live).addEventListener('change', renew);
  document.addEventListener('visibilitychange', renew);
}
