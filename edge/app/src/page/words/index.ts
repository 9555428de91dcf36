// The page's words. Elements name theirs with data-word (text) or data-word-label (accessible name and tooltip).
// What only one kind of output has to say stands with that kind, in src/outputs.
import type { Language, Speech } from '../../outputs/kind';
import { de } from './de';
import { en, type Words } from './en';

export type Word = keyof Words;

const LANGUAGES: Record<Language, Words> = { en, de };
const STORED = 'densezoo.language';

function firstLanguage(): Language {
  const stored = localStorage.getItem(STORED);
  if (stored === 'en' || stored === 'de') return stored;
  return navigator.language.toLowerCase().startsWith('de') ? 'de' : 'en';
}

let language = firstLanguage();
const listeners = new Set<() => void>();

function filled(text: string, values: Record<string, string | number>): string {
  return text.replace(/\{(\w+)\}/g, (whole, name: string) => String(values[name] ?? whole));
}

/** The word in the page's language, `{name}` replaced by `values.name`. */
export function say(word: Word, values: Record<string, string | number> = {}): string {
  return filled(LANGUAGES[language][word], values);
}

export function number(value: number, digits = 0): string {
  return value.toLocaleString(language, { minimumFractionDigits: digits, maximumFractionDigits: digits });
}

/** A share in per cent; one that is there, but too small for its digits, is not called nothing. */
export function percent(share: number, digits = share > 0 && share < 0.0995 ? 1 : 0): string {
  const least = 10 ** (-2 - digits);
  if (share > 0 && share < least / 2) return `< ${percent(least, digits)}`;
  return share.toLocaleString(language, { style: 'percent', minimumFractionDigits: digits, maximumFractionDigits: digits });
}

/** The page's language for those who bring their own words. */
export const speech: Speech = {
  phrase: (words, key, values = {}) => filled(words[language][key], values),
  number,
  percent,
};

/** Long times do without tenths. */
export function milliseconds(value: number): string {
  return `${number(value, value < 100 ? 1 : 0)} ms`;
}

export function bytes(length: number): string {
  if (length < 1e6) return `${number(length / 1e3, length < 1e4 ? 1 : 0)} kB`;
  return `${number(length / 1e6, 1)} MB`;
}

function apply(): void {
  document.documentElement.lang = language;
  document.title = say('title');
  for (const element of document.querySelectorAll<HTMLElement>('[data-word]')) {
    element.textContent = say(element.dataset.word as Word);
  }
  for (const element of document.querySelectorAll<HTMLElement>('[data-word-label]')) {
    const label = say(element.dataset.wordLabel as Word);
    element.setAttribute('aria-label', label);
    if (element.tagName === 'BUTTON') element.title = label;
  }
}

/** `listener` redraws what is not in the page's markup; it is called after every change of language. */
export function onLanguage(listener: () => void): void {
  listeners.add(listener);
}

export function nextLanguage(): void {
  language = language === 'en' ? 'de' : 'en';
  localStorage.setItem(STORED, language);
  apply();
  for (const listener of listeners) listener();
}

export function startWords(): void {
  apply();
}
