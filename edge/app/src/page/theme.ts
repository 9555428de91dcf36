// Light or dark: the device's choice until the visitor makes one.
const STORED = 'densezoo.theme';

function current(): 'light' | 'dark' {
  const chosen = document.documentElement.dataset.theme;
  if (chosen === 'light' || chosen === 'dark') return chosen;
  return matchMedia('(prefers-color-scheme: dark)').matches ? 'dark' : 'light';
}

export function startTheme(button: HTMLElement): void {
  const stored = localStorage.getItem(STORED);
  if (stored === 'light' || stored === 'dark') document.documentElement.dataset.theme = stored;
  button.addEventListener('click', () => {
    const next = current() === 'dark' ? 'light' : 'dark';
    document.documentElement.dataset.theme = next;
    localStorage.setItem(STORED, next);
  });
}
