// j and k: the next claim and the one before; without this file everything can still be read.
document.addEventListener('keydown', event => {
  if (event.ctrlKey || event.metaKey || event.altKey || !'jk'.includes(event.key)) return;
  const claims = [...document.querySelectorAll('section.claim')];
  const step = event.key === 'j' ? 1 : -1;
  const now = claims.findIndex(c => c === document.activeElement);
  const next = claims[now < 0 ? 0 : Math.min(Math.max(now + step, 0), claims.length - 1)];
  if (next) { next.focus(); next.scrollIntoView(); }
});
