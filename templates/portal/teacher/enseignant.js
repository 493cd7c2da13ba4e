// Keeps the live part of a teacher's page as the box knows it. Without it the page works with its "Actualiser" link.
(() => {
  const live = () => document.getElementById('direct');
  if (!live() || !window.EventSource || !window.fetch) return;
  let isBusy = false;
  let isStale = false;

  async function refresh() {
    if (isBusy) { isStale = true; return; }
    isBusy = true;
    isStale = false;
    try {
      const answer = await fetch(location.href.split('#')[0], { credentials: 'same-origin' });
      if (!answer.ok || answer.redirected) { location.reload(); return; }
      const page = new DOMParser().parseFromString(await answer.text(), 'text/html');
      const fresh = page.getElementById('direct');
      if (fresh && fresh.innerHTML !== live().innerHTML) {
        const focused = document.activeElement && document.activeElement.id;
        live().replaceWith(document.adoptNode(fresh));
        if (focused && document.getElementById(focused)) document.getElementById(focused).focus();
      }
      mark(true);
    } catch {
      mark(false);
    } finally {
      isBusy = false;
      if (isStale) refresh();
    }
  }

  function mark(isLive) {
    const sign = document.getElementById('en-direct');
    if (sign) sign.hidden = !isLive;
  }

  const news = new EventSource('/enseignant/flux');
  news.addEventListener('open', refresh);
  news.addEventListener('change', refresh);
  news.addEventListener('error', () => mark(false));
})();
